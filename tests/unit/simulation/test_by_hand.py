"""A person breaks and mends: whoever dies, lies or forgets, no drill ends while what was broken is still broken."""

from dataclasses import replace

import pytest

from gameday.api.lines import events_of
from gameday.api.record import moment
from gameday.cluster.resources import DRILLS, LEASES, Object
from gameday.engine.drill.by_hand import ByHand
from gameday.model.effect import Ending
from simulation import running
from simulation.invariants import Rule
from simulation.namespace import SimulatedNamespace
from simulation.outcome import Outcome
from simulation.scenario import Defect, Failure, Hand, Scenario, Trial, What
from simulation.world import START

ENDS = (What.ABORT, What.DRILL_DELETED, What.GAMEDAY_DELETED)
ASKS = 3.9
"""Seconds after which such a drill asks for the act."""


def site(
    hand: Hand, *troubles: Failure, defect: Defect = Defect.NONE, replicas: int = 1
) -> tuple[running.Simulation, Outcome]:
    made = running.Simulation(Scenario(1, (Trial(hand=hand, defect=defect),), troubles, replicas))
    return made, made.run()


def last(made: running.Simulation) -> Object:
    status: Object = made.namespaces[0].statuses[-1]
    return status


def said(status: Object, reason: str) -> list[Object]:
    return [event for event in events_of(status) if event["reason"] == reason]


@pytest.mark.parametrize(
    ("defect", "verdict"), [(Defect.NONE, "Passed"), (Defect.BLIND, "Failed"), (Defect.MUTE, "Failed")]
)
def test_what_probes_see_can_pass_and_fail(defect: Defect, verdict: str) -> None:
    made, outcome = site(Hand(confirms=False), defect=defect)
    assert not outcome.broken
    assert outcome.verdicts == {verdict: 1}
    (entry,) = last(made)["undo"]
    assert "fusedBy" not in entry
    assert said(last(made), "WithoutFuse")


def test_a_persons_word_alone_is_not_proven_and_has_all_times() -> None:
    made, outcome = site(Hand(sees=False))
    assert not outcome.broken
    status = last(made)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "NotProven")
    assert status["message"] == "fault by-hand was confirmed by a person, and no probe has seen it: give manual.seen"
    assert set(status["measurements"]) == {"timeToDetect", "timeToRecover"}


def test_a_system_that_misses_is_not_failed_by_a_persons_word() -> None:
    made, outcome = site(Hand(sees=False), defect=Defect.BLIND)
    assert not outcome.broken
    assert last(made)["reason"] == "NotProven"


@pytest.mark.parametrize(
    ("hand", "lacks"),
    [
        (Hand(acts_after=None), "seen (!store.body.up) was never true"),
        (Hand(acts_after=None, sees=False), "nobody confirmed it with `kubectl annotate drill drill-0 --overwrite"),
        (Hand(sees=False, confirms=False), "nobody confirmed it with"),
    ],
    ids=["never done", "never done nor said", "never said"],
)
def test_what_is_not_proven_in_time_tests_nothing(hand: Hand, lacks: str) -> None:
    made, outcome = site(hand)
    assert not outcome.broken
    assert last(made)["reason"] == "NoEffect"
    assert lacks in last(made)["message"]


def forgotten(hand: Hand, seconds: float) -> tuple[running.Simulation, Object]:
    """What stands in the status so long after the drill began, of a person who does not undo it."""
    made = running.Simulation(Scenario(1, (Trial(hand=hand),)))
    (ns,) = made.namespaces
    ns.create()
    made.start()
    made.world.run(START + seconds, lambda: False)
    return made, last(made)


def test_until_it_is_undone_the_person_is_asked_again_every_minute_and_nothing_ends() -> None:
    made, status = forgotten(Hand(undoes_after=None), 700.0)
    try:
        (ns,) = made.namespaces
        assert status["phase"] == "Recovery"
        assert "verdict" not in status
        conditions = {one["type"]: one["status"] for one in status["conditions"]}
        assert (conditions["FaultsCleared"], conditions["Stalled"]) == ("False", "True")
        (asked,) = said(status, "UndoByHand")
        assert asked["message"] == "by-hand: undo it now: switch it on again"
        assert moment(asked["at"]) > made.world.now - 61
        times = {line for one in ns.statuses for line in one["timeline"] if "UndoByHand" in line}
        assert len(times) >= 11, "it is told each time"
        assert made.server.store.get(LEASES, ns.namespace, "gameday") is not None, "the namespace stays locked"
        ns.act(False, Hand())
        assert made.world.run(made.world.now + 60, lambda: "verdict" in last(made))
        assert last(made)["verdict"] == "Passed", "how long a person takes is not the system's fault"
    finally:
        for process in made.everyone:
            process.shut_down()


@pytest.mark.parametrize("moment_", ["before", "sent", "answered"])
@pytest.mark.parametrize("count", range(1, 10))
def test_a_killed_operator_goes_on(count: int, moment_: str) -> None:
    _, outcome = site(Hand(), Failure(What.CRASH_AT_CALL, 3.0, seconds=0.5, count=count, detail=moment_))
    assert not outcome.broken
    assert outcome.effective[What.CRASH_AT_CALL]


