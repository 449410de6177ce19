"""What would refuse a drill, all of it at once, each finding with its remedy; nothing is changed to find it."""

from collections.abc import Iterator

from gameday.actions.kind import Asked
from gameday.actions.kinds import Kinds
from gameday.actions.network_partition import closed
from gameday.actions.registry import KINDS
from gameday.cluster.answers import OPT_IN_COMMAND
from gameday.cluster.kinds import CILIUM_NETWORK_POLICIES, Kind
from gameday.model.plan import Plan
from gameday.preflight import probed, rights
from gameday.preflight.findings import Finding, Severity
from gameday.preflight.rights import EVERY_DRILL, Right
from gameday.preflight.snapshot import Sight
from gameday.probes.kinds import KINDS as PROBES


def check(sight: Sight, plan: Plan, kinds: Kinds = KINDS) -> tuple[Finding, ...]:
    """Everything that a person should know before this plan runs in this namespace."""
    return tuple(dict.fromkeys(_check(sight, plan, kinds)))


def refusals(sight: Sight, plan: Plan) -> tuple[str, ...]:
    """Everything that keeps the plan from running in this namespace now."""
    return tuple(str(finding) for finding in check(sight, plan) if finding.severity is Severity.REFUSE)


def warnings(sight: Sight, plan: Plan) -> tuple[str, ...]:
    """What a person should know before the drill begins, although it does not refuse it."""
    return tuple(str(finding) for finding in check(sight, plan) if finding.severity is Severity.WARN)


def not_opted_in(namespace: str) -> str:
    """The refusal of a namespace without the account."""
    command = OPT_IN_COMMAND.format(namespace=namespace)
    return (
        f"namespace {namespace} has no ServiceAccount gameday with the label gameday.dev/opt-in=true: "
        f"its owner opts in with `{command}`"
    )


def needed(sight: Sight, plan: Plan, kinds: Kinds = KINDS) -> Iterator[Right]:
    """What a plan needs in its own namespace."""
    yield from EVERY_DRILL
    for fault in plan.outage.faults:
        yield from kinds.of(fault.action).rights(fault.action, sight)
    for probe in plan.probes:
        for rule in PROBES.of(probe.settings).rules(probe.settings):
            yield Right(Kind(rule.group, "", rule.resource, ""), rule.verbs)
    for step in plan.rollback.steps if plan.rollback is not None else ():
        yield from kinds.of(step.action).rights(step.action, sight)


def _check(sight: Sight, plan: Plan, kinds: Kinds) -> Iterator[Finding]:
    for what, why in sorted(sight.missing.items()):
        if what != CILIUM_NETWORK_POLICIES.plural:
            yield Finding("CannotRead", "", f"{what} cannot be read", why)
    yield from rights.missing(sight.rules, needed(sight, plan, kinds), sight.namespace)
    for fault in plan.outage.faults:
        kind = kinds.of(fault.action)
        asked = Asked(sight, plan, fault.name, f"spec.outage.faults[{fault.name}].{kind.name}")
        yield from kind.preflight(fault.action, asked)
    yield from probed.check(sight, plan)
    yield from closed.check(sight, plan)
    for step in plan.rollback.steps if plan.rollback is not None else ():
        kind = kinds.of(step.action)
        asked = Asked(sight, plan, step.name, f"spec.rollback.steps[{step.name}].{kind.name}")
        yield from kind.preflight(step.action, asked)
