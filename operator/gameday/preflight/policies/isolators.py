"""The kinds of policies that isolate pods for egress, and reading those that a cluster has.

NetworkPolicies and CiliumNetworkPolicies of the namespace are read with the snapshot; all others are read here. A kind
that says by its name that it is a network policy, and that no reader knows, counts as unread where there is one of it.
Policies of a namespace are read as its ServiceAccount. Policies of the whole cluster are read as the operator: only the
administrator can grant that, once, by installing the operator. A RoleBinding, which is all that a team can create,
never grants it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from gameday.cluster.client import Cluster
from gameday.cluster.resources import (
    ADMIN_POLICIES,
    ANTREA_CLUSTER_POLICIES,
    ANTREA_POLICIES,
    AWS_CLUSTER_POLICIES,
    AWS_POLICIES,
    BASELINE_POLICIES,
    CALICO_GLOBAL_POLICIES,
    CALICO_POLICIES,
    CALICO_V3_GLOBAL_POLICIES,
    CALICO_V3_POLICIES,
    CILIUM_CLUSTERWIDE_POLICIES,
    CILIUM_NETWORK_POLICIES,
    CLUSTER_POLICIES,
    FQDN_POLICIES,
    Object,
    Resource,
)
from gameday.errors import ClusterUnreachable, Forbidden, NotFound, Rejected
from gameday.model.limits import KUBERNETES_OWN

BY_DOMAIN: Final = (AWS_POLICIES, FQDN_POLICIES)
"""Kinds for what pods send to domains; clusters of AWS have theirs whether it is used or not."""
OF_NAMESPACE: Final = (CALICO_POLICIES, CALICO_V3_POLICIES, ANTREA_POLICIES, *BY_DOMAIN)
OF_CLUSTER: Final = (
    CILIUM_CLUSTERWIDE_POLICIES,
    CALICO_GLOBAL_POLICIES,
    CALICO_V3_GLOBAL_POLICIES,
    ADMIN_POLICIES,
    BASELINE_POLICIES,
    CLUSTER_POLICIES,
    ANTREA_CLUSTER_POLICIES,
    AWS_CLUSTER_POLICIES,
)
ISOLATORS: Final = (CILIUM_NETWORK_POLICIES, *OF_NAMESPACE, *OF_CLUSTER)
"""All kinds but NetworkPolicy itself, which every cluster has and every account may read."""

SAME_AS: Final = {CALICO_V3_POLICIES: CALICO_POLICIES, CALICO_V3_GLOBAL_POLICIES: CALICO_GLOBAL_POLICIES}
"""Kinds of Calico's API server, and where it keeps them: who has read these need not read those."""

ELSEWHERE: Final = frozenset({KUBERNETES_OWN, "controlplane.antrea.io", "k8s.cni.cncf.io", "management.cattle.io"})
"""Groups whose kinds of such a name close nothing that is not seen elsewhere.

NetworkPolicy itself, what Antrea computes of all policies, policies for further interfaces of pods, and those of which
Rancher makes NetworkPolicies.
"""
DRAFTS: Final = "staged"
"""How the plurals of Calico's drafts begin, which have no effect."""


@dataclass(slots=True)
class Isolators:
    """The policies that were read, by kind; ``unread`` has the error of each kind that could not be read."""

    served: frozenset[Resource] = frozenset()
    """Of these kinds, those that the cluster has, and those that no reader knows."""
    found: dict[Resource, tuple[Object, ...]] = field(default_factory=dict)
    unread: dict[Resource, str] = field(default_factory=dict)
    assumed: frozenset[str] = frozenset()
    """Kinds, by their full names, of which the administrator says that they isolate no target."""


async def read(
    account: Cluster,
    operator: Cluster,
    namespace: str,
    served: frozenset[Resource],
    named: Mapping[Resource, bool],
    assumed: Collection[str],
) -> Isolators:
    """Read every policy that may isolate pods of the namespace, of those kinds that are served.

    ``named`` are all kinds whose names say that they are network policies, and whether they are in namespaces.

    Raises:
        ClusterUnreachable: when the API server did not answer.

    """
    others = _unknown(named)
    seen = Isolators(served=served & frozenset(ISOLATORS) | others.keys(), assumed=frozenset(assumed))
    for resource in (*OF_NAMESPACE, *OF_CLUSTER):
        if resource not in seen.served or resource.full_name in seen.assumed:
            continue
        whose, where = (account, namespace) if resource in OF_NAMESPACE else (operator, None)
        try:
            seen.found[resource], _ = await whose.list(resource, where)
        except NotFound:
            continue
        except (Forbidden, ClusterUnreachable) as error:
            if SAME_AS.get(resource) in seen.found:
                continue
            if isinstance(error, ClusterUnreachable):
                raise
            seen.unread[resource] = str(error)
    for resource, namespaced in others.items():
        if resource.full_name in seen.assumed:
            continue
        whose, where = (account, namespace) if namespaced else (operator, None)
        try:
            listed, _ = await whose.list(resource, where)
        except NotFound:
            continue
        except (Forbidden, Rejected) as error:
            seen.unread[resource] = str(error)
        else:
            if listed:
                name = f"{resource.plural}/{listed[0]['metadata']['name']}"
                seen.unread[resource] = f"{name} is there, and the operator does not know {resource.api_version}"
    return seen


def _unknown(named: Mapping[Resource, bool]) -> dict[Resource, bool]:
    """Of these kinds those that may isolate pods and that no reader knows, one version of each."""
    known = {resource.full_name for resource in ISOLATORS if resource in named}
    found: dict[Resource, bool] = {}
    for resource, namespaced in named.items():
        draft = "projectcalico.org" in resource.group and resource.plural.startswith(DRAFTS)
        if resource.full_name not in known and resource.group not in ELSEWHERE and not draft:
            known.add(resource.full_name)
            found[resource] = namespaced
    return found
