"""Drills that cut a name: what is found when decides whether anything is touched, and what the drill may say."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pytest

from gameday.actions.network_partition.action import NetworkPartition
from gameday.model.addresses import ADDRESSES, DNS, HOST, LOOK_EVERY, OTHER_PORT
from gameday.model.agent import SERVERS
from gameday.model.plan import Dependency, Fault, HostTarget, Plan, Selector, Stage
from gameday.model.record import DrillRecord, Phase, ResultState, Verdict
from gameday.model.sample import LineType
from unit.engine.simulation import Simulation, a_plan, finished

NAME: Final = "eu1.redis.test"
A, B = "203.0.113.7", "203.0.113.8"
PAIR: Final = ("witness-0", "control-0")
Found = Callable[[DrillRecord, float], tuple[str, ...]]
"""What DNS says at a moment of a drill; nothing where it is silent."""


def cut_of(*cidrs: str, servers: bool = False) -> Plan:
    dependency = Dependency("redis", HostTarget(NAME, (6379,), cidrs, servers))
    return a_plan(faults=(Fault("partition", NetworkPartition(Selector({"app": "api"}), dependency)),))


class Named(Simulation):
    """A drill whose witness and control look a name up every 5 s; ``found`` is what DNS says."""

    def __init__(self, found: Found, plan: Plan | None = None, answers: dict[str, ResultState] | None = None) -> None:
        self.found_by_dns = found
        self.looked: dict[str, float] = {}
        super().__init__(plan or cut_of(), answers, meddle=lambda _: self.look())

    silence = DNS

    def finds(self, agent: str) -> tuple[str, ...]:
        """What one agent finds now: by DNS all find the same."""
        return self.found_by_dns(self.record, self.now)

    def look(self) -> None:
        """What the pairs do at each tick."""
        for agent in PAIR:
            due = self.looked.setdefault(agent, self.now) if agent in self.there("pod") else float("inf")
            if self.now < due:
                continue
            self.looked[agent] = self.now + LOOK_EVERY
            found = self.finds(agent)
            values = {HOST: NAME} | ({ADDRESSES: found} if found else {})
            error = None if found else self.silence
            self.say(agent, "addresses", self.now, bool(found), values, error=error, kind=LineType.ADDRESSES)


def under_the_cut(record: DrillRecord, after: float, now: float) -> bool:
    return record.outage_started_at is not None and now >= record.outage_started_at + after


def results(record: DrillRecord, stage: Stage = Stage.OUTAGE) -> set[ResultState]:
    return {result.state for result in record.results if result.stage is stage}


def was_touched(record: DrillRecord) -> bool:
    return record.inject_requested_at is not None


def test_a_name_that_keeps_its_addresses_is_cut_like_any_other() -> None:
    simulation = Named(lambda _record, _now: (A, B))
    record = finished(simulation)
    assert (record.verdict, record.faults_cleared) == (Verdict.PASSED, True)
    assert record.steady_from is not None
    assert record.inject_requested_at is not None
    first = min(s.sent for s in simulation.logs["witness-0"] if s.type is LineType.ADDRESSES)
    assert record.inject_requested_at - first >= 30.0, "it was looked up for half a minute first"


def test_an_address_that_comes_shortly_before_keeps_the_drill_from_cutting() -> None:
    began: list[float] = []

    def found(record: DrillRecord, now: float) -> tuple[str, ...]:
        began[:] = began or ([record.steady_from] if record.steady_from is not None else [])
        return (A, B) if began and now >= began[0] + 2 else (A,)

    record = finished(Named(found))
    assert not was_touched(record)
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "AddressesUnknown")
    assert "its address 203.0.113.8 was found only" in record.message
    assert "nothing was touched: name the ranges of its addresses by cidrs beside host" in record.message


def test_a_name_that_nobody_finds_is_never_cut() -> None:
    record = finished(Named(lambda _record, _now: ()))
    assert not was_touched(record)
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "AgentsNotReady")
    assert f"the name {NAME} could not be looked up" in record.message


def test_dns_that_goes_silent_keeps_the_drill_from_cutting() -> None:
    def found(record: DrillRecord, _now: float) -> tuple[str, ...]:
        return () if record.phase is Phase.STEADY_STATE and record.steady_from is not None else (A,)

    plan = cut_of()
    record = finished(Named(found, replace(plan, steady_state=replace(plan.steady_state, duration=40.0))))
    assert not was_touched(record)
    assert (record.reason, "had no answer from DNS" in record.message) == ("AddressesUnknown", True)


@pytest.mark.parametrize("after", [0.5, 5.0, 15.0])
@pytest.mark.parametrize("missed", [False, True], ids=["met", "missed"])
def test_an_address_that_comes_under_the_cut_leaves_nothing_of_the_outage(after: float, missed: bool) -> None:
    answers = {"reported": ResultState.MISSED} if missed else {}
    simulation = Named(lambda record, now: (A, B) if under_the_cut(record, after, now) else (A,), answers=answers)
    record = finished(simulation)
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "AddressesUnknown")
    assert results(record) == {ResultState.UNKNOWN}
    assert record.outage_started_at is not None
    assert record.undo_requested_at is not None
    assert record.undo_requested_at - record.outage_started_at >= 20.0, "the outage lasts as long as it was to"
    assert simulation.there("policy") == []
    assert f"{NAME} has addresses that were not cut: its address {B} was found" in record.message


def test_a_guardrail_reverts_the_cut_and_says_nothing_of_the_system_then() -> None:
    simulation = Named(
        lambda record, now: (A, B) if under_the_cut(record, 1.0, now) else (A,),
        answers={"stays up": ResultState.MISSED},
    )
    record = finished(simulation)
    assert record.guardrail == "stays up"
    assert record.outage_started_at is not None
    assert record.undo_requested_at is not None
    assert record.undo_requested_at - record.outage_started_at < 15.0, "it waits for nothing"
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "AddressesUnknown")
    assert results(record) == {ResultState.UNKNOWN}


def test_an_address_that_shows_only_after_the_end_may_have_been_there_before_it() -> None:
    def found(record: DrillRecord, _now: float) -> tuple[str, ...]:
        return (A, B) if record.undo_requested_at is not None else (A,)

    record = finished(Named(found))
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "AddressesUnknown")


def test_a_drill_whose_name_is_not_looked_up_to_the_end_cannot_pass() -> None:
    record = finished(Named(lambda record, now: () if under_the_cut(record, 10.0, now) else (A,)))
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "AddressesUnknown")
    assert f"no agent looked up {NAME} up to the end of the outage" in record.message
    assert record.faults_cleared


def test_ranges_make_it_the_same_whatever_comes_in_them() -> None:
    ranges = cut_of("203.0.113.0/24")
    record = finished(Named(lambda record, now: (B,) if under_the_cut(record, 5.0, now) else (A,), ranges))
    assert record.verdict is Verdict.PASSED
    outside = Named(lambda record, now: ("198.51.100.1",) if under_the_cut(record, 5.0, now) else (A,), ranges)
    assert finished(outside).reason == "AddressesUnknown"
    assert not was_touched(finished(Named(lambda _record, _now: ("198.51.100.1",), ranges)))


@pytest.mark.parametrize("after", [3.0, 12.0])
def test_an_operator_that_starts_anew_comes_to_the_same(after: float) -> None:
    simulation = Named(lambda record, now: (A, B) if under_the_cut(record, 5.0, now) else (A,))
    while not under_the_cut(simulation.record, after, simulation.now):
        simulation.step()
    simulation.restart()
    record = finished(simulation)
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "AddressesUnknown")
    assert results(record) == {ResultState.UNKNOWN}


class Asked(Named):
    """A drill whose witness and control ask servers for the others; who is cut off gets no answer."""

    silence = f"{SERVERS}{NAME}:6379 did not answer (timeout)"

    def finds(self, agent: str) -> tuple[str, ...]:
        """Nothing for a witness while there is a policy."""
        there = self.there("policy") if agent.startswith("witness") else ()
        return () if there else super().finds(agent)


def test_servers_that_name_others_are_cut_like_a_name_although_a_witness_cannot_ask_any_more() -> None:
    simulation = Asked(lambda _record, _now: (A, B), cut_of(servers=True))
    record = finished(simulation)
    assert (record.verdict, record.faults_cleared) == (Verdict.PASSED, True), record.message
    cut_off = [s for s in simulation.logs["witness-0"] if s.type is LineType.ADDRESSES and s.error == Asked.silence]
    assert cut_off, "the witness looked while it was cut off"


def test_a_server_that_joins_under_the_cut_leaves_nothing_of_the_outage() -> None:
    joined = Asked(lambda record, now: (A, B) if under_the_cut(record, 5.0, now) else (A,), cut_of(servers=True))
    record = finished(joined)
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "AddressesUnknown")
    assert B in record.message
    assert results(record) == {ResultState.UNKNOWN}


def test_servers_that_nobody_can_ask_are_never_cut() -> None:
    record = finished(Asked(lambda _record, _now: (), cut_of(servers=True)))
    assert not was_touched(record)
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "AgentsNotReady")
    assert f"the servers behind {NAME} could not be found, and nothing was cut: control-0: {NAME}" in record.message


def test_what_cannot_be_cut_ends_the_drill_as_soon_as_it_is_found() -> None:
    class Own(Asked):
        silence = "its address 127.0.0.1 is not one of another machine"

    record = finished(simulation := Own(lambda _record, _now: (), cut_of(servers=True)))
    assert not was_touched(record)
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "AddressesUnknown")
    assert Own.silence in record.message
    first = min(s.sent for s in simulation.logs["control-0"] if s.type is LineType.ADDRESSES)
    assert record.finished_at is not None
    assert record.finished_at - first < 30.0


def test_servers_that_a_control_cannot_ask_to_the_end_leave_nothing_of_the_outage() -> None:
    silent = Asked(lambda record, now: () if under_the_cut(record, 5.0, now) else (A,), cut_of(servers=True))
    record = finished(silent)
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "AddressesUnknown")


def test_a_server_at_another_port_keeps_the_drill_from_cutting_and_says_what_helps() -> None:
    class Elsewhere(Asked):
        silence = f"203.0.113.9:7001 {OTHER_PORT}"

    elsewhere = Elsewhere(lambda record, _now: () if record.steady_from is not None else (A,), cut_of(servers=True))
    record = finished(elsewhere)
    assert not was_touched(record)
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "AddressesUnknown")
    assert "203.0.113.9:7001 is one of its servers, and that port is not cut; nothing was touched:" in record.message
    assert "name the ranges and all ports as a tcp dependency" in record.message
