"""What speaks against showing that open connections are gone, before anything is cut."""

from dataclasses import dataclass, replace

import pytest

from gameday.actions.network_partition.action import OpenConnections, cuts_of
from gameday.engine.drill.connections import LAST_WORD, NAME_IT, SOME_UNSEEN, UNSEEN, doubtful
from gameday.engine.drill.context import Context
from gameday.engine.evidence.proof import Proof
from gameday.model import held_connection
from gameday.model.observation import ConnectionsClosed, ConnectionsCounted, Life, Observation, Opened
from gameday.model.plan import Expectation, Fault, Mode, Plan, Stage
from gameday.model.record import DrillRecord, Phase, ResultState, Verdict
from gameday.model.sample import LineType, Sample
from unit.engine.simulation import NO_WORKERS, PARTITION, Simulation, a_plan

WHOSE = "pod api-7 (10.0.0.7) to 10.0.1.5:6380"
STILL = "connections of the targets were still open after 15 s"
BACK = ConnectionsClosed(40, 3, STILL, opened=3, opener=WHOSE)
KEPT_OPEN = ConnectionsClosed(40, 3, STILL)
NONE_SEEN = ConnectionsClosed(0, 0, unseen=2, example="pod api-7 (10.0.0.7)")
MISSED = {"reported": ResultState.MISSED}


@dataclass
class Seen:
    proofs: dict[str, Proof]


def told(counted: ConnectionsCounted | None, *, local: bool = False, plan: Plan | None = None) -> list[str]:
    proof = Proof(range(1))
    values = {held_connection.CONNECTION: 1, held_connection.ANSWERED: 1, held_connection.LOCAL: local}
    proof.take(Sample("witness-0", 1, "target:a", 1.0, 1.1, ok=True, values=values, type=LineType.HELD))
    observed = Observation(connections_counted={"partition": counted} if counted is not None else {})
    ctx = Context(plan or a_plan(), DrillRecord(), observed, Seen({"partition": proof}), 10.0)  # type: ignore[arg-type]  # only what is asked
    return list(doubtful(ctx))


@pytest.mark.parametrize(
    ("counted", "local", "lines"),
    [
        (None, False, []),
        (ConnectionsCounted(2), False, []),
        (ConnectionsCounted(0), False, ["the dependency shows no connection of the targets so far"]),
        (ConnectionsCounted(0, "NOPERM: the user needs CLIENT LIST"), False, ["cannot be counted"]),
        (ConnectionsCounted(2, "timeout"), False, ["cannot be counted"]),
        (ConnectionsCounted(0, direct=True), False, [f"{UNSEEN} so far; unless one is seen, or a becomes of the"]),
        (ConnectionsCounted(1, direct=True), False, []),
        (ConnectionsCounted(1, direct=True, unseen=1, example="pod b"), False, [f"{SOME_UNSEEN} pod b so far; unless"]),
        (None, True, ["that witness-0 hold open end at a proxy in the agent's own pod"]),
        (ConnectionsCounted(0), True, ["a proxy in the agent's own pod", "shows no connection of the targets"]),
    ],
)
def test_it_is_said_before_the_cut(counted: ConnectionsCounted | None, local: bool, lines: list[str]) -> None:
    found = told(counted, local=local)
    assert len(found) == len(lines)
    assert all(wanted in line for wanted, line in zip(lines, found, strict=True))


def test_of_several_cuts_each_message_names_its_own() -> None:
    plan = a_plan(faults=(PARTITION, Fault("cache", PARTITION.action)))
    assert [line.split(": ")[0] for line in told(ConnectionsCounted(0, direct=True), plan=plan)] == ["partition"]


def test_where_open_connections_are_to_be_kept_there_is_nothing_to_say() -> None:
    plan = a_plan()
    partition = replace(cuts_of(plan)[0][1], open_connections=OpenConnections.KEEP)
    kept = replace(plan, outage=replace(plan.outage, faults=(Fault("partition", partition),)))
    assert told(ConnectionsCounted(0), local=True, plan=kept) == []


def test_the_timeline_has_it_when_the_steady_state_ends() -> None:
    simulation = Simulation(a_plan(), connections_counted={"partition": ConnectionsCounted(0)})
    simulation.finish()
    (line,) = [line for line in simulation.record.timeline if line.reason == "ProofWarning"]
    assert line.warning
    assert line.at <= (simulation.record.inject_requested_at or 0.0)


def test_each_target_is_to_be_seen() -> None:
    simulation = Simulation(
        a_plan(), connections_closed=ConnectionsClosed(2, 0, unseen=2, example="pod api-7 (10.0.0.7)")
    )
    simulation.finish()
    record = simulation.record
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "ConnectionsKept")
    assert "the dependency never showed a connection of pod api-7 (10.0.0.7) (and of 1 more)" in record.message


