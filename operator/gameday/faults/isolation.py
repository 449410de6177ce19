"""Which policies isolate a pod for egress already: there a NetworkPolicy of ours could only open, never cut."""

from collections.abc import Iterable, Iterator, Mapping

from gameday.cluster.kinds import CILIUM_NETWORK_POLICIES, NETWORK_POLICIES, Object
from gameday.faults.selectors import selects
from gameday.faults.sight import Sight, labels_of
from gameday.model.labels import ours


def isolating(sight: Sight, pods: Iterable[Object]) -> tuple[str, ...]:
    """The policies that isolate any of the pods for egress, as ``Kind/name``."""
    found = {name for pod in pods for name in _isolating(sight, labels_of(pod))}
    return tuple(sorted(found))


def _isolating(sight: Sight, labels: Mapping[str, str]) -> Iterator[str]:
    for policy in sight.of(NETWORK_POLICIES):
        if not ours(labels_of(policy)) and _network_policy_isolates(policy["spec"], labels):
            yield f"NetworkPolicy/{policy['metadata']['name']}"
    for policy in sight.of(CILIUM_NETWORK_POLICIES):
        specs = [policy.get("spec"), *(policy.get("specs") or ())]
        if not ours(labels_of(policy)) and any(_cilium_isolates(spec, labels) for spec in specs if spec):
            yield f"CiliumNetworkPolicy/{policy['metadata']['name']}"


def _network_policy_isolates(spec: Object, labels: Mapping[str, str]) -> bool:
    # Without policyTypes a policy is about egress only when it has egress rules; the API server fills them in.
    types = spec.get("policyTypes") or (["Egress"] if spec.get("egress") else [])
    return "Egress" in types and selects(spec.get("podSelector") or {}, labels)


def _cilium_isolates(spec: Object, labels: Mapping[str, str]) -> bool:
    if not selects(spec.get("endpointSelector"), labels):
        return False
    said = (spec.get("enableDefaultDeny") or {}).get("egress")
    return bool(said) if said is not None else "egress" in spec or "egressDeny" in spec
