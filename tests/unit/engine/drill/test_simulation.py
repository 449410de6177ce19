"""Whole drills in the simulated world: what a user relies on, and what a killed operator leaves behind."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from gameday.api.conditions import conditions_of
from gameday.engine.drill import commands as do
from gameday.engine.drill import timeouts
from gameday.engine.drill.context import Context
from gameday.engine.drill.decide import decide
from gameday.engine.drill.next_commands import commands_for
from gameday.engine.evidence.judgement import SURE_WITHIN, Judgement, Window
from gameday.model.change import Change, ChangeState
from gameday.model.observation import (
    CommandKey,
    ConnectionsClosed,
    ConnectionsCounted,
    Fuse,
    Leaving,
    Life,
    Lock,
    Observation,
)
from gameday.model.plan import Expectation, Plan, Stage
from gameday.model.record import DrillRecord, Keeping, Phase, Reason, ResultState, StepState, Verdict
from simulation.observing import cut
from simulation.scenario import What
from unit.engine.script import Script
from unit.engine.simulation import NO_WORKERS, Killed, Simulation, a_plan, finished

NEVER_SEEN = ConnectionsClosed(0, 0, unseen=1, example="pod api-7 (10.0.0.7)")
MISSES_RECOVERY: Mapping[str, ResultState] = {"healthy again": ResultState.MISSED}
NOBODY = Script({}, lambda: 0.0)
"""Samples that nothing is to be concluded from."""


def test_a_good_system_passes_and_nothing_is_left() -> None:
    simulation = Simulation(a_plan())
    record = finished(simulation)
    assert record.verdict is Verdict.PASSED, record.message
    assert simulation.left() == []
    assert simulation.injections.total() == 1


def test_a_missed_expectation_fails() -> None:
    record = finished(Simulation(a_plan(), {"reported": ResultState.MISSED}))
    assert record.verdict is Verdict.FAILED
    assert "reported" in record.message


def test_the_outage_lasts_its_time_whatever_is_met_or_missed() -> None:
    record = finished(Simulation(a_plan(), {"reported": ResultState.MISSED}))
    assert record.outage_started_at is not None
    assert record.undo_requested_at is not None
    assert 20.0 <= record.undo_requested_at - record.outage_started_at <= 21.0


def test_a_guardrail_reverts_the_cut_at_once() -> None:
    record = finished(Simulation(a_plan(), {"stays up": ResultState.MISSED}))
    assert record.verdict is Verdict.FAILED
    assert record.inject_requested_at is not None
    assert record.undo_requested_at is not None
    assert record.undo_requested_at - record.inject_requested_at < 6.0


def test_a_cut_without_effect_is_undone_and_says_what_to_look_at() -> None:
    simulation = Simulation(a_plan(), enforced=False)
    record = finished(simulation)
    assert record.verdict is Verdict.INCONCLUSIVE
    assert record.reason == Reason.NO_EFFECT.value
    assert "most likely" in record.message
    assert simulation.left() == []


def test_redis_dying_in_the_outage_is_not_taken_for_the_cut() -> None:
    def redis_dies(world: Simulation) -> None:
        if world.record.outage_started_at is not None and world.now > world.record.outage_started_at + 5:
            world.redis_down = True

    record = finished(Simulation(a_plan(), meddle=redis_dies))
    assert record.verdict is Verdict.INCONCLUSIVE
    assert record.reason == Reason.DEPENDENCY_DOWN.value


def test_redis_down_before_the_cut_means_nothing_is_touched() -> None:
    simulation = Simulation(a_plan())
    simulation.redis_down = True
    record = finished(simulation)
    assert record.verdict is Verdict.INCONCLUSIVE
    assert simulation.injections.total() == 0


def test_a_policy_removed_by_hand_is_noticed_and_not_made_again() -> None:
    def somebody_reverts(world: Simulation) -> None:
        if world.record.outage_started_at is not None and world.now > world.record.outage_started_at + 5:
            world.inject(What.POLICY_DELETED)

    simulation = Simulation(a_plan(), meddle=somebody_reverts)
    record = finished(simulation)
    assert record.reason == Reason.CUT_REMOVED.value
    assert simulation.injections.total() == 1


def test_a_policy_that_is_removed_before_we_saw_it_is_not_made_again() -> None:
    def somebody_reverts(world: Simulation) -> None:
        world.inject(What.POLICY_DELETED)

    simulation = Simulation(a_plan(), meddle=somebody_reverts)
    record = finished(simulation)
    assert record.reason == Reason.CUT_REMOVED.value
    assert simulation.injections.total() == 1


def test_a_revert_that_a_crash_kept_from_being_recorded_is_no_leak_and_the_recovery_counts_from_it() -> None:
    reverted: list[float] = []

    def reverts_and_dies(world: Simulation) -> None:
        started_at = world.record.outage_started_at
        if started_at is not None and world.now >= started_at + world.plan.outage.duration and not reverted:
            reverted.append(world.now)
            world.inject(What.POLICY_DELETED)
            world.idle(8.0)
            world.restart()

    simulation = Simulation(a_plan(), meddle=reverts_and_dies)
    record = finished(simulation)
    assert record.verdict is Verdict.PASSED, record.message
    assert record.recovery_started_at is not None
    assert record.recovery_started_at <= reverted[0] + 1
    assert simulation.left() == []


def windows(monkeypatch: pytest.MonkeyPatch) -> dict[Stage, Window]:
    """The last window in which the expectations of each stage were judged."""
    found: dict[Stage, Window] = {}
    judge = Script.judge

    def noted(script: Script, stage: Stage, expectation: Expectation, window: Window) -> Judgement:
        if window.started_at is not None:
            found[stage] = window
        return judge(script, stage, expectation, window)

    monkeypatch.setattr(Script, "judge", noted)
    return found


class Unseen(Simulation):
    """The operator dies the moment that the workers are set to a number, once: before it sees that."""

    def __init__(self, number: int, plan: Plan) -> None:
        self.number, self.died = number, 0.0
        super().__init__(plan, close_connections=False)

    def scaled(self, replicas: int) -> None:
        """The number is set."""
        super().scaled(replicas)
        if replicas == self.number and not self.died:
            self.died = self.now
            for process in list(self.processes):
                process.kill()

    def taken_up(self, seconds: float) -> DrillRecord:
        """The record of the drill, which another operator takes up so long after the first one has died."""
        with pytest.raises(Killed):
            self.finish()
        self.idle(seconds)
        self.restart()
        return self.finish()


def began_unseen(zero: float | None, window: Window, died: float, seconds: float) -> None:
    """A stage that began while no operator looked counts from the look, and may have begun when the last one died."""
    assert zero is not None
    assert zero >= died + seconds
    assert window.started_at == zero
    assert zero - window.start_resolution <= died
    assert (window.earliest is not None) == (seconds > SURE_WITHIN)


@pytest.mark.parametrize("seconds", [1.0, 25.0])
def test_a_scale_that_took_effect_while_no_operator_looked_may_have_begun_at_its_request(
    seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged, simulation = windows(monkeypatch), Unseen(0, a_plan(faults=(NO_WORKERS,)))
    began_unseen(simulation.taken_up(seconds).outage_started_at, judged[Stage.OUTAGE], simulation.died, seconds)


@pytest.mark.parametrize("seconds", [1.0, 25.0])
def test_a_scale_that_was_put_back_while_no_operator_looked_may_have_ended_at_its_request(
    seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged, simulation = windows(monkeypatch), Unseen(3, a_plan(faults=(NO_WORKERS,)))
    began_unseen(simulation.taken_up(seconds).recovery_started_at, judged[Stage.RECOVERY], simulation.died, seconds)


def test_where_the_operator_looks_all_the_time_both_starts_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = windows(monkeypatch)
    finished(Simulation(a_plan(faults=(NO_WORKERS,)), close_connections=False))
    assert {stage: window.earliest for stage, window in judged.items()} == {
        Stage.STEADY_STATE: None, Stage.OUTAGE: None, Stage.RECOVERY: None,
    }  # fmt: skip
    assert judged[Stage.RECOVERY].start_resolution > 0


def test_a_fuse_that_somebody_deletes_ends_the_drill() -> None:
    def somebody_deletes(world: Simulation) -> None:
        if world.record.outage_started_at is not None:
            world.inject(What.FUSE_DELETED)

    record = finished(Simulation(a_plan(), meddle=somebody_deletes))
    assert record.reason == Reason.FUSE_LOST.value


def test_a_counter_that_ends_before_the_cut_is_named_and_nothing_is_touched() -> None:
    def somebody_deletes(world: Simulation) -> None:
        if world.record.steady_from is not None:
            world.set(("pod", "counter"), None)

    simulation = Simulation(a_plan(), meddle=somebody_deletes)
    record = finished(simulation)
    assert record.reason == Reason.AGENT_LOST.value
    assert "counter" in record.message
    assert simulation.injections.total() == 0


def test_a_deadline_that_passed_before_the_connections_were_ended_is_no_miss() -> None:
    record = finished(Simulation(a_plan(), {"reported": ResultState.MISSED}, closing_takes=12.0))
    assert record.closing("partition").gone is True
    assert record.verdict is Verdict.INCONCLUSIVE
    assert "give it a longer within" in record.message


def test_connections_that_were_ended_after_the_outage_were_there_all_through_it() -> None:
    record = finished(Simulation(a_plan(), closing_takes=22.0))
    assert record.closing("partition").gone is not True
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "ConnectionsNotClosed")
    assert "the outage ended before" in record.message


def test_connections_that_were_never_seen_were_not_ended() -> None:
    """A proxy, a NAT or a sidecar shows Redis other addresses than the targets': finding none left proves nothing."""
    record = finished(Simulation(a_plan(), {"reported": ResultState.MISSED}, connections_closed=NEVER_SEEN))
    assert record.closing("partition").gone is False
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "ConnectionsKept")
    assert "the dependency never showed a connection of pod api-7 (10.0.0.7)" in record.message
    missed = record.result(Stage.OUTAGE, "reported")
    assert missed is not None
    assert missed.state is ResultState.UNKNOWN


