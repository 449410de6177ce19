"""The loop of a drill: what is saved before what is done, what is reverted without waiting, what a restart knows."""

from dataclasses import replace

import pytest

from gameday.engine.drill import commands as do
from gameday.engine.drill import timeouts
from gameday.engine.drill.failing import RETRY_AFTER
from gameday.engine.drill.loop import BLIND_AFTER, CATCH_UP, LOOK_AGAIN_AFTER, LOOK_EVERY, REVERT_FIRST, DrillLoop, Work
from gameday.model.change import Change, ChangeState
from gameday.model.halt import Halt, HaltState
from gameday.model.observation import CommandKey, Fuse, Lock, Observation, Planned, Preflight
from gameday.model.record import DrillRecord, Phase, Reason, StepEntry, StepState
from gameday.model.sample import Sample
from simulation.observing import cut
from unit.engine.simulation import a_plan

NOW = 1000.0
CHANGE = Change(
    "partition", "networkPartition", "NetworkPolicy", "first-partition", "first-fuse", ChangeState.ACTIVE,
    fuse_uid="f", requested_at=990.0, object_uid="p", seen_at=991.0,
)  # fmt: skip
CUT = DrillRecord(
    Phase.OUTAGE,
    since=980.0,
    started_at=900.0,
    steady_from=910.0,
    inject_requested_at=985.0,
    outage_started_at=992.0,
    changes=(CHANGE,),
)
BY_POD = Change("off", "http", "Pod", "first-call-off", "first-fuse")
ACTING = replace(BY_POD, before={"called": False})
WAITING = Observation(planned=Planned.FROZEN, start_before=1300.0)
UNDER_CUT = Observation(
    planned=Planned.FROZEN,
    fuses={"first-fuse": Fuse("f", armed=True)},
    changes={"partition": cut("first", "partition", "p")},
)
ABORTED = replace(UNDER_CUT, abort=True)
REVERTED = replace(ABORTED, changes={"partition": cut("first", "partition", None)})


def under_cut(record: DrillRecord = CUT) -> DrillLoop:
    """The loop of a process that has led the drill for a minute."""
    loop = DrillLoop(record, NOW - 60, frozenset())
    loop.prepare(a_plan(), {"partition": range(1)})
    return loop


def test_nothing_is_started_before_its_record_is_saved() -> None:
    loop = DrillLoop(DrillRecord(since=NOW), NOW, frozenset())
    loop.outcomes.lock = Lock.HELD
    work = loop.look(a_plan(), WAITING, NOW)
    assert work.save is not None
    assert work.save.record.phase is Phase.PREFLIGHT
    assert work.start == ()
    assert loop.look(a_plan(), WAITING, NOW + 0.1) == replace(work, save=None, look_at=NOW + 0.1 + LOOK_EVERY)
    after = loop.saved(NOW + 0.2)
    assert after.start == (do.CheckPreflight(),)
    assert [line.reason for line in after.tell] == [line.reason for line in work.save.record.timeline]


def test_what_could_not_be_saved_is_not_done_and_decided_anew_after_a_rest() -> None:
    loop = DrillLoop(DrillRecord(since=NOW), NOW, frozenset())
    loop.outcomes.lock = Lock.HELD
    assert loop.look(a_plan(), WAITING, NOW).save is not None
    refused = loop.not_saved(NOW + 1, after=7.0)
    assert (refused.start, refused.look_at) == ((), NOW + 8)
    assert loop.look(a_plan(), WAITING, NOW + 2).save is None
    anew = loop.look(a_plan(), WAITING, NOW + 8)
    assert anew.save is not None
    assert anew.save.record.since == NOW + 8
    # It rests the longer, the longer nothing could be saved.
    assert loop.not_saved(NOW + 9).look_at == NOW + 9 + 0.1 * 8
    assert loop.look(a_plan(), WAITING, NOW + 10).save is not None
    loop.saved(NOW + 10)
    assert loop.not_saved(NOW + 10).look_at == NOW + 10 + RETRY_AFTER


