"""When a mitigation begins and what waits for it: the engine alone, on samples of one character a second."""

from dataclasses import replace
from typing import Any

import pytest

from gameday.actions.job import RunJob
from gameday.actions.registry import KINDS
from gameday.actions.scale.kind import Scale
from gameday.cluster.client import Cluster
from gameday.cluster.resources import Object
from gameday.engine.drill import mitigations, timeouts
from gameday.engine.drill.aid import credited
from gameday.engine.drill.context import Context
from gameday.engine.drill.phases import recovery
from gameday.engine.evidence.judgement import Judgement
from gameday.engine.evidence.series import Series
from gameday.model.change import Change, ChangeState, Observed, Presence, Ran, RunState
from gameday.model.observation import Fuse, Observation
from gameday.model.plan import Expectation, Fault, Mitigation, Mode, Plan, Stage, Step
from gameday.model.record import DrillRecord, MitigationEntry, Phase, Result, ResultState, StepEntry, StepState
from unit.actions.http.test_change import ACTIVE as CALLED
from unit.actions.http.test_change import CALL, MADE, caller, said, scene
from unit.engine.script import Script
from unit.engine.simulation import a_plan
from unit.engine.strips import strip
from workloads import deployment

RESTART = Mitigation("restart", "!health.ok", (Step("clear", RunJob("clear"), irreversible=True),), holds=2.0)
SECOND = Mitigation("second", "health.full", (Step("throttle", RunJob("throttle"), irreversible=True),))
PLAN = replace(a_plan(), mitigations=(RESTART, SECOND))
REQUESTED = 2.0
AGAIN = Expectation("healthy again", Mode.EVENTUALLY, "health.ok")
RECORD = DrillRecord(Phase.OUTAGE, since=1.0, inject_requested_at=REQUESTED, outage_started_at=3.0, proven_at=3.5)
WAITING = {"clear": Ran(RunState.ABSENT, shown="Job clear"), "throttle": Ran(RunState.ABSENT)}


class Says(Script):
    """Samples of conditions, by their text."""

    def __init__(self, **series: str) -> None:
        super().__init__({}, lambda: 0.0)
        self.series = {"!health.ok": series.get("restart", ""), "health.full": series.get("second", "")}
        self.asked: list[tuple[str, float, float | None]] = []

    def track_of(self, text: str, since: float = 0.0, fault_at: float | None = None) -> Series:
        self.asked.append((text, since, fault_at))
        return strip(self.series[text])


def context(says: Script, now: float, record: DrillRecord = RECORD, plan: Plan = PLAN) -> Context:
    return Context(plan, record, Observation(drill="d", runs=WAITING), says, now)


def begun(record: DrillRecord) -> list[str]:
    return [one.name for one in record.mitigations]


@pytest.mark.parametrize(
    ("restart", "second", "now", "begins"),
    [
        ("ffTTT", "", 4.5, ["restart"]),
        ("fffTT", "", 4.5, []),
        ("ffTTT", "TTTTT", 4.5, ["restart"]),
        ("fffff", "ffffT", 4.5, ["second"]),
        ("ffTTn", "", 4.5, []),
        ("ffTTTf", "", 5.5, []),
        ("TTTT", "", 3.5, []),
        ("TTTTT", "", 4.5, ["restart"]),
    ],
    ids=[
        "long enough", "not yet", "the first of two", "without a time", "unknown now", "not any more",
        "what was before the request does not count", "counted from the request",
    ],
)  # fmt: skip
def test_a_condition_must_hold_until_now(restart: str, second: str, now: float, begins: list[str]) -> None:
    record = mitigations.carry_on(context(Says(restart=restart, second=second), now))
    assert begun(record) == begins
    assert [line.reason for line in record.timeline] == [mitigations.BEGUN] * len(begins)


def test_nothing_begins_before_the_last_fault_is_proven() -> None:
    unproven = replace(RECORD, outage_started_at=None, proven_at=None)
    assert mitigations.carry_on(context(Says(restart="ffTTT"), 4.5, unproven)) == unproven


def test_increase_and_alerts_count_from_the_request_of_the_fault() -> None:
    says = Says(restart="ffff")
    mitigations.carry_on(context(says, 3.5))
    assert ("!health.ok", REQUESTED, REQUESTED) in says.asked


