"""Targets that policies of other networks isolate: their kinds alone are installed here, which is all that is read."""

from collections.abc import Iterator
from typing import Final

import pytest
import yaml

from e2e.installing import installed
from e2e.namespaces import TeamNamespace, kubectl, small
from gameday.cluster.resources import Object, Resource
from gameday.preflight.policies import isolators

pytestmark = pytest.mark.e2e

OF_NAMESPACE: Final = (
    # projectcalico/calico, libcalico-go/config/crd and api/config/crd
    Resource("crd.projectcalico.org", "v1", "networkpolicies", "NetworkPolicy"),
    Resource("projectcalico.org", "v3", "networkpolicies", "NetworkPolicy"),
    # antrea-io/antrea, build/charts/antrea/crds/networkpolicy.yaml
    Resource("crd.antrea.io", "v1beta1", "networkpolicies", "NetworkPolicy"),
    # aws/amazon-network-policy-controller-k8s, config/crd/bases
    Resource("networking.k8s.aws", "v1alpha1", "applicationnetworkpolicies", "ApplicationNetworkPolicy"),
    # cloud.google.com/kubernetes-engine/docs/how-to/fqdn-network-policies: its CRD is not public
    Resource("networking.gke.io", "v1alpha1", "fqdnnetworkpolicies", "FQDNNetworkPolicy"),
)
OF_CLUSTER: Final = (
    # cilium/cilium, pkg/k8s/apis/cilium.io/client/crds/v2/ciliumclusterwidenetworkpolicies.yaml
    Resource("cilium.io", "v2", "ciliumclusterwidenetworkpolicies", "CiliumClusterwideNetworkPolicy"),
    # projectcalico/calico, as above
    Resource("crd.projectcalico.org", "v1", "globalnetworkpolicies", "GlobalNetworkPolicy"),
    Resource("projectcalico.org", "v3", "globalnetworkpolicies", "GlobalNetworkPolicy"),
    # kubernetes-sigs/network-policy-api, config/crd: the first two until 0.1, the third from 0.2 on
    Resource("policy.networking.k8s.io", "v1alpha1", "adminnetworkpolicies", "AdminNetworkPolicy"),
    Resource("policy.networking.k8s.io", "v1alpha1", "baselineadminnetworkpolicies", "BaselineAdminNetworkPolicy"),
    Resource("policy.networking.k8s.io", "v1alpha2", "clusternetworkpolicies", "ClusterNetworkPolicy"),
    # antrea-io/antrea, build/charts/antrea/crds/clusternetworkpolicy.yaml
    Resource("crd.antrea.io", "v1beta1", "clusternetworkpolicies", "ClusterNetworkPolicy"),
    # aws/amazon-network-policy-controller-k8s, as above
    Resource("networking.k8s.aws", "v1alpha1", "clusternetworkpolicies", "ClusterNetworkPolicy"),
)
"""The kinds as their projects publish them. They are written here once more, so that a reader which has one by another
name does not find it, as it would not on such a cluster."""
DOMAINS: Final = ("ApplicationNetworkPolicy", "FQDNNetworkPolicy")


@pytest.fixture
def kinds() -> Iterator[None]:
    """All kinds of policies."""
    with installed(OF_NAMESPACE, OF_CLUSTER):
        yield


def policy(resource: Resource, namespace: str) -> Object:
    """One of a kind that selects the targets in this namespace, and nobody else."""
    here = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    deny = [{"action": "Deny", "to": [{"namespaces": {}}]}]
    spec: Object = {"types": ["Egress"], "selector": "app == 'api'"}
    if resource.group == "cilium.io":
        cilium = {"matchLabels": {"app": "api", "k8s:io.kubernetes.pod.namespace": namespace}}
        spec = {"endpointSelector": cilium, "egress": [{"toEntities": ["all"]}]}
    elif resource.group == "crd.antrea.io":
        spec = {"tier": "baseline", "priority": 5, "egress": [{"action": "Drop"}]}
        spec["appliedTo"] = [{"podSelector": {"matchLabels": {"app": "api"}}}]
        if resource in OF_CLUSTER:
            spec["appliedTo"][0]["namespaceSelector"] = here
    elif resource.kind in DOMAINS:
        spec = {"podSelector": {"matchLabels": {"app": "api"}}, "policyTypes": ["Egress"], "egress": [{}]}
    elif "projectcalico" not in resource.group:
        spec = {"priority": 50, "subject": {"namespaces": here}, "egress": deny}
    elif resource in OF_CLUSTER:
        spec["namespaceSelector"] = f"projectcalico.org/name == '{namespace}'"
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {"name": named(resource, namespace)},
        "spec": spec,
    }


def named(resource: Resource, namespace: str) -> str:
    """The name of its policy, which is no other's."""
    return f"{namespace if resource in OF_CLUSTER else 'closed'}-{resource.group.replace('.', '-')}"


def take_away(ns: TeamNamespace, *bodies: Object) -> None:
    """Delete policies, and wait until they are gone."""
    kubectl("-n", ns.namespace, "delete", "--ignore-not-found", "-f", "-", stdin=yaml.safe_dump_all(bodies))


async def refusals(ns: TeamNamespace, name: str) -> list[str]:
    """Why a drill would be refused that cuts by NetworkPolicy; a dry run says so, and ends as the drill would begin."""
    await ns.start(small(outage__faults__0__networkPartition__via="NetworkPolicy"), name, dryRun=True)
    status = await ns.finishes(name)
    assert status["reason"] in {"Planned", "Refused"}, status["message"]
    return list(status["dryRun"].get("refusals", ()))


@pytest.mark.usefixtures("kinds")
async def test_isolation_by_each_kind_is_refused_with_networkpolicy_and_by_all_is_cut_with_cilium(
    ns: TeamNamespace,
) -> None:
    assert {*OF_NAMESPACE, *OF_CLUSTER} == {*isolators.OF_NAMESPACE, *isolators.OF_CLUSTER}, "a kind is tried nowhere"
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.operator()
    every = [policy(resource, ns.namespace) for resource in (*OF_NAMESPACE, *OF_CLUSTER)]
    try:
        assert await refusals(ns, "none") == []
        for number, resource in enumerate((*OF_NAMESPACE, *OF_CLUSTER)):
            alone = policy(resource, ns.namespace)
            ns.apply(alone)
            found = await refusals(ns, f"alone-{number}")
            take_away(ns, alone)
            words = f"networkPartition.via: {resource.kind}/{named(resource, ns.namespace)} already isolate targets"
            told = [line for line in found if words in line]
            assert found == told != [], f"{resource.full_name}: {found}"

        await ns.needs_cilium()
        ns.apply(*every)
        await ns.start(small(), name="cut")
        status = await ns.finishes("cut")
        assert status["verdict"] == "Passed", status["message"]
        await ns.nothing_is_left()
    finally:
        take_away(ns, *every)
