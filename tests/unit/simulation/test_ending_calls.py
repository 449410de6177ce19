"""A fault that nothing takes back: it is called once, whoever dies, and no drill ends while it is not over."""

from collections import Counter
from dataclasses import replace

import pytest

from gameday.actions.http import ending
from gameday.api.lines import events_of
from gameday.cluster.resources import PODS, Object
from gameday.engine.drill.ending_call import EndingCall
from gameday.model.effect import Ending
from gameday.model.names import call, object_name
from simulation import running
from simulation.invariants import Rule
from simulation.outcome import Outcome
from simulation.scenario import Call, Defect, Failure, Scenario, Trial, What
from simulation.store import SYSTEM
from simulation.world import START

REQUESTED = 3.8
"""Seconds after which such a drill asks for its call."""
CALLS = 9
"""Writing calls from then on until the outage is over."""
AGENT = call("suspend")


def world(made: Call, *failures: Failure, defect: Defect = Defect.NONE, replicas: int = 1) -> running.Simulation:
    return running.Simulation(Scenario(1, (Trial(call=made, defect=defect),), failures, replicas))


def site(
    made: Call, *failures: Failure, defect: Defect = Defect.NONE, replicas: int = 1
) -> tuple[running.Simulation, Outcome, Counter[str]]:
    one = world(made, *failures, defect=defect, replicas=replicas)
    heard: Counter[str] = Counter()
    platform = one.namespaces[0].platform
    assert platform is not None
    before = platform.heard

    def listen(agent: str, verb: str) -> None:
        before(agent, verb)
        heard[verb] += 1

    platform.heard = listen
    return one, one.run(), heard


def last(made: running.Simulation) -> Object:
    status: Object = made.namespaces[0].statuses[-1]
    return status


def said(status: Object, reason: str) -> list[Object]:
    return [event for event in events_of(status) if event["reason"] == reason]


@pytest.mark.parametrize(
    ("defect", "verdict"), [(Defect.NONE, "Passed"), (Defect.BLIND, "Failed"), (Defect.LOST, "Failed")]
)
def test_what_ends_by_itself_can_pass_and_fail(defect: Defect, verdict: str) -> None:
    made, outcome, heard = site(Call(ends=14.0), defect=defect)
    assert not outcome.broken, outcome.broken
    assert outcome.verdicts == {verdict: 1}
    (entry,) = last(made)["undo"]
    assert "fusedBy" not in entry
    assert said(last(made), "WithoutFuse")
    assert heard == {"restart": 1}


def test_from_the_end_of_the_outage_on_a_person_is_asked_and_the_namespace_is_locked() -> None:
    made, outcome, _ = site(Call(ends=150.0))
    assert not outcome.broken, outcome.broken
    assert outcome.verdicts == {"Passed": 1}
    waits = [one for one in made.namespaces[0].statuses if one["phase"] == "Recovery" and said(one, "UndoByHand")]
    asks = {event["at"]: event["message"] for one in waits for event in said(one, "UndoByHand")}
    assert len(asks) == 3, "at the end of the outage, and every minute"
    assert set(asks.values()) == {
        "suspend: POST http://platform/store/restart was answered with status 202; nothing takes it back; end by hand "
        "what it started, if that does not end by itself"
    }
    assert all(len(said(one, "UndoByHand")) == 1 for one in waits), "the newest of them alone is kept"
    undoing = [one for one in waits if not said(one, "Undone")]
    cleared = [c["status"] for one in undoing for c in one["conditions"] if c["type"] == "FaultsCleared"]
    assert set(cleared) == {"False"}


def test_what_is_over_before_the_outage_tells_nothing() -> None:
    made, outcome, _ = site(Call(ends=3.0))
    assert not outcome.broken, outcome.broken
    assert last(made)["reason"] == "CutRemoved"
    assert "was taken back before the drill asked" in last(made)["message"]


def test_a_call_without_a_good_answer_is_not_sent_again() -> None:
    for bad in (Call(ends=14.0, silent=1), Call(ends=14.0, fails=1)):
        made, outcome, heard = site(bad)
        assert not outcome.broken, outcome.broken
        assert heard["restart"] == bad.silent
        assert last(made)["verdict"] == ("Passed" if bad.silent else "Inconclusive"), "what probes see counts"


