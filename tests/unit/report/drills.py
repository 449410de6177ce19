"""Drills of the example that have ended, with samples: what the operator's own code makes of a course."""

import copy
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import yaml

from gameday.api.conditions import conditions_of
from gameday.api.lines import measured
from gameday.api.parse import canonical, plan_of
from gameday.api.record import status_of
from gameday.api.samples import Kept, config_map
from gameday.api.summary import summary_of
from gameday.engine.evidence.curves import strip, truth
from gameday.engine.evidence.evidence import Evidence
from gameday.engine.validate.plan import complete
from gameday.model.change import Change, ChangeState
from gameday.model.names import samples_of
from gameday.model.plan import Plan, Stage
from gameday.model.record import Closing, DrillRecord, Keeping, MitigationEntry, Phase, Result, ResultState, Verdict
from gameday.model.sample import Sample, Value

EXAMPLE: Final = Path(__file__).parents[3] / "manifests" / "examples" / "redis-failover.yaml"
BEGAN: Final = 1_796_032_800.0
"""30 November 2026, 10:00 UTC."""
STEADY, ASKED, ZERO, UNDO, BACK, END = (BEGAN + at for at in (8.0, 39.0, 40.2, 340.2, 340.9, 372.0))
KEPT: Final = Keeping(kept=True)
CLOSED: Final = Closing("partition", ZERO, gone=True, gone_at=ZERO + 0.5)
Object = dict[str, Any]


def gameday(*items: Mapping[str, str]) -> Object:
    """The example's GameDay, with action items."""
    found: Object = copy.deepcopy(next(iter(yaml.safe_load_all(EXAMPLE.read_text()))))
    found["metadata"] |= {"namespace": "shop", "uid": "uid-of-gameday"}
    if items:
        found["spec"]["actionItems"] = [dict(item) for item in items]
    return found


@dataclass(frozen=True, slots=True)
class Course:
    """What becomes of a drill: seconds by expectation (None: missed), all others being met after two seconds."""

    name: str = "redis-failover-x7k2p"
    verdict: Verdict = Verdict.PASSED
    reason: str = ""
    message: str = "12 of 12 expectations met"
    seconds: Mapping[str, float | None] = ()  # type: ignore[assignment]
    late: float | None = None
    figures: Mapping[str, tuple[float, str]] = ()  # type: ignore[assignment]
    shift: float = 0.0
    """Seconds by which all of it is earlier."""
    keeping: Keeping | None = KEPT
    by: Mapping[str, str] = ()  # type: ignore[assignment]
    """The mitigation that had acted before an expectation was met, by the expectation."""
    closing: Closing = CLOSED
    """What became of the targets' open connections."""
    proven: bool = True
    """Whether its fault was."""
    ends: tuple[str, ...] = ("ConnectionsClosed",)
    """What the timeline says of that."""

    def but(self, **other: Any) -> "Course":
        """The same, but for some of it."""
        return replace(self, **other)


def an_ended_drill(course: Course, of: Object | None = None) -> Object:
    """The Drill."""
    plan_object = of or gameday()
    text, digest = canonical({k: v for k, v in plan_object["spec"].items() if k != "schedule"})
    plan = complete(plan_of("redis-failover", plan_object["spec"]))
    record = _record(plan, course)
    status = status_of(record, 1, None, text)
    figures: tuple[dict[str, str | float], ...] = tuple(
        {"name": name, "value": value, "unit": unit} for name, (value, unit) in dict(course.figures).items()
    )
    status |= {"planDigest": digest, "measurements": measured(figures)}
    status["summary"] = summary_of(record, "shop", "redis-failover", figures)
    status["conditions"] = [
        {"type": kind, "status": state, "reason": reason, "message": message}
        for kind, state, reason, message in conditions_of(record)
    ]
    if record.keeping is not None and record.keeping.kept:
        status["samples"] = samples_of(course.name)
    metadata = {"name": course.name, "namespace": "shop", "uid": f"uid-of-{course.name}", "generation": 1}
    spec = {"gameDay": "redis-failover"}
    return {"apiVersion": "gameday.dev/v1alpha1", "kind": "Drill", "metadata": metadata, "spec": spec, "status": status}


def its_samples(course: Course, *, recovers: bool = True) -> Object:
    """The ConfigMap with its samples."""
    plan = complete(plan_of("redis-failover", gameday()["spec"]))
    evidence = _evidence(plan, recovers=recovers)
    record = _record(plan, course)
    strips = tuple(strip(probe.name, *evidence.values(probe.name, END)) for probe in plan.probes)
    begins = {Stage.STEADY_STATE: STEADY, Stage.OUTAGE: ASKED, Stage.RECOVERY: UNDO}
    truths = tuple(
        truth(stage.value, one.name, evidence.series(one, begins[stage]), END) for stage, one in plan.all_expectations()
    )
    assert record.finished_at is not None
    made, _ = config_map(f"{course.name}-samples", {}, {}, Kept(course.name, "redis-failover", strips, truths))
    return made