@pytest.mark.parametrize("says", [ResultState.MET, ResultState.MISSED], ids=["met", "guardrail violated"])
def test_without_a_word_on_open_connections_a_drill_neither_passes_nor_fails(says: ResultState) -> None:
    """Simple drills that cut off what is not said to be a Redis passed when nothing was missed."""
    simulation = Simulation(a_plan(), {"stays up": says}, close_connections=False)
    record = finished(simulation)
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "ConnectionsKept")
    assert simulation.left() == []
    stays_up = record.result(Stage.OUTAGE, "stays up")
    assert stays_up is not None
    assert stays_up.state is ResultState.UNKNOWN


def test_what_does_not_recover_is_repaired_whatever_is_known_of_open_connections() -> None:
    simulation = Simulation(a_plan(rollback=True), MISSES_RECOVERY, close_connections=False)
    record = finished(simulation)
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "ConnectionsKept")
    assert [step.state for step in record.steps] == [StepState.DONE] * 3
    assert simulation.left() == []


@pytest.mark.parametrize("missed", [False, True])
def test_a_network_that_ends_open_connections_decides_without_a_closer(missed: bool) -> None:
    says = {"reported": ResultState.MISSED} if missed else {}
    record = finished(Simulation(a_plan(), says, close_connections=False, ends_open=True))
    assert record.closing("partition").gone is True
    assert record.verdict is (Verdict.FAILED if missed else Verdict.PASSED), record.message
    assert record.outage_started_at is not None
    gone_at = record.closing("partition").gone_at
    assert gone_at is not None
    assert gone_at - record.outage_started_at < 1.0, "it does not move the start of the outage"


