"""The largest status that a drill of a plan may come to need: it must fit, or the plan is refused when it is read.

Messages and the timeline are not counted: they are shortened until they fit. Names, times and states are, and they all
come from the plan. Every field of the record is filled by its type, so that a new one counts by itself.
"""

import enum
import types
from collections.abc import Iterator
from dataclasses import fields
from typing import Any, Final, get_args, get_origin

from gameday.actions.kind import FEW
from gameday.actions.registry import KINDS
from gameday.api.fitting import MACHINE
from gameday.api.lines import measured
from gameday.api.parse import PlanTooBig
from gameday.api.record import status_of
from gameday.api.state import decided_bytes
from gameday.engine.cel.paths import path_text
from gameday.model.change import Change, State
from gameday.model.plan import Action, Plan, Stage
from gameday.model.record import (
    Closing,
    Doubt,
    DrillRecord,
    Keeping,
    MitigationEntry,
    Reason,
    Result,
    StepEntry,
    Waiting,
)
from gameday.schema.bounds import NAME, SETUP_BYTES, SHOWN_BYTES, STATE_BYTES, WORD, json_bytes

AT: Final = 1_800_000_000.1234567
"""A time with as many digits as one may have."""
REASON: Final = 32
"""Characters of the longest reason that the engine gives."""
CONDITIONS: Final = 8 * 256
"""Bytes of all conditions without their messages."""


def check_size(plan: Plan) -> None:
    """See that every status of a drill of this plan can be saved.

    Raises:
        PlanTooBig: when one could not.

    """
    record = largest(plan, "")
    status = status_of(record, 1, texts=(0,))
    status["measurements"] = measured(tuple(figures(plan)))
    state = decided_bytes(record, None) + SETUP_BYTES
    shown = json_bytes({name: value for name, value in status.items() if name not in MACHINE}) + CONDITIONS
    for size, most, what in (
        (state, STATE_BYTES, "the saved state"),
        (shown, SHOWN_BYTES, "the shown status"),
    ):
        if size > most:
            count = sum(len(plan.expectations(stage)) for stage in Stage)
            steps = len(plan.steps())
            raise PlanTooBig(
                f"{what} of {count} expectations and {steps} steps may need {size} bytes in a "
                f"Drill's status, and at most {most} fit: split the GameDay, or shorten names"
            )


def largest(plan: Plan, text: str) -> DrillRecord:
    """The record of a drill of this plan in which everything has happened, with ``text`` for each message."""
    expected = [(stage, one.name, False) for stage in Stage for one in plan.expectations(stage)]
    if plan.rollback is not None:
        expected += [(Stage.RECOVERY, one.name, True) for one in plan.recovery.expect]
    mitigates = max((one.name for one in plan.mitigations), key=len, default="")
    names = tuple(name for _, name, again in expected if not again)
    record: DrillRecord = _full(
        DrillRecord,
        text,
        message=text,
        reason="x" * WORD,
        waiting=Waiting(max(Reason, key=lambda reason: len(reason.value)), text),
        changes=tuple(_changes(plan, text)),
        steps=tuple(_full(StepEntry, text, name=step.name, notes=_noted(step.action)) for _, step in plan.steps()),
        mitigations=tuple(_full(MitigationEntry, text, name=one.name) for one in plan.mitigations),
        results=tuple(
            _full(Result, text, stage=s, name=name, again=again, by="" if again else mitigates)
            for s, name, again in expected
        ),
        doubts=tuple(Doubt(reason, text, AT) for reason in Reason),
        closings=tuple(
            _full(Closing, text, fault=fault.name, doubt=Doubt(Reason.CONNECTIONS_KEPT, text, AT))
            for fault in plan.outage.faults
            if fault.action.closes_connections
        ),
        warnings=(),
        baseline={path_text((probe.name, *path)): AT for probe in plan.probes for path in probe.paths},
        guardrail=max(names, key=len, default=""),
        recovered_by="Mitigation",
        missed_before_abort=names,
        timeline=(),
        # These lines go where not all fits.
        targets=(),
        # A dry run has its findings in the place of all that a drill has.
        dry_run=None,
        keeping=Keeping(kept=False, why=text),
    )
    return record


def figures(plan: Plan) -> Iterator[dict[str, str | float]]:
    """Every figure that a drill of this plan may take."""
    for stage in Stage:
        for one in plan.expectations(stage):
            if one.measures:
                yield {"name": one.measures, "value": AT, "unit": "seconds", "resolution": AT}
    for measurement in plan.measurements:
        yield {"name": measurement.name, "value": AT, "unit": measurement.unit}


def _changes(plan: Plan, text: str) -> Iterator[Change]:
    for name, action in plan.actions():
        if action.REVERSIBLE and not action.REVERTS:
            about = {"object_kind": "CiliumNetworkPolicy", "object_name": action.subject[1] or "x" * NAME}
            noted = KINDS.changes[action.KIND].notes(action)
            yield _full(Change, text, name=name, kind=action.KIND, before=FEW, wanted=noted, **about)


def _noted(action: Action) -> State | None:
    """The most that is noted of a step's run."""
    return KINDS.runs[action.KIND].notes(action) if action.KIND in KINDS.runs else None


def _full(of: type[Any], text: str, **known: Any) -> Any:
    """A dataclass with the largest value in each field that is not known."""
    values = {one.name: _most(one.type, text, one.name) for one in fields(of) if one.name not in known}
    return of(**values, **known)


def _most(of: Any, text: str, field: str) -> Any:
    """The largest value of a type."""
    optional = get_origin(of) is types.UnionType
    if optional:
        of = next(one for one in get_args(of) if one is not types.NoneType)
    if isinstance(of, type) and issubclass(of, enum.Enum):
        return max(of, key=lambda one: len(str(one.value)))
    if of is str:
        longest = REASON if field.endswith("reason") else NAME
        return "x" * longest if optional or field.endswith(("name", "reason")) else text
    found = {bool: True, int: 1000, float: AT}.get(of)
    if found is None:
        raise TypeError(f"say how large {field} may be: a {of}")
    return found