@pytest.mark.parametrize("sees", [True, False])
@pytest.mark.parametrize(
    ("failure", "replicas"),
    [
        *((Failure(what, ASKS + after), 1) for what in ENDS for after in (0.2, 1.0, 5.0, 12.0)),
        (Failure(What.HALT, ASKS + 1, seconds=20.0), 1),
        (Failure(What.CRASH, ASKS + 1, seconds=130.0), 1),
        (Failure(What.FREEZE, ASKS + 1, seconds=20.0), 2),
        (Failure(What.API_DOWN, ASKS + 1, seconds=60.0), 1),
        (Failure(What.API_HANGS, ASKS + 5, seconds=12.0), 1),
        (Failure(What.OPT_OUT, ASKS + 1, seconds=20.0), 1),
        (Failure(What.RIGHTS_GONE, ASKS + 1, seconds=20.0), 1),
        (Failure(What.STOP, ASKS + 4, seconds=20.0), 1),
        (Failure(What.LAG, ASKS, seconds=8.0), 1),
        (Failure(What.AGENT_DIES, ASKS + 5), 1),
        (Failure(What.CLOCK_STEP, ASKS + 1, seconds=3600.0), 1),
    ],
    ids=lambda one: f"{one.what.value} {one.at}" if isinstance(one, Failure) else "",
)  # fmt: skip
def test_no_drill_ends_while_it_is_broken(failure: Failure, replicas: int, sees: bool) -> None:
    _, outcome = site(Hand(sees=sees), failure, replicas=replicas)
    assert not outcome.broken


@pytest.mark.parametrize("after", [0.1, 1.0, 3.0])
def test_who_acts_after_an_abort_is_still_waited_for(after: float) -> None:
    """The person has read the question, and the abort comes before the act."""
    made, outcome = site(Hand(acts_after=10.0), Failure(What.ABORT, ASKS + after))
    assert not outcome.broken
    assert outcome.verdicts == {"Aborted": 1}
    assert [down for _, down in made.namespaces[0].acted] == [True, False]


def test_a_drill_that_does_not_wait_for_who_was_asked_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ByHand, "patience", lambda _: 0.0)
    made, _ = site(Hand(acts_after=10.0), Failure(What.ABORT, ASKS + 1.0))
    assert made.namespaces[0].acted == [], "the drill has ended, and the person acts later"


def test_an_end_that_is_not_seen_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ByHand, "undone", lambda *_: Ending("somehow"))
    _, outcome = site(Hand())
    assert Rule.RESTORED in {one.rule for one in outcome.broken}


def test_who_says_that_it_is_done_is_asked_for_its_undo_although_no_probe_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The expression ``undone`` is wrong: it stays true while something else is broken."""
    monkeypatch.setattr(SimulatedNamespace, "set_redis", lambda *_, **__: None)
    made, outcome = site(Hand(sees=False, undoes_after=20.0))
    assert not outcome.broken, "the person has put it back before the end"
    assert last(made)["reason"] == "NoEffect"


def test_an_observer_that_is_gone_leaves_it_to_the_person() -> None:
    made, outcome = site(Hand(undoes_after=20.0), Failure(What.AGENT_DIES, ASKS + 6))
    assert not outcome.broken
    assert "a person says that it is undone, and no probe can tell" in str(last(made)["timeline"])
    assert outcome.verdicts == {"Inconclusive": 1}


def early(after: float, down: bool, defect: Defect = Defect.NONE) -> Object:
    """The status of a drill whose person acts so long after it began, and not when asked."""
    hand = Hand(acts_after=2.0 if not down else None)
    made = running.Simulation(Scenario(1, (Trial(hand=hand, defect=defect),)))
    (ns,) = made.namespaces
    made.world.at(START + after, ns.act, down, replace(hand, confirms=False))
    if down:
        made.world.at(START + after + 20, ns.act, False, hand)
    # A scenario does not say that a person acts unasked, so nothing of it is decided beforehand.
    assert {one.rule for one in made.run().broken} <= {Rule.DECIDED, Rule.COUNTED}
    return last(made)


def test_who_takes_it_back_unasked_ends_the_drill() -> None:
    status = early(10.0, down=False)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "CutRemoved")
    assert "was taken back before the drill asked: `undone` (store.body.up) is true again" in status["message"]


def test_who_acts_before_being_asked_proves_nothing() -> None:
    status = early(2.0, down=True, defect=Defect.BLIND)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "AlreadyTrue")
    assert "is true although nobody has done anything" in status["message"]
    assert not status["changed"]


def test_the_drill_itself_holds_nothing_but_the_drill() -> None:
    made, _ = site(Hand())
    drill = made.server.store.get(DRILLS, "town-0", "drill-0")
    assert drill is not None
    assert not drill["metadata"].get("finalizers")
