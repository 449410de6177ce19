"""The last deadline of a drill: no healthy one takes longer, however long each of its parts takes."""

from dataclasses import replace

import pytest

from gameday.actions.scale.kind import Scale
from gameday.engine.drill import timeouts
from gameday.model.plan import Expectation, Mitigation, Mode, Plan, Probe, Rollback, Stage, Step
from gameday.model.record import Phase, ResultState
from gameday.probes.http.kind import HttpProbe
from gameday.probes.kubernetes.kind import KubernetesProbe
from unit.engine.simulation import Simulation, a_plan
from workloads import deployment


@pytest.mark.parametrize("missed", [False, True])
@pytest.mark.parametrize("rollback", [False, True])
@pytest.mark.parametrize("slow", [False, True])
def test_a_drill_ends_before_its_agents_do(missed: bool, rollback: bool, slow: bool) -> None:
    answers = {"healthy again": ResultState.MISSED} if missed else {}
    world = Simulation(a_plan(rollback=rollback), answers)
    if slow:
        world.closing_takes, world.api.scale_takes = timeouts.CLOSE_CONNECTIONS - 1, timeouts.ARM
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
        if world.record.phase is Phase.ROLLBACK and world.record.rollback_done_at is not None:
            seen.append(world.workers)

    record = Simulation(plan, {slow.name: ResultState.MISSED}, meddle=look).finish(2000.0)
    assert record.doubts == ()
    assert [one.state for one in record.results if one.again] == [ResultState.MISSED]
    assert set(seen) == {10}, "its fuse must not put it back while the recovery is judged"
    change = record.change(more.name)
    assert change is not None
    assert change.fuse_deadline is not None
    assert record.rollback_done_at is not None
    assert change.fuse_deadline > record.rollback_done_at + 300 + 20 + timeouts.GRACE


def test_a_fuse_outlives_its_own_deadline_by_a_day() -> None:
    """Nothing but an API server that is away, or lost rights, keeps it from its patch."""
    assert timeouts.longest_of_fuse(120.0) == 120.0 + 24 * 3600


def reading(expression: str, *probes: Probe) -> Plan:
    """A plan of which each stage expects this; all probes but those given are usual ones."""
    plan = replace(a_plan(rollback=True), probes=(*a_plan().probes, *probes))
    always = Expectation("stays so", Mode.ALWAYS, expression)
    return replace(
        plan,
        steady_state=replace(plan.steady_state, expect=(always,)),
        outage=replace(plan.outage, expect=(always,)),
        recovery=replace(plan.recovery, expect=(*plan.recovery.expect, always)),
        mitigations=(Mitigation("help", "!health.ok", ()),),
    )


@pytest.mark.parametrize(
    ("every", "timeout", "expression", "seconds"),
    [
        pytest.param(1.0, 2.0, "http.ok", 10.0, id="usual"),
        pytest.param(1.0, 2.0, "http.ok && pods.ok", 10.0, id="usual, of two agents"),
        pytest.param(30.0, 2.0, "http.ok", 36.0, id="asks rarely"),
        pytest.param(1.0, 15.0, "http.ok", 34.0, id="may hang"),
        pytest.param(30.0, 2.0, "http.ok && health.ok", 36.0, id="the slowest counts"),
        pytest.param(30.0, 2.0, "http.ok && pods.ok", 66.0, id="and the other agent, which may be as slow"),
        pytest.param(30.0, 2.0, "http.ok && pods.ok && jobs.ok", 66.0, id="and any number of others"),
        pytest.param(30.0, 2.0, "rare.ok && pods.ok", 66.0, id="each Deployment is a log of its own"),
        pytest.param(30.0, 2.0, "pods.ok", 10.0, id="one Deployment is one"),
        pytest.param(300.0, 300.0, "http.ok", 604.0, id="as slow as may be"),
        pytest.param(300.0, 300.0, "health.ok", 10.0, id="what nothing reads is not waited for"),
    ],
)
def test_samples_may_trail_a_deadline_as_long_as_their_probe_takes(
    every: float, timeout: float, expression: str, seconds: float
) -> None:
    plan = reading(
        expression,
        Probe("http", HttpProbe("http://api"), every, timeout),
        Probe("pods", KubernetesProbe("api")),
        Probe("jobs", KubernetesProbe("worker")),
        Probe("rare", KubernetesProbe("cron"), every, timeout),
    )
    assert [timeouts.grace(plan, stage) for stage in Stage] == [seconds] * 3


def test_a_stage_that_expects_nothing_waits_no_longer_than_usual() -> None:
    plan = reading("http.ok", Probe("http", HttpProbe("http://api"), 30.0))
    calm = replace(plan, steady_state=replace(plan.steady_state, expect=()))
    assert [timeouts.grace(calm, stage) for stage in Stage] == [10.0, 36.0, 36.0]


def test_every_budget_has_room_for_samples_that_trail() -> None:
    """A fuse that is shorter than what its drill may take would put things back in its midst."""
    usual, slow = (reading("http.ok", Probe("http", HttpProbe("http://api"), every)) for every in (1.0, 30.0))
    more = 26.0
    assert timeouts.fuse_of_faults(slow) == timeouts.fuse_of_faults(usual) + more
    # The outage, the recovery, and its second judging.
    assert timeouts.fuse_of_mitigation(slow) == timeouts.fuse_of_mitigation(usual) + 3 * more
    assert timeouts.fuse_of(slow, "stop workers") == timeouts.fuse_of(usual, "stop workers") + more
    assert timeouts.longest_wait(slow, 30.0) == timeouts.longest_wait(usual, 30.0) + more
    assert timeouts.longest(slow) == timeouts.longest(usual) + 4 * more


def test_a_plan_that_cannot_be_read_any_more_is_still_put_back_in_time() -> None:
    """Rules may become stricter than those under which a plan was frozen."""
    slow = Probe("http", HttpProbe("http://api"), 30.0)
    assert timeouts.fuse_of_faults(reading("http.ok &&", slow)) == timeouts.fuse_of_faults(reading("http.ok", slow))