def test_a_cut_that_admission_changed_is_not_made_again_by_what_was_decided_before() -> None:
    change = replace(CHANGE, state=ChangeState.REQUESTED, object_uid=None, seen_at=None, requested_at=NOW - 1)
    loop = under_cut(
        replace(CUT, since=NOW - 2, inject_requested_at=NOW - 1, outage_started_at=None, changes=(change,))
    )
    absent = replace(UNDER_CUT, changes={"partition": cut("first", "partition", None)})
    assert loop.look(a_plan(), absent, NOW).start == (do.Apply(change),)
    saving = loop.look(a_plan(), absent, NOW + 0.1, must_save=True)
    assert saving.save is not None
    loop.answered(do.Apply(change), NOW + 0.2, "admission changed it", changed=True)
    assert loop.saved(NOW + 0.2 + 2 * RETRY_AFTER).start == ()
    ended = loop.look(a_plan(), absent, NOW + 2).save
    assert ended is not None
    assert (ended.record.doubts[0].cause, ended.record.doubts[0].message) == (
        Reason.CUT_CHANGED,
        "admission changed it",
    )


def test_a_line_is_told_once() -> None:
    loop = under_cut(CUT.note(950.0, "Before", "an earlier process said so"))
    loop.look(a_plan(), ABORTED, NOW)
    assert loop.look(a_plan(), ABORTED, NOW + REVERT_FIRST).save is not None
    assert "Before" not in [line.reason for line in loop.saved(NOW + 1).tell]
    loop.look(a_plan(), replace(ABORTED, changes={}), NOW + 60)
    assert "Aborted" not in [line.reason for line in loop.saved(NOW + 61).tell]


def test_a_cut_is_reverted_at_once_and_its_record_waits_for_that_half_a_second_at_most() -> None:
    loop = under_cut()
    work = loop.look(a_plan(), ABORTED, NOW)
    assert [type(command) for command in work.start] == [do.Revert]
    assert (work.save, work.look_at) == (None, NOW + REVERT_FIRST)
    assert loop.look(a_plan(), ABORTED, NOW + 0.1).save is None
    assert loop.look(a_plan(), ABORTED, NOW + REVERT_FIRST).save is not None


def test_a_record_is_saved_as_soon_as_its_cut_is_reverted() -> None:
    loop = under_cut()
    (revert,) = loop.look(a_plan(), ABORTED, NOW).start
    loop.answered(revert, NOW + 0.1)
    assert loop.look(a_plan(), REVERTED, NOW + 0.1).save is not None


def test_a_cut_that_was_reverted_under_a_record_that_is_not_saved_yet_was_removed_by_nobody_else() -> None:
    loop = under_cut()
    (revert,) = loop.look(a_plan(), ABORTED, NOW).start
    loop.answered(revert, NOW + 0.1)
    loop.look(a_plan(), REVERTED, NOW + 0.1)
    loop.not_saved(NOW + 0.2)
    # A person who takes an abort back is not believed, so what is left to see is the cut that is gone.
    work = loop.look(a_plan(), replace(REVERTED, abort=False), NOW + 1)
    assert work.save is not None
    assert Reason.CUT_REMOVED not in [doubt.cause for doubt in work.save.record.doubts]


@pytest.mark.parametrize(
    ("observed", "waits"),
    [
        (UNDER_CUT, True),
        (replace(UNDER_CUT, halt=Halt(HaltState.HALTED, "a launch")), False),
        (replace(UNDER_CUT, deleted=True), False),
        (replace(UNDER_CUT, overwritten="somebody else wrote it"), False),
    ],
    ids=["goes on", "halted", "deleted", "overwritten"],
)
def test_after_a_restart_nothing_is_decided_before_the_logs_are_read_unless_the_drill_ends_anyway(
    observed: Observation, waits: bool
) -> None:
    loop = DrillLoop(CUT, NOW, frozenset())
    loop.prepare(a_plan(), {"partition": range(1)})
    assert (loop.look(a_plan(), observed, NOW + 1) == Work(NOW + 1 + LOOK_EVERY)) is waits


