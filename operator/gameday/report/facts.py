"""All that a report has, whatever it is written as. Times are Unix seconds, lengths are seconds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from gameday.api.lines import events_of, expectations_of, figures_of, mitigations_of, steps_of
from gameday.api.record import shown_moment
from gameday.api.samples import Kept
from gameday.api.undo_entries import undo_of
from gameday.engine.evidence.curves import Truth
from gameday.model.plan import Expectation, Mode, Plan, Stage
from gameday.model.record import DrillRecord, Phase
from gameday.report.cuts import cuts_of
from gameday.report.faults import Fault, faults_of
from gameday.report.frozen import Frozen, frozen
from gameday.report.team import Contact, Item, Link, contacts_of, items_of, links_of

Object = Mapping[str, Any]
EARLIER: Final = 5
"""Most earlier drills that a drill is compared with."""
WELL_KNOWN: Final = {
    "timeToDetect": "Time to detect",
    "timeToAlert": "Time to alert",
    "timeToRecover": "Time to recover",
    "jobsLost": "Jobs lost",
    "peakMemory": "Peak memory",
}
"""Figures that runbooks ask for, and what they are called."""
STAGES: Final = {
    "SteadyState": "Steady state",
    "Outage": "Outage",
    "Recovery": "Recovery",
    "Rollback": "After the rollback",
}


@dataclass(frozen=True, slots=True)
class Band:
    """A phase of a drill; ``name`` is that of the phase."""

    name: str
    since: float
    until: float

    @property
    def title(self) -> str:
        """What people call it."""
        return {"SteadyState": "Steady state"}.get(self.name, self.name)


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment of a drill."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Expected:
    """An expectation and what became of it.

    ``deadline`` is the Unix second by which it had to be true, and ``took`` the seconds from the start of its stage.
    """

    stage: str
    name: str
    state: str
    mode: str = ""
    expression: str = ""
    within: float | None = None
    holds: float = 0.0
    tolerates: float | None = None
    guardrail: bool = False
    measures: str = ""
    """The figure that it measures, or ""."""
    deadline: float | None = None
    at: float = 0.0
    took: float | None = None
    resolution: float | None = None
    late: float | None = None
    why: str = ""
    reason: str = ""
    by: str = ""
    """The mitigation that had acted before it was met, or ""."""
    truth: Truth | None = None

    @property
    def met(self) -> bool:
        """Whether it held."""
        return self.state in {"Met", "AlwaysTrue"}


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured figure; ``before`` is that of the last earlier drill that has it in the same unit."""

    name: str
    value: float
    unit: str
    resolution: float | None = None
    before: float | None = None
    before_drill: str = ""
    before_at: float | None = None
    """When that drill ended."""

    @property
    def title(self) -> str:
        """What people call it."""
        return WELL_KNOWN.get(self.name, self.name)


@dataclass(frozen=True, slots=True)
class Undone:
    """An entry of the undo log."""

    name: str
    kind: str
    what: str
    state: str
    before: str = ""
    asked_at: float | None = None
    undone_at: float | None = None


@dataclass(frozen=True, slots=True)
class Earlier:
    """A drill of the same GameDay that ended before."""

    name: str
    at: float
    verdict: str
    reason: str
    figures: Mapping[str, tuple[float, str]]
    missed: tuple[str, ...] = ()
    plan_digest: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All that a report has but for its sentences."""

    drill: str
    namespace: str
    gameday: str
    verdict: str
    reason: str
    message: str
    summary: str
    description: str
    changed: bool
    ended: bool
    started_at: float | None
    finished_at: float | None
    bands: tuple[Band, ...]
    marks: tuple[Mark, ...]
    clock_start: float | None
    """Where the clock of the report begins: the outage, or what there is of the drill."""
    expected: tuple[Expected, ...]
    figures: tuple[Figure, ...]
    undo: tuple[Undone, ...]
    mitigations: tuple[Mapping[str, Any], ...]
    """Those that have begun, with their state and its time."""
    steps: tuple[Mapping[str, Any], ...]
    """Those of mitigations and of the rollback."""
    repairs: frozenset[str]
    """The names of the rollback's steps."""
    timeline: tuple[Mapping[str, Any], ...]
    earlier: tuple[Earlier, ...]
    items: tuple[Item, ...]
    samples: Kept | None
    no_samples: str
    """Why there are no curves, or ""."""
    faults: tuple[Fault, ...] = ()
    cuts: tuple[str, ...] = ()
    """Which failure each proven cut of the network was, in a sentence."""
    proven: bool = False
    """Whether every fault was proven."""
    contacts: tuple[Contact, ...] = ()
    links: tuple[Link, ...] = ()
    plan_digest: str = ""
    unread: str = ""
    """Why the plan is not in the report, or ""."""

    @property
    def span(self) -> tuple[float, float] | None:
        """From the first to the last moment that can be shown."""
        moments = [m for band in self.bands for m in (band.since, band.until)]
        return (min(moments), max(moments)) if moments and max(moments) > min(moments) else None


