"""Plans held against the administrator's limits: exactly at one is within it; a refusal says limit, value and plan."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from gameday.actions.http.call import Call
from gameday.actions.http.change import Http
from gameday.actions.manual import Manual
from gameday.actions.scale.kind import Scale
from gameday.engine.drill.context import Context
from gameday.engine.drill.decide import decide
from gameday.engine.drill.limits import length, of_moment, of_plan, of_reach, refusals
from gameday.model.limits import NONE, BlastRadius, Limits, LimitsState, LimitsValidity, WorkloadImpact
from gameday.model.observation import Lock, Observation, Planned
from gameday.model.plan import Action, Fault, Plan
from gameday.model.record import DrillRecord, Phase, Reason, Verdict, Waiting
from gameday.probes.request import HttpRequest
from gameday.schema.when import hours_of
from unit.actions.redis_acl.test_kind import OFF as USER_OFF
from unit.engine.script import Script
from unit.engine.simulation import OTHER_CUT, PARTITION, Simulation, a_plan, finished
from workloads import deployment

PLAN = a_plan()
"""Its outage lasts 20 s."""
OFFICE = hours_of("Mon-Fri 09:00-17:00 Europe/Berlin")
NIGHT = hours_of("Fri 22:00-06:00 Europe/Berlin")
INVALID = LimitsState(state=LimitsValidity.INVALID, why="mostpods: no such limit")
UNREADABLE = LimitsState(state=LimitsValidity.UNREADABLE, why="the API server did not answer")


def at(text: str, zone: str = "Europe/Berlin") -> float:
    """A Unix second by a clock on a wall; 2026-11-23 is a Monday."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


PODS = "spec.outage.faults[partition].networkPartition.podSelector"


def share(cut: int, ready: int) -> BlastRadius:
    return BlastRadius({PODS: cut}, (((PODS,), WorkloadImpact("Deployment api", cut, ready)),))


def test_without_limits_nothing_is_refused() -> None:
    assert refusals(NONE, PLAN, share(1000, 1000), 0.0) == ()


def test_the_max_outage() -> None:
    assert of_plan(Limits(max_outage=20), PLAN) == ()
    (text,) = of_plan(Limits(max_outage=19), PLAN)
    assert text == (
        "limits.maxOutage is 19s, but spec.outage.duration is 20s: shorten the outage or ask the administrator"
    )


def lasting(duration: float, *actions: Action) -> Plan:
    faults = tuple(Fault(f"f{n}", action) for n, action in enumerate(actions))
    return replace(PLAN, outage=replace(PLAN.outage, duration=duration, faults=faults))


def by_hand(within: float) -> Manual:
    return Manual("do", "undo", "redis.ok", "!redis.ok", within)


def call(within: float) -> Http:
    do, undo = (Call(HttpRequest(f"https://api.example.com/{path}")) for path in ("stop", "start"))
    return Http(do, undo, "!redis.ok", "redis.ok", within)


@pytest.mark.parametrize(
    ("later", "field"),
    [
        (by_hand(3600), "spec.outage.faults[f1].manual.within"),
        (call(3600), "spec.outage.faults[f1].http.within"),
        (replace(USER_OFF, within=3600), "spec.outage.faults[f1].redisAcl.within"),
    ],
    ids=["manual", "http", "redisAcl"],
)
def test_the_max_outage_counts_how_long_a_fault_stands_while_a_later_one_is_proven(later: Action, field: str) -> None:
    limits = Limits(max_outage=300, allowed_faults=frozenset({"http", "redisAcl"}))
    (text,) = of_plan(limits, lasting(60, PARTITION.action, later))
    assert text == (
        f"limits.maxOutage is 5m, but the faults may stand for 1h30s, since spec.outage.duration is 1m and {field} "
        "(1h) adds 59m30s: shorten one of these or ask the administrator"
    )


def test_each_later_fault_adds_to_how_long_the_first_may_stand() -> None:
    plan = lasting(60, PARTITION.action, by_hand(90), OTHER_CUT.action, by_hand(150))
    assert of_plan(Limits(max_outage=240), plan) == ()
    (text,) = of_plan(Limits(max_outage=239), plan)
    assert "the faults may stand for 4m, since spec.outage.duration is 1m and" in text
    assert "spec.outage.faults[f1].manual.within (1m30s) adds 1m and " in text
    assert "spec.outage.faults[f3].manual.within (2m30s) adds 2m:" in text


def test_a_later_fault_that_has_less_time_than_usual_gives_none_to_another() -> None:
    assert of_plan(Limits(max_outage=119), lasting(60, PARTITION.action, by_hand(10), by_hand(90)))


def test_a_scale_may_have_its_effect_long_before_it_is_proven_also_as_the_first_fault() -> None:
    """Its pods leave their Services at once, and the outage begins when the last of them has ended."""
    plan = lasting(60, Scale(deployment("worker"), 0))
    assert of_plan(Limits(max_outage=120), plan) == ()
    (text,) = of_plan(Limits(max_outage=119), plan)
    assert "spec.outage.faults[f0].scale (1m30s to be proven) adds 1m:" in text