@pytest.mark.parametrize("takes", [0.0, 8.0], ids=["before a held connection ended", "after that"])
@pytest.mark.parametrize("says", [{}, MISSED], ids=["holds", "missed"])
@pytest.mark.parametrize("ends_open", [False, True])
def test_targets_that_connect_under_the_cut_were_not_cut_off(
    says: dict[str, ResultState], takes: float, ends_open: bool
) -> None:
    """The witnesses are cut and the network ends their connections, while targets go on at another port or node."""
    record = Simulation(a_plan(), says, connections_closed=BACK, closing_takes=takes, ends_open=ends_open).finish()
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "ConnectionsNotClosed")
    told = f"after the drill had ended their connections they opened others (3 at the end), such as {WHOSE}; cut"
    assert told in record.message
    assert "network agent" in record.message
    assert record.closing("partition").gone is False
    states = {result.name: result.state for result in record.results if result.stage is Stage.OUTAGE}
    met = ResultState.UNKNOWN if says else ResultState.MET
    assert states == {"reported": met, "stays up": ResultState.UNKNOWN}
    assert [doubt.since for doubt in record.doubts] == [record.outage_started_at]


@pytest.mark.parametrize("missed", [False, True])
def test_connections_that_the_server_does_not_end_may_be_silent(missed: bool) -> None:
    """Where the network ends open connections, it ended those as well, whatever the server still lists."""
    simulation = Simulation(a_plan(), MISSED if missed else {}, connections_closed=KEPT_OPEN, ends_open=True)
    assert simulation.finish().verdict is (Verdict.FAILED if missed else Verdict.PASSED)


def test_an_answer_that_comes_at_the_very_end_is_waited_for() -> None:
    """A closer works until a short outage is over. What held all through it is known before the answer."""
    plan = a_plan()
    holds = Expectation("holds", Mode.ALWAYS, "health.ok")
    plan = replace(plan, outage=replace(plan.outage, duration=9, expect=(*plan.outage.expect, holds)))

    def runs(world: Simulation) -> None:
        world.show(closers={"partition": Life.RUNNING} if world.record.phase is Phase.OUTAGE else {})

    record = Simulation(plan, connections_closed=BACK, closing_takes=7.0, ends_open=True, meddle=runs).finish()
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "ConnectionsNotClosed")
    found = [record.result(Stage.OUTAGE, name) for name in ("holds", "stays up")]
    assert [one.state for one in found if one is not None] == [ResultState.UNKNOWN] * 2
    assert record.outage_started_at is not None
    assert record.undo_requested_at is not None
    assert record.undo_requested_at < record.outage_started_at + 9 + LAST_WORD + 1


def counting(*opened: tuple[float, float], ends_open: bool, closed: ConnectionsClosed | None = None) -> DrillRecord:
    """The record of a drill whose counter sees connections: when each was opened, and how long it stayed.

    Times count from the start of the outage, which is some 3 s before the closer answers.
    """

    def looks(world: Simulation) -> None:
        start = world.record.outage_started_at
        if start is not None and world.record.undo_requested_at is None:
            seen = tuple(
                Opened(f"0:{number}", start + began, min(world.now, start + began + lasts), WHOSE)
                for number, (began, lasts) in enumerate(opened)
                if start + began <= world.now
            )
            world.show(connections_counted={"partition": ConnectionsCounted(3, opened=seen)})

    return Simulation(a_plan(), MISSED, meddle=looks, ends_open=ends_open, connections_closed=closed).finish()


@pytest.mark.parametrize(
    ("opened", "lasts"),
    [(9.0, 0.0), (14.0, 3.0), (9.0, 30.0)],
    ids=["for a moment", "later", "to the end"],
)
@pytest.mark.parametrize("ends_open", [False, True])
def test_targets_that_connect_after_the_closing_were_not_cut_off(opened: float, lasts: float, ends_open: bool) -> None:
    record = counting((opened, lasts), ends_open=ends_open)
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "ConnectionsNotClosed")
    assert f"one opened a connection {opened:.0f} s after the start of the outage, {WHOSE}" in record.message


def test_a_client_that_waits_before_it_connects_again_is_not_gone() -> None:
    """The closer waits for 0.4 s. What is there 5 s after it, and not much older, was not there before."""
    record = counting((3.5, 30.0), ends_open=False)
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "ConnectionsNotClosed")


@pytest.mark.parametrize("closed", [None, KEPT_OPEN, ConnectionsClosed(0, 2, "redis NOPERM: no right")])
@pytest.mark.parametrize(
    "opened",
    [(-300.0, 400.0), (-3.0, 30.0), (0.5, 2.0), (4.0, 0.5), (18.0, 9.0)],
    ids=["from long before", "right before", "a slow network agent", "ended soon", "as the cut ends"],
)
def test_a_connection_of_another_time_says_nothing(
    opened: tuple[float, float], closed: ConnectionsClosed | None
) -> None:
    """A server lists connections whose packets are dropped until it ends them."""
    assert counting(opened, ends_open=True, closed=closed).verdict is Verdict.FAILED


