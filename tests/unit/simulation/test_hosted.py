"""Steps that call a platform: killed at every call, what they suspend is resumed, and what runs once is called once."""

from collections import Counter
from typing import Any

import pytest

from gameday.api.lines import steps_of
from gameday.cluster.resources import PODS, Object
from gameday.engine.drill import steps
from gameday.engine.drill.commands import Run
from gameday.model.names import call, object_name
from simulation import running
from simulation.calling import SimulatedPlatform
from simulation.invariants import Rule
from simulation.mitigating import CLEAR, HOLD
from simulation.outcome import Outcome
from simulation.scenario import Call, Defect, Failure, Mitigates, Scenario, Trial, What
from simulation.store import SYSTEM

ROLLBACK = Trial(defect=Defect.STUCK, rollback=True, hosted=Call())
MITIGATES = Trial(defect=Defect.STUCK, mitigates=Mitigates.EARLY, hosted=Call(0.1, 0.1))
BEGINS = {ROLLBACK: 21.85, MITIGATES: 9.2}
"""Seconds after which the rollback, or the mitigation, has begun and none of its steps."""
CALLS = {ROLLBACK: 17, MITIGATES: 16}
"""Writing calls from then on until the last step is done."""
BOTH = pytest.mark.parametrize("trial", [ROLLBACK, MITIGATES], ids=["rollback", "mitigation"])


def site(trial: Trial, *troubles: Failure, replicas: int = 1) -> tuple[running.Simulation, Outcome]:
    made = running.Simulation(Scenario(1, (trial,), troubles, replicas))
    return made, made.run()


def last(made: running.Simulation) -> Object:
    status: Object = made.namespaces[0].statuses[-1]
    return status


def states(made: running.Simulation) -> dict[str, str]:
    return {one["name"]: one["state"] for one in steps_of(last(made))}


def suspended(made: running.Simulation) -> bool:
    host = made.namespaces[0].host
    assert host is not None
    return host.down


@BOTH
@pytest.mark.parametrize("sees", [True, False])
def test_the_steps_are_called_in_their_order_and_the_workers_start_anew(trial: Trial, sees: bool) -> None:
    heard = []
    hosted = Trial(
        defect=trial.defect, rollback=trial.rollback, mitigates=trial.mitigates, hosted=Call(0.1, 0.1, sees=sees)
    )
    made = running.Simulation(Scenario(1, (hosted,)))
    host = made.namespaces[0].host
    assert host is not None
    before = host.heard

    def listen(agent: str, verb: str) -> None:
        before(agent, verb)
        heard.append(verb)

    host.heard = listen
    outcome = made.run()
    assert not outcome.broken, outcome.broken
    assert outcome.verdicts == {"Failed" if trial.rollback else "Passed": 1}
    assert last(made)["recoveredBy"] == ("Rollback" if trial.rollback else "Mitigation")
    # The last one takes the first one back, whatever an irreversible step did meanwhile.
    assert heard == ["suspend", "clear-1", "clear-2", "resume", "resume"]
    assert set(states(made).values()) == {"Done"}


@BOTH
def test_a_call_whose_pod_is_evicted_before_it_is_answered_is_not_made_again(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, lost = SimulatedPlatform.leaves, list[str]()

    def evicted(self: SimulatedPlatform, agent: Any, **said: Any) -> None:
        if "clear-1" in agent.pod["spec"]["containers"][0]["env"][0]["value"] and not lost:
            lost.append(agent.name)
            self.ns.server.store.remove("drain", PODS, self.ns.namespace, agent.pod["metadata"]["name"])
            return
        real(self, agent, **said)

    monkeypatch.setattr(SimulatedPlatform, "leaves", evicted)
    heard = Counter[str]()
    made = running.Simulation(Scenario(1, (trial,)))
    host = made.namespaces[0].host
    assert host is not None
    host.heard = lambda _, verb: heard.update([verb])
    outcome = made.run()
    assert lost
    assert heard["clear-1"] == 1
    # The world knows of no trouble that excuses the verdict.
    assert {one.rule for one in outcome.broken} <= {Rule.DECIDED, Rule.COUNTED}
    assert not suspended(made)
    assert "made before, and nothing of it is found any more" in "\n".join(last(made)["timeline"])


@BOTH
@pytest.mark.parametrize(("moment", "away"), [("before", 0.5), ("sent", 0.5), ("answered", 0.5), ("answered", 400.0)])
def test_a_kill_at_any_call_leaves_nothing_suspended_and_repeats_nothing(
    trial: Trial, moment: str, away: float
) -> None:
    ends: Counter[str] = Counter()
    for count in range(1, CALLS[trial] + 1):
        crash = Failure(What.CRASH_AT_CALL, BEGINS[trial], seconds=away, count=count, detail=moment)
        made, outcome = site(trial, crash)
        assert not outcome.broken, (count, outcome.broken)
        assert outcome.effective[What.CRASH_AT_CALL] == 1, count
        assert not suspended(made)
        ends.update(states(made).values())
    # Where the request was saved and the pod not made, nobody knows, and it is not made any more.
    assert ends["Unknown"] if moment == "before" else ends["Done"]


@BOTH
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
        (Failure(What.ABORT, 1.0), 1),
        (Failure(What.ABORT, 3.0), 1),
        (Failure(What.DRILL_DELETED, 2.5), 1),
        (Failure(What.OPT_OUT, 2.5, seconds=8.0), 1),
        (Failure(What.HALT, 2.5, seconds=30.0), 1),
        (Failure(What.FUSE_DELETED, 2.5), 1),
    ],
    ids=lambda one: f"{one.what.value} {one.at}" if isinstance(one, Failure) else "",
)
def test_no_promise_is_broken_whatever_goes_wrong_meanwhile(trial: Trial, failure: Failure, replicas: int) -> None:
    late = Failure(failure.what, BEGINS[trial] + failure.at, 0, failure.seconds, failure.count, failure.detail)
    made, outcome = site(trial, late, replicas=replicas)
    assert not outcome.broken, outcome.broken
    assert outcome.effective[failure.what]
    assert not suspended(made)


