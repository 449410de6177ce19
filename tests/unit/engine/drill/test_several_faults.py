"""Several faults in one drill: applied in order, each proven, and undone in reverse, whatever happens in between."""

import pytest

from gameday.engine.drill import timeouts
from gameday.model.change import Change, ChangeState
from gameday.model.plan import Fault
from gameday.model.record import DrillRecord, Phase, Reason, Verdict
from simulation.scenario import What
from unit.engine.simulation import NO_WORKERS, OTHER_CUT, PARTITION, Killed, Simulation, a_plan, finished

ORDERS = {
    "the cut first": (PARTITION, NO_WORKERS),
    "the cut last": (NO_WORKERS, PARTITION),
    "two cuts": (PARTITION, OTHER_CUT),
    "two cuts and a scale": (PARTITION, NO_WORKERS, OTHER_CUT),
    "no cut": (NO_WORKERS,),
}
BOTH = pytest.mark.parametrize(
    "faults",
    [ORDERS["the cut first"], ORDERS["the cut last"], ORDERS["two cuts"]],
    ids=["cut first", "cut last", "two cuts"],
)


def reasons(record: DrillRecord, *wanted: str) -> list[tuple[str, str]]:
    return [(line.reason, line.message.split(":")[0].split()[0]) for line in record.timeline if line.reason in wanted]


def entry(record: DrillRecord, fault: Fault) -> Change:
    found = record.change(fault.name)
    assert found is not None
    return found


@pytest.mark.parametrize("faults", ORDERS.values(), ids=ORDERS)
def test_a_drill_of_them_passes_and_leaves_nothing(faults: tuple[Fault, ...]) -> None:
    simulation = Simulation(a_plan(faults=faults), close_connections=PARTITION in faults)
    record = finished(simulation)
    assert (record.verdict, record.reason) == (Verdict.PASSED, "AllExpectationsMet"), record.message
    assert simulation.left() == []
    assert {change.state for change in record.changes} == {ChangeState.UNDONE}


@BOTH
def test_each_is_asked_for_once_the_one_before_is_proven(faults: tuple[Fault, ...]) -> None:
    record = finished(Simulation(a_plan(faults=faults)))
    first, last = (entry(record, fault) for fault in faults)
    assert record.inject_requested_at == first.requested_at
    assert first.requested_at is not None
    assert first.proven_at is not None
    assert last.requested_at is not None
    assert first.requested_at < first.proven_at <= last.requested_at
    assert (record.outage_started_at, record.proven_at) == (last.effect_at, last.proven_at)


@BOTH
def test_they_are_undone_in_reverse(faults: tuple[Fault, ...]) -> None:
    record = finished(Simulation(a_plan(faults=faults)))
    first, last = (entry(record, fault) for fault in faults)
    assert last.undone_at is not None
    assert first.undone_at is not None
    assert first.undo_requested_at is not None
    assert last.undone_at <= first.undo_requested_at <= first.undone_at
    assert record.recovery_started_at is not None


@BOTH
def test_each_has_a_fuse_of_its_own_that_lasts_through_the_budgets_of_all(faults: tuple[Fault, ...]) -> None:
    plan = a_plan(faults=faults)
    record = finished(Simulation(plan))
    assert {change.fuse_name for change in record.changes} == {f"drill-fuse-{fault.name}" for fault in faults}
    alone = timeouts.fuse_of_faults(a_plan())
    proven = timeouts.PROVE + (60 if NO_WORKERS in faults else 0)  # pods that are scaled away have time to end
    assert timeouts.fuse_of_faults(plan) == alone + proven + timeouts.CLOSE_CONNECTIONS + timeouts.UNDO


@pytest.mark.parametrize("late", [40.0, 89.0, 91.0])
def test_a_scale_is_proven_once_the_last_pod_has_ended(late: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulation.bare.world.POD_ENDS", late)
    record = finished(Simulation(a_plan(faults=(PARTITION, NO_WORKERS))))
    scaled = entry(record, NO_WORKERS)
    assert scaled.requested_at is not None
    if late > timeouts.proven_within(NO_WORKERS.action):
        assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "NoEffect")
        assert "3 pods of it have not ended" in record.doubts[0].message
    else:
        assert scaled.proven_at is not None
        assert scaled.proven_at - scaled.requested_at == pytest.approx(late, abs=2.0)


def test_one_that_is_not_proven_takes_all_back() -> None:
    simulation = Simulation(a_plan(faults=(NO_WORKERS, PARTITION)), enforced=False)
    record = finished(simulation)
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "NoEffect")
    assert simulation.left() == []


def test_one_that_somebody_takes_back_ends_the_drill() -> None:
    def person(world: Simulation) -> None:
        if (
            world.record.outage_started_at is not None
            and world.now > world.record.outage_started_at + 5
            and world.workers == 0
        ):
            world.inject(What.SCALED_BY_OTHERS, 3)

    simulation = Simulation(a_plan(faults=(PARTITION, NO_WORKERS)), meddle=person)
    record = finished(simulation)
    assert record.doubts[0].cause is Reason.CUT_REMOVED
    assert record.doubts[0].message.startswith("Deployment worker is at 3: KEDA")
    assert simulation.left() == []