@pytest.mark.parametrize(("moment", "away"), [("before", 0.5), ("sent", 0.5), ("answered", 0.5), ("answered", 60.0)])
def test_a_kill_at_any_call_repeats_nothing_and_ends_nothing_early(moment: str, away: float) -> None:
    sent: Counter[int] = Counter()
    for count in range(1, CALLS + 1):
        crash = Failure(What.CRASH_AT_CALL, REQUESTED, seconds=away, count=count, detail=moment)
        _, outcome, heard = site(Call(ends=14.0), crash)
        assert not outcome.broken, (count, outcome.broken)
        sent[heard["restart"]] += 1
    assert sent.keys() <= {0, 1}
    assert sent[1] >= CALLS - 2
    assert sent[0] == 1 if moment == "before" else True, "of one that was saved as asked for nobody knows"


@pytest.mark.parametrize("at", [0.2, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("what", [What.ABORT, What.DRILL_DELETED, What.HALT, What.OPT_OUT, What.GAMEDAY_DELETED])
def test_what_ends_a_drill_waits_until_it_is_over(what: What, at: float) -> None:
    made, outcome, heard = site(Call(takes=3.0, ends=40.0), Failure(what, REQUESTED + at, seconds=5.0))
    assert not outcome.broken, outcome.broken
    assert heard["restart"] <= 1
    assert made.world.elapsed > 40.0 or not heard


@pytest.mark.parametrize(("what", "replicas"), [
    (What.LOSE, 1), (What.DELAY, 1), (What.API_HANGS, 1), (What.API_DOWN, 1), (What.WATCH_LATE, 1), (What.FREEZE, 2),
    (What.RIGHTS_GONE, 1), (What.STOP, 1),
])  # fmt: skip
@pytest.mark.parametrize("at", [0.0, 1.0])
def test_no_promise_is_broken_whatever_goes_wrong_meanwhile(what: What, replicas: int, at: float) -> None:
    trouble = Failure(what, REQUESTED + at, seconds=12.0, count=3)
    _, outcome, heard = site(Call(ends=30.0), trouble, replicas=replicas)
    assert not outcome.broken, outcome.broken
    assert heard["restart"] <= 1


def test_what_else_is_away_for_a_moment_is_not_taken_for_it() -> None:
    """The drill is aborted while its pod starts; the store goes and comes by itself, and then what was called for."""
    slow, aborted = Failure(What.SLOW_PODS, REQUESTED - 0.5, seconds=8.0), Failure(What.ABORT, REQUESTED + 0.5)
    made = world(Call(takes=3.0, ends=14.0), slow, aborted)
    platform = made.namespaces[0].platform
    assert platform is not None
    for at, down in ((1.0, True), (2.5, False)):
        made.world.at(START + REQUESTED + at, setattr, platform, "down", down)
    outcome = made.run()
    assert not outcome.broken, outcome.broken
    assert outcome.verdicts == {"Aborted": 1}
    assert outcome.effective[What.SLOW_PODS]
    assert made.world.elapsed > REQUESTED + slow.seconds + 3.0 + 14.0


def lost_pod() -> tuple[running.Simulation, Counter[str]]:
    """A world in which the caller's pod goes with its node as it calls, and the operator died as it made that pod."""
    one = world(Call(ends=14.0), Failure(What.CRASH_AT_CALL, REQUESTED, seconds=5.0, count=2, detail="sent"))
    (ns,) = one.namespaces
    assert ns.platform is not None
    heard: Counter[str] = Counter()
    before = ns.platform.heard

    def listen(agent: str, verb: str) -> None:
        before(agent, verb)
        heard[verb] += 1
        if heard[verb] == 1:
            one.server.store.remove(SYSTEM, PODS, ns.namespace, object_name(ns.drill_name, AGENT))

    ns.platform.heard = listen
    one.run()
    return one, heard


def test_a_call_of_which_nothing_is_left_is_not_made_again() -> None:
    made, heard = lost_pod()
    assert heard == {"restart": 1}
    assert Rule.RESTORED not in {one.rule for one in made.monitor.broken}


def test_the_rules_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """A drill that takes the answer for the end is seen, and so is a call that is made again."""
    with monkeypatch.context() as patched:
        patched.setattr(EndingCall, "undone", lambda *_: Ending("answered"))
        _, outcome, _ = site(Call(ends=40.0))
        assert Rule.RESTORED in {one.rule for one in outcome.broken}
    observe = ending.observe
    monkeypatch.setattr(ending, "observe", lambda *given: replace(observe(*given), version="0"))
    made, _ = lost_pod()
    assert Rule.CALLED_ONCE in {one.rule for one in made.monitor.broken}
