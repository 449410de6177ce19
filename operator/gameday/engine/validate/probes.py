"""Checks of probes' times that no schema can express; each kind checks its own fields."""

from collections.abc import Iterator
from typing import Final

from gameday.engine.cel.expressions import ExpressionError, compile_expression
from gameday.model.finding import Finding
from gameday.model.plan import Plan

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
