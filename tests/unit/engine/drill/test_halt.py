"""A halt by the administrator: what runs is undone at once, what waits goes on waiting, doubt begins nothing."""

import pytest

from gameday.api.conditions import conditions_of
from gameday.engine.drill import commands as do
from gameday.engine.drill.next_commands import commands_for
from gameday.model.halt import CLEAR, Halt, HaltState
from gameday.model.observation import Lock, Observation, Planned
from gameday.model.record import DrillRecord, Phase, Reason, ResultState, Verdict
from unit.engine.simulation import Simulation, a_plan, finished

HALTED = Halt(HaltState.HALTED, "a launch")
UNREADABLE = Halt(HaltState.UNREADABLE, "the API server did not answer")


def until(simulation: Simulation, phase: Phase) -> None:
    while simulation.record.phase is not phase or simulation.now < simulation.record.since + 1:
        simulation.step()


def condition(record: DrillRecord, kind: str) -> tuple[str, str, str]:
    found = {name: rest for name, *rest in conditions_of(record)}
    state, reason, message = found.get(kind, ("", "", ""))
    return state, reason, message


@pytest.mark.parametrize("phase", [Phase.STEADY_STATE, Phase.OUTAGE, Phase.RECOVERY, Phase.ROLLBACK])
def test_a_drill_that_has_begun_is_undone_at_once_and_ends_aborted(phase: Phase) -> None:
    simulation = Simulation(a_plan(rollback=True), {"healthy again": ResultState.MISSED})
    until(simulation, phase)
    held = bool(simulation.there("policy"))
    began = simulation.now
    simulation.show(halt=HALTED)
    simulation.step()
    assert simulation.there("policy") == []
    record = finished(simulation)
    assert (record.verdict, record.reason) == (Verdict.ABORTED, Reason.HALTED.value)
    assert "halted all drills: a launch" in record.message
    assert condition(record, "Halted")[:2] == ("True", "Halted")
    assert record.undo_requested_at is None or not held or record.undo_requested_at <= began + 0.5
    assert simulation.left() == []


def test_a_miss_from_before_the_halt_stays_visible() -> None:
    simulation = Simulation(a_plan(), {"reported": ResultState.MISSED})
    until(simulation, Phase.RECOVERY)
    simulation.show(halt=HALTED)
    record = finished(simulation)
    assert record.verdict is Verdict.ABORTED
    assert record.missed_before_abort == ("reported",)


def test_no_further_rollback_step_is_taken() -> None:
    simulation = Simulation(a_plan(rollback=True), {"healthy again": ResultState.MISSED})
    while simulation.workers != 0:
        simulation.step()
    simulation.show(halt=HALTED)
    finished(simulation)
    assert simulation.there("job") == []
    assert simulation.workers == 3


@pytest.mark.parametrize("halt", [HALTED, UNREADABLE], ids=["halted", "unreadable"])
def test_a_drill_that_waits_takes_nothing_and_begins_when_it_is_resumed(halt: Halt) -> None:
    simulation = Simulation(a_plan(), halt=halt)
    for _ in range(20):
        simulation.step()
    assert simulation.record.phase is Phase.PENDING
    assert simulation.left() == []
    assert condition(simulation.record, "Complete")[:2] == (
        "False",
        "Halted" if halt is HALTED else "HaltUnknown",
    )
    assert condition(simulation.record, "Halted")[0] == ("True" if halt is HALTED else "")
    assert [line.reason for line in simulation.record.timeline] == ["Halted" if halt is HALTED else "HaltUnknown"]
    simulation.show(halt=CLEAR)
    record = finished(simulation)
    assert record.verdict is Verdict.PASSED
    assert condition(record, "Halted")[0] == ""


@pytest.mark.parametrize(("halt", "reason"), [(HALTED, "Halted"), (UNREADABLE, "HaltUnknown")])
def test_a_drill_that_waited_in_vain_is_inconclusive_and_says_why(halt: Halt, reason: str) -> None:
    simulation = Simulation(a_plan(), halt=halt)
    record = finished(simulation)
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, reason)
    assert halt.why in record.message
    assert simulation.effects == 2, (
        "its GameDay is written, and a lock given back that an earlier process may have taken"
    )


def test_a_waiting_drill_that_holds_the_namespace_gives_it_back() -> None:
    observed = Observation(planned=Planned.FROZEN, halt=HALTED, lock=Lock.HELD)
    assert commands_for(a_plan(), DrillRecord(), observed) == (do.ReleaseLock(),)


def test_what_cannot_be_told_ends_no_drill_under_its_cut() -> None:
    simulation = Simulation(a_plan())
    until(simulation, Phase.OUTAGE)
    while simulation.record.outage_started_at is None:
        simulation.step()
    simulation.show(halt=UNREADABLE)
    assert finished(simulation).verdict is Verdict.PASSED


def test_what_cannot_be_told_lets_no_drill_cut() -> None:
    simulation = Simulation(a_plan())
    until(simulation, Phase.STEADY_STATE)
    simulation.show(halt=UNREADABLE)
    record = finished(simulation)
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, Reason.HALT_UNKNOWN.value)
    assert simulation.injections.total() == 0
    assert simulation.left() == []


def test_a_moment_of_doubt_before_the_cut_is_waited_out() -> None:
    simulation = Simulation(a_plan())
    until(simulation, Phase.STEADY_STATE)
    simulation.show(halt=UNREADABLE)
    while simulation.record.phase is not Phase.OUTAGE:
        simulation.step()
    for _ in range(20):
        simulation.step()
    simulation.show(halt=CLEAR)
    assert finished(simulation).verdict is Verdict.PASSED


def test_a_halt_survives_the_operator() -> None:
    simulation = Simulation(a_plan())
    while simulation.record.outage_started_at is None:
        simulation.step()
    simulation.idle(1.0)
    simulation.show(halt=HALTED)
    simulation.restart()
    simulation.step()
    assert simulation.there("policy") == []
    assert finished(simulation).reason == Reason.HALTED.value
