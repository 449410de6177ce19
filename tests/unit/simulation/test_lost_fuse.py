"""The node of a scale's fuse is lost while no operator is there: another pod of its Job puts the workers back."""

from collections import Counter

from simulation import running
from simulation.scenario import Defect, Failure, Faults, Scenario, Trial, What

STUCK = Trial(defect=Defect.STUCK, rollback=True)
LOST = Failure(What.FUSE_NODE_LOST, 0.0, seconds=0.3)


def test_the_drill_goes_on_where_the_fuse_gets_another_pod() -> None:
    outcome = running.run(Scenario(1, (STUCK,), (LOST,)))
    assert not outcome.broken
    assert (list(outcome.verdicts), outcome.effective[What.FUSE_NODE_LOST]) == (["Failed"], 1)


def test_an_operator_that_dies_at_any_call_and_a_lost_node_leave_nothing_scaled() -> None:
    bit: Counter[What] = Counter()
    for nth in range(15, 49):
        crash = Failure(What.CRASH_AT_CALL, 0.0, seconds=130.0, count=nth, detail="answered")
        outcome = running.run(Scenario(nth, (STUCK,), (LOST, crash)))
        assert not outcome.broken, f"killed at call {nth}: {outcome.broken}"
        bit += Counter({what: outcome.effective[what] for what in (What.CRASH_AT_CALL, What.FUSE_NODE_LOST)})
    assert min(bit.values()) > 15


def test_a_fuse_whose_pod_does_not_start_says_what_the_kubelet_says() -> None:
    """Its Secret, its image, its node: the drill changes nothing, and nobody is to look for it at the API server."""
    slow = Failure(What.SLOW_PODS, 5.0, seconds=60.0)
    made = running.Simulation(Scenario(1, (Trial(faults=Faults.CUT_AND_SCALE),), (slow,)))
    assert not made.run().broken
    status = made.namespaces[0].statuses[-1]
    assert status["reason"] == "FuseNotArmed"
    assert status["message"].endswith("its pod does not run: ErrImagePull: the registry does not answer")
