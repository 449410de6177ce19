"""The kinds of policies that isolate pods for egress, and reading those that a cluster has.

NetworkPolicies and CiliumNetworkPolicies of the namespace are read with the snapshot; all others are read here.
Policies of a namespace are read as its ServiceAccount. Policies of the whole cluster are read as the operator: only the
administrator can grant that, once, by installing the operator. A RoleBinding, which is all that a team can create,
never grants it.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from gameday.cluster.client import Cluster
from gameday.cluster.resources import (
    ADMIN_POLICIES,
    ANTREA_CLUSTER_POLICIES,
    ANTREA_POLICIES,
    BASELINE_POLICIES,
    CALICO_GLOBAL_POLICIES,
    CALICO_POLICIES,
    CALICO_V3_GLOBAL_POLICIES,
    CALICO_V3_POLICIES,
    CILIUM_CLUSTERWIDE_POLICIES,
    CILIUM_NETWORK_POLICIES,
    CLUSTER_POLICIES,
    Object,
    Resource,
)
from gameday.errors import ClusterUnreachable, Forbidden, NotFound

OF_NAMESPACE: Final = (CALICO_POLICIES, CALICO_V3_POLICIES, ANTREA_POLICIES)
OF_CLUSTER: Final = (
    CILIUM_CLUSTERWIDE_POLICIES,
    CALICO_GLOBAL_POLICIES,
    CALICO_V3_GLOBAL_POLICIES,
    ADMIN_POLICIES,
    BASELINE_POLICIES,
    CLUSTER_POLICIES,
    ANTREA_CLUSTER_POLICIES,
)
ISOLATORS: Final = (CILIUM_NETWORK_POLICIES, *OF_NAMESPACE, *OF_CLUSTER)
"""All kinds but NetworkPolicy itself, which every cluster has and every account may read."""

SAME_AS: Final = {CALICO_V3_POLICIES: CALICO_POLICIES, CALICO_V3_GLOBAL_POLICIES: CALICO_GLOBAL_POLICIES}
"""Kinds of Calico's API server, and where it keeps them: who has read these need not read those."""


@dataclass(slots=True)
class Isolators:
    """The policies that were read, by kind; ``unread`` has the error of each kind that could not be read."""

    served: frozenset[Resource] = frozenset()
    """Of these kinds, those that the cluster has."""
    found: dict[Resource, tuple[Object, ...]] = field(default_factory=dict)
    unread: dict[Resource, str] = field(default_factory=dict)
    assumed: frozenset[str] = frozenset()
    """Kinds, by their full names, of which the administrator says that they isolate no target."""


async def read(
    account: Cluster, operator: Cluster, namespace: str, served: frozenset[Resource], assumed: Collection[str]
) -> Isolators:
    """Read every policy that may isolate pods of the namespace, of those kinds that are served.

    Raises:
        ClusterUnreachable: when the API server did not answer.

    """
    seen = Isolators(served=served & frozenset(ISOLATORS), assumed=frozenset(assumed))
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
    return seen