def test_where_the_network_ends_open_connections_what_the_closer_could_not_do_is_forgotten() -> None:
    counted = {"partition": ConnectionsCounted(1)}
    simulation = Simulation(a_plan(), connections_closed=NEVER_SEEN, ends_open=True, connections_counted=counted)
    simulation.pods_take, simulation.every = 0.1, 0.25
    record = finished(simulation)
    assert record.verdict is Verdict.PASSED, record.message
    (line,) = [line for line in record.timeline if line.warning]
    assert line.reason == "ProofWarning"


@pytest.mark.parametrize("killed", [0, 1], ids=["ended by themselves", "opened since the last look"])
def test_connections_that_were_seen_and_are_gone_were_ended(killed: int) -> None:
    record = finished(
        Simulation(a_plan(), {"reported": ResultState.MISSED}, connections_closed=ConnectionsClosed(killed, 0))
    )
    assert record.closing("partition").gone is True
    assert record.verdict is Verdict.FAILED


def test_a_fuse_outlives_a_request_that_may_still_arrive() -> None:
    def person(world: Simulation) -> None:
        if any(isinstance(one, do.Apply) and one.change.before is not None for one in world.given):
            world.inject(What.ABORT)

    simulation = Simulation(a_plan(rollback=True), MISSES_RECOVERY, meddle=person)
    simulation.api.scale_takes = 60.0
    assert finished(simulation).verdict is Verdict.ABORTED
    assert not simulation.api.under_way
    assert simulation.left() == []


