"""What a drill concludes from what is unknown because a list fails: nothing, and it says what it waits for."""

from dataclasses import replace

import pytest

from gameday.engine.drill import timeouts
from gameday.engine.drill.context import Context
from gameday.engine.drill.decide import decide
from gameday.engine.drill.loop import BLIND_AFTER, DrillLoop
from gameday.model.change import NOTHING, Change, ChangeState, Observed, Ran
from gameday.model.observation import Fuse, Observation
from gameday.model.record import DrillRecord, Phase, Reason, StepEntry, StepState
from unit.engine.drill.test_command_errors import NOBODY, SCALE, undoing, workers
from unit.engine.script import Script
from unit.engine.simulation import NO_WORKERS, Simulation, a_plan, finished

FAILS = "list replicasets: forbidden"
NOW = 1000.0
ACTIVE = replace(
    SCALE, state=ChangeState.ACTIVE, fuse_uid="fuse-uid", object_uid=None, requested_at=900.0, undo_requested_at=None
)
FUSES = {"f": Fuse("fuse-uid", armed=True, deadline=NOW + 900.0)}
REPAIRS = a_plan(rollback=True)


def in_rollback(change: Change, *done: str) -> DrillRecord:
    """A drill in its rollback, whose steps of these names are done."""
    steps = tuple(StepEntry(name, StepState.DONE, 950.0) for name in done)
    return DrillRecord(Phase.ROLLBACK, since=950.0, undo_requested_at=890.0, changes=(change,), steps=steps)


def seeing(change: Observed, **more: object) -> Observation:
    """What is seen of the workers; the Job is not there yet."""
    seen = Observation(changes={SCALE.name: change}, fuses=FUSES, runs={"clear state": Ran()}, unlisted=FAILS)
    return replace(seen, **more)  # type: ignore[arg-type]  # fields of an observation


def test_no_step_that_cannot_be_undone_is_taken_while_what_was_changed_before_it_is_unknown() -> None:
    record = in_rollback(ACTIVE, "stop workers")
    unknown = decide(Context(REPAIRS, record, seeing(NOTHING), NOBODY, NOW))
    assert unknown.step("clear state") is None
    known = decide(Context(REPAIRS, record, seeing(workers(0, ACTIVE)), NOBODY, NOW))
    assert known.step("clear state") is not None


def test_a_restore_is_not_done_while_its_workload_is_unknown() -> None:
    undone = replace(ACTIVE, state=ChangeState.UNDONE, undo_requested_at=960.0, undone_at=970.0)
    record = in_rollback(undone, "stop workers", "clear state").with_step(
        StepEntry("start workers", StepState.INTENDED, 960.0)
    )

    def done(seen: Observed) -> bool:
        entry = decide(Context(REPAIRS, record, seeing(seen, fuses={}), NOBODY, NOW)).step("start workers")
        return entry is not None and entry.state is StepState.DONE

    assert not done(NOTHING)
    assert done(workers(3, undone))


def test_a_step_that_waits_for_a_list_says_so_once_its_time_is_over() -> None:
    record = DrillRecord(Phase.ROLLBACK, since=NOW, undo_requested_at=890.0)
    observed = Observation(unlisted=FAILS)
    assert not decide(Context(REPAIRS, record, observed, NOBODY, NOW + 60.0)).finishing
    ended = decide(Context(REPAIRS, record, observed, NOBODY, NOW + 60.1))
    (doubt,) = ended.doubts
    assert (doubt.cause, doubt.message) == (
        Reason.ROLLBACK_FAILED,
        f"step stop workers was not done within 60 s: {FAILS}",
    )


def test_an_undo_that_cannot_be_seen_says_what_fails() -> None:
    late = decide(Context(REPAIRS, undoing(SCALE), seeing(NOTHING), NOBODY, NOW + timeouts.UNDO))
    line = next(line for line in late.timeline if line.reason == "FaultsNotCleared")
    assert line.message == f"stop workers: its state is not known; {FAILS}"
    assert late.stalled_by == FAILS


