"""What the account must be allowed to do, and which of it RBAC does not grant."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gameday.cluster.answers import OPT_IN_COMMAND
from gameday.cluster.kinds import (
    CRON_JOBS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    JOBS,
    NETWORK_POLICIES,
    PODS,
    SERVICES,
    Kind,
    Object,
)
from gameday.model.plan import Plan, Restore, RunJob, Scale, ServiceRef
from gameday.preflight.findings import Finding
from gameday.probes.kinds import KINDS

WATCH = ("list", "watch")
WRITE = ("create", "delete")


@dataclass(frozen=True, slots=True)
class Right:
    """Verbs on a kind, or on its subresource."""

    kind: Kind
    verbs: tuple[str, ...]
    subresource: str = ""

    @property
    def resource(self) -> str:
        """As RBAC names it."""
        return f"{self.kind.plural}/{self.subresource}" if self.subresource else self.kind.plural


def may(rules: Iterable[Object], verb: str, kind: Kind, subresource: str = "") -> bool:
    """Whether RBAC rules allow a verb on every object of a kind."""
    resource = f"{kind.plural}/{subresource}" if subresource else kind.plural
    return any(_allows(rule, verb, kind.group, resource) for rule in rules)


def needed(plan: Plan, policy_kind: Kind) -> Iterator[Right]:
    """What a plan needs in its own namespace."""
    yield Right(PODS, (*WATCH, *WRITE))
    yield Right(PODS, ("get",), "log")
    yield Right(JOBS, ("get", *WATCH, *WRITE))
    yield of_cut(policy_kind)
    if any(isinstance(partition.to, ServiceRef) for _, partition in plan.partitions()):
        yield Right(SERVICES, ("get", "list"))
        yield Right(ENDPOINT_SLICES, WATCH)
    actions = [step.action for step in plan.rollback.steps] if plan.rollback is not None else []
    scales = any(isinstance(action, Scale | Restore) for action in actions)
    for probe in plan.probes:
        for rule in KINDS.of(probe.settings).rules(probe.settings):
            yield Right(Kind(rule.group, "", rule.resource, ""), rule.verbs)
    if scales:
        yield Right(DEPLOYMENTS, WATCH)
        yield Right(DEPLOYMENTS, ("get", "patch"), "scale")
    if any(isinstance(action, RunJob) for action in actions):
        yield Right(CRON_JOBS, ("get", "list"))


def of_cut(policy_kind: Kind) -> Right:
    """What making and lifting a cut needs, and growing it: Cilium's selects the far end's pods, and never grows."""
    grows = ("update",) if policy_kind is NETWORK_POLICIES else ()
    return Right(policy_kind, ("get", *WATCH, *WRITE, *grows))


def missing(rules: tuple[Object, ...], rights: Iterable[Right], namespace: str) -> Iterator[Finding]:
    """A finding for each resource that the account may not use as it must."""
    for right in rights:
        verbs = [verb for verb in right.verbs if not may(rules, verb, right.kind, right.subresource)]
        if verbs:
            yield Finding(
                "MissingRights",
                "",
                f"account gameday may not {', '.join(verbs)} {right.resource} in namespace {namespace}",
                f"its owner grants that with `{OPT_IN_COMMAND.format(namespace=namespace)}`",
            )


def _allows(rule: Mapping[str, Any], verb: str, group: str, resource: str) -> bool:
    return (
        not rule.get("resourceNames")
        and bool({verb, "*"} & set(rule.get("verbs", ())))
        and bool({group, "*"} & set(rule.get("apiGroups", ())))
        and bool({resource, "*"} & set(rule.get("resources", ())))
    )