def test_a_scaling_whose_fuse_somebody_deletes_is_undone_at_once() -> None:
    deleted: list[float] = []

    def somebody_deletes(world: Simulation) -> None:
        if world.workers == 0 and not deleted:
            deleted.append(world.now)
            for name in world.there("fuse"):
                world.set(("fuse", name), None)
        if deleted and world.now > deleted[0] + 1:
            assert world.workers == 3, "nothing was changed, because the fuse could not be armed"

    simulation = Simulation(a_plan(rollback=True), MISSES_RECOVERY, meddle=somebody_deletes)
    record = finished(simulation)
    assert deleted
    assert Reason.FUSE_LOST in {doubt.cause for doubt in record.doubts}
    assert record.verdict is Verdict.FAILED
    assert simulation.left() == []


@pytest.mark.parametrize("phase", [Phase.STEADY_STATE, Phase.OUTAGE, Phase.RECOVERY])
@pytest.mark.parametrize("how", [What.ABORT, What.DRILL_DELETED])
def test_a_person_ends_a_drill_in_any_phase(phase: Phase, how: What) -> None:
    def person(world: Simulation) -> None:
        if world.record.phase is phase and world.now > world.record.since + 2:
            world.inject(how)

    simulation = Simulation(a_plan(), MISSES_RECOVERY, meddle=person)
    record = finished(simulation)
    assert record.verdict is Verdict.ABORTED
    assert simulation.left() == []


def test_the_rollback_runs_its_steps_and_puts_the_workers_back() -> None:
    simulation = Simulation(a_plan(rollback=True), MISSES_RECOVERY)
    record = finished(simulation)
    assert [(step.name, step.state) for step in record.steps] == [
        ("stop workers", StepState.DONE),
        ("clear state", StepState.DONE),
        ("start workers", StepState.DONE),
    ]
    assert record.verdict is Verdict.FAILED
    assert simulation.left() == []


def test_an_abort_with_the_workers_at_zero_brings_them_back() -> None:
    def person(world: Simulation) -> None:
        if world.workers == 0:
            world.inject(What.ABORT)

    simulation = Simulation(a_plan(rollback=True), MISSES_RECOVERY, meddle=person)
    assert finished(simulation).verdict is Verdict.ABORTED
    assert simulation.left() == []


def test_a_drill_that_is_over_waits_for_what_may_still_be_made_and_takes_it_away() -> None:
    change = Change("stop workers", "scale", "Deployment", "worker", "fuse", ChangeState.UNDONE)
    record = DrillRecord(
        Phase.FINISHED, finished_at=1000.0, verdict=Verdict.ABORTED, faults_cleared=True, changes=(change,)
    )
    observed = Observation(arriving=True, lock=Lock.HELD, finalizer=True)
    assert commands_for(None, record, observed) == ()
    assert commands_for(None, record, replace(observed, fuses={"fuse": Fuse("late")})) == (do.RemoveFuse(change),)
    assert commands_for(None, record, replace(observed, agents={"observer": Life.RUNNING})) == (do.StopAgents(),)
    assert commands_for(None, record, replace(observed, arriving=False)) == (do.ReleaseLock(),)


def test_the_name_of_a_caller_stays_taken_while_another_one_of_it_may_arrive_and_frees_the_namespace_then() -> None:
    record = DrillRecord(Phase.FINISHED, finished_at=1000.0, verdict=Verdict.ABORTED, faults_cleared=True)
    observed = Observation(arriving=True, lock=Lock.HELD, finalizer=True, callers=frozenset({"first-call-restart"}))
    assert commands_for(None, record, observed) == ()
    over = replace(observed, arriving=False)
    assert commands_for(None, record, over) == (do.StopCallers(),)
    refused = replace(over, errors={CommandKey("StopCallers"): "delete pods: forbidden"})
    assert commands_for(None, record, refused) == (do.StopCallers(),)
    assert commands_for(None, record, replace(refused, deleted=True)) == (do.ReleaseLock(),)
    late = decide(Context(a_plan(), record, refused, NOBODY, 1021.0))
    assert late.stalled_by == "delete pods: forbidden"


