"""The last deadline of a drill: no healthy one takes longer, however long each of its parts takes."""

from dataclasses import replace

import pytest

from gameday.actions.scale.kind import Scale
from gameday.engine.drill import timeouts
from gameday.model.plan import Expectation, Mode, Rollback, Step
from gameday.model.record import Phase, ResultState
from unit.engine.simulation import Simulation, a_plan
from workloads import deployment


@pytest.mark.parametrize("missed", [False, True])
@pytest.mark.parametrize("rollback", [False, True])
@pytest.mark.parametrize("slow", [False, True])
def test_a_drill_ends_before_its_agents_do(missed: bool, rollback: bool, slow: bool) -> None:
    answers = {"healthy again": ResultState.MISSED} if missed else {}
    world = Simulation(a_plan(rollback=rollback), answers)
    if slow:
        world.sever_takes, world.api.scale_takes = timeouts.CLOSE_CONNECTIONS - 1, timeouts.ARM
    world.finish(1000.0)
    began = next(line.at for line in world.record.timeline if "starting the agents" in line.message)
    assert world.record.phase is Phase.FINISHED
    assert world.record.finished_at is not None
    assert world.record.finished_at - began < timeouts.longest(world.plan) - timeouts.CLEAN_UP


def test_every_wait_of_the_plan_is_in_the_last_deadline() -> None:
    plan = a_plan()
    longest = timeouts.longest(plan)
    assert longest > timeouts.AGENTS + timeouts.fuse_of_faults(plan) + plan.recovery.within
    late = Expectation("late", Mode.EVENTUALLY, "health.ok", within=100, holds=50)
    held = replace(plan, recovery=replace(plan.recovery, expect=(late,)))
    assert timeouts.longest(held) == longest - plan.recovery.within + 150
    steady = replace(plan, steady_state=replace(plan.steady_state, duration=plan.steady_state.duration + 7))
    assert timeouts.longest(steady) == longest + 7
    again = replace(held, rollback=Rollback(("late",), 60, ()))
    assert timeouts.longest(again) == timeouts.longest(held) + 60 + 150 + timeouts.GRACE


def test_what_a_rollback_scaled_stays_through_the_second_look_at_the_recovery() -> None:
    more = Step("more workers", Scale(deployment("worker"), 10))
    slow = Expectation("healthy again", Mode.EVENTUALLY, "health.ok", within=300, holds=20)
    plan = replace(a_plan(), rollback=Rollback((slow.name,), 60, (more,)))
    plan = replace(plan, recovery=replace(plan.recovery, expect=(slow,)))
    seen: list[int] = []

    def look(world: Simulation) -> None:
        if world.record.phase is Phase.ROLLBACK and world.record.rollback_zero is not None:
            seen.append(world.workers)

    record = Simulation(plan, {slow.name: ResultState.MISSED}, meddle=look).finish(2000.0)
    assert record.doubts == ()
    assert [one.state for one in record.results if one.again] == [ResultState.MISSED]
    assert set(seen) == {10}, "its fuse must not put it back while the recovery is judged"
    change = record.change(more.name)
    assert change is not None
    assert change.fuse_deadline is not None
    assert record.rollback_zero is not None
    assert change.fuse_deadline > record.rollback_zero + 300 + 20 + timeouts.GRACE


def test_a_fuse_outlives_its_own_deadline_by_a_day() -> None:
    """Nothing but an API server that is away, or lost rights, keeps it from its patch."""
    assert timeouts.longest_of_fuse(120.0) == 120.0 + 24 * 3600