UNSEEN_TARGETS = {"partition": ConnectionsCounted(0, direct=True)}


def test_targets_that_come_by_another_way_were_not_shown_to_be_cut_off() -> None:
    """They use a proxy at another port: the cut and the end of the witnesses' connections say nothing of them."""
    record = Simulation(
        a_plan(), MISSED, ends_open=True, connections_closed=NONE_SEEN, connections_counted=UNSEEN_TARGETS
    ).finish()
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "ConnectionsKept")
    assert f"no proof that the targets were cut off: {UNSEEN}: {NAME_IT}" in record.message
    states = {result.name: result.state for result in record.results if result.stage is Stage.OUTAGE}
    assert states == {"reported": ResultState.UNKNOWN, "stays up": ResultState.UNKNOWN}


def test_a_system_that_reacts_to_the_cut_was_cut_off_though_no_connection_was_seen() -> None:
    """Some clients open one for each request."""
    record = Simulation(
        a_plan(), ends_open=True, connections_closed=NONE_SEEN, connections_counted=UNSEEN_TARGETS
    ).finish()
    assert record.verdict is Verdict.PASSED, record.message


def test_a_reaction_to_a_dependency_that_was_away_for_a_moment_says_nothing_of_a_cut() -> None:
    def blip(world: Simulation) -> None:
        asked = world.record.inject_requested_at
        world.redis_down = asked is not None and world.now < asked + 1.5

    record = Simulation(
        a_plan(), ends_open=True, connections_closed=NONE_SEEN, connections_counted=UNSEEN_TARGETS, meddle=blip
    ).finish()
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "ConnectionsKept")


@pytest.mark.parametrize("ends_open", [True, False])
def test_a_reaction_alone_does_not_show_that_open_connections_are_gone(ends_open: bool) -> None:
    record = Simulation(
        a_plan(), ends_open=ends_open, connections_closed=NONE_SEEN, connections_counted=UNSEEN_TARGETS
    ).finish()
    assert record.verdict is (Verdict.PASSED if ends_open else Verdict.INCONCLUSIVE)


def test_a_reaction_to_another_fault_says_nothing_of_a_cut() -> None:
    record = Simulation(
        a_plan(faults=(PARTITION, NO_WORKERS)),
        ends_open=True,
        connections_closed=NONE_SEEN,
        connections_counted=UNSEEN_TARGETS,
    ).finish()
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "ConnectionsKept")


SOME = {"partition": ConnectionsCounted(2, direct=True, unseen=2, example="pod api-7")}


def test_one_target_that_is_seen_does_not_speak_for_the_others() -> None:
    """Only some of the pods have a proxy: the network ends the connections of those that have none."""
    record = Simulation(
        a_plan(), MISSED, ends_open=True, connections_closed=NONE_SEEN, connections_counted=SOME
    ).finish()
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "ConnectionsKept")
    assert f"cut off: {SOME_UNSEEN} pod api-7 (and of 1 more): {NAME_IT}" in record.message


def test_a_system_that_reacts_was_cut_off_though_only_some_of_its_connections_were_seen() -> None:
    record = Simulation(a_plan(), ends_open=True, connections_closed=NONE_SEEN, connections_counted=SOME).finish()
    assert record.verdict is Verdict.PASSED, record.message


@pytest.mark.parametrize("counted", [ConnectionsCounted(0), ConnectionsCounted(1, direct=True)], ids=["hidden", "seen"])
def test_targets_that_a_dependency_does_not_show_are_judged_by_the_witnesses(counted: ConnectionsCounted) -> None:
    """Behind HAProxy it shows nobody's own address."""
    shown = Simulation(a_plan(), MISSED, ends_open=True, connections_counted={"partition": counted}).finish()
    assert shown.verdict is Verdict.FAILED


def test_targets_that_are_seen_late_were_there() -> None:
    """Some open a connection for each request."""

    def looks(world: Simulation) -> None:
        start = world.record.outage_started_at
        seen = start is not None and world.now > start + 2
        world.show(connections_counted={"partition": ConnectionsCounted(int(seen), direct=True)})

    assert Simulation(a_plan(), MISSED, ends_open=True, meddle=looks).finish().verdict is Verdict.FAILED


def test_a_counter_that_has_not_been_heard_is_waited_for() -> None:
    """A process that takes over reads the logs one after another."""

    def looks(world: Simulation) -> None:
        start = world.record.outage_started_at
        counted = ConnectionsCounted(0, direct=True)
        world.show(connections_counted={"partition": counted} if start is not None and world.now > start + 6 else {})

    record = Simulation(a_plan(), MISSED, ends_open=True, meddle=looks, connections_closed=NONE_SEEN).finish()
    assert (record.verdict, record.reason) == (Verdict.INCONCLUSIVE, "ConnectionsKept")