def test_agents_that_may_not_be_removed_are_told_of_and_do_not_hold_up_a_deleted_drill() -> None:
    record = DrillRecord(Phase.FINISHED, finished_at=1000.0, verdict=Verdict.PASSED)
    refused = "delete pods: forbidden"
    observed = Observation(agents={"observer": Life.RUNNING}, errors={CommandKey("StopAgents"): refused})
    observed = replace(observed, finalizer=True, lock=Lock.HELD)
    soon = decide(Context(a_plan(), record, observed, NOBODY, 1010.0))
    assert soon == record
    late = decide(Context(a_plan(), record, observed, NOBODY, 1021.0))
    assert late.stalled_by == refused
    assert [line.reason for line in late.timeline] == ["Stalled"]
    assert ("Stalled", "True", "Stalled", refused) in conditions_of(late)
    assert commands_for(a_plan(), late, observed) == (do.StopAgents(),)
    assert commands_for(a_plan(), late, replace(observed, deleted=True)) == (do.ReleaseLock(),)
    late = replace(late, reported=True)
    assert commands_for(a_plan(), late, replace(observed, deleted=True, lock=Lock.FREE)) == (do.RemoveFinalizer(),)
    again = decide(Context(a_plan(), late, replace(observed, errors={}), NOBODY, 1030.0))
    assert again.stalled_by == ""
    assert "Stalled" not in {kind for kind, *_ in conditions_of(again)}


MEASURED = DrillRecord(
    Phase.FINISHED, finished_at=1000.0, verdict=Verdict.PASSED, faults_cleared=True, steady_from=900.0
)
OVER = Observation(agents={"observer": Life.RUNNING}, lock=Lock.HELD, finalizer=True)
NO_RIGHT = {CommandKey("KeepSamples"): "create configmaps: forbidden"}


def test_the_samples_are_kept_while_the_agents_have_them_and_before_the_namespace_is_free() -> None:
    assert commands_for(a_plan(), MEASURED, OVER) == (do.KeepSamples(),)
    kept = decide(Context(a_plan(), MEASURED, replace(OVER, keeping=Keeping(kept=True)), NOBODY, 1001.0))
    assert kept.keeping == Keeping(kept=True)
    assert "SamplesKept" not in {condition[0] for condition in conditions_of(kept)}
    assert commands_for(a_plan(), kept, OVER) == (do.StopAgents(),)
    assert commands_for(a_plan(), kept, replace(OVER, agents={})) == (do.ReleaseLock(),)


def test_samples_wait_for_logs_that_are_read_again_and_nothing_goes_before() -> None:
    assert commands_for(a_plan(), MEASURED, replace(OVER, read_again=False)) == ()


@pytest.mark.parametrize(
    "record",
    [replace(MEASURED, steady_from=None), replace(MEASURED, reported=True)],
    ids=["nothing was measured", "it is over"],
)
def test_where_there_are_no_samples_nothing_waits_for_them(record: DrillRecord) -> None:
    assert commands_for(a_plan(), record, OVER) == (do.StopAgents(),)
    assert decide(Context(a_plan(), record, OVER, NOBODY, 1001.0)).keeping is None


def test_a_drill_that_is_deleted_takes_its_samples_with_it() -> None:
    assert commands_for(a_plan(), MEASURED, replace(OVER, deleted=True)) == (do.StopAgents(),)


def test_samples_that_cannot_be_kept_are_told_of_and_hold_up_neither_the_end_nor_the_verdict() -> None:
    failing = replace(OVER, errors=NO_RIGHT)
    soon = decide(Context(a_plan(), MEASURED, failing, NOBODY, 1000.0 + timeouts.KEEP))
    assert soon.keeping is None
    late = decide(Context(a_plan(), soon, failing, NOBODY, 1000.1 + timeouts.KEEP))
    assert late.keeping == Keeping(kept=False, why="create configmaps: forbidden")
    assert (late.verdict, late.reason, late.message) == (MEASURED.verdict, MEASURED.reason, MEASURED.message)
    assert [(line.reason, line.warning) for line in late.timeline] == [("SamplesNotKept", True)]
    assert ("SamplesKept", "False", "SamplesNotKept", "create configmaps: forbidden") in conditions_of(late)
    assert commands_for(a_plan(), late, failing) == (do.StopAgents(),)


