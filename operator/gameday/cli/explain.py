"""``gameday explain``: why a drill has its verdict, in sentences, with the evidence that its status holds."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from rich.text import Text

from gameday.api.drill import is_dry_run
from gameday.api.dry_run import FIELDS
from gameday.api.dry_run import read as read_dry_run
from gameday.api.lines import events_of, expectations_of, figures_of, plain
from gameday.api.parse import plan_of
from gameday.api.record import duration, moment, saved_of, shown_moment, timestamp
from gameday.api.samples import Kept
from gameday.cli.asking import NotDone, condition
from gameday.cli.following import ended, more
from gameday.cli.last_values import last_values
from gameday.cli.output import COLOURS, console
from gameday.cli.reasons import meaning, remedy
from gameday.cli.report import kept_samples
from gameday.cluster.client import Cluster
from gameday.cluster.resources import DRILLS, Object
from gameday.errors import PlanInvalid, StateUnreadable
from gameday.model.plan import Expectation, Mode, Plan, Stage
from gameday.model.record import NOT_REACHED, DrillRecord, Reason, ResultState, Verdict
from gameday.schema.renamed import modern

ROUTINE: Final = frozenset({"Preflight", "AgentsReady", "FuseArmed", "Injecting", "Finished"})
"""Lines of the timeline that every drill has and that explain nothing."""
FINE: Final = frozenset({ResultState.MET.value, ResultState.ALWAYS_TRUE.value})
AGAIN: Final = "Rollback"
"""The stage of an expectation of the recovery that was judged again."""


@dataclass(frozen=True, slots=True)
class Expected:
    """An expectation with its condition and its result."""

    stage: str
    name: str
    state: str
    asked: str
    """The expression and its times, or "" where the plan cannot be read."""
    found: str
    """When it was decided, and why where it was not met."""
    by: str = ""
    """The mitigation that had acted before it was met, or ""."""
    within: str = ""
    """How long after the faults were reverted it was to be true; "" unless the recovery awaits it."""
    open: bool = False
    """Whether the recovery awaited it, and it had not come when the drill ended."""
    read: str = ""
    """Of one that was missed, the newest values that it had read by then; "" where no samples are kept."""

    @property
    def fine(self) -> bool:
        """Whether it stands in nobody's way."""
        return self.state in FINE


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is to be said of a drill."""

    about: str
    why: tuple[str, ...]
    happened: tuple[str, ...]
    expected: tuple[Expected, ...]
    measured: tuple[str, ...]
    left: str
    """What of it is in the cluster."""
    do: str
    """What to do, or ""."""

    def plain(self) -> dict[str, Any]:
        """As programs read it."""
        expected = [
            {"stage": one.stage, "name": one.name, "state": one.state, "asked": one.asked, "found": one.found}
            | ({"by": f"mitigation {one.by}"} if one.by else {})
            | ({"read": one.read} if one.read else {})
            for one in self.expected
        ]
        return {
            "about": self.about, "why": list(self.why), "happened": list(self.happened), "expectations": expected,
            "measured": list(self.measured), "left": self.left, "do": self.do,
        }  # fmt: skip


def tell(told: Explanation) -> None:
    """Print it for people; an expectation that was missed or is unknown is shown with its condition."""
    out = console()
    out.print(Text(told.about, style="bold"))
    for sentence in (*told.why, told.left):
        out.print(sentence)
    if told.happened:
        out.print("\nWhat happened, in seconds since the drill began")
        for line in told.happened:
            out.print(Text(f"  {line}", style="yellow" if "  Warning " in line else ""))
    if told.expected:
        out.print("\nWhat was expected")
        for one in told.expected:
            state = Text(f"  {one.state:<11}", style=COLOURS.get(one.state, ""))
            out.print(state.append(f"{one.stage}: {one.name}{f' {one.found}' if one.found else ''}", style="default"))
            if one.asked and not one.fine:
                out.print(f"             {one.asked}")
            if one.read:
                out.print(f"             read last: {one.read}")
    if told.measured:
        out.print(f"\nMeasured: {', '.join(told.measured)}")
    if told.do:
        out.print(f"\nWhat to do: {told.do}")


async def read(cluster: Cluster, namespace: str, name: str) -> Object:
    """A Drill.

    Raises:
        NotDone: when it is not there.
        GameDayError: when it cannot be read.

    """
    drill = await cluster.get(DRILLS, namespace, name)
    if drill is None:
        raise NotDone(
            f"there is no Drill {name} in namespace {namespace}; `gameday history NAME` lists those of a GameDay"
        )
    return drill


async def evidence(cluster: Cluster, namespace: str, name: str) -> tuple[Object, Kept | None]:
    """A Drill, and where it missed something its samples, if they are there and may be read.

    Raises:
        NotDone: when there is no such Drill.
        GameDayError: when it cannot be read.

    """
    drill = await read(cluster, namespace, name)
    missed = any(one["state"] == ResultState.MISSED.value for one in expectations_of(drill.get("status", {})))
    return drill, (await kept_samples(cluster, namespace, drill))[0] if missed else None


def explain(drill: Object, kept: Kept | None = None) -> Explanation:
    """Why a drill has its verdict, or where it is if it has none yet; ``kept`` are its samples."""
    status, metadata = drill.get("status", {}), drill["metadata"]
    if is_dry_run(drill) and ended(drill):
        return _dry_run(drill)
    plan, record = frozen(drill)
    verdict, reason = status.get("verdict", ""), status.get("reason", "")
    expected = tuple(_expected(one, plan, kept) for one in expectations_of(status))
    began = status.get("startedAt", "")
    where = f"Drill {metadata['name']} of GameDay {drill['spec']['gameDay']} in namespace {metadata['namespace']}"
    end = f"{verdict} ({reason}), after {status['took']}" if "took" in status else f"{verdict} ({reason})"
    return Explanation(
        about=f"{where}: {end if verdict else 'under way'}",
        why=tuple(filter(None, (*_why(status, expected, record), more(drill, status.get("message", "")))))
        if verdict
        else tuple(_under_way(drill)),
        happened=tuple(_happened(status, began)),
        expected=expected,
        measured=tuple(
            f"{one['name']}: {plain(float(one['value']))} {one['unit']}".rstrip()
            + (f" ± {plain(float(one['resolution']))}" if "resolution" in one else "")
            for one in figures_of(status)
        ),
        left=_left(drill, _unrecovered(expected)),
        do=remedy(reason) if verdict and verdict != Verdict.PASSED.value else "",
    )


def _dry_run(drill: Object) -> Explanation:
    """What a dry run found, which has no verdict."""
    status, metadata = drill["status"], drill["metadata"]
    reason, found = str(status.get("reason", "")), read_dry_run(status)
    where = f"Drill {metadata['name']} of GameDay {drill['spec']['gameDay']} in namespace {metadata['namespace']}"
    lines = [f"{name}: {line}" for name in FIELDS for line in getattr(found, name)]
    return Explanation(
        about=f"{where}: dry run, {reason}, after {status.get('took', '-')}",
        why=(_sentence(str(status.get("message", ""))), *lines),
        happened=tuple(_happened(status, status.get("startedAt", ""))),
        expected=(),
        measured=(),
        left=_left(drill),
        do=remedy(reason) if reason != Reason.PLANNED.value else "",
    )


def frozen(drill: Object) -> tuple[Plan | None, DrillRecord | None]:
    """The plan that was run and what the operator remembers; neither where its state is of another version."""
    try:
        saved = saved_of(drill.get("status", {}))
        if saved is None:
            return None, None
        if not saved.plan:
            return None, saved.record
        spec = modern(json.loads(saved.plan), drill["metadata"]["namespace"])
        return plan_of(drill["spec"]["gameDay"], spec), saved.record
    except (StateUnreadable, PlanInvalid, ValueError, KeyError, TypeError, AttributeError):
        return None, None


def _under_way(drill: Object) -> Iterator[str]:
    status = drill.get("status", {})
    if not status.get("phase"):
        yield "No operator has taken it yet."
        return
    yield f"It is in phase {status['phase']}: {condition(drill, 'Complete').get('message', 'under way')}."
    open_ = [e["name"] for e in expectations_of(status) if e["state"] == ResultState.MISSED.value]
    if open_:
        yield f"Missed so far: {_named(open_)}."


def _why(status: Mapping[str, Any], expected: tuple[Expected, ...], record: DrillRecord | None) -> Iterator[str]:
    missed = [one.name for one in expected if one.state == ResultState.MISSED.value]
    reason, message = str(status.get("reason", "")), str(status.get("message", ""))
    match status.get("verdict"):
        case Verdict.PASSED.value:
            yield "Each fault was proven, and every expectation was met."
            if aided := [f"{one.name} ({one.by})" for one in expected if one.by]:
                yield f"Met only after a mitigation had acted: {_named(aided)}."
            if true := [one.name for one in expected if one.state == ResultState.ALWAYS_TRUE.value]:
                yield f"True all the time, so that the fault did not show in it: {_named(true)}."
        case Verdict.FAILED.value if reason == "GuardrailViolated":
            yield f"{_sentence(message)} Its fault was proven, so all faults were undone at once."
        case Verdict.FAILED.value:
            yield _failed(expected)
        case Verdict.ABORTED.value:
            yield _sentence(message)
            if before := status.get("missedBeforeAbort"):
                yield f"Missed before that, under proven faults: {_named(before)}."
            else:
                yield "Nothing had been definitely missed before that."
        case _:
            yield f"It is not known whether the system copes. {_sentence(message)}"
            if missed:
                yield f"Missed as well, but not held against the system: {_named(missed)}."
            yield from _doubts(record)
    if status.get("recoveredBy") == "Rollback":
        yield "Rollback repaired what was missed; the verdict stays."
    elif status.get("recoveredBy"):
        yield "The system recovered after a mitigation had acted."
    if means := meaning(reason):
        yield f"{reason} means: {means}."


def _failed(expected: tuple[Expected, ...]) -> str:
    """What was missed: under the faults, or after they were reverted, with the time that it had."""
    missed = [one for one in expected if one.state == ResultState.MISSED.value and one.stage != AGAIN]
    after = [one for one in missed if one.stage == Stage.RECOVERY.value]
    under = _named([one.name for one in missed if one not in after])
    later = _named([f"{one.name} (within {one.within})" if one.within else one.name for one in after])
    if not after:
        return f"Each fault was proven, and under it the system missed what was expected: {under}."
    text = f"after it was reverted the system missed what was expected: {later}."
    if not under:
        return f"Each fault was proven, and {text}"
    return f"Each fault was proven, and under it the system missed what was expected: {under}. A{text[1:]}"


def _unrecovered(expected: tuple[Expected, ...]) -> list[str]:
    """What the recovery awaited and had not come when the drill ended, by itself or after a rollback."""
    repaired = {one.name for one in expected if one.stage == AGAIN and one.fine}
    return [one.name for one in expected if one.open and one.stage != AGAIN and one.name not in repaired]


def _doubts(record: DrillRecord | None) -> Iterator[str]:
    for doubt in record.doubts if record is not None else ():
        yield f"In doubt since {timestamp(doubt.since)}: {doubt.cause.value}: {doubt.message}."


def _happened(status: Mapping[str, Any], began: str) -> Iterator[str]:
    for line in events_of(status):
        if line["reason"] not in ROUTINE or line.get("warning"):
            warning = "Warning " if line.get("warning") else ""
            yield f"{_since(line['at'], began)}  {warning}{line['reason']}: {line['message']}"


def _since(at: str, began: str) -> str:
    try:
        return f"{moment(at) - moment(began):7.1f} s"
    except (ValueError, OverflowError):
        return at


def _expected(one: Mapping[str, Any], plan: Plan | None, kept: Kept | None) -> Expected:
    stage = Stage.RECOVERY.value if one["stage"] == AGAIN else one["stage"]
    planned = None if plan is None else _planned(plan, stage, one["name"])
    asked = "" if planned is None else _asked(planned)
    within, open_ = "", False
    if plan is not None and planned is not None and stage == Stage.RECOVERY.value and planned.mode is not Mode.ALWAYS:
        within = duration(plan.recovery.within if planned.within is None else planned.within)
        # One that came late or after a mitigation was met in the end.
        open_ = one["state"] == ResultState.MISSED.value and "late" not in one and "by" not in one
    values = ""
    if kept is not None and planned is not None and one["state"] == ResultState.MISSED.value:
        values = last_values(kept, planned.expression, shown_moment(one["at"]))
    return Expected(
        one["stage"], one["name"], one["state"], asked, _found(one), one.get("by", ""), within, open_, values
    )


def _planned(plan: Plan, stage: str, name: str) -> Expectation | None:
    return next((one for at, one in plan.all_expectations() if (at.value, one.name) == (stage, name)), None)


def _asked(one: Expectation) -> str:
    times = [
        f"within {duration(one.within)}" if one.within is not None else "",
        f"for {duration(one.holds)}" if one.holds else "",
        f"tolerates {duration(one.tolerates)}" if one.tolerates is not None else "",
        f"after {duration(one.after)}" if one.after else "",
        "guardrail" if one.guardrail else "",
        "unaided" if one.unaided else "",
    ]
    return ", ".join(filter(None, (f"{one.mode.value} {one.expression}", *times)))


def _found(one: Mapping[str, Any]) -> str:
    parts = [
        f"after {one['seconds']:.1f} s" if "seconds" in one else "",
        f"± {plain(one['resolution'])} s" if "resolution" in one else "",
        f"{one['late']:.1f} s late" if "late" in one else "",
        f"by mitigation {one['by']}" if "by" in one and one["state"] in FINE else "",
        "its stage was not reached" if one.get("reason") == NOT_REACHED else "",
    ]
    text = " ".join(filter(None, parts))
    why = str(one.get("message", "")) if one["state"] not in FINE else ""
    return f"{text}: {why}" if text and why else text or why


def _left(drill: Object, unrecovered: Iterable[str] = ()) -> str:
    cleared = condition(drill, "FaultsCleared")
    if cleared.get("status") == "False":
        return f"In the cluster: {cleared['message']}."
    if drill.get("status", {}).get("changed") is False:
        return "Nothing was changed in the cluster."
    if cleared.get("status") != "True":
        return "Whether anything is left is not known."
    if names := list(unrecovered):
        return f"The drill put its changes back; when it ended, the system still had not met: {_named(names)}."
    return "Everything was put back."


def _named(names: list[str]) -> str:
    return "; ".join(dict.fromkeys(names))


def _sentence(text: str) -> str:
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}" if text else "It does not say why."
