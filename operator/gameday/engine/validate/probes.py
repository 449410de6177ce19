"""Checks of probes' times that no schema can express; each kind checks its own fields."""

from collections.abc import Iterator
from typing import Final

from gameday.engine.cel.expressions import ExpressionError, compile_expression
from gameday.engine.validate.names import FIELD
from gameday.model.finding import Finding
from gameday.model.plan import Expectation, Mode, Plan, Stage

SHORTEST: Final = 1.0
"""Shortest time between two requests of a probe, in seconds; they are whole seconds anyway."""
LONGEST: Final = 3600.0
"""Longest time between two requests, in seconds."""
LONGEST_JUDGED: Final = 300.0
"""Longest time between two requests of a probe that an expectation reads, in seconds: its stage waits for a sample that
was sent after its end, and that of the outage does so under the faults."""
PATIENCE: Final = 300.0
"""Longest that a request may take, in seconds."""


def check_probes(plan: Plan) -> Iterator[Finding]:
    """Everything that is wrong with the times of a plan's probes."""
    judged = _judged(plan)
    for index, probe in enumerate(plan.probes):
        path = f"spec.probes[{index}]"
        if not SHORTEST <= probe.every <= LONGEST:
            yield Finding(f"{path}.interval", "write a time from 1s to 1h")
        elif probe.every > LONGEST_JUDGED and probe.name in judged:
            text = (
                f"expectation {judged[probe.name]!r} reads this probe, and its stage waits for a sample that was sent "
                "after its end: write at most 5m"
            )
            yield Finding(f"{path}.interval", text)
        if not SHORTEST <= probe.timeout <= PATIENCE:
            yield Finding(f"{path}.timeout", "write a time from 1s to 5m")
    yield from _too_seldom(plan)


def _too_seldom(plan: Plan) -> Iterator[Finding]:
    """Expectations in whose time no request of a probe may fall, so chance decides whether they can be judged."""
    intervals = {probe.name: probe.every for probe in plan.probes}
    for stage in Stage:
        for index, expectation in enumerate(plan.expectations(stage)):
            try:
                names = compile_expression(expectation.expression).probes
            except ExpressionError:
                continue  # It is a finding of its own.
            known = [(intervals[name], name) for name in names if name in intervals]
            length = _length(plan, stage, expectation)
            if known and length is not None and 0 < length < min(known)[0] <= LONGEST_JUDGED:
                every, name = min(known)
                yield Finding(
                    f"spec.{FIELD[stage]}.expect[{index}].{expectation.mode.value}",
                    f"it is judged on {length:g} s, and probe {name!r} asks every {every:g} s, so there may be no "
                    "sample to judge: give the probe a shorter interval, or the expectation more time",
                )


def _length(plan: Plan, stage: Stage, expectation: Expectation) -> float | None:
    """Seconds in which it must be seen to hold; None for an ``always`` of the recovery, whose end is open."""
    lengths = {
        Stage.STEADY_STATE: plan.steady_state.duration,
        Stage.OUTAGE: plan.outage.duration,
        Stage.RECOVERY: plan.recovery.within,
    }
    if expectation.mode is Mode.ALWAYS:
        return None if stage is Stage.RECOVERY else lengths[stage] - expectation.after
    return lengths[stage] if expectation.within is None else expectation.within


def _judged(plan: Plan) -> dict[str, str]:
    """The probes that expectations read, each with the name of the first that does."""
    judged: dict[str, str] = {}
    for _, expectation in plan.all_expectations():
        try:
            names = compile_expression(expectation.expression).probes
        except ExpressionError:
            continue  # It is a finding of its own.
        for name in names:
            judged.setdefault(name, expectation.name)
    return judged
