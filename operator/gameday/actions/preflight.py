"""What would refuse a drill, all of it at once, each finding with its remedy; nothing is changed to find it."""

from collections.abc import Iterator

from gameday.actions.kind import Asks, PreflightContext
from gameday.actions.kinds import Kinds
from gameday.actions.network_partition import agent_traffic
from gameday.actions.registry import KINDS
from gameday.cluster.http_errors import OPT_IN_COMMAND
from gameday.cluster.resources import CILIUM_NETWORK_POLICIES, Resource
from gameday.model.plan import Plan
from gameday.preflight import probed_services, rights
from gameday.preflight.findings import Finding, Severity
from gameday.preflight.rights import EVERY_DRILL, Right
from gameday.preflight.snapshot import NamespaceSnapshot
from gameday.probes.kinds import KINDS as PROBES


def check(snapshot: NamespaceSnapshot, plan: Plan, kinds: Kinds = KINDS) -> tuple[Finding, ...]:
    """Everything that a person should know before this plan runs in this namespace."""
    return tuple(dict.fromkeys(_check(snapshot, plan, kinds)))


def refusals(snapshot: NamespaceSnapshot, plan: Plan) -> tuple[str, ...]:
    """Everything that keeps the plan from running in this namespace now."""
    return tuple(str(finding) for finding in check(snapshot, plan) if finding.severity is Severity.REFUSE)


def warnings(snapshot: NamespaceSnapshot, plan: Plan) -> tuple[str, ...]:
    """What a person should know before the drill begins, although it does not refuse it."""
    return tuple(str(finding) for finding in check(snapshot, plan) if finding.severity is Severity.WARN)


def not_opted_in(namespace: str) -> str:
    """The refusal of a namespace without the account."""
    command = OPT_IN_COMMAND.format(namespace=namespace)
    return (
        f"namespace {namespace} has no ServiceAccount gameday with the label gameday.dev/opt-in=true: "
        f"its owner opts in with `{command}`"
    )


def needed(snapshot: NamespaceSnapshot, plan: Plan, kinds: Kinds = KINDS) -> Iterator[Right]:
    """What a plan needs in its own namespace."""
    yield from EVERY_DRILL
    for fault in plan.outage.faults:
        yield from kinds.of(fault.action).rights(fault.action, snapshot)
    for probe in plan.probes:
        for rule in PROBES.of(probe.settings).rules(probe.settings):
            yield Right(Resource(rule.group, "", rule.resource, ""), rule.verbs)
    for _, step in plan.steps():
        yield from kinds.of(step.action).rights(step.action, snapshot)


def _check(snapshot: NamespaceSnapshot, plan: Plan, kinds: Kinds) -> Iterator[Finding]:
    for what, why in sorted(snapshot.missing.items()):
        if what != CILIUM_NETWORK_POLICIES.plural:
            yield Finding("CannotRead", "", f"{what} cannot be read", why)
    yield from rights.missing(snapshot.rules, needed(snapshot, plan, kinds), snapshot.namespace)
    for fault in plan.outage.faults:
        kind = kinds.of(fault.action)
        ctx = PreflightContext(snapshot, plan, fault.name, f"spec.outage.faults[{fault.name}].{kind.name}")
        yield from kind.preflight(fault.action, ctx)
    yield from probed_services.check(snapshot, plan)
    yield from agent_traffic.check(snapshot, plan, _asked(plan, kinds))
    for path, step in plan.steps():
        kind = kinds.of(step.action)
        ctx = PreflightContext(snapshot, plan, step.name, f"{path}[{step.name}].{kind.name}")
        yield from kind.preflight(step.action, ctx)


def _asked(plan: Plan, kinds: Kinds) -> Iterator[tuple[str, Asks]]:
    """What the pods of actions ask, each with the path of its kind's key."""
    faults = ((f"spec.outage.faults[{fault.name}]", fault.action) for fault in plan.outage.faults)
    for path, action in (*faults, *((f"{path}[{step.name}]", step.action) for path, step in plan.steps())):
        kind = kinds.of(action)
        yield from ((f"{path}.{kind.name}", one) for one in kind.asks(action))
