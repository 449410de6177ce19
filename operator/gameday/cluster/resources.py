"""The API resources that the operator reads or writes, with the names that the API's paths use."""

from dataclasses import dataclass
from typing import Any, Final

Object = dict[str, Any]
"""A Kubernetes object as JSON; ``engine`` and ``model`` never see one."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind: ``group`` is empty for the core one."""

    group: str
    version: str
    plural: str
    kind: str

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


PODS: Final = Resource("", "v1", "pods", "Pod")
SERVICES: Final = Resource("", "v1", "services", "Service")
CONFIG_MAPS: Final = Resource("", "v1", "configmaps", "ConfigMap")
SERVICE_ACCOUNTS: Final = Resource("", "v1", "serviceaccounts", "ServiceAccount")
NAMESPACES: Final = Resource("", "v1", "namespaces", "Namespace")
EVENTS: Final = Resource("events.k8s.io", "v1", "events", "Event")
ENDPOINT_SLICES: Final = Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
LEASES: Final = Resource("coordination.k8s.io", "v1", "leases", "Lease")
JOBS: Final = Resource("batch", "v1", "jobs", "Job")
CRON_JOBS: Final = Resource("batch", "v1", "cronjobs", "CronJob")
DEPLOYMENTS: Final = Resource("apps", "v1", "deployments", "Deployment")
REPLICA_SETS: Final = Resource("apps", "v1", "replicasets", "ReplicaSet")
STATEFUL_SETS: Final = Resource("apps", "v1", "statefulsets", "StatefulSet")
DAEMON_SETS: Final = Resource("apps", "v1", "daemonsets", "DaemonSet")
RESOURCE_QUOTAS: Final = Resource("", "v1", "resourcequotas", "ResourceQuota")
BUDGETS: Final = Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
AUTOSCALERS: Final = Resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
SCALED_OBJECTS: Final = Resource("keda.sh", "v1alpha1", "scaledobjects", "ScaledObject")
NETWORK_POLICIES: Final = Resource("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy")
CILIUM_NETWORK_POLICIES: Final = Resource("cilium.io", "v2", "ciliumnetworkpolicies", "CiliumNetworkPolicy")
CILIUM_ENDPOINTS: Final = Resource("cilium.io", "v2", "ciliumendpoints", "CiliumEndpoint")
CUTTING: Final = (NETWORK_POLICIES, CILIUM_NETWORK_POLICIES)
"""The kinds of policies by which a drill cuts."""
CILIUM_CLUSTERWIDE_POLICIES: Final = Resource(
    "cilium.io", "v2", "ciliumclusterwidenetworkpolicies", "CiliumClusterwideNetworkPolicy"
)
CALICO_POLICIES: Final = Resource("crd.projectcalico.org", "v1", "networkpolicies", "NetworkPolicy")
CALICO_GLOBAL_POLICIES: Final = Resource("crd.projectcalico.org", "v1", "globalnetworkpolicies", "GlobalNetworkPolicy")
CALICO_V3_POLICIES: Final = Resource("projectcalico.org", "v3", "networkpolicies", "NetworkPolicy")
CALICO_V3_GLOBAL_POLICIES: Final = Resource("projectcalico.org", "v3", "globalnetworkpolicies", "GlobalNetworkPolicy")
ADMIN_POLICIES: Final = Resource("policy.networking.k8s.io", "v1alpha1", "adminnetworkpolicies", "AdminNetworkPolicy")
BASELINE_POLICIES: Final = Resource(
    "policy.networking.k8s.io", "v1alpha1", "baselineadminnetworkpolicies", "BaselineAdminNetworkPolicy"
)
CLUSTER_POLICIES: Final = Resource(
    "policy.networking.k8s.io", "v1alpha2", "clusternetworkpolicies", "ClusterNetworkPolicy"
)
ANTREA_POLICIES: Final = Resource("crd.antrea.io", "v1beta1", "networkpolicies", "NetworkPolicy")
ANTREA_CLUSTER_POLICIES: Final = Resource("crd.antrea.io", "v1beta1", "clusternetworkpolicies", "ClusterNetworkPolicy")
AWS_POLICIES: Final = Resource(
    "networking.k8s.aws", "v1alpha1", "applicationnetworkpolicies", "ApplicationNetworkPolicy"
)
AWS_CLUSTER_POLICIES: Final = Resource(
    "networking.k8s.aws", "v1alpha1", "clusternetworkpolicies", "ClusterNetworkPolicy"
)
FQDN_POLICIES: Final = Resource("networking.gke.io", "v1alpha1", "fqdnnetworkpolicies", "FQDNNetworkPolicy")
GAMEDAYS: Final = Resource("gameday.dev", "v1alpha1", "gamedays", "GameDay")
DRILLS: Final = Resource("gameday.dev", "v1alpha1", "drills", "Drill")
DEFINITIONS: Final = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition")
RULES_REVIEWS: Final = Resource("authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview")