@pytest.mark.parametrize("number", [5, 0], ids=["to another number", "to the fault's number"])
def test_one_that_somebody_changed_before_it_was_asked_for_is_not_made(number: int) -> None:
    def person(world: Simulation) -> None:
        if world.record.inject_requested_at is not None and world.workers == 3:
            world.inject(What.SCALED_BY_OTHERS, number)

    simulation = Simulation(a_plan(faults=(PARTITION, NO_WORKERS)), meddle=person)
    record = finished(simulation)
    assert record.doubts[0].cause is Reason.CUT_CHANGED
    assert f"it is at {number}:" in record.doubts[0].message
    assert not entry(record, NO_WORKERS).touched
    assert (simulation.left(), simulation.workers) == (["the workers' number"], number)


def test_the_first_one_is_not_made_either_where_somebody_did_so_while_its_fuse_was_armed() -> None:
    def person(world: Simulation) -> None:
        if world.record.phase is Phase.OUTAGE and world.workers == 3:
            world.inject(What.SCALED_BY_OTHERS, 0)

    simulation = Simulation(a_plan(faults=(NO_WORKERS,)), meddle=person, close_connections=False)
    record = finished(simulation)
    assert record.doubts[0].cause is Reason.CUT_CHANGED
    assert not entry(record, NO_WORKERS).touched
    assert simulation.workers == 0


def test_an_undo_that_hangs_holds_up_the_others_only_for_its_budget() -> None:
    class Stuck(Simulation):
        def scaled(self, replicas: int) -> None:
            if replicas == 0:
                super().scaled(replicas)

    simulation = Stuck(a_plan(faults=(PARTITION, NO_WORKERS)))
    with pytest.raises(AssertionError, match="did not end"):
        simulation.finish(130.0)
    cut, stuck = entry(simulation.record, PARTITION), entry(simulation.record, NO_WORKERS)
    assert stuck.undone_at is None
    assert stuck.undo_requested_at is not None
    assert cut.undone_at is not None
    assert cut.undone_at - stuck.undo_requested_at == pytest.approx(timeouts.UNDO, abs=2.0)
    assert simulation.record.faults_cleared is False


def effects_of(faults: tuple[Fault, ...]) -> int:
    simulation = Simulation(a_plan(faults=faults), close_connections=PARTITION in faults)
    simulation.finish()
    return simulation.effects


CRASHES = [
    pytest.param(faults, nth, after, id=f"{name}-{nth}-{'after' if after else 'before'}")
    for name, faults in ORDERS.items()
    for nth in range(1, effects_of(faults) + 1)
    for after in (False, True)
]


@pytest.mark.parametrize(("faults", "nth", "after"), CRASHES)
def test_killed_at_any_moment_all_of_them_are_taken_back(faults: tuple[Fault, ...], nth: int, after: bool) -> None:
    plan, close_connections = a_plan(faults=faults), PARTITION in faults
    simulation = Simulation(plan, kill_at=nth, kill_after_effect=after, close_connections=close_connections)
    with pytest.raises(Killed):
        simulation.finish()
    simulation.restart()
    record = finished(simulation)
    assert simulation.left() == []
    assert record.verdict in {Verdict.PASSED, Verdict.INCONCLUSIVE}, record.message
    assert simulation.injections.total() <= sum(fault.action.WITNESSED for fault in faults)


@pytest.mark.parametrize(("faults", "nth", "after"), CRASHES)
def test_killed_for_good_the_fuses_take_all_of_them_back(faults: tuple[Fault, ...], nth: int, after: bool) -> None:
    simulation = Simulation(
        a_plan(faults=faults), kill_at=nth, kill_after_effect=after, close_connections=PARTITION in faults
    )
    with pytest.raises(Killed):
        simulation.finish()
    simulation.idle(timeouts.fuse_of_faults(simulation.plan) + 1)
    assert (simulation.there("policy"), simulation.workers) == ([], 3)


def test_aborted_before_the_second_one_it_is_never_made() -> None:
    def person(world: Simulation) -> None:
        if world.there("policy"):
            world.inject(What.ABORT)

    simulation = Simulation(a_plan(faults=(PARTITION, NO_WORKERS)), meddle=person)
    record = finished(simulation)
    assert record.verdict is Verdict.ABORTED
    assert not entry(record, NO_WORKERS).touched
    assert simulation.left() == []
    assert record.phase is Phase.FINISHED


def test_one_fault_alone_keeps_the_name_of_its_fuse() -> None:
    record = finished(Simulation(a_plan()))
    assert entry(record, PARTITION).fuse_name == "drill-fuse"