def _record(plan: Plan, course: Course) -> DrillRecord:
    results = tuple(_result(plan, stage, one.name, course) for stage in Stage for one in plan.expectations(stage))
    change = Change(
        "partition", "networkPartition", "CiliumNetworkPolicy", f"{course.name}-partition", f"{course.name}-fuse",
        ChangeState.UNDONE, fuse_uid="f", object_uid="p", registered_at=ASKED - 2, requested_at=ASKED,
        undo_requested_at=UNDO, undone_at=BACK, seen_at=ASKED + 0.1,
        proven_at=ZERO + 0.5 if course.proven else None,
    )  # fmt: skip
    record = DrillRecord(
        phase=Phase.FINISHED, since=END, started_at=BEGAN, steady_from=STEADY, expressions_tried_at=ASKED - 1,
        inject_requested_at=ASKED, outage_started_at=ZERO, proven_at=ZERO + 1, undo_requested_at=UNDO,
        recovery_started_at=BACK,
        changes=(change,), closings=(course.closing,), results=results,
        faults_cleared=True, verdict=course.verdict, reason=course.reason,
        message=course.message, finished_at=END, reported=True, keeping=course.keeping,
        mitigations=tuple(MitigationEntry(by, ZERO + 60, ZERO + 64, ZERO + 90) for by in set(dict(course.by).values())),
    )  # fmt: skip
    for at, reason, message in (
        (BEGAN, "Preflight", "running the preflight checks"),
        (STEADY - 6, "SteadyState", "starting the agents"),
        (ASKED - 1, "Outage", "the system is steady"),
        (ZERO + 1, "CutProven", "witness-0 is cut off from redis, control-0 is not"),
        *((ZERO + 1, reason, "open connections are gone") for reason in course.ends),
        (UNDO, "Recovery", "the outage is over"),
        (BACK, "CutReverted", "witness-0 reaches redis again"),
        (END, "Finished", f"{course.verdict.value}: {course.message}"),
    ):
        record = record.note(at, reason, message, warning=False)
    return _earlier(record, course.shift) if course.shift else record


def _result(plan: Plan, stage: Stage, name: str, course: Course) -> Result:
    seconds = dict(course.seconds).get(name, 2.0)
    one = next(e for e in plan.expectations(stage) if e.name == name)
    started_at = {Stage.STEADY_STATE: STEADY, Stage.OUTAGE: ZERO, Stage.RECOVERY: BACK}[stage]
    if seconds is None:
        why = "never true" if course.late is None else f"true after all, {course.late} s late"
        return Result(stage, name, ResultState.MISSED, started_at + (one.within or 30), why=why, late=course.late)
    if one.mode.value == "always":
        return Result(stage, name, ResultState.MET, started_at + 300)
    return Result(stage, name, ResultState.MET, started_at + seconds, seconds, 0.5, by=dict(course.by).get(name, ""))


def _earlier(record: DrillRecord, by: float) -> DrillRecord:
    """The same drill, some time before."""
    fields = (
        "since",
        "started_at",
        "steady_from",
        "inject_requested_at",
        "outage_started_at",
        "undo_requested_at",
        "recovery_started_at",
    )
    moved = {name: getattr(record, name) - by for name in (*fields, "finished_at")}
    return replace(record, **moved, timeline=tuple(replace(line, at=line.at - by) for line in record.timeline))


def _evidence(plan: Plan, *, recovers: bool) -> Evidence:
    evidence, drawn, numbers = Evidence(plan), random.Random(4), {"observer": 0}
    for second in range(int(END - STEADY)):
        at = STEADY + second
        for probe in plan.probes:
            if second % max(1, int(probe.every)):
                continue
            numbers["observer"] += 1
            values: dict[str, Any] = {}
            for path in probe.paths:
                below = values
                for key in path[:-1]:
                    below = below.setdefault(str(key), {})
                below[str(path[-1])] = _value(str(path[-1]), at, drawn, recovers=recovers)
            sent = at + drawn.random() * 0.05
            slow = 0.9 if ZERO < at < BACK and probe.name in {"health", "redis"} else 0.004
            ok = not (probe.name == "redis" and ZERO + 3 < at < ZERO + 9)
            evidence.take(
                Sample("observer", numbers["observer"], probe.name, sent, sent + slow * (0.7 + drawn.random()), ok,
                       None if ok else "timeout", values if ok else {})
            )  # fmt: skip
    evidence.set_baseline(evidence.means(STEADY, ASKED))
    return evidence


def _value(key: str, at: float, drawn: random.Random, *, recovers: bool) -> Value:
    away = ZERO + 1.4 < at < (BACK + 2.1 if recovers else END + 1)
    since = max(0.0, min(at, BACK) - ZERO)
    drained = max(0.0, since - max(0.0, at - BACK) * 12)
    values: dict[str, Value] = {
        "redis": "down" if away else "ok",
        "status": 503 if away else 200,
        "breaker": "open" if ZERO + 4 < at < BACK + 1.5 else "closed",
        "aboutRedis": 1 if at > ZERO + 21 else 0,
        "buffered": round(since * 2.5) if away else 0,
        "redisLatency": None if away else round(0.001 + drawn.random() * 0.002, 5),
        "depth": round(12 + drained * 1.5 + drawn.random() * 4),
        "processingRate": 0.0 if away else round(40 + drawn.gauss(0, 3), 1),
        "process_resident_memory_bytes": round(61e6 + since * 90_000 + drawn.random() * 1e6),
        "accepted": round((at - STEADY) * 41),
        "done": round((at - STEADY) * 40),
        "failed": 0,
        "active": 3,
    }
    return values.get(key, 1.0)
