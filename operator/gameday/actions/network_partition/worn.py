"""Which labels the pods of ours wear that stand for a target: the target's own only where a policy asks for them.

For a label that the fault selects on they wear a stand-in, which the cut names beside the target's own value. So the
cut is one policy for both, and whoever else selects the targets (an autoscaler, a ReplicaSet, a Service, a disruption
budget, a rule of anti-affinity, a scraper of metrics) does not see our pods: docs/dev/adr/0001.

What a policy asks for they must have, or it would treat them otherwise than the target, and the drill would blame the
system for that. Where not every policy that could ask is read, they wear all that the fault selects on.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from gameday.actions.network_partition.asked import READ, Asked, asked
from gameday.cluster.kinds import Object
from gameday.model.labels import AGENT, DRILL, MANAGED_BY, NEVER_WORN, ROLE
from gameday.model.placement import NO_MESH
from gameday.model.plan import Selector
from gameday.preflight.placement import mesh_of
from gameday.preflight.policies.calico import KUBERNETES_OWN
from gameday.preflight.policies.isolators import ISOLATORS
from gameday.preflight.policies.selectors import keys
from gameday.preflight.snapshot import Sight, labels_of

GROUPED: Final = frozenset({"vpc.amazonaws.com/pod-eni", "ambient.istio.io/redirection"})
"""Annotations of pods that a SecurityGroupPolicy of AWS selects by their labels, or that Istio's ambient mesh holds."""
MESHED: Final = ("istio-injection", "istio.io/", "linkerd.io/", "kuma.io/")
"""How labels of a namespace begin that enrol its pods in a mesh, whose rules select by labels and are not read."""
PROXIES: Final = frozenset({"istio-proxy", "linkerd-proxy", "kuma-sidecar", "consul-dataplane"})
MARKS: Final = frozenset({DRILL, ROLE, AGENT, MANAGED_BY})
"""Labels of which every pod of ours has a value of its own."""


class Worn:
    """What stands in for the targets of one fault; targets with the same labels are looked at once."""

    def __init__(self, sight: Sight, selector: Selector) -> None:
        self._sight = sight
        self._selected = keys_of(selector)
        self._asked: dict[frozenset[tuple[str, str]], Asked] = {}

    def labels(self, pod: Object) -> dict[str, str]:
        """The labels of what stands in for a target."""
        own = labels_of(pod)
        if not _all_read(self._sight, pod):
            named = {*self._selected, *_named(self._sight)}
            return {key: value for key, value in own.items() if key in named - NEVER_WORN}
        needed = self._needed(own).keys() - NEVER_WORN
        return self._stand_ins(own) | {key: value for key, value in own.items() if key in needed}

    def asking(self, pod: Object) -> tuple[str, ...]:
        """The policies for whose sake labels of a target are worn, as ``Kind/name``; none where not all is read."""
        if not _all_read(self._sight, pod):
            return ()
        return tuple(sorted({name for names in self._needed(labels_of(pod)).values() for name in names}))

    def _stand_ins(self, own: Mapping[str, str]) -> dict[str, str]:
        return dict.fromkeys(sorted(own.keys() & self._selected - MARKS), self._sight.stand_in)

    def _needed(self, own: Mapping[str, str]) -> Asked:
        # What is never worn does not set pods apart, of which each may have another value.
        matters = {key: value for key, value in own.items() if key in self._selected or key not in NEVER_WORN}
        known = frozenset(matters.items())
        if known not in self._asked:
            self._asked[known] = asked(self._sight, matters, self._stand_ins(own))
        return self._asked[known]


def keys_of(selector: Selector) -> frozenset[str]:
    """The labels that a fault selects on."""
    return frozenset({*selector.match_labels, *(key for key, _, _ in selector.expressions)})


def _named(sight: Sight) -> Iterator[str]:
    """Every label that a policy which is read mentions."""
    policies = [*(policy for kind in READ for policy in sight.policies(kind)), *sight.service_policies]
    return (key for policy in policies for part in ("spec", "specs") for key in keys(policy.get(part)))


def _all_read(sight: Sight, pod: Object) -> bool:
    """Whether everything is read that could treat a pod by its labels."""
    unread = any(sight.unread(kind) for kind in ISOLATORS) or any(
        not policy["metadata"]["name"].startswith(KUBERNETES_OWN)
        for kind in ISOLATORS
        if kind not in READ
        for policy in sight.policies(kind)
    )
    grouped = not GROUPED.isdisjoint(pod["metadata"].get("annotations") or {})
    return not (unread or sight.policies_elsewhere or grouped or _meshed(sight, pod))


def _meshed(sight: Sight, pod: Object) -> bool:
    spec = pod["spec"]
    names = {one.get("name") for part in ("containers", "initContainers") for one in spec.get(part) or ()}
    enrolled = any(key.startswith(MESHED) for key in sight.namespace_labels or ())
    return enrolled or mesh_of(pod) != NO_MESH or not PROXIES.isdisjoint(names)
