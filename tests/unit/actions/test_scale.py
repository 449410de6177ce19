"""What a Deployment says of its scale: nothing counts until its controller has seen the newest spec."""

import pytest

from gameday.actions.scale import put_back, scale, workload_of
from gameday.cluster.client import Cluster
from gameday.errors import Conflict
from gameday.model.world import Workload
from unit.api_server import ApiServer


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


async def test_what_was_meant_for_an_older_version_changes_nothing_any_more(
    api_server: ApiServer, cluster: Cluster
) -> None:
    seen = api_server.put("deployments", "shop", {"metadata": {"name": "worker"}, "spec": {"replicas": 3}})
    api_server.put("deployments", "shop", {"metadata": {"name": "worker"}, "spec": {"replicas": 5}})
    with pytest.raises(Conflict):
        await scale(cluster, "shop", "worker", 0, seen["metadata"]["resourceVersion"])
    assert api_server.objects["deployments", "shop", "worker"]["spec"]["replicas"] == 5


@pytest.mark.parametrize(("there", "left"), [(0, 3), (3, 3), (5, 5)], ids=["ours", "from before", "somebody else's"])
async def test_the_number_from_before_is_put_back_only_where_ours_is_there(
    there: int, left: int, api_server: ApiServer, cluster: Cluster
) -> None:
    api_server.put("deployments", "shop", {"metadata": {"name": "worker"}, "spec": {"replicas": there}})
    await put_back(cluster, "shop", "worker", 3, 0)
    assert api_server.objects["deployments", "shop", "worker"]["spec"]["replicas"] == left


async def test_what_is_gone_needs_nothing(api_server: ApiServer, cluster: Cluster) -> None:
    await put_back(cluster, "shop", "worker", 3, 0)
    await scale(cluster, "shop", "worker", 0, "7")
    assert ("deployments", "shop", "worker") not in api_server.objects
