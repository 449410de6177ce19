"""The API resources that the operator reads or writes, with the names that the API's paths use."""

from dataclasses import dataclass
from typing import Any, Final

Object = dict[str, Any]
"""A Kubernetes object as JSON; ``engine`` and ``model`` never see one."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind: ``group`` is empty for the core one."""

    group: str
    version: str
    plural: str
    name: str

    @property
    def api_version(self) -> str:
        """As manifests name it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def full_name(self) -> str:
        """As kubectl names it beyond doubt: ``networkpolicies.crd.projectcalico.org``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
        """The URL path of a collection, an object or a subresource."""
        parts = ["/apis", self.group, self.version] if self.group else ["/api", self.version]
        if namespace is not None:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        if name is not None:
            parts.append(name)
        if subresource is not None:
            parts.append(subresource)
        return "/".join(parts)


PODS: Final = Kind("", "v1", "pods", "Pod")
SERVICES: Final = Kind("", "v1", "services", "Service")
CONFIG_MAPS: Final = Kind("", "v1", "configmaps", "ConfigMap")
SERVICE_ACCOUNTS: Final = Kind("", "v1", "serviceaccounts", "ServiceAccount")
NAMESPACES: Final = Kind("", "v1", "namespaces", "Namespace")
EVENTS: Final = Kind("events.k8s.io", "v1", "events", "Event")
ENDPOINT_SLICES: Final = Kind("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
LEASES: Final = Kind("coordination.k8s.io", "v1", "leases", "Lease")
JOBS: Final = Kind("batch", "v1", "jobs", "Job")
CRON_JOBS: Final = Kind("batch", "v1", "cronjobs", "CronJob")
DEPLOYMENTS: Final = Kind("apps", "v1", "deployments", "Deployment")
REPLICA_SETS: Final = Kind("apps", "v1", "replicasets", "ReplicaSet")
STATEFUL_SETS: Final = Kind("apps", "v1", "statefulsets", "StatefulSet")
DAEMON_SETS: Final = Kind("apps", "v1", "daemonsets", "DaemonSet")
RESOURCE_QUOTAS: Final = Kind("", "v1", "resourcequotas", "ResourceQuota")
BUDGETS: Final = Kind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
AUTOSCALERS: Final = Kind("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
SCALED_OBJECTS: Final = Kind("keda.sh", "v1alpha1", "scaledobjects", "ScaledObject")
NETWORK_POLICIES: Final = Kind("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy")
CILIUM_NETWORK_POLICIES: Final = Kind("cilium.io", "v2", "ciliumnetworkpolicies", "CiliumNetworkPolicy")
CILIUM_CLUSTERWIDE_POLICIES: Final = Kind(
    "cilium.io", "v2", "ciliumclusterwidenetworkpolicies", "CiliumClusterwideNetworkPolicy"
)
CALICO_POLICIES: Final = Kind("crd.projectcalico.org", "v1", "networkpolicies", "NetworkPolicy")
CALICO_GLOBAL_POLICIES: Final = Kind("crd.projectcalico.org", "v1", "globalnetworkpolicies", "GlobalNetworkPolicy")
CALICO_V3_POLICIES: Final = Kind("projectcalico.org", "v3", "networkpolicies", "NetworkPolicy")
CALICO_V3_GLOBAL_POLICIES: Final = Kind("projectcalico.org", "v3", "globalnetworkpolicies", "GlobalNetworkPolicy")
ADMIN_POLICIES: Final = Kind("policy.networking.k8s.io", "v1alpha1", "adminnetworkpolicies", "AdminNetworkPolicy")
BASELINE_POLICIES: Final = Kind(
    "policy.networking.k8s.io", "v1alpha1", "baselineadminnetworkpolicies", "BaselineAdminNetworkPolicy"
)
CLUSTER_POLICIES: Final = Kind("policy.networking.k8s.io", "v1alpha2", "clusternetworkpolicies", "ClusterNetworkPolicy")
GAMEDAYS: Final = Kind("gameday.dev", "v1alpha1", "gamedays", "GameDay")
DRILLS: Final = Kind("gameday.dev", "v1alpha1", "drills", "Drill")
DEFINITIONS: Final = Kind("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition")
RULES_REVIEWS: Final = Kind("authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview")