def test_samples_that_nobody_wants_are_no_warning() -> None:
    unwanted = decide(Context(a_plan(), MEASURED, replace(OVER, keeping=Keeping(kept=False)), NOBODY, 1001.0))
    assert unwanted.timeline == ()
    assert ("SamplesKept", "False", "NotWanted") in {condition[:3] for condition in conditions_of(unwanted)}


THERE = cut("first", "partition", "uid")


def test_an_undo_that_is_refused_says_what_would_help_once_it_is_overdue() -> None:
    change = Change(
        "partition", "networkPartition", "NetworkPolicy", "p", "f", ChangeState.UNDOING, undo_requested_at=1000.0
    )
    change = replace(change, requested_at=990.0, object_uid="uid")
    record = DrillRecord(Phase.RECOVERY, since=1000.0, changes=(change,), finishing=True, undo_requested_at=1000.0)
    observed = Observation(
        changes={"partition": THERE}, errors={CommandKey("Revert", "partition"): "delete: forbidden"}
    )
    soon = decide(Context(a_plan(), record, observed, NOBODY, 1010.0))
    assert soon.stalled_by == ""
    late = decide(Context(a_plan(), soon, observed, NOBODY, 1031.0))
    assert late.stalled_by == "delete: forbidden"


def effects_of(plan_with_rollback: bool) -> int:
    simulation = Simulation(a_plan(rollback=plan_with_rollback), MISSES_RECOVERY if plan_with_rollback else {})
    simulation.finish()
    return simulation.effects


CRASHES = [
    pytest.param(
        rollback, nth, after, id=f"{'rollback' if rollback else 'plain'}-{nth}-{'after' if after else 'before'}"
    )
    for rollback in (False, True)
    for nth in range(1, effects_of(rollback) + 1)
    for after in (False, True)
]


def killed(*, rollback: bool, nth: int, after: bool) -> Simulation:
    simulation = Simulation(
        a_plan(rollback=rollback), MISSES_RECOVERY if rollback else {}, kill_at=nth, kill_after_effect=after
    )
    with pytest.raises(Killed):
        simulation.finish()
    return simulation


@pytest.mark.parametrize(("rollback", "nth", "after"), CRASHES)
def test_an_operator_killed_at_any_effect_finishes_after_its_restart(rollback: bool, nth: int, after: bool) -> None:
    simulation = killed(rollback=rollback, nth=nth, after=after)
    simulation.idle(2.0)
    simulation.restart()
    simulation.finish()
    assert simulation.left() == []
    assert simulation.injections.total() <= 1
    assert simulation.record.phase is Phase.FINISHED
    assert simulation.kept is (simulation.record.steady_from is not None), "the samples outlive the operator"
    assert {change.state for change in simulation.record.changes} == {ChangeState.UNDONE}
    if not rollback:
        assert simulation.record.verdict in {Verdict.PASSED, Verdict.INCONCLUSIVE}


@pytest.mark.parametrize(("rollback", "nth", "after"), CRASHES)
def test_an_operator_that_never_comes_back_leaves_no_fault(rollback: bool, nth: int, after: bool) -> None:
    simulation = killed(rollback=rollback, nth=nth, after=after)
    simulation.idle(200.0)
    assert simulation.there("policy") == []
    assert simulation.workers == 3


def test_a_cut_that_was_taken_away_while_no_operator_ran_is_not_made_again() -> None:
    """Nobody knows whether the request of the process that died was carried out, but the witnesses."""
    simulation = next(
        one
        for nth in range(1, effects_of(False) + 1)
        if isinstance((one := killed(rollback=False, nth=nth, after=True)).given[-1], do.Apply)
    )
    simulation.idle(4.0)
    simulation.inject(What.POLICY_DELETED)
    simulation.idle(4.0)
    simulation.restart()
    record = simulation.finish()
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, Reason.CUT_REMOVED.value)
    assert record.doubts[0].message.endswith("was deleted while no operator was running")
    assert simulation.injections.total() == 1
    assert simulation.left() == []


def test_the_record_alone_decides_after_a_restart() -> None:
    simulation = Simulation(a_plan())
    while simulation.record.outage_started_at is None:
        simulation.step()
    before = replace(simulation.record)
    simulation.restart()
    simulation.step()
    assert simulation.record.outage_started_at == before.outage_started_at
    assert simulation.injections.total() == 1


