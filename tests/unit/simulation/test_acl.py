"""A drill switches a user of a Redis off: killed at any call, whatever goes wrong, the user is on when it has ended."""

from typing import Any

import pytest

from gameday.actions.redis_acl.kind import RedisAclKind
from gameday.cluster.resources import Object
from simulation import running
from simulation.calling import SimulatedPlatform
from simulation.invariants import Rule
from simulation.outcome import Outcome
from simulation.scenario import Call, Defect, Failure, Scenario, Trial, What

BEGINS = 3.8
"""Seconds after which the steady state is nearly over: nothing is registered yet."""
CALLS = 17
"""Writing calls from then on until the drill has ended."""
REQUESTED = 5.0
"""Seconds after which such a drill has requested its change."""


def site(
    *failures: Failure, call: Call | None = None, defect: Defect = Defect.NONE, replicas: int = 1
) -> tuple[running.Simulation, Outcome]:
    trial = Trial(call=call or Call(acl=True), defect=defect)
    made = running.Simulation(Scenario(1, (trial,), failures, replicas))
    return made, made.run()


def last(made: running.Simulation) -> Object:
    status: Object = made.namespaces[0].statuses[-1]
    return status


def off(made: running.Simulation) -> bool:
    platform = made.namespaces[0].platform
    assert platform is not None
    return platform.down


@pytest.mark.parametrize(
    ("defect", "verdict"), [(Defect.NONE, "Passed"), (Defect.BLIND, "Failed"), (Defect.MUTE, "Failed")]
)
def test_such_a_drill_passes_and_fails(defect: Defect, verdict: str) -> None:
    made, outcome = site(defect=defect)
    assert not outcome.broken
    assert outcome.verdicts == {verdict: 1}
    (entry,) = last(made)["undo"]
    assert entry["fusedBy"].startswith("Job/drill-0-fuse")
    assert not off(made)


def test_a_user_with_other_clients_is_left_on_and_the_drill_says_who_they_are() -> None:
    made, _ = site(call=Call(acl=True, refuses=True))
    status = last(made)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "InjectionFailed")
    assert "user app has 1 connection of others: 10.0.0.9 reports" in status["message"]
    assert any("so there is nothing to take back" in line for line in status["timeline"]), "and it waits for no probe"
    assert not off(made)


def test_what_the_fuse_finds_in_its_dry_run_ends_the_drill_before_the_change() -> None:
    wrong = "10.0.0.3:6379 rejects the administrator: correct redisAcl.administrator, or its Secret"
    made, _ = site(call=Call(acl=True, unready=wrong))
    status = last(made)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "FuseNotArmed")
    assert status["message"] == f"nothing was changed, because the fuse could not be armed: {wrong}"
    assert not off(made)


def test_a_server_that_is_silent_at_first_is_asked_again() -> None:
    _, outcome = site(call=Call(acl=True, fails=3))
    assert not outcome.broken
    assert outcome.verdicts == {"Passed": 1}


@pytest.mark.parametrize("away", [0.5, 400.0])
@pytest.mark.parametrize("moment", ["before", "sent", "answered"])
def test_a_kill_at_any_call_leaves_nobody_switched_off(moment: str, away: float) -> None:
    for count in range(1, CALLS + 1):
        made, outcome = site(Failure(What.CRASH_AT_CALL, BEGINS, seconds=away, count=count, detail=moment))
        assert not outcome.broken, (count, outcome.broken)
        assert outcome.effective[What.CRASH_AT_CALL] == 1, count
        assert not off(made), count


@pytest.mark.parametrize(
    ("failure", "replicas"),
    [
        (Failure(What.LOSE, 0.0, count=4), 1),
        (Failure(What.REFUSE, 0.0, count=5, detail="500"), 1),
        (Failure(What.DELAY, 0.0, seconds=3.0, count=4), 1),
        (Failure(What.WATCH_LATE, 0.0, seconds=20.0), 1),
        (Failure(What.API_HANGS, 0.5, seconds=12.0), 1),
        (Failure(What.API_DOWN, 0.5, seconds=12.0), 1),
        (Failure(What.FREEZE, 1.0, seconds=20.0), 2),
        (Failure(What.ABORT, 3.0), 1),
        (Failure(What.DRILL_DELETED, 3.0), 1),
        (Failure(What.OPT_OUT, 3.0, seconds=8.0), 1),
        (Failure(What.HALT, 3.0, seconds=30.0), 1),
        (Failure(What.FUSE_DELETED, 3.0), 1),
        (Failure(What.RIGHTS_GONE, 3.0, seconds=8.0), 1),
    ],
    ids=lambda one: f"{one.what.value} {one.at}" if isinstance(one, Failure) else "",
)
def test_no_promise_is_broken_whatever_goes_wrong_meanwhile(failure: Failure, replicas: int) -> None:
    late = Failure(failure.what, REQUESTED + failure.at, 0, failure.seconds, failure.count, failure.detail)
    made, outcome = site(late, replicas=replicas)
    assert not outcome.broken, outcome.broken
    assert outcome.effective[failure.what]
    assert not off(made)


def test_without_its_fuse_the_simulation_finds_the_user_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimulatedPlatform, "fires", lambda *_: False)
    _, outcome = site(Failure(What.CRASH, REQUESTED + 3.0, seconds=2000.0))
    assert Rule.IN_TIME in {one.rule for one in outcome.broken}


def test_a_user_whom_nobody_switches_on_keeps_the_faults_uncleared(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: Any) -> None:
        """Switch nobody on."""

    monkeypatch.setattr(RedisAclKind, "revert", nothing)
    made, _ = site(Failure(What.ABORT, REQUESTED + 3.0))
    assert any("FaultsNotCleared" in line for line in last(made)["timeline"])
