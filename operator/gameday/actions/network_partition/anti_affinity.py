"""Anti-affinity of other pods that a witness would violate by its labels.

A witness must run on its target's node. Required anti-affinity works in both directions (kubernetes/kubernetes#18265):
a pod that has it keeps the witness from running, and such a pod cannot be scheduled where a witness runs.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Final

from gameday.actions.network_partition.adoption import how_to_avoid
from gameday.actions.network_partition.targets import pairs
from gameday.cluster.pod_status import has_ended
from gameday.cluster.resources import PODS, Object
from gameday.model.labels import CONTROL, is_ours, ownership_labels
from gameday.model.plan import Selector
from gameday.model.setup import Pair
from gameday.preflight.findings import Finding, Severity
from gameday.preflight.impact import workload
from gameday.preflight.policies.selectors import selects
from gameday.preflight.snapshot import NamespaceSnapshot, labels_of

REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"


def check(snapshot: NamespaceSnapshot, path: str, selector: Selector) -> Iterator[Finding]:
    """Findings about the witnesses that a cut's selector asks for; ``path`` is the selector's."""
    avoid = how_to_avoid(snapshot, selector)
    for pair in pairs(snapshot, selector):
        for pod in snapshot.of(PODS):
            # One that is ending still counts for the scheduler.
            over = has_ended(pod)
            if not over and not is_ours(labels_of(pod)) and pod["spec"].get("nodeName") == pair.node:
                yield from _beside(snapshot, path, pair, pod, avoid)


def _beside(snapshot: NamespaceSnapshot, path: str, pair: Pair, pod: Object, avoid: str) -> Iterator[Finding]:
    agent_labels = {**pair.labels, **ownership_labels("", CONTROL, CONTROL)}
    for term in ((pod["spec"].get("affinity") or {}).get("podAntiAffinity") or {}).get(REQUIRED) or ():
        if _is_meant(snapshot, term) and selects(term.get("labelSelector"), agent_labels):
            text = (
                f"{workload(snapshot, pod)} requires that no pod of {_text(term['labelSelector'])} runs in "
                f"its {term['topologyKey']}, so no witness with these labels can run on {pair.node}, "
                "and a running witness would keep its own pods away"
            )
            yield Finding(
                "CannotBePlaced", path, text, f"change the anti-affinity from required to preferred, or {avoid}"
            )
    for spread in pod["spec"].get("topologySpreadConstraints") or ():
        same = {key: labels_of(pod)[key] for key in spread.get("matchLabelKeys") or () if key in labels_of(pod)}
        strict = spread.get("whenUnsatisfiable") == "DoNotSchedule"
        if strict and selects(spread.get("labelSelector"), agent_labels) and _has(agent_labels, same):
            text = (
                f"{workload(snapshot, pod)} is spread strictly over {spread['topologyKey']} and counts "
                f"witnesses as its own pods ({_text(spread['labelSelector'])}), so a pod that is "
                "replaced may not find a node"
            )
            remedy = f"add pod-template-hash to its matchLabelKeys, or {avoid}"
            yield Finding("CountedInSpread", path, text, remedy, Severity.WARN)


def _is_meant(snapshot: NamespaceSnapshot, term: Object) -> bool:
    """Whether a term is about pods of the drill's namespace, in which the pod that has it stands as well."""
    namespaces, chosen = term.get("namespaces") or (), term.get("namespaceSelector")
    if snapshot.namespace in namespaces or (not namespaces and chosen is None):
        return True
    return chosen is not None and (snapshot.namespace_labels is None or selects(chosen, snapshot.namespace_labels))


def _has(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return wanted.items() <= labels.items()


def _text(selector: Object) -> str:
    return json.dumps(selector, sort_keys=True)