def test_the_wait_for_the_logs_ends() -> None:
    loop = DrillLoop(CUT, NOW, frozenset())
    loop.prepare(a_plan(), {"partition": range(1)})
    assert loop.look(a_plan(), ABORTED, NOW + CATCH_UP).start == ()
    assert [type(command) for command in loop.look(a_plan(), ABORTED, NOW + CATCH_UP + 1).start] == [do.Revert]


def test_a_request_without_an_answer_may_still_arrive_for_a_while() -> None:
    loop = DrillLoop(DrillRecord(since=NOW), NOW, frozenset({BY_POD.kind}))
    assert not loop.told(WAITING, NOW).arriving
    for command, arrives in (
        (do.StartAgents(), True),
        (do.CloseConnections("partition"), True),
        (do.AcquireLock(), False),
        (do.Apply(BY_POD), True),
        (do.Revert(BY_POD), True),
        (do.Revert(replace(BY_POD, kind="networkPartition")), False),
    ):
        loop.outcomes.timed_out_at = None
        loop.answered(command, NOW, "no answer in time", answer=False)
        assert loop.told(WAITING, NOW).arriving is arrives
        assert not loop.told(WAITING, NOW + timeouts.LATE_REQUEST).arriving
    loop.outcomes.timed_out_at = None
    loop.answered(do.StartAgents(), NOW, "refused with 403")
    assert not loop.told(WAITING, NOW).arriving


@pytest.mark.parametrize(
    ("change", "until"),
    [
        (replace(ACTING, requested_at=None), NOW + timeouts.LATE_REQUEST),
        (replace(ACTING, requested_at=None, state=ChangeState.UNDONE), NOW + timeouts.LATE_REQUEST),
        (replace(ACTING, requested_at=NOW - 10), NOW - 10 + timeouts.LATE_REQUEST),
        (replace(ACTING, requested_at=NOW - 10, before=None), NOW),
        (replace(ACTING, requested_at=None, fuse_name=""), NOW),
    ],
    ids=["asked for", "asked for and given up", "made", "made, and its fuse does nothing", "without a fuse"],
)
def test_a_fuse_that_an_earlier_process_asked_for_may_still_arrive(change: Change, until: float) -> None:
    loop = DrillLoop(replace(CUT, changes=(change,)), NOW, frozenset())
    assert loop.told(WAITING, until - 0.1).arriving is (until > NOW)
    assert not loop.told(WAITING, until).arriving


@pytest.mark.parametrize(
    ("state", "at", "until"),
    [
        (StepState.INTENDED, NOW - 100, NOW + timeouts.LATE_REQUEST),
        (StepState.UNKNOWN, NOW - 10, NOW - 10 + timeouts.LATE_REQUEST),
        (StepState.DONE, NOW - 10, NOW - 10 + timeouts.LATE_REQUEST),
        (StepState.UNKNOWN, NOW - 100, NOW),
    ],
)
def test_what_an_earlier_process_asked_for_once_may_still_arrive(state: StepState, at: float, until: float) -> None:
    """Of a step that cannot be undone: its Job, the pod that calls, or an eviction."""
    loop = DrillLoop(replace(CUT, steps=(StepEntry("clear", state, at),)), NOW, frozenset())
    assert loop.told(WAITING, until - 0.1).arriving is (until > NOW)
    assert not loop.told(WAITING, until).arriving


def test_the_entry_of_a_step_that_changes_something_is_not_waited_for() -> None:
    """Its change is in the undo log, which says what may still arrive of it."""
    loop = DrillLoop(replace(CUT, steps=(StepEntry(CUT.changes[0].name, StepState.INTENDED, NOW),)), NOW, frozenset())
    assert not loop.told(WAITING, NOW).arriving


def test_the_engine_hears_of_an_error_while_its_command_waits_and_until_it_succeeds() -> None:
    loop = DrillLoop(DrillRecord(since=NOW), NOW, frozenset())
    assert loop.failing(do.AcquireLock(), "busy")
    assert not loop.failing(do.AcquireLock(), "busy")
    assert loop.told(WAITING, NOW).errors == {CommandKey("AcquireLock"): "busy"}
    loop.answered(do.AcquireLock(), NOW)
    assert loop.told(WAITING, NOW).errors == {}
    assert loop.told(WAITING, NOW).lock is Lock.HELD