def test_one_acts_at_a_time_and_none_again() -> None:
    says = Says(restart="ffTTTTTT", second="ffTTTTTT")
    record = mitigations.carry_on(context(says, 4.5))
    record = mitigations.carry_on(context(says, 5.0, record))
    assert begun(record) == ["restart"]
    done = record.with_step(StepEntry("clear", StepState.DONE, 6.0))
    ended = mitigations.carry_on(context(says, 6.5, done))
    assert ended.mitigation("restart") == MitigationEntry("restart", 4.5, 5.0, 6.5)
    following = mitigations.carry_on(context(says, 7.0, ended))
    assert begun(following) == ["restart", "second"]
    after = following.with_mitigation(MitigationEntry("second", 7.0, 7.5, 8.0))
    assert mitigations.carry_on(context(Says(restart="ffTTTTTTT"), 8.5, after)) == after


def test_it_acts_when_its_first_step_is_requested() -> None:
    says = Says(restart="ffTTTTTT")
    record = mitigations.carry_on(context(says, 4.5))
    assert record.mitigations == (MitigationEntry("restart", 4.5),)
    assert not record.steps
    record = mitigations.carry_on(context(says, 5.5, record))
    assert record.mitigations == (MitigationEntry("restart", 4.5, acted_at=5.5),)
    assert record.step("clear") == StepEntry("clear", StepState.INTENDED, 5.5, "Job clear")


ACTED = replace(RECORD, mitigations=(MitigationEntry("restart", 4.5, 5.0),))
"""The first step was requested at 5."""
RAN = ACTED.with_step(StepEntry("clear", StepState.INTENDED, 5.0))


def seen_at(plan: Plan, record: DrillRecord, **observed: Any) -> float | None:
    """When something is known to be carried out, as it is seen at 6."""
    asked = context(Says(), 6.0, record, plan)
    return mitigations.carry_on(replace(asked, observed=replace(asked.observed, **observed))).mitigations[0].seen_at


@pytest.mark.parametrize("state", list(RunState))
@pytest.mark.parametrize("waits", [False, True])
def test_a_run_has_not_acted_before_something_of_it_is_carried_out(state: RunState, waits: bool) -> None:
    """A Job may wait in a queue, and a pod for its image, while the system recovers by itself."""
    assert seen_at(PLAN, RAN, runs={"clear": Ran(state, waits=waits)}) is None


@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.NEXT, RunState.DONE])
def test_a_run_has_acted_once_its_kind_knows_it(state: RunState) -> None:
    runs = {"clear": Ran(state, carried_out=True)}
    assert seen_at(PLAN, RAN, runs=runs) == 6.0
    assert seen_at(PLAN, ACTED, runs=runs) is None, "the step was not requested"


THROTTLE = replace(RESTART, steps=(Step("fewer", Scale(deployment("producer"), 1)),))
FEWER = Change(
    "fewer", "scale", "Deployment", "producer", "fuse", ChangeState.ACTIVE, {"replicas": 3}, {"replicas": 1},
    fuse_uid="f", requested_at=5.0, seen_at=5.2,
)  # fmt: skip


@pytest.mark.parametrize(("carried_out", "seen"), [(False, None), (True, 6.0)])
def test_a_change_that_is_confirmed_has_not_acted_before_something_follows_from_it(
    carried_out: bool, seen: float | None
) -> None:
    """The API server has the object: the pod that is to call, or the new replicas, may still be pending."""
    plan = replace(PLAN, mitigations=(THROTTLE,))
    record = ACTED.with_change(FEWER).with_step(StepEntry("fewer", StepState.INTENDED, 5.0))
    stands = Observed(Presence.PRESENT, settled=False, carried_out=carried_out)
    made, fuses = frozenset({"fewer"}), {"fuse": Fuse("f", armed=True)}
    assert seen_at(plan, record, changes={"fewer": stands}, made=made, fuses=fuses) == seen


SENT = replace(CALL, seen=None, undone=None)


def test_a_call_whose_pod_is_pending_has_not_acted(cluster: Cluster) -> None:
    plan = replace(PLAN, mitigations=(replace(RESTART, steps=(Step("off", SENT),)),))
    record = ACTED.with_change(CALLED).with_step(StepEntry("off", StepState.INTENDED, 5.0))
    world = {"made": frozenset({"off"}), "fuses": {"first-fuse": Fuse("fuse-uid", armed=True)}}

    def seen(pod: Object) -> float | None:
        stands = KINDS.changes["http"].observe(scene(cluster, pod), "off", SENT, CALLED)
        return seen_at(plan, record, changes={"off": stands}, **world)

    assert seen(caller(MADE, "fuse-uid", phase="Pending")) is None
    assert seen(caller(MADE, "fuse-uid", said(good=True), "Succeeded")) == 6.0


