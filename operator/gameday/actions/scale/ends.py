"""How long the pods that a scale takes away may take to end: it has its effect once the last one is gone.

A pod has its terminationGracePeriodSeconds for that. The pods of a Deployment end side by side. Those of a StatefulSet
end one after another, unless its podManagementPolicy is Parallel.
"""

from collections.abc import Iterator
from typing import Final

from gameday.actions.kind import PreflightContext
from gameday.actions.watched_pods import by_uid, may_be_of
from gameday.actions.workload import Workload
from gameday.actions.workload_checks import pods_of
from gameday.cluster.pod_status import has_ended
from gameday.cluster.resources import PODS, REPLICA_SETS, STATEFUL_SETS, Object
from gameday.preflight.findings import Finding, Severity

LONGEST: Final = 60.0
"""Longest grace period, in seconds, of pods that a fault scales away."""
PROVEN_WITHIN: Final = 30.0 + LONGEST
"""Seconds in which such a fault must be proven: what any fault has, and the grace period."""
DEFAULT: Final = 30
"""The API server's own default of terminationGracePeriodSeconds."""


def check(ctx: PreflightContext, path: str, workload: Workload, replicas: int) -> Iterator[Finding]:
    """Findings about pods that may take too long to end; ``path`` is the field that names the workload."""
    there = next(one for one in ctx.snapshot.of(workload.resource) if one["metadata"]["name"] == workload.name)
    going = there["spec"].get("replicas", 1) - replicas
    if going <= 0:
        return
    yield from _ending(ctx, path, workload)
    own = (pod["spec"] for pod in pods_of(ctx.snapshot, workload))
    template = (there["spec"].get("template") or {}).get("spec") or {}
    grace = max(_grace(spec) for spec in (template, *own))
    takes = grace * going if _in_turn(workload, there) else grace
    each = f"pods of {workload} have {grace} s each to end (terminationGracePeriodSeconds)"
    if takes > grace:
        each = f"{each}, and the {going} that are to go end one after another"
    if not any(fault.name == ctx.name for fault in ctx.plan.outage.faults):
        yield from _of_step(ctx, path, each, takes)
    elif grace > LONGEST:
        text = f"{each}, and a fault may wait {LONGEST:.0f} s for that"
        remedy = f"set it to {LONGEST:.0f} or less in the workload's template, or remove this fault"
        yield Finding("SlowToEnd", path, text, remedy)
    elif takes > LONGEST:
        text = f"{each}, and the fault has had no effect if that takes longer than {LONGEST:.0f} s"
        remedy = "see that they end sooner, scale fewer away, or set the podManagementPolicy to Parallel"
        yield Finding("SlowToEnd", path, text, remedy, Severity.WARN)


def _ending(ctx: PreflightContext, path: str, workload: Workload) -> Iterator[Finding]:
    """A finding about pods that are deleted and still there, which may last: their node may be lost."""
    sets = by_uid(ctx.snapshot.of(REPLICA_SETS))
    there = [
        (str(pod["metadata"]["name"]), str(pod["spec"].get("nodeName", "")))
        for pod in ctx.snapshot.of(PODS)
        if "deletionTimestamp" in pod["metadata"] and not has_ended(pod) and may_be_of(sets, workload, pod)
    ]
    if there:
        name, node = min(there)
        more = f" (and {len(there) - 1} more)" if len(there) > 1 else ""
        text = (
            f"pod {name}{more} of {workload} on node {node} is deleted and has not ended yet; a scale has its effect "
            "once it is gone as well"
        )
        remedy = (
            f"see why it stays: kubectl describe pod -n {ctx.snapshot.namespace} {name}; if its node is lost, delete "
            "the Node"
        )
        yield Finding("StillEnding", path, text, remedy, Severity.WARN)


def _of_step(ctx: PreflightContext, path: str, each: str, takes: int) -> Iterator[Finding]:
    mitigation = ctx.plan.mitigation_of(ctx.name)
    if mitigation is not None:
        within, field = mitigation.within, f"spec.mitigations[{mitigation.name}].within"
    elif ctx.plan.rollback is not None:
        within, field = ctx.plan.rollback.within, "spec.rollback.within"
    else:
        return
    if takes >= within:
        text = f"{each}, but {field} is {within:.0f} s, and this step is done once they are gone"
        remedy = f"see that they end sooner, or set {field} to more than {takes} s"
        yield Finding("SlowToEnd", path, text, remedy, Severity.WARN)


def _grace(spec: Object) -> int:
    given = spec.get("terminationGracePeriodSeconds")
    return DEFAULT if given is None else int(given)


def _in_turn(workload: Workload, there: Object) -> bool:
    """Whether its pods end one after another."""
    return workload.resource is STATEFUL_SETS and there["spec"].get("podManagementPolicy") != "Parallel"