def test_nothing_stands_while_a_person_has_not_done_the_first_fault() -> None:
    assert of_plan(Limits(max_outage=60), lasting(60, by_hand(3600), PARTITION.action)) == ()


@pytest.mark.parametrize(
    ("every", "timeout", "field"),
    [
        (300.0, 2.0, "spec.probes[health].interval (5m) adds 4m36s"),
        (1.0, 60.0, "spec.probes[health].timeout (1m) adds 1m34s"),
    ],
)
def test_faults_stand_while_the_last_sample_of_a_slow_probe_is_waited_for(
    every: float, timeout: float, field: str
) -> None:
    (probe,) = PLAN.probes
    plan = replace(lasting(60, PARTITION.action), probes=(replace(probe, every=every, timeout=timeout),))
    (text,) = of_plan(Limits(max_outage=60), plan)
    assert f"since spec.outage.duration is 1m and {field}: shorten one of these or ask the administrator" in text
    assert of_plan(Limits(max_outage=60 + 276), plan) == ()


def test_no_limit_counts_the_last_sample_of_a_usual_probe() -> None:
    (probe,) = PLAN.probes
    plan = replace(lasting(60, PARTITION.action), probes=(replace(probe, every=20.0),))
    assert of_plan(Limits(max_outage=60), plan) == ()


def test_what_a_first_call_does_may_stand_unseen_no_longer_than_the_max_outage() -> None:
    limits = Limits(max_outage=300, allowed_faults=frozenset({"http"}))
    assert of_plan(limits, lasting(300, call(300))) == ()
    (text,) = of_plan(limits, lasting(60, call(301)))
    assert text == (
        "limits.maxOutage is 5m, but what spec.outage.faults[f0].http does may stand unseen for its within of 5m1s: "
        "shorten it or ask the administrator"
    )


def test_max_pods_count_over_all_faults_and_workloads() -> None:
    radius = BlastRadius({PODS: 3, "other": 2})
    assert of_reach(Limits(max_pods=5), radius) == ()
    (text,) = of_reach(Limits(max_pods=4), radius)
    assert text.startswith("limits.maxPods is 4, but spec.outage.faults[partition]")
    assert "selects 5: select fewer or ask the administrator" in text


@pytest.mark.parametrize(
    ("cut", "ready", "within_limit"), [(1, 2, True), (2, 4, True), (2, 3, False), (1, 1, False), (51, 100, False)]
)
def test_the_max_workload_percent_is_of_each_workload(cut: int, ready: int, within_limit: bool) -> None:
    found = of_reach(Limits(max_workload_percent=50), share(cut, ready))
    assert (found == ()) is within_limit
    assert all(f"selects {cut} of {ready} ready pods of Deployment api" in text for text in found)


def test_each_workload_over_its_share_is_named() -> None:
    impacts = (((PODS,), WorkloadImpact("Deployment api", 1, 4)), ((PODS,), WorkloadImpact("StatefulSet queue", 3, 3)))
    (text,) = of_reach(Limits(max_workload_percent=50), BlastRadius({PODS: 4}, impacts))
    assert "limits.maxWorkloadPercent is 50" in text
    assert "3 of 3 ready pods of StatefulSet queue (100%)" in text


def test_a_workload_that_several_faults_hit_is_named_once_with_their_fields() -> None:
    radius = BlastRadius({PODS: 2, "other": 2}, (((PODS, "other"), WorkloadImpact("StatefulSet queue", 4, 4)),))
    assert of_reach(Limits(max_workload_percent=100), radius) == ()
    (text,) = of_reach(Limits(max_workload_percent=50), radius)
    assert text == (
        f"limits.maxWorkloadPercent is 50, but {PODS}, other together select 4 of 4 ready pods of StatefulSet queue "
        "(100%): select fewer or ask the administrator"
    )


@pytest.mark.parametrize(
    ("when", "allowed"),
    [
        ("2026-11-23 09:00", True),
        ("2026-11-23 08:59:59", False),
        ("2026-11-23 16:59:59", True),
        ("2026-11-23 17:00", False),
        ("2026-11-28 12:00", False),
    ],
)
def test_office_hours(when: str, allowed: bool) -> None:
    assert OFFICE.cover(at(when)) is allowed