def test_what_is_met_while_the_job_waits_in_a_queue_is_unknown_and_no_miss() -> None:
    unaided = replace(AGAIN, unaided=True)
    waits = context(Says(), 6.0, RAN)
    waits = replace(waits, observed=replace(waits.observed, runs={"clear": Ran(RunState.RUNNING, waits=True)}))
    going = replace(waits, record=mitigations.carry_on(waits), now=9.0)
    judged = credited(going, Stage.RECOVERY, unaided, Judgement(ResultState.MET, 9.0, open_until=8.0))
    assert (judged.state, judged.by) == (ResultState.UNKNOWN, "restart")
    assert judged.why == (
        "it is not known whether mitigation restart had done anything by then: it may have been met unaided"
    )


def test_steps_that_take_too_long_end_the_drill() -> None:
    record = replace(RECORD, mitigations=(MitigationEntry("restart", 4.5, 5.0),))
    intended = record.with_step(StepEntry("clear", StepState.INTENDED, 5.0))
    says = Says()
    still = mitigations.carry_on(context(says, 4.5 + RESTART.within, intended))
    assert not still.finishing
    late = mitigations.carry_on(context(says, 4.6 + RESTART.within, intended))
    assert late.finishing
    (doubt,) = late.doubts
    assert (doubt.cause.value, doubt.message) == ("MitigationFailed", "step clear was not done within 120 s")


RECOVERED = replace(
    RECORD,
    phase=Phase.RECOVERY,
    undo_requested_at=23.0,
    recovery_started_at=24.0,
    results=(Result(Stage.RECOVERY, "healthy again", ResultState.MET, 30.0),),
)


def test_the_recovery_waits_for_a_mitigation_that_is_under_way_and_begins_none() -> None:
    says = Says(second="T" * 31)
    busy = replace(RECOVERED, mitigations=(MitigationEntry("restart", 28.0, 28.5),)).with_step(
        StepEntry("clear", StepState.INTENDED, 28.5)
    )
    waits = recovery.decide(context(says, 31.0, busy))
    assert not waits.finishing
    assert begun(waits) == ["restart"]
    done = recovery.decide(context(says, 32.0, busy.with_step(StepEntry("clear", StepState.DONE, 31.5))))
    over = recovery.decide(context(says, 32.0, done))
    assert over.finishing
    assert begun(over) == ["restart"], "the second one's condition holds, and the recovery is decided"


def test_what_a_mitigation_repaired_starts_no_rollback() -> None:
    repaired = a_plan(rollback=True)
    plan = replace(repaired, mitigations=(RESTART,))
    aided = Result(Stage.RECOVERY, "healthy again", ResultState.MISSED, 30.0, why="met only after", by="restart")
    cut_off = replace(
        RECOVERED, closings=(), results=(aided,), mitigations=(MitigationEntry("restart", 25.0, 26.0, 27.0),)
    )
    ended = recovery.decide(context(Says(), 31.0, cut_off, plan))
    assert (ended.phase, ended.finishing, ended.recovered_by) == (Phase.RECOVERY, True, "Mitigation")
    missed = replace(cut_off, results=(replace(aided, by=""),))
    assert recovery.decide(context(Says(), 31.0, missed, plan)).phase is Phase.ROLLBACK


def test_a_fuse_outlasts_every_end_that_a_drill_can_have() -> None:
    """It may be armed right at the proof, and what it guards stays until the drill ends."""
    plan = replace(a_plan(rollback=True), mitigations=(RESTART,))
    lasts = timeouts.fuse_of(plan, "clear")
    assert plan.rollback is not None
    undo = timeouts.GRACE + timeouts.UNDO
    stages = plan.outage.duration + undo + plan.recovery.within + RESTART.within + plan.rollback.within
    assert lasts >= timeouts.ARM + stages + timeouts.UNDO
    two = replace(plan, outage=replace(plan.outage, faults=(*plan.outage.faults, Fault("other", RunJob("x")))))
    assert timeouts.fuse_of(two, "clear") >= lasts + timeouts.UNDO
    assert timeouts.longest(plan) >= timeouts.longest(a_plan(rollback=True)) + RESTART.within
