"""Steps that scale what an autoscaler scales: refused by its name, before anything is touched."""

from collections.abc import Iterator

import pytest

from e2e.installing import installed
from e2e.namespaces import TeamNamespace, small
from gameday.cluster.resources import AUTOSCALERS, SCALED_OBJECTS, Object

pytestmark = pytest.mark.e2e

TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "worker"}


@pytest.fixture
def keda() -> Iterator[None]:
    """KEDA's kind, without KEDA."""
    with installed([SCALED_OBJECTS]):
        yield


def rollback(replicas: int) -> Object:
    steps = [{"name": "stop", "scale": {"deployment": "worker", "replicas": replicas}}]
    return {"ifMissed": ["healthy again"], "within": "1m", "steps": steps}


@pytest.mark.usefixtures("keda")
async def test_a_step_that_an_autoscaler_would_undo_is_refused_with_its_name(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis", "worker"), replicas=1)
    scaled = {"apiVersion": SCALED_OBJECTS.api_version, "kind": SCALED_OBJECTS.kind, "metadata": {"name": "by-queue"}}
    hpa = {"apiVersion": AUTOSCALERS.api_version, "kind": AUTOSCALERS.kind, "metadata": {"name": "by-load"}}
    ns.apply(
        scaled | {"spec": {"scaleTargetRef": TARGET}},
        hpa | {"spec": {"scaleTargetRef": TARGET, "minReplicas": 1, "maxReplicas": 2}},
    )
    await ns.operator()
    await ns.start(small(rollback=rollback(2)))
    status = await ns.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "PreflightFailed")
    assert "ScaledObject/by-queue of KEDA scales worker" in status["message"]
    assert "HorizontalPodAutoscaler/by-load scales worker" in status["message"]
    assert status["undo"] == []
    await ns.nothing_is_left()