FAULTY = a_plan(faults=(NO_WORKERS,))
OF_FAULT = replace(ACTIVE, name=NO_WORKERS.name)


def under_fault(change: Change, **more: float) -> DrillRecord:
    record = DrillRecord(Phase.OUTAGE, since=950.0, steady_from=900.0, changes=(change,))
    return replace(record, **more)  # type: ignore[arg-type]  # fields of a record


def of_fault(seen: Observed) -> Observation:
    return Observation(changes={NO_WORKERS.name: seen}, fuses=FUSES, unlisted=FAILS, resumed_at=NOW)


def test_a_fault_whose_object_is_unknown_is_not_requested_and_not_waited_for_without_an_end() -> None:
    """What looks like the fault would be somebody else's, and be reverted as its own."""
    armed = replace(OF_FAULT, state=ChangeState.ARMED, requested_at=None, seen_at=None)
    record = under_fault(armed)
    waits = decide(Context(FAULTY, record, of_fault(NOTHING), NOBODY, NOW + timeouts.LIST))
    assert waits == record
    ended = decide(Context(FAULTY, record, of_fault(NOTHING), NOBODY, NOW + timeouts.LIST + 0.1))
    (doubt,) = ended.doubts
    assert doubt.cause is Reason.INJECTION_FAILED
    assert doubt.message == f"fault no-workers: the object that it changes could not be read; {FAILS}"
    begun = decide(Context(FAULTY, record, of_fault(workers(3, armed)), NOBODY, NOW))
    assert begun.inject_requested_at == NOW


@pytest.mark.parametrize(("seen", "at"), [(NOTHING, NOW), (workers(3, OF_FAULT), 990.0)], ids=["unknown", "reverted"])
def test_a_fault_that_is_unknown_is_not_taken_for_one_that_was_reverted_at_the_end_of_the_outage(
    seen: Observed, at: float
) -> None:
    proven = replace(OF_FAULT, proven_at=970.0, effect_at=970.0)
    record = under_fault(proven, inject_requested_at=965.0, outage_started_at=970.0, proven_at=970.0)
    ended = decide(Context(FAULTY, record, of_fault(seen), Script({}, lambda: NOW), NOW))
    assert ended.phase is Phase.RECOVERY
    assert ended.undo_requested_at == at


@pytest.mark.parametrize("comes_back", [True, False])
def test_the_steady_state_waits_for_what_is_to_be_changed_and_not_without_an_end(comes_back: bool) -> None:
    simulation = Simulation(FAULTY, changes={NO_WORKERS.name: NOTHING}, unlisted=FAILS)
    while simulation.record.steady_from is None or simulation.now < simulation.record.steady_from + 8.0:
        simulation.step()
    assert simulation.record.phase is Phase.STEADY_STATE
    if comes_back:
        del simulation.facts["changes"]
        simulation.show(unlisted="")
    record = finished(simulation)
    assert record.reason == ("AllExpectationsMet" if comes_back else "InjectionFailed")
    if not comes_back:
        why = f"the object that it changes could not be read; {FAILS}"
        assert record.message == f"fault no-workers: {why}; nothing was touched"
        assert not record.changes


def test_people_hear_of_a_list_that_fails_for_long_and_not_of_one_that_takes_a_moment() -> None:
    loop = DrillLoop(DrillRecord(Phase.OUTAGE), NOW, frozenset())
    missing = Observation(unlisted=FAILS)
    assert not loop.told(missing, NOW).unlisted_long
    assert not loop.told(missing, NOW + BLIND_AFTER).unlisted_long
    late = loop.told(missing, NOW + BLIND_AFTER + 0.1)
    assert late.unlisted_long
    assert not loop.told(Observation(), NOW + 20.0).unlisted_long
    assert not loop.told(missing, NOW + 21.0).unlisted_long, "it counts anew"
