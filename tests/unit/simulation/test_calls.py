"""A drill calls a platform: whoever dies, answers badly or late, no drill ends while what was suspended still is."""

from typing import Any

import pytest

from gameday.cluster.resources import PODS, Object
from simulation import calling, running, switching
from simulation.calling import SimulatedPlatform
from simulation.invariants import Rule
from simulation.outcome import Outcome
from simulation.scenario import Call, Defect, Failure, Scenario, Trial, What

REQUESTED = 5.0
"""Seconds after which such a drill has sent its call."""
BEGINS = 3.8
"""Seconds after which the steady state is nearly over: nothing is registered yet."""
CALLS = 8
"""Writing calls from then on until the drill has requested its change and knows what became of that."""


def site(
    call: Call, *failures: Failure, defect: Defect = Defect.NONE, replicas: int = 1
) -> tuple[running.Simulation, Outcome]:
    made = running.Simulation(Scenario(1, (Trial(call=call, defect=defect),), failures, replicas))
    return made, made.run()


def last(made: running.Simulation) -> Object:
    status: Object = made.namespaces[0].statuses[-1]
    return status


def told(made: running.Simulation) -> str:
    return "\n".join(last(made)["timeline"])


@pytest.mark.parametrize(
    ("defect", "verdict"), [(Defect.NONE, "Passed"), (Defect.BLIND, "Failed"), (Defect.MUTE, "Failed")]
)
def test_what_probes_see_can_pass_and_fail(defect: Defect, verdict: str) -> None:
    made, outcome = site(Call(), defect=defect)
    assert not outcome.broken
    assert outcome.verdicts == {verdict: 1}
    (entry,) = last(made)["undo"]
    assert entry["changes"].startswith("Pod/drill-0-call-suspend")
    assert entry["fusedBy"].startswith("Job/drill-0-fuse")


def test_an_answer_alone_is_not_proven_and_has_all_times() -> None:
    made, outcome = site(Call(sees=False))
    assert not outcome.broken
    status = last(made)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "NotProven")
    assert (
        status["message"] == "the call of fault suspend got a good answer, but no probe has seen its effect: "
        "give http.verify.seen and http.verify.undone of this fault"
    )
    assert set(status["measurements"]) == {"timeToDetect", "timeToRecover"}


def test_a_platform_that_answers_badly_at_first_is_asked_again() -> None:
    _, outcome = site(Call(fails=3))
    assert not outcome.broken
    assert outcome.verdicts == {"Passed": 1}


def test_a_call_that_has_no_effect_ends_the_drill_and_is_taken_back_all_the_same() -> None:
    made, outcome = site(Call(takes=1000.0))
    assert not outcome.broken
    assert last(made)["reason"] == "NoEffect"
    assert "POST http://platform/store/suspend was answered with status 202" in last(made)["message"]


def test_a_call_that_is_carried_out_after_it_was_taken_back_is_taken_back_again() -> None:
    """An abort right after the call: the platform resumes what still runs, and suspends it then."""
    made, outcome = site(Call(takes=12.0, resumes=0.1), Failure(What.ABORT, REQUESTED + 2.0))
    assert not outcome.broken
    assert "UndoAgain" in told(made)
    assert made.namespaces[0].platform is not None
    assert not made.namespaces[0].platform.down


@pytest.mark.parametrize("at", [REQUESTED - 1.0, REQUESTED, REQUESTED + 1.0, REQUESTED + 3.0, REQUESTED + 7.0])
@pytest.mark.parametrize("away", [3.0, 130.0])
def test_a_kill_leaves_nothing_suspended(at: float, away: float) -> None:
    made, outcome = site(Call(), Failure(What.CRASH, at, seconds=away))
    assert not outcome.broken
    assert made.namespaces[0].platform is not None
    assert not made.namespaces[0].platform.down


@pytest.mark.parametrize("acl", [False, True], ids=["http", "redisAcl"])
@pytest.mark.parametrize("away", [3.0, 35.0])
def test_a_pod_that_is_gone_with_the_operator_may_have_acted(
    acl: bool, away: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that is drained takes both with it, before anybody has read what the pod did."""
    real, lost = SimulatedPlatform.leaves, list[int]()

    def drained(self: SimulatedPlatform, agent: Any, **said: Any) -> None:
        if made.alive or lost:
            real(self, agent, **said)
            return
        lost.append(count)
        self.ns.server.store.remove("node", PODS, self.ns.namespace, agent.pod["metadata"]["name"])

    monkeypatch.setattr(SimulatedPlatform, "leaves", drained)
    # There is still time for the effect when the operator is back.
    monkeypatch.setattr(calling, "BY_CALL", calling.BY_CALL.replace("within: 30s", "within: 2m"))
    monkeypatch.setattr(switching, "BY_ACL", f"{switching.BY_ACL}  within: 2m\n")
    gone = 0
    for count in range(1, CALLS + 1):
        lost.clear()
        crash = Failure(What.CRASH_AT_CALL, BEGINS, seconds=away, count=count, detail="sent")
        made = running.Simulation(Scenario(1, (Trial(call=Call(acl=acl, sees=acl)),), (crash,)))
        outcome = made.run()
        gone += len(lost)
        assert not outcome.broken, (count, outcome.broken)
        assert made.namespaces[0].platform is not None
        assert not made.namespaces[0].platform.down, count
    assert gone >= 2


@pytest.mark.parametrize("what", [What.FUSE_DELETED, What.ABORT, What.DRILL_DELETED, What.HALT, What.OPT_OUT])
def test_what_ends_a_drill_resumes_the_service(what: What) -> None:
    made, outcome = site(Call(), Failure(what, REQUESTED + 3.0))
    assert not outcome.broken
    assert made.namespaces[0].platform is not None
    assert not made.namespaces[0].platform.down


@pytest.mark.parametrize("at", [14.5, 17.5, 20.0])
def test_a_gap_in_the_samples_holds_up_the_end_and_no_longer(at: float) -> None:
    """While the observer is silent nobody knows; what it says afterwards counts."""
    _, outcome = site(Call(), Failure(What.STOP, at, seconds=8.0))
    assert not outcome.broken


@pytest.mark.parametrize("broken", ["no fuse", "no undo"])
def test_the_rules_can_fail(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what takes a call back, the simulation says so."""
    if broken == "no undo":
        from gameday.actions.http.change import HttpKind

        async def nothing(*_: object) -> None:
            """Take nothing back."""

        monkeypatch.setattr(HttpKind, "revert", nothing)
        _, outcome = site(Call(), Failure(What.ABORT, REQUESTED + 3.0))
        assert not {Rule.SOUND} & {one.rule for one in outcome.broken}, "its fuse takes it back"
        return
    from simulation.calling import SimulatedPlatform

    monkeypatch.setattr(SimulatedPlatform, "fires", lambda *_: False)
    _, outcome = site(Call(), Failure(What.CRASH, REQUESTED + 3.0, seconds=2000.0))
    assert Rule.IN_TIME in {one.rule for one in outcome.broken}
