"""Which workloads of targets are in the middle of a rollout: their pods are being replaced, so no drill begins there.

The rules are those of ``kubectl rollout status`` (kubectl, pkg/polymorphichelpers/rollout_status.go), but for one: a
Deployment whose rollout is over and which lost a pod since is not rolling out.
"""

from collections.abc import Mapping

from gameday.cluster.resources import DAEMON_SETS, DEPLOYMENTS, STATEFUL_SETS, Object, Resource
from gameday.model.plan import Selector
from gameday.preflight.policies.selectors import as_json, selects
from gameday.preflight.snapshot import NamespaceSnapshot


def in_rollout(snapshot: NamespaceSnapshot, selector: Selector) -> tuple[str, ...]:
    """The workloads whose pods the selector selects and that are rolling out, as ``Deployment api``."""
    wanted = as_json(selector)
    return tuple(
        f"{resource.kind} {workload['metadata']['name']}"
        for resource in (DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS)
        for workload in snapshot.of(resource)
        if selects(wanted, _pod_labels(workload)) and rolls_out(resource, workload)
    )


def rolls_out(resource: Resource, workload: Object) -> bool:
    """Whether a Deployment, StatefulSet or DaemonSet is rolling out."""
    rules = {DEPLOYMENTS: _deployment, STATEFUL_SETS: _stateful_set, DAEMON_SETS: _daemon_set}
    return rules[resource](workload)


def _pod_labels(workload: Object) -> Mapping[str, str]:
    labels: Mapping[str, str] = workload["spec"].get("template", {}).get("metadata", {}).get("labels") or {}
    return labels


def _unseen(workload: Object) -> bool:
    """Whether its controller has not yet seen its newest spec."""
    seen: int = workload.get("status", {}).get("observedGeneration", 0)
    return seen < int(workload["metadata"].get("generation", 0))


def _deployment(workload: Object) -> bool:
    status, wanted = workload.get("status", {}), workload["spec"].get("replicas", 1)
    updated = status.get("updatedReplicas", 0)
    if _unseen(workload) or updated < wanted or status.get("replicas", 0) > updated:
        return True
    progress = next((c for c in status.get("conditions", ()) if c["type"] == "Progressing"), None)
    over = progress is None or progress.get("reason") == "NewReplicaSetAvailable"
    return not over and status.get("availableReplicas", 0) < updated


def _stateful_set(workload: Object) -> bool:
    status, spec = workload.get("status", {}), workload["spec"]
    strategy = spec.get("updateStrategy", {})
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        return False
    kept = (strategy.get("rollingUpdate") or {}).get("partition") or 0
    same = status.get("updateRevision") == status.get("currentRevision")
    due = max(0, spec.get("replicas", 1) - kept)
    return _unseen(workload) or (not same and status.get("updatedReplicas", 0) < due)


def _daemon_set(workload: Object) -> bool:
    status = workload.get("status", {})
    if workload["spec"].get("updateStrategy", {}).get("type", "RollingUpdate") != "RollingUpdate":
        return False
    return _unseen(workload) or status.get("updatedNumberScheduled", 0) < status.get("desiredNumberScheduled", 0)
