"""What a dry run shows of a namespace: targets by name, the limits, policies in the way, and the account's rights."""

from collections.abc import Iterable, Iterator
from typing import Final

from gameday.actions.kinds import Kinds
from gameday.actions.preflight import needed
from gameday.actions.registry import KINDS
from gameday.cluster.resources import Object
from gameday.engine.drill.limits import length, longest_outage, select
from gameday.model.dry_run import DryRun
from gameday.model.limits import BlastRadius, Limits
from gameday.model.observation import Preflight
from gameday.model.plan import Plan
from gameday.preflight.impact import workload
from gameday.preflight.rights import Right, may
from gameday.preflight.snapshot import NamespaceSnapshot

NAMED: Final = 24
"""Pods of a workload that are named."""


def findings(
    snapshot: NamespaceSnapshot,
    plan: Plan,
    limits: Limits,
    radius: BlastRadius,
    preflight: Preflight,
    kinds: Kinds = KINDS,
) -> DryRun:
    """What a drill of this plan would act on in this namespace now, and what the preflight found."""
    return DryRun(
        refusals=preflight.refusals,
        warnings=preflight.warnings,
        targets=tuple(_targets(snapshot, plan, kinds)),
        limits=tuple(_limits(limits, plan, radius)),
        policies=tuple(_policies(snapshot, plan, kinds)),
        rights=tuple(_rights(snapshot, needed(snapshot, plan, kinds))),
    )


def _targets(snapshot: NamespaceSnapshot, plan: Plan, kinds: Kinds) -> Iterator[str]:
    for fault in plan.outage.faults:
        kind = kinds.of(fault.action)
        _, hit = kind.hits(fault.action, snapshot)
        if not hit:
            yield f"{fault.name} ({kind.name}): no pod of this namespace"
        workloads: dict[str, list[str]] = {}
        for pod in hit:
            workloads.setdefault(workload(snapshot, pod), []).append(_name(pod))
        for owner, names in sorted(workloads.items()):
            count = f"{len(names)} pod{'s' if len(names) > 1 else ''}"
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            yield f"{fault.name} ({kind.name}): {owner}, {count}: {', '.join(sorted(names)[:NAMED])}{more}"


def _limits(limits: Limits, plan: Plan, radius: BlastRadius) -> Iterator[str]:
    """What the plan needs of each limit; a limit that is exceeded is among the refusals too."""
    if limits.max_outage is not None:
        yield f"limits.maxOutage: {length(longest_outage(plan))} of at most {length(limits.max_outage)}"
    if limits.max_pods is not None:
        yield f"limits.maxPods: {sum(radius.pods.values())} of at most {limits.max_pods}"
    for paths, impact in radius.workloads:
        most = limits.max_workload_percent
        share = f"{impact.cut} of {impact.ready} ready pods of {impact.workload}"
        percent = 100 * impact.cut / impact.ready
        allowed = f", {percent:.0f}% of at most {most}%" if most is not None else f", {percent:.0f}%"
        limit = "limits.maxWorkloadPercent" if most is not None else "blast radius"
        yield f"{limit}: {select(paths)} {share}{allowed}"
    for kind in sorted({action.KIND for _, action in plan.actions() if action.reaches} & limits.allowed_faults):
        yield f"limits.allowedFaults: {kind} may run"
    if limits.when:
        yield f"limits.when: drills may run at {', '.join(hours.text for hours in limits.when)}"


def _policies(snapshot: NamespaceSnapshot, plan: Plan, kinds: Kinds) -> Iterator[str]:
    for fault in plan.outage.faults:
        kind = kinds.changes.get(fault.action.KIND)
        for gate in kind.gates(fault.action, snapshot.at(fault.name)) if kind is not None else ():
            yield f"{fault.name}: {gate} decides who may reach what the fault cuts off"


def _rights(snapshot: NamespaceSnapshot, rights: Iterable[Right]) -> Iterator[str]:
    verbs: dict[str, dict[str, bool]] = {}
    for right in rights:
        group = right.resource.group
        name = f"{right.rbac_name}.{group}" if group else right.rbac_name
        for verb in right.verbs:
            allowed = may(snapshot.rules, verb, right.resource, right.subresource)
            verbs.setdefault(name, {})[verb] = allowed
    for name, known in verbs.items():
        lacking = [verb for verb, allowed in known.items() if not allowed]
        yield f"{name}: {', '.join(known)}" + (f"; missing: {', '.join(lacking)}" if lacking else "")


def _name(pod: Object) -> str:
    name: str = pod["metadata"]["name"]
    return name