def test_a_drill_that_has_begun_holds_its_namespace_from_an_earlier_process() -> None:
    scaled = replace(CHANGE, name="stop", kind="scale", object_name="worker", before={"replicas": 3})
    loop = DrillLoop(replace(CUT, changes=(CHANGE, scaled)), NOW, frozenset())
    assert loop.told(UNDER_CUT, NOW).lock is Lock.HELD
    assert loop.told(UNDER_CUT, NOW).resumed_at == NOW
    assert loop.outcomes.read == {"partition", "stop"}


def test_a_preflight_that_found_a_rollout_is_made_again_after_a_while() -> None:
    loop = DrillLoop(DrillRecord(Phase.PREFLIGHT, since=NOW), NOW, frozenset())
    rolling = replace(WAITING, preflight=Preflight(rolling=("api",)))
    loop.answered(do.CheckPreflight(), NOW)
    assert not loop.told(rolling, NOW + LOOK_AGAIN_AFTER - 0.1).look_again
    assert loop.told(rolling, NOW + LOOK_AGAIN_AFTER).look_again
    assert not loop.told(WAITING, NOW + LOOK_AGAIN_AFTER).look_again


def test_a_namespace_that_cannot_be_seen_is_told_of_once_it_takes_long() -> None:
    loop = DrillLoop(CUT, NOW, frozenset())
    assert not loop.look_in_vain("forbidden", NOW + BLIND_AFTER).blind
    assert not loop.look_in_vain("", NOW + BLIND_AFTER + 1).blind
    work = loop.look_in_vain("forbidden", NOW + BLIND_AFTER + 1)
    assert work.save is not None
    assert (work.blind, work.save.record.stalled_by) == (True, "forbidden")
    assert loop.saved(NOW + BLIND_AFTER + 2).start == ()
    again = loop.look_in_vain("forbidden", NOW + BLIND_AFTER + 3)
    assert (again.blind, again.save) == (True, None)


DELETED = replace(UNDER_CUT, deleted=True)


def test_a_deleted_drill_that_is_refused_for_long_asks_now_and_then_whether_its_namespace_ends() -> None:
    loop = under_cut()
    revert = next(one for one in loop.look(a_plan(), DELETED, NOW).start if isinstance(one, do.Revert))
    assert not loop.look(a_plan(), DELETED, NOW + BLIND_AFTER + 1).blind, "nothing was refused"
    loop.answered(revert, NOW, "forbidden", refused=True)
    loop.answered(revert, NOW + 5, "forbidden", refused=True)
    assert not loop.look(a_plan(), DELETED, NOW + BLIND_AFTER).blind
    assert not loop.look(a_plan(), ABORTED, NOW + BLIND_AFTER + 1).blind, "the Drill is not deleted"
    assert loop.look(a_plan(), DELETED, NOW + BLIND_AFTER + 1).blind
    assert not loop.look(a_plan(), DELETED, NOW + BLIND_AFTER + 2).blind
    assert loop.look(a_plan(), DELETED, NOW + 2 * BLIND_AFTER + 2).blind
    loop.answered(revert, NOW + 2 * BLIND_AFTER + 3)
    assert not loop.look(a_plan(), DELETED, NOW + 4 * BLIND_AFTER).blind, "it was done"


def test_a_deleted_drill_that_cannot_see_a_part_any_more_asks_whether_its_namespace_ends() -> None:
    loop = under_cut()
    assert not loop.look(a_plan(), DELETED, NOW, unseen="forbidden").blind
    assert not loop.look(a_plan(), DELETED, NOW + BLIND_AFTER).blind
    assert not loop.look(a_plan(), DELETED, NOW + BLIND_AFTER + 1, unseen="forbidden").blind, "it was read in between"
    assert loop.look(a_plan(), DELETED, NOW + 2 * BLIND_AFTER + 2, unseen="forbidden").blind


def test_what_lets_traffic_through_is_sought_once() -> None:
    loop = under_cut(replace(CUT, outage_started_at=None))
    assert loop.look(a_plan(), UNDER_CUT, NOW).find_bypass
    assert not loop.look(a_plan(), UNDER_CUT, NOW).find_bypass


