"""A drill on what a HorizontalPodAutoscaler scales, with the real metrics-server: nobody counts our pods."""

import asyncio
import json
from collections.abc import Iterator
from typing import Final

import pytest

from e2e.dialling import ROOT, until
from e2e.namespaces import TeamNamespace, cluster_output, kubectl, small
from e2e.policies import WITNESS_AT_REDIS
from gameday.cluster.resources import AUTOSCALERS, PODS, Object
from gameday.model.labels import DRILL, STAND_IN
from gameday.preflight.quantity import quantity

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

REPLICAS: Final = 2
SHARE: Final = 0.8
"""Of what the autoscaler aims at, what the shop uses: nothing to do for 2 pods, but much if more were counted."""


@pytest.fixture
def metrics() -> Iterator[None]:
    """The metrics-server; an API of the cluster that does not answer would hold up the end of every namespace."""
    cluster_output("metrics")
    yield
    kubectl("delete", "--wait=false", "-f", str(ROOT / "tests" / "cluster" / "metrics" / "metrics-server.yaml"))


async def used(ns: TeamNamespace) -> int:
    """Mebibytes that a pod of the api uses; 0 where that is not measured yet."""
    await asyncio.sleep(2)
    path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{ns.namespace}/pods?labelSelector=app%3Dapi"
    pods = json.loads(kubectl("get", "--raw", path).stdout)["items"]
    amounts = [int(quantity(pod["containers"][0]["usage"]["memory"]) / 1024**2) for pod in pods]
    return sum(amounts) // len(amounts) if len(amounts) == REPLICAS else 0


def autoscaler(percent: int) -> Object:
    """By the memory of all containers of a pod, and by that of the one that is named."""
    memory: Object = {"name": "memory", "target": {"type": "Utilization", "averageUtilization": percent}}
    return {
        "apiVersion": AUTOSCALERS.api_version,
        "kind": AUTOSCALERS.kind,
        "metadata": {"name": "by-load"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"},
            "minReplicas": REPLICAS,
            "maxReplicas": 12,
            "metrics": [
                {"type": "Resource", "resource": memory},
                {"type": "ContainerResource", "containerResource": memory | {"container": "api"}},
            ],
        },
    }


async def state(ns: TeamNamespace) -> tuple[int, str]:
    """How many replicas the autoscaler wants, and why it is not active."""
    found = await ns.admin.get(AUTOSCALERS, ns.namespace, "by-load")
    assert found is not None
    status = found.get("status", {})
    active: Object = next((c for c in status.get("conditions", ()) if c["type"] == "ScalingActive"), {})
    why = "" if active.get("status") == "True" else str(active.get("message", "it has not looked yet"))
    return status.get("desiredReplicas", 0), why


@pytest.mark.usefixtures("metrics")
async def test_a_drill_changes_no_replicas_and_the_autoscaler_goes_on(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=REPLICAS)
    amount = await until(lambda: used(ns), "memory is measured", 120)
    ns.apply(WITNESS_AT_REDIS, autoscaler(round(100 * int(amount or 0) / 48 / SHARE)))

    async def active() -> bool:
        return (await state(ns))[1] == ""

    await until(active, "the autoscaler has looked", 120)
    await ns.operator()
    seen: set[tuple[int, str]] = set()
    agent_labels: set[str] = set()

    async def watch() -> None:
        while True:
            seen.add(await state(ns))
            ours, _ = await ns.admin.list(PODS, ns.namespace, DRILL)
            agent_labels.update(pod["metadata"]["labels"].get("app", "") for pod in ours)
            await asyncio.sleep(1)

    watching = asyncio.create_task(watch())
    try:
        # Long enough for several looks of the autoscaler, at pods that have been measured.
        await ns.start(small(steadyState__duration="45s", probes__0__interval="2s", probes__0__timeout="2s"))
        status = await ns.finishes()
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    assert status["verdict"] == "Passed", status["message"]
    assert seen == {(REPLICAS, "")}
    assert await ns.replicas("api") == REPLICAS
    assert agent_labels == {"", STAND_IN}
    await ns.nothing_is_left()


async def test_where_a_policy_asks_for_the_label_that_is_counted_the_drill_is_refused(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    ns.apply(autoscaler(80))
    await ns.operator()
    await ns.start(small())
    status = await ns.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "PreflightFailed")
    assert "HorizontalPodAutoscaler/by-load averages" in status["message"]
    assert "NetworkPolicy/redis requires them: admit pods with the label gameday.dev/role there" in status["message"]
    await ns.nothing_is_left()
