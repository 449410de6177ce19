"""The labels of agents that represent a target: the target's own values only if a policy needs them.

For a label that the fault selects on, the agents have a stand-in value, which the cut selects as well as the target's
value. So one policy cuts both, and nothing else that selects the targets (an autoscaler, a ReplicaSet, a Service, a
disruption budget, an anti-affinity rule, a metrics scraper) selects the agents: docs/dev/adr/0001.

Agents must have the labels that a policy needs, or the policy would treat them differently from the target and the
drill would blame the system. If not every relevant policy can be read, they have all labels that the fault selects on.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from gameday.actions.network_partition.required_labels import READ, Asked, required_labels
from gameday.cluster.resources import Object
from gameday.model.labels import AGENT, DRILL, MANAGED_BY, RESERVED_LABELS, ROLE
from gameday.model.placement import NO_MESH
from gameday.model.plan import Selector
from gameday.preflight.mesh import MESH_PROXIES
from gameday.preflight.placement import mesh_of
from gameday.preflight.policies.calico import KUBERNETES_OWN
from gameday.preflight.policies.cilium import bare
from gameday.preflight.policies.isolators import ISOLATORS
from gameday.preflight.policies.selectors import keys
from gameday.preflight.snapshot import NamespaceSnapshot, labels_of

GROUPED: Final = frozenset({"vpc.amazonaws.com/pod-eni", "ambient.istio.io/redirection"})
"""Annotations of pods that a SecurityGroupPolicy of AWS selects by their labels, or that Istio's ambient mesh holds."""
MESHED: Final = ("istio-injection", "istio.io/", "linkerd.io/", "kuma.io/")
"""How labels of a namespace begin that enrol its pods in a mesh, whose rules select by labels and are not read."""
MARKS: Final = frozenset({DRILL, ROLE, AGENT, MANAGED_BY})
"""Labels for which every agent's pod has its own value."""


class AgentLabels:
    """The labels of agents that represent the targets of one fault; cached per set of labels."""

    def __init__(self, snapshot: NamespaceSnapshot, selector: Selector) -> None:
        self._snapshot = snapshot
        self._selected = keys_of(selector)
        self._asked: dict[frozenset[tuple[str, str]], Asked] = {}

    def labels(self, pod: Object) -> dict[str, str]:
        """The labels of agents that represent a target."""
        own = labels_of(pod)
        if not _all_read(self._snapshot, pod):
            named = {*self._selected, *_named(self._snapshot)}
            return {key: value for key, value in own.items() if key in named - RESERVED_LABELS}
        needed = self._needed(own).keys() - RESERVED_LABELS
        return self._stand_ins(own) | {key: value for key, value in own.items() if key in needed}

    def asking(self, pod: Object) -> tuple[str, ...]:
        """The policies that need labels of a target, as ``Kind/name``; none if not all policies can be read."""
        if not _all_read(self._snapshot, pod):
            return ()
        return tuple(sorted({name for names in self._needed(labels_of(pod)).values() for name in names}))

    def _stand_ins(self, own: Mapping[str, str]) -> dict[str, str]:
        return dict.fromkeys(sorted(own.keys() & self._selected - MARKS), self._snapshot.stand_in)

    def _needed(self, own: Mapping[str, str]) -> Asked:
        # Labels that agents never have do not distinguish pods, and each pod may have another value.
        matters = {key: value for key, value in own.items() if key in self._selected or key not in RESERVED_LABELS}
        known = frozenset(matters.items())
        if known not in self._asked:
            self._asked[known] = required_labels(self._snapshot, matters, self._stand_ins(own))
        return self._asked[known]


def keys_of(selector: Selector) -> frozenset[str]:
    """The labels that a fault selects on."""
    return frozenset({*selector.match_labels, *(key for key, _, _ in selector.expressions)})


def _named(snapshot: NamespaceSnapshot) -> Iterator[str]:
    """Every label that a policy which is read mentions."""
    policies = [*(policy for resource in READ for policy in snapshot.policies(resource)), *snapshot.service_policies]
    # Only Cilium's keys may have a source: none of Kubernetes' has a colon.
    return (bare(key) for policy in policies for part in ("spec", "specs") for key in keys(policy.get(part)))


def _all_read(snapshot: NamespaceSnapshot, pod: Object) -> bool:
    """Whether everything is read that could treat a pod by its labels."""
    unread = any(snapshot.unread()) or any(
        not policy["metadata"]["name"].startswith(KUBERNETES_OWN)
        for resource in ISOLATORS
        if resource not in READ
        for policy in snapshot.policies(resource)
    )
    grouped = not GROUPED.isdisjoint(pod["metadata"].get("annotations") or {})
    return not (unread or snapshot.policies_elsewhere or grouped or _meshed(snapshot, pod))


def _meshed(snapshot: NamespaceSnapshot, pod: Object) -> bool:
    spec = pod["spec"]
    names = {one.get("name") for part in ("containers", "initContainers") for one in spec.get(part) or ()}
    enrolled = any(key.startswith(MESHED) for key in snapshot.namespace_labels or ())
    return enrolled or mesh_of(pod) != NO_MESH or not MESH_PROXIES.isdisjoint(names)