def test_a_process_that_takes_an_ended_drill_up_reads_its_logs_again_before_its_samples_are_kept() -> None:
    ended = DrillRecord(Phase.FINISHED, since=NOW, finished_at=NOW, faults_cleared=True, steady_from=NOW - 60)
    loop = DrillLoop(ended, NOW, frozenset())
    evidence = loop.prepare(a_plan(), {})
    work = loop.look(a_plan(), WAITING, NOW)
    assert (work.start, work.over) == ((), False)
    evidence.take(Sample("observer", 1, "health", NOW - 1, NOW - 0.9, ok=True))
    assert loop.look(a_plan(), WAITING, NOW + 0.5).start == ()
    evidence.take(Sample("observer", 2, "health", NOW + 0.4, NOW + 0.5, ok=True))
    assert loop.look(a_plan(), WAITING, NOW + 0.6).start == (do.KeepSamples(),)


def test_samples_of_an_ended_drill_are_kept_as_they_are_where_its_agents_say_nothing_more() -> None:
    ended = DrillRecord(Phase.FINISHED, since=NOW, finished_at=NOW, faults_cleared=True, steady_from=NOW - 60)
    loop = DrillLoop(ended, NOW, frozenset())
    loop.prepare(a_plan(), {})
    assert loop.look(a_plan(), WAITING, NOW + timeouts.READ_AGAIN).start == ()
    assert loop.look(a_plan(), WAITING, NOW + timeouts.READ_AGAIN + 0.1).start == (do.KeepSamples(),)


def test_a_drill_is_over_when_nothing_is_under_way_any_more() -> None:
    over = DrillRecord(Phase.FINISHED, since=NOW, reported=True, faults_cleared=True)
    loop = DrillLoop(over, NOW, frozenset())
    (free,) = loop.look(a_plan(), WAITING, NOW).start
    assert free == do.ReleaseLock()
    assert not loop.look(a_plan(), WAITING, NOW).over
    loop.answered(free, NOW)
    assert loop.look(a_plan(), WAITING, NOW).over


def test_it_is_noted_since_when_a_change_is_put_back_and_forgotten_once_it_is_there_again() -> None:
    undoing = replace(CHANGE, state=ChangeState.UNDOING, undo_requested_at=NOW - 1)
    loop = under_cut(replace(CUT, phase=Phase.RECOVERY, since=NOW - 1, undo_requested_at=NOW - 1, changes=(undoing,)))
    there, absent = UNDER_CUT, REVERTED
    unknown = replace(UNDER_CUT, changes={})
    assert loop.told(there, NOW).put_back == {}
    assert loop.told(unknown, NOW + 1).put_back == {}
    assert loop.told(absent, NOW + 2).put_back == {"partition": NOW + 2}
    assert loop.told(absent, NOW + 5).put_back == {"partition": NOW + 2}
    assert loop.told(there, NOW + 6).put_back == {}
    assert loop.told(absent, NOW + 7).put_back == {"partition": NOW + 7}


def test_what_was_decided_for_a_drill_that_turned_out_to_be_gone_is_not_begun() -> None:
    loop = DrillLoop(DrillRecord(since=NOW), NOW, frozenset())
    loop.outcomes.lock = Lock.HELD
    assert loop.look(a_plan(), WAITING, NOW).save is not None
    work = loop.saved(NOW + 1, gone=True)
    assert (work.start, work.look_at) == ((), NOW + 1)
    assert [line.reason for line in work.tell] == ["Preflight"]


def test_a_drill_that_was_known_to_be_gone_is_undone_all_the_same() -> None:
    loop, gone = under_cut(), replace(UNDER_CUT, deleted=True)
    ended = loop.look(a_plan(), gone, NOW)
    assert ended.start == (do.Revert(replace(CHANGE, state=ChangeState.UNDOING, undo_requested_at=NOW)),)
    saving = loop.look(a_plan(), gone, NOW + REVERT_FIRST)
    assert saving.save is not None
    assert loop.saved(NOW + REVERT_FIRST, gone=True).look_at == NOW + REVERT_FIRST + LOOK_EVERY