def report(
    drill: Object, gameday: Object | None, kept: Kept | None, no_samples: str, drills: Iterable[Object]
) -> Report:
    """The facts of a drill; ``drills`` are others of its namespace, ``gameday`` is None where it is gone."""
    status, metadata = drill.get("status", {}), drill["metadata"]
    known = frozen(drill)
    spec = (gameday or {}).get("spec", {})
    earlier = earlier_than(drill, drills)
    started, finished = (_moment(status.get(field)) for field in ("startedAt", "finishedAt"))
    record = known.record
    started_at = (record.outage_started_at or record.inject_requested_at) if record is not None else None
    bands = tuple(_bands(status, record, finished))
    return Report(
        drill=metadata["name"],
        namespace=metadata["namespace"],
        gameday=drill["spec"]["gameDay"],
        verdict=status.get("verdict", ""),
        reason=status.get("reason", ""),
        message=status.get("message", ""),
        summary=status.get("summary", ""),
        description=str((known.spec or spec).get("description", "")),
        changed=bool(status.get("changed")),
        ended=status.get("phase") == Phase.FINISHED.value,
        started_at=started,
        finished_at=finished,
        bands=bands,
        marks=tuple(sorted(_marks(record), key=lambda mark: mark.at)) if record is not None else (),
        clock_start=started_at if started_at is not None else bands[0].since if bands else started,
        expected=tuple(_expected(status, known, kept)),
        figures=tuple(_figures(status, earlier)),
        undo=tuple(_undone(status)),
        mitigations=tuple(mitigations_of(status)),
        steps=tuple(steps_of(status)),
        repairs=_repairs(status, known),
        timeline=tuple(events_of(status)),
        earlier=earlier,
        items=items_of(spec),
        samples=kept,
        no_samples=no_samples,
        faults=tuple(faults_of(known, status)),
        cuts=tuple(cuts_of(known, status)),
        proven=record is not None and record.proven_at is not None,
        contacts=contacts_of(spec),
        links=links_of(spec),
        plan_digest=status.get("planDigest", ""),
        unread=known.why,
    )


def earlier_than(drill: Object, drills: Iterable[Object]) -> tuple[Earlier, ...]:
    """The newest drills of the same GameDay that ended before this one, the newest first."""
    end = _moment(drill.get("status", {}).get("finishedAt"))
    found = []
    for other in drills:
        status = other.get("status", {})
        at = _moment(status.get("finishedAt"))
        same = other["spec"]["gameDay"] == drill["spec"]["gameDay"]
        if same and at is not None and other["metadata"]["uid"] != drill["metadata"]["uid"] and at <= (end or at):
            found.append((at, other))
    found.sort(key=lambda one: (one[0], one[1]["metadata"]["name"]), reverse=True)
    return tuple(_earlier(at, other) for at, other in found[:EARLIER])


def _earlier(at: float, drill: Object) -> Earlier:
    status = drill["status"]
    figures = {str(one["name"]): (float(one["value"]), str(one["unit"])) for one in figures_of(status)}
    missed = tuple(one["name"] for one in expectations_of(status) if one["state"] == "Missed")
    return Earlier(
        drill["metadata"]["name"],
        at,
        status.get("verdict", ""),
        status.get("reason", ""),
        figures,
        missed,
        status.get("planDigest", ""),
    )


def _bands(status: Object, record: DrillRecord | None, finished: float | None) -> Iterable[Band]:
    """The phases in which something was measured, one after the other."""
    entered = {
        one["reason"]: shown_moment(one["at"]) for one in events_of(status) if one["reason"] in {p.value for p in Phase}
    }
    if record is not None:
        known = {
            Phase.STEADY_STATE.value: record.steady_from,
            Phase.OUTAGE.value: record.inject_requested_at,
            Phase.RECOVERY.value: record.undo_requested_at,
        }
        entered |= {name: at for name, at in known.items() if at is not None}
    begins = sorted((at, name) for name, at in entered.items() if name in STAGES)
    end = finished if finished is not None else entered.get(Phase.FINISHED.value)
    ends = [at for at, _ in begins[1:]] + [end]
    for (since, name), until in zip(begins, ends, strict=False):
        if until is not None and until > since:
            yield Band(name, since, until)


