"""A drill on a workload with required anti-affinity: no pod of its label may run beside it, on the only node."""

import json
from typing import Final

import pytest

from e2e.dialling import until
from e2e.namespaces import TeamNamespace, kubectl, small
from e2e.policies import WITNESS_AT_REDIS
from gameday.cluster.resources import PODS, Object
from gameday.model.labels import DRILL, ROLE, STAND_IN

pytestmark = pytest.mark.e2e

API: Final = {"matchLabels": {"app": "api"}}
ALONE: Final = {
    "podAntiAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": [
            {"labelSelector": API, "topologyKey": "kubernetes.io/hostname"}
        ]
    }
}
BESIDE: Final[Object] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "beside", "labels": {"app": "api"}},
    "spec": {"containers": [{"name": "c", "image": "localhost/gameday-shop:dev", "imagePullPolicy": "IfNotPresent"}]},
}
"""A pod with the label that the workload keeps away."""


async def alone(ns: TeamNamespace) -> None:
    """Deploy the shop with an api that keeps its like off its node, and see that the scheduler keeps to it."""
    await ns.shop(parts=("api", "redis"), replicas=1)
    # A new pod of it finds a node once the old one is gone.
    spec = {"strategy": {"type": "Recreate", "rollingUpdate": None}, "template": {"spec": {"affinity": ALONE}}}
    kubectl("-n", ns.namespace, "patch", "deployment", "api", "--type=merge", "-p", json.dumps({"spec": spec}))
    await ns.deploy({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "none"}})
    ns.apply(BESIDE)

    async def kept_out() -> bool:
        pod = await ns.admin.get(PODS, ns.namespace, "beside")
        said = [one.get("message", "") for one in (pod or {}).get("status", {}).get("conditions", ())]
        return any("anti-affinity" in one for one in said)

    await until(kept_out, "the scheduler keeps a pod of the label out")
    kubectl("-n", ns.namespace, "delete", "pod", "beside")


async def workload(ns: TeamNamespace) -> dict[str, tuple[str, int]]:
    """The api's pods by their UIDs: where each runs, and how often its container was started again."""
    found, _ = await ns.admin.list(PODS, ns.namespace, f"app=api,!{DRILL}")
    return {
        pod["metadata"]["uid"]: (pod["spec"]["nodeName"], pod["status"]["containerStatuses"][0]["restartCount"])
        for pod in found
    }


async def test_witnesses_run_beside_a_workload_that_wants_no_pod_of_its_label_there(ns: TeamNamespace) -> None:
    await alone(ns)
    ns.apply(WITNESS_AT_REDIS)
    before = await workload(ns)
    ((node, _),) = before.values()
    await ns.operator()
    await ns.start(small())
    await ns.under_cut()
    pods, _ = await ns.admin.list(PODS, ns.namespace, DRILL)
    witnesses = [pod for pod in pods if pod["metadata"]["labels"][ROLE] == "witness"]
    assert {(pod["spec"]["nodeName"], pod["status"]["phase"]) for pod in witnesses} == {(node, "Running")}
    assert {pod["metadata"]["labels"]["app"] for pod in witnesses} == {STAND_IN}
    assert await workload(ns) == before
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    assert await workload(ns) == before, "a pod of the workload was replaced or restarted"
    await ns.nothing_is_left()


async def test_where_a_policy_asks_for_that_label_the_drill_is_refused(ns: TeamNamespace) -> None:
    await alone(ns)
    before = await workload(ns)
    await ns.operator()
    await ns.start(small())
    status = await ns.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "PreflightFailed")
    assert 'Deployment api requires that no pod of {"matchLabels": {"app": "api"}} runs in its' in status["message"]
    assert "change the anti-affinity from required to preferred" in status["message"]
    assert "NetworkPolicy/redis requires them: admit pods with the label gameday.dev/role there" in status["message"]
    assert await workload(ns) == before
    await ns.nothing_is_left()
