"""Targets that policies of other networks isolate: their kinds alone are installed here, which is all that is read."""

from collections.abc import Iterator

import pytest
import yaml

from e2e.installing import installed
from e2e.stage import Stage, kubectl, small
from gameday.cluster.kinds import CILIUM_CLUSTERWIDE_POLICIES, Object
from gameday.preflight.policies.isolators import OF_CLUSTER, OF_NAMESPACE

pytestmark = pytest.mark.e2e


@pytest.fixture
def kinds() -> Iterator[None]:
    """All kinds of policies."""
    with installed(OF_NAMESPACE, OF_CLUSTER):
        yield


def policies(namespace: str) -> Iterator[Object]:
    """One of each kind that selects the targets in this namespace, and nobody else."""
    here = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    deny = [{"action": "Deny", "to": [{"namespaces": {}}]}]
    cilium = {"matchLabels": {"app": "api", "k8s:io.kubernetes.pod.namespace": namespace}}
    for kind in (*OF_NAMESPACE, *OF_CLUSTER):
        spec: Object = {"types": ["Egress"], "selector": "app == 'api'"}
        if kind is CILIUM_CLUSTERWIDE_POLICIES:
            spec = {"endpointSelector": cilium, "egress": [{"toEntities": ["all"]}]}
        elif "projectcalico" not in kind.group:
            spec = {"priority": 50, "subject": {"namespaces": here}, "egress": deny}
        elif kind in OF_CLUSTER:
            spec["namespaceSelector"] = f"projectcalico.org/name == '{namespace}'"
        name = namespace if kind in OF_CLUSTER else "closed"
        yield {"apiVersion": kind.api_version, "kind": kind.name, "metadata": {"name": name}, "spec": spec}


@pytest.mark.usefixtures("kinds")
async def test_isolation_by_any_kind_is_refused_with_networkpolicy_and_cut_with_cilium(town: Stage) -> None:
    await town.shop(parts=("api", "redis"), replicas=1)
    closed = list(policies(town.namespace))
    try:
        town.apply(*closed)
        await town.operator()
        await town.start(small(outage__faults__0__networkPartition__via="NetworkPolicy"))
        status = await town.finishes()
        assert (status["verdict"], status["reason"]) == ("Inconclusive", "PreflightFailed")
        assert "already isolate targets for egress" in status["message"]
        assert f"AdminNetworkPolicy/{town.namespace}" in status["message"]
        assert status["undo"] == []

        await town.needs_cilium()
        await town.start(small(), name="second")
        status = await town.finishes("second")
        assert status["verdict"] == "Passed", status["message"]
        await town.nothing_is_left()
    finally:
        kubectl("delete", "--ignore-not-found", "--wait=false", "-f", "-", stdin=yaml.safe_dump_all(closed[2:]))