def _marks(record: DrillRecord) -> Iterable[Mark]:
    for at, text in (
        (record.outage_started_at, "the faults are proven"),
        (record.recovery_started_at, "the faults are over"),
        (record.rollback_done_at, "the rollback is done"),
    ):
        if at is not None:
            yield Mark(at, text)
    for one in record.mitigations:
        if one.acted_at is not None:
            yield Mark(one.acted_at, f"mitigation: {one.name}")


def _expected(status: Object, known: Frozen, kept: Kept | None) -> Iterable[Expected]:
    """What became of each expectation, in the order of the plan where that is known."""
    planned = {(s.value, e.name): e for s, e in known.plan.all_expectations()} if known.plan is not None else {}
    truths = {(truth.stage, truth.name): truth for truth in (kept.truths if kept is not None else ())}
    order = {key: number for number, key in enumerate(planned)}
    lines = list(expectations_of(status))
    lines.sort(key=lambda one: (one["stage"] == "Rollback", order.get((one["stage"], one["name"]), len(order))))
    for one in lines:
        stage = "Recovery" if one["stage"] == "Rollback" else one["stage"]
        plan = planned.get((stage, one["name"]))
        yield Expected(
            stage=one["stage"],
            name=one["name"],
            state=one["state"],
            at=shown_moment(one["at"]),
            took=one.get("seconds"),
            resolution=one.get("resolution"),
            late=one.get("late"),
            why=one.get("message", ""),
            reason=one.get("reason", ""),
            by=one.get("by", ""),
            truth=truths.get((stage, one["name"])),
            **(_planned(plan, one["stage"], known) if plan is not None else {}),
        )


def _repairs(status: Object, known: Frozen) -> frozenset[str]:
    """The steps that are no mitigation's; all of them where the plan is not known."""
    plan = known.plan
    names = (str(one["name"]) for one in steps_of(status))
    return frozenset(name for name in names if plan is None or plan.mitigation_of(name) is None)


def _planned(expectation: Expectation, stage: str, known: Frozen) -> dict[str, Any]:
    plan, record = known.plan, known.record
    within = deadline = None
    if plan is not None and expectation.mode is not Mode.ALWAYS:
        within = expectation.within if expectation.within is not None else _length(plan, stage)
        started_at = _start_of(record, stage) if record is not None else None
        deadline = started_at + within if started_at is not None else None
    return {
        "mode": expectation.mode.value,
        "expression": expectation.expression,
        "within": within,
        "holds": expectation.holds,
        "tolerates": expectation.tolerates,
        "guardrail": expectation.guardrail,
        "measures": expectation.measures or "",
        "deadline": deadline,
    }


def _length(plan: Plan, stage: str) -> float:
    if stage == Stage.OUTAGE.value:
        return plan.outage.duration
    if stage == "Rollback" and plan.rollback is not None:
        return plan.rollback.within
    return plan.recovery.within


def _start_of(record: DrillRecord, stage: str) -> float | None:
    starts = {Stage.OUTAGE.value: record.outage_started_at, Stage.RECOVERY.value: record.recovery_started_at}
    return record.rollback_done_at if stage == "Rollback" else starts.get(stage)


def _figures(status: Object, earlier: tuple[Earlier, ...]) -> Iterable[Figure]:
    found = {str(one["name"]): one for one in figures_of(status)}
    for name in (*(known for known in WELL_KNOWN if known in found), *(n for n in found if n not in WELL_KNOWN)):
        one = found[name]
        figure = Figure(name, float(one["value"]), str(one["unit"]), one.get("resolution"))
        of = next((drill for drill in earlier if drill.figures.get(name, (0.0, None))[1] == figure.unit), None)
        if of is not None:
            figure = replace(figure, before=of.figures[name][0], before_drill=of.name, before_at=of.at)
        yield figure


def _undone(status: Object) -> Iterable[Undone]:
    try:
        entries = undo_of(status)
    except (ValueError, TypeError, AttributeError, KeyError):
        return
    for one in entries:
        about = one.get("object", {})
        what = f"{about.get('kind', '?')} {about.get('name', '?')}"
        asked, undone = (_moment(one.get(field)) for field in ("undoRequestedAt", "undoneAt"))
        yield Undone(one["name"], one["kind"], what, one["state"], str(one.get("before", "")), asked, undone)


def _moment(text: Any) -> float | None:
    return (shown_moment(text) or None) if isinstance(text, str) else None
