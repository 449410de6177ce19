"""Targets that policies of other networks isolate: their kinds alone are installed here, which is all that is read."""

from collections.abc import Iterator

import pytest
import yaml

from e2e.installing import installed
from e2e.namespaces import TeamNamespace, kubectl, small
from gameday.cluster.resources import CILIUM_CLUSTERWIDE_POLICIES, Object
from gameday.preflight.policies.isolators import BY_DOMAIN, OF_CLUSTER, OF_NAMESPACE

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
    for resource in (*OF_NAMESPACE, *OF_CLUSTER):
        spec: Object = {"types": ["Egress"], "selector": "app == 'api'"}
        if resource is CILIUM_CLUSTERWIDE_POLICIES:
            spec = {"endpointSelector": cilium, "egress": [{"toEntities": ["all"]}]}
        elif "antrea" in resource.group:
            spec = {"tier": "baseline", "priority": 5, "egress": [{"action": "Drop"}]}
            spec["appliedTo"] = [{"podSelector": {"matchLabels": {"app": "api"}}}]
            if resource in OF_CLUSTER:
                spec["appliedTo"][0]["namespaceSelector"] = here
        elif resource in BY_DOMAIN:
            spec = {"podSelector": {"matchLabels": {"app": "api"}}, "policyTypes": ["Egress"], "egress": [{}]}
        elif "projectcalico" not in resource.group:
            spec = {"priority": 50, "subject": {"namespaces": here}, "egress": deny}
        elif resource in OF_CLUSTER:
            spec["namespaceSelector"] = f"projectcalico.org/name == '{namespace}'"
        name = namespace if resource in OF_CLUSTER else "closed"
        yield {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": name}, "spec": spec}


@pytest.mark.usefixtures("kinds")
async def test_isolation_by_any_kind_is_refused_with_networkpolicy_and_cut_with_cilium(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    closed = list(policies(ns.namespace))
    try:
        ns.apply(*closed)
        await ns.operator()
        await ns.start(small(outage__faults__0__networkPartition__via="NetworkPolicy"))
        status = await ns.finishes()
        assert (status["verdict"], status["reason"]) == ("Inconclusive", "PreflightFailed")
        assert "already isolate targets for egress" in status["message"]
        assert f"AdminNetworkPolicy/{ns.namespace}" in status["message"]
        assert status["undo"] == []

        await ns.needs_cilium()
        await ns.start(small(), name="second")
        status = await ns.finishes("second")
        assert status["verdict"] == "Passed", status["message"]
        await ns.nothing_is_left()
    finally:
        kubectl(
            "delete",
            "--ignore-not-found",
            "--wait=false",
            "-f",
            "-",
            stdin=yaml.safe_dump_all(closed[len(OF_NAMESPACE) :]),
        )