def test_a_bad_answer_to_what_runs_once_is_recorded_and_ends_the_drill() -> None:
    for hosted, said in (
        (Call(fails=1), "was answered with status 503"),
        (Call(silent=1), "got no answer (timeout)"),
    ):
        made, outcome = site(Trial(defect=Defect.NONE, mitigates=Mitigates.JOBS, hosted=hosted))
        assert not outcome.broken, outcome.broken
        assert states(made) == {CLEAR: "Failed"}
        assert last(made)["reason"] == "MitigationFailed"
        assert last(made)["message"] == f"step {CLEAR}: POST http://platform/workers/clear-0 {said}"


def test_a_step_whose_effect_nobody_sees_says_what_is_lacking() -> None:
    made, outcome = site(Trial(defect=Defect.NONE, mitigates=Mitigates.HOLDS, hosted=Call(takes=1000.0)))
    assert not outcome.broken, outcome.broken
    assert last(made)["reason"] == "MitigationFailed"
    assert last(made)["message"] == (
        f"step {HOLD}: it has had no effect within 20 s: POST http://platform/workers/suspend was answered with status "
        "202; undone (host.body.up) was never false; seen (!host.body.up) was never true"
    )


def test_a_step_that_is_there_before_the_drill_touches_nothing() -> None:
    """Its undo could never be seen, and the namespace would stay locked."""
    made = running.Simulation(Scenario(1, (MITIGATES,)))
    host = made.namespaces[0].host
    assert host is not None
    host.down = True
    made.run()
    status = last(made)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "AlreadyTrue")
    assert status["message"].startswith(f"step {HOLD}: seen (!host.body.up) is true although no request was sent")
    assert status["changed"] is False


def lost_pod(trial: Trial, step: str) -> tuple[running.Simulation, Counter[str]]:
    """A world in which a node takes the pod of a step's call away, and the operator dies at the same time."""
    made = running.Simulation(Scenario(1, (trial,)))
    (ns,) = made.namespaces
    assert ns.host is not None
    times: Counter[str] = Counter()
    before = ns.host.heard

    def heard(agent: str, verb: str) -> None:
        before(agent, verb)
        times[agent] += 1
        if agent == call(step) and times[agent] == 1:
            for process in list(made.alive):
                process.kill()
            made.server.store.remove(SYSTEM, PODS, ns.namespace, object_name(ns.drill_name, agent))

    ns.host.heard = heard
    made.run()
    return made, times


@pytest.mark.parametrize(("trial", "step"), [(ROLLBACK, "clear state"), (MITIGATES, CLEAR)], ids=["rollback", "aid"])
def test_a_call_of_which_nothing_is_left_is_not_made_again(trial: Trial, step: str) -> None:
    made, times = lost_pod(trial, step)
    assert times[call(step)] == 1
    assert states(made)[step] == "Unknown"
    # The world knows of no trouble that excuses the verdict.
    assert {one.rule for one in made.monitor.broken} <= {Rule.DECIDED, Rule.COUNTED}
    assert not suspended(made)


def test_the_rules_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that forgets what an earlier one asked for calls twice, and the simulation says so."""

    def forgets(step: str, _entry: Any, _observed: Any) -> Any:
        yield Run(step)

    monkeypatch.setattr(steps, "_to_run", forgets)
    monkeypatch.setattr(steps.Steps, "_not_done", lambda _, ctx, *__: ctx.record)
    made, _ = lost_pod(MITIGATES, CLEAR)
    assert Rule.CALLED_ONCE in {one.rule for one in made.monitor.broken}


def test_a_mitigation_that_calls_ahead_of_its_status_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    from gameday.engine.drill import mitigations

    monkeypatch.setattr(mitigations, "_acted", lambda record, *_: record)
    _, outcome = site(MITIGATES)
    assert Rule.MITIGATED in {one.rule for one in outcome.broken}


def test_it_is_seen_that_the_fuse_of_a_step_does_not_call(monkeypatch: pytest.MonkeyPatch) -> None:
    from simulation.calling import SimulatedPlatform

    monkeypatch.setattr(SimulatedPlatform, "fires", lambda *_: False)
    _, outcome = site(MITIGATES, Failure(What.CRASH, BEGINS[MITIGATES] + 3.0, seconds=2000.0))
    assert Rule.IN_TIME in {one.rule for one in outcome.broken}
