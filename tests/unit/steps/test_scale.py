"""What a Deployment says of its scale: nothing counts until its controller has seen the newest spec."""

from gameday.model.world import Workload
from gameday.steps.scale import workload_of


def test_a_settled_deployment() -> None:
    deployment = {
        "metadata": {"generation": 4},
        "spec": {"replicas": 3},
        "status": {"observedGeneration": 4, "readyReplicas": 3, "replicas": 3},
    }
    assert workload_of(deployment) == Workload(exists=True, replicas=3, ready=3, pods=3)


def test_scaled_to_zero_has_no_numbers_in_its_status() -> None:
    deployment = {"metadata": {"generation": 5}, "spec": {"replicas": 0}, "status": {"observedGeneration": 5}}
    assert workload_of(deployment) == Workload(exists=True, replicas=0, ready=0, pods=0)


def test_a_status_older_than_the_spec_is_not_taken_for_it() -> None:
    deployment = {
        "metadata": {"generation": 5},
        "spec": {"replicas": 3},
        "status": {"observedGeneration": 4, "readyReplicas": 3, "replicas": 3},
    }
    found = workload_of(deployment)
    assert found.replicas == 3
    assert found.ready < 0
    assert found.pods < 0


def test_one_that_is_gone_holds_nothing() -> None:
    assert workload_of(None) == Workload(exists=False)