@pytest.mark.parametrize(
    ("when", "allowed"),
    [
        ("2026-11-27 21:59", False),
        ("2026-11-27 22:00", True),
        ("2026-11-28 05:59", True),
        ("2026-11-28 06:00", False),
        ("2026-11-28 22:00", False),
        ("2026-11-27 05:59", False),
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins(when: str, allowed: bool) -> None:
    assert NIGHT.cover(at(when)) is allowed


def test_hours_are_those_on_the_clocks_of_their_zone_summer_and_winter() -> None:
    assert OFFICE.cover(at("2026-07-20 07:30", "UTC"))
    assert not OFFICE.cover(at("2026-11-23 07:30", "UTC"))
    whole_day = hours_of("Sun 00:00-24:00 Europe/Berlin")
    assert all(whole_day.cover(at("2026-10-25 00:00") + hour * 3600) for hour in range(25))
    assert not whole_day.cover(at("2026-10-25 00:00") + 25 * 3600)


def test_one_of_several_windows_is_enough_and_a_refusal_names_them_all() -> None:
    limits = Limits(when=(OFFICE, NIGHT))
    assert of_moment(limits, at("2026-11-27 23:00")) == ()
    (text,) = of_moment(limits, at("2026-11-28 12:00"))
    assert text == (
        "limits.when allows Mon-Fri 09:00-17:00 Europe/Berlin, Fri 22:00-06:00 Europe/Berlin, and it "
        "is Sat 12:00 Europe/Berlin: start the drill within these hours or ask the administrator"
    )


def test_all_excesses_come_at_once() -> None:
    limits = Limits(10, 1, 50, (OFFICE,), 1)
    found = refusals(limits, PLAN, share(2, 2), at("2026-11-28 12:00"))
    assert [text.split()[0] for text in found] == [
        "limits.maxOutage",
        "limits.maxPods",
        "limits.maxWorkloadPercent",
        "limits.when",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"), [(300, "5m"), (90, "1m30s"), (5400, "1h30m"), (45, "45s"), (3600, "1h"), (0, "0s")]
)
def test_lengths_read_as_plans_write_them(seconds: float, text: str) -> None:
    assert length(seconds) == text


def until(simulation: Simulation, phase: Phase) -> None:
    while simulation.record.phase is not phase:
        simulation.step()


@pytest.mark.parametrize(("limits_state", "reason"), [(INVALID, "LimitsInvalid"), (UNREADABLE, "LimitsUnknown")])
def test_with_limits_that_are_not_known_no_drill_begins_and_it_says_why(limits_state: LimitsState, reason: str) -> None:
    simulation = Simulation(PLAN, limits_state=limits_state)
    simulation.step()
    assert simulation.record.waiting is not None
    assert simulation.record.waiting.message == limits_state.why
    record = finished(simulation)
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, reason)
    assert simulation.effects == 2, (
        "its GameDay is written, and a lock given back that an earlier process may have taken"
    )


@pytest.mark.parametrize(("limits_state", "reason"), [(INVALID, "LimitsInvalid"), (UNREADABLE, "LimitsUnknown")])
def test_with_limits_that_are_not_known_no_drill_cuts(limits_state: LimitsState, reason: str) -> None:
    simulation = Simulation(PLAN)
    until(simulation, Phase.STEADY_STATE)
    simulation.show(limits_state=limits_state)
    record = finished(simulation)
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, reason)
    assert simulation.injections.total() == 0
    assert simulation.left() == []


@pytest.mark.parametrize(
    "limits",
    [Limits(max_outage=10), Limits(when=(hours_of("Mon 09:00-17:00 UTC"),))],
    ids=["plan", "hour"],
)
def test_limits_are_held_to_again_right_before_the_cut(limits: Limits) -> None:
    simulation = Simulation(PLAN)
    until(simulation, Phase.STEADY_STATE)
    simulation.show(limits_state=LimitsState(limits))
    record = finished(simulation)
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "LimitExceeded")
    assert record.message.startswith("limits.")
    assert simulation.injections.total() == 0
    assert simulation.left() == []


@pytest.mark.parametrize("limits_state", [INVALID, UNREADABLE, LimitsState(Limits(max_outage=1))])
def test_a_drill_under_its_cut_goes_on_whatever_becomes_of_the_limits(limits_state: LimitsState) -> None:
    simulation = Simulation(PLAN)
    until(simulation, Phase.OUTAGE)
    while simulation.record.outage_started_at is None:
        simulation.step()
    simulation.show(limits_state=limits_state)
    assert finished(simulation).verdict is Verdict.PASSED


def test_where_enough_drills_run_another_waits_until_its_time_is_over() -> None:
    told = "limits.maxConcurrentDrills is 1, and 1 already run (pay/first)"
    full = Observation(planned=Planned.FROZEN, start_before=1100.0, lock=Lock.FULL, locked_by=told)
    seen = Script({}, lambda: 1000.0)
    waiting = decide(Context(PLAN, DrillRecord(), full, seen, full.start_before - 1))
    assert (waiting.phase, waiting.waiting) == (Phase.PENDING, Waiting(Reason.TOO_MANY_DRILLS, told))
    ended = decide(Context(PLAN, waiting, full, seen, full.start_before + 1))
    assert (ended.verdict, ended.reason, ended.message) == (Verdict.INCONCLUSIVE, "TooManyDrills", told)