LOST = tuple(Leaving(f"first-{agent}", "node-b", 1003.0) for agent in ("witness-0", "control-0"))
"""Agents whose node is lost, deleted 2 s after the end of their drill."""


def left_on_a_lost_node(**fields: Any) -> Observation:
    lives = dict.fromkeys(("witness-0", "control-0"), Life.ENDED)
    observed = Observation(agents=lives, agents_leaving=LOST, lock=Lock.HELD, finalizer=True, reported=True)
    return replace(observed, **fields)


def test_agents_on_a_lost_node_are_told_of_once_and_hold_up_neither_lock_nor_finalizer() -> None:
    record = DrillRecord(Phase.FINISHED, finished_at=1000.0, verdict=Verdict.INCONCLUSIVE, reported=True)
    observed = left_on_a_lost_node()
    soon = decide(Context(a_plan(), record, observed, NOBODY, LOST[0].due + timeouts.LOST_NODE))
    assert soon == record
    assert commands_for(a_plan(), soon, observed) == (do.StopAgents(),)
    late = decide(Context(a_plan(), record, observed, NOBODY, 1060.0))
    assert [line.reason for line in late.timeline] == ["AgentsLeft"]
    assert "first-witness-0 on node node-b, first-control-0 on node node-b" in late.timeline[0].message
    assert late.stalled_by == ""
    assert commands_for(a_plan(), late, observed) == (do.ReleaseLock(),)
    assert commands_for(a_plan(), late, replace(observed, lock=Lock.FREE)) == (do.RemoveFinalizer(),)
    assert commands_for(a_plan(), late, replace(observed, lock=Lock.FREE, finalizer=False)) == ()
    assert decide(Context(a_plan(), late, observed, NOBODY, 1070.0)) == late, "it is said once"


@pytest.mark.parametrize(
    "observed",
    [
        left_on_a_lost_node(arriving=True),
        left_on_a_lost_node(agents={"witness-0": Life.ENDED, "control-0": Life.ENDED, "observer": Life.RUNNING}),
        left_on_a_lost_node(closers={"partition": Life.RUNNING}),
        left_on_a_lost_node(agents_leaving=(LOST[0], replace(LOST[1], due=1031.0))),
        left_on_a_lost_node(resumed_at=1050.0),
    ],
    ids=["one may arrive", "one runs", "one ends connections", "one has its grace period", "just taken over"],
)
def test_agents_are_not_left_before_all_of_them_are_deleted_and_lost(observed: Observation) -> None:
    record = DrillRecord(Phase.FINISHED, finished_at=1000.0, verdict=Verdict.INCONCLUSIVE, reported=True)
    assert decide(Context(a_plan(), record, observed, NOBODY, 1060.0)) == record
    assert do.ReleaseLock() not in commands_for(a_plan(), record, observed)


def test_what_may_still_act_on_a_lost_node_keeps_the_lock_and_the_drill_says_where_it_is() -> None:
    record = DrillRecord(Phase.FINISHED, finished_at=1000.0, verdict=Verdict.ABORTED, reported=True)
    caller = Leaving("first-call-off", "node-b", 1003.0)
    observed = Observation(callers=frozenset({caller.pod}), callers_leaving=(caller,), lock=Lock.HELD, finalizer=True)
    soon = decide(Context(a_plan(), record, observed, NOBODY, caller.due + timeouts.LOST_NODE))
    assert soon.stalled_by == ""
    late = decide(Context(a_plan(), record, observed, NOBODY, 1060.0))
    assert "first-call-off on node node-b" in late.stalled_by
    assert "kubectl delete node node-b" in late.stalled_by
    assert ("Stalled", "True", "Stalled", late.stalled_by) in conditions_of(late)
    assert commands_for(a_plan(), late, observed) == (do.StopCallers(),)
    assert commands_for(a_plan(), late, replace(observed, deleted=True)) == (do.StopCallers(),)
    gone = replace(observed, callers=frozenset(), callers_leaving=())
    again = decide(Context(a_plan(), late, gone, NOBODY, 1070.0))
    assert again.stalled_by == ""
    assert commands_for(a_plan(), again, gone) == (do.ReleaseLock(),)
