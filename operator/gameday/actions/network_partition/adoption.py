"""Controllers that would adopt or count an agent's pod, or send it traffic, because it has a target's labels.

An agent has these labels only if a policy needs them, or if that is unknown (``agent_labels``).

A HorizontalPodAutoscaler counts every pod that its workload's selector selects, whoever owns the pod: small agents
lower the average, and 3 replicas become 11. For metrics that are not per pod it counts only ready pods, and agents are
never ready (Kubernetes, replica_calculator.go).
"""

from collections.abc import Iterator, Mapping

from gameday.actions.network_partition.agent_labels import AgentLabels
from gameday.actions.network_partition.targets import pairs, targets
from gameday.cluster.resources import AUTOSCALERS, DAEMON_SETS, DEPLOYMENTS, PODS, REPLICA_SETS, SERVICES, STATEFUL_SETS
from gameday.model.labels import ROLE, is_stand_in
from gameday.model.plan import Selector
from gameday.preflight.findings import Finding
from gameday.preflight.impact import workload
from gameday.preflight.policies.selectors import selects
from gameday.preflight.snapshot import NamespaceSnapshot, labels_of

PAIR_SUFFIXES = ("-witness", "-control")
"""The ends of witnesses' and controls' names before their number. A StatefulSet adopts only pods that are named
``<itself>-<number>`` (Kubernetes, stateful_set_utils.go: isMemberOf), so a StatefulSet of another name adopts none.
"""

MOST = 3
"""Most policies that a message names."""
PAGE = "docs/how-to/networks.md has examples"

NOT_COUNTED = frozenset({"Object", "External"})
"""Types of metrics that are not an average over pods."""


def check(snapshot: NamespaceSnapshot, path: str, selector: Selector) -> Iterator[Finding]:
    """Findings about the witnesses and controls that have the labels of a cut's selector."""
    told: set[str] = set()
    avoid = how_to_avoid(snapshot, selector)
    for pair in pairs(snapshot, selector):
        for find in (_adopters, _senders, _counters):
            for finding in find(snapshot, path, pair.labels, avoid):
                if finding.message not in told:
                    told.add(finding.message)
                    yield finding


def how_to_avoid(snapshot: NamespaceSnapshot, selector: Selector) -> str:
    """What keeps our pods from having the labels of the targets."""
    agent_labels = AgentLabels(snapshot, selector)
    names = sorted({name for pod in targets(snapshot, selector) for name in agent_labels.asking(pod)})
    if not names:
        return "give its selector and its pods a label that neither podSelector nor any policy uses"
    listed = ", ".join(names[:MOST]) + (f" and {len(names) - MOST} more" if len(names) > MOST else "")
    return (
        f"witnesses have these labels because {listed} requires them: admit pods with the label {ROLE} "
        f"there as well; {PAGE}"
    )


def _adopters(snapshot: NamespaceSnapshot, path: str, labels: Mapping[str, str], avoid: str) -> Iterator[Finding]:
    for resource in (REPLICA_SETS, STATEFUL_SETS, DAEMON_SETS):
        for owner in snapshot.of(resource):
            name = owner["metadata"]["name"]
            if resource is STATEFUL_SETS and not name.endswith(PAIR_SUFFIXES):
                continue
            if "deletionTimestamp" not in owner["metadata"] and selects(owner["spec"].get("selector"), labels):
                yield Finding(
                    "WouldBeAdopted",
                    path,
                    f"{resource.kind}/{name} selects pods by these labels alone, so it would adopt or delete a witness",
                    avoid,
                )


def _senders(snapshot: NamespaceSnapshot, path: str, labels: Mapping[str, str], avoid: str) -> Iterator[Finding]:
    for service in snapshot.of(SERVICES):
        spec = service["spec"]
        chosen = spec.get("selector")
        if spec.get("publishNotReadyAddresses") and chosen and selects({"matchLabels": chosen}, labels):
            yield Finding(
                "WouldGetTraffic",
                path,
                f"Service/{service['metadata']['name']} has publishNotReadyAddresses: true, so it would "
                "send traffic to a witness",
                f"set publishNotReadyAddresses to false, or {avoid}",
            )


def _counters(snapshot: NamespaceSnapshot, path: str, labels: Mapping[str, str], avoid: str) -> Iterator[Finding]:
    for autoscaler in snapshot.of(AUTOSCALERS):
        spec = autoscaler["spec"]
        counted = {metric["type"] for metric in spec.get("metrics") or ({"type": "Resource"},)} - NOT_COUNTED
        target = spec["scaleTargetRef"]
        if counted and _selects(snapshot, target, labels):
            yield Finding(
                "WouldBeCounted",
                path,
                f"HorizontalPodAutoscaler/{autoscaler['metadata']['name']} averages "
                f"{', '.join(sorted(counted))} metrics over all pods with the labels of "
                f"{target['kind']}/{target['name']}, so it would count witnesses and scale wrongly",
                f"{avoid}; or delete the autoscaler for the time of the drill",
            )


def _selects(snapshot: NamespaceSnapshot, target: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether a workload's selector selects these labels; one of a kind that is not read does where targets are its."""
    for resource in (DEPLOYMENTS, STATEFUL_SETS, REPLICA_SETS):
        if resource.kind == target["kind"]:
            there = snapshot.named(resource, target["name"])
            return there is not None and selects(there["spec"].get("selector"), labels)
    named_so = f"{target['kind']} {target['name']}"
    own = {key: value for key, value in labels.items() if not is_stand_in(value)}
    # The selector cannot be read but is not empty: a pod with none of its pods' labels is not selected.
    return bool(own) and any(
        workload(snapshot, pod) == named_so and own.items() <= labels_of(pod).items() for pod in snapshot.of(PODS)
    )
