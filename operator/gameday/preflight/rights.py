"""What the account must be allowed to do, and which of it RBAC does not grant."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gameday.cluster.http_errors import OPT_IN_COMMAND
from gameday.cluster.resources import (
    CILIUM_NETWORK_POLICIES,
    CONFIG_MAPS,
    JOBS,
    NAMESPACES,
    NETWORK_POLICIES,
    PODS,
    RESOURCE_QUOTAS,
    SERVICES,
    Object,
    Resource,
)
from gameday.preflight.findings import Finding
from gameday.preflight.policies.isolators import OF_NAMESPACE

WATCH: Final = ("list", "watch")
WRITE: Final = ("create", "delete")


@dataclass(frozen=True, slots=True)
class Right:
    """Verbs on a kind, or on its subresource; ``why`` is what manifests say of it."""

    resource: Resource
    verbs: tuple[str, ...]
    subresource: str = ""
    why: str = field(default="", compare=False)

    @property
    def rbac_name(self) -> str:
        """As RBAC names it."""
        return f"{self.resource.plural}/{self.subresource}" if self.subresource else self.resource.plural


EVERY_DRILL: Final = (
    Right(PODS, (*WATCH, *WRITE), why="Agents: what measures and dials in this namespace, and the fuses of scaling."),
    Right(PODS, ("get",), "log"),
    Right(JOBS, ("get", *WATCH, *WRITE), why="Fuses, and the Jobs that a rollback makes from CronJobs."),
)
"""What a drill needs whatever its plan says."""

KEEPING: Final = (
    Right(
        CONFIG_MAPS,
        ("create", "get", "delete"),
        why="Samples of drills that have ended, for reports: ConfigMaps of the drills' own.",
    ),
)
"""What it takes to keep samples; a drill without these rights is carried out, and says that it could not."""

LIST: Final = ("list",)
EVERY_PREFLIGHT: Final = (
    Right(SERVICES, LIST, why="What probes ask."),
    Right(RESOURCE_QUOTAS, LIST, why="Room for a drill's pods."),
    Right(NETWORK_POLICIES, LIST, why="Policies that isolate pods: one may close to our pods what they must reach."),
    Right(CILIUM_NETWORK_POLICIES, LIST),
    *(Right(resource, LIST) for resource in OF_NAMESPACE),
    Right(
        NAMESPACES,
        ("get",),
        why="This namespace's own labels, by which such policies select it; no other namespace.",
    ),
)
"""What the preflight of every plan looks at."""


def may(rules: Iterable[Object], verb: str, kind: Resource, subresource: str = "") -> bool:
    """Whether RBAC rules allow a verb on every object of a kind."""
    resource = f"{kind.plural}/{subresource}" if subresource else kind.plural
    return any(_allows(rule, verb, kind.group, resource) for rule in rules)


def of_cut(policy_kind: Resource, *, named: bool = False) -> Right:
    """What making and reverting a cut needs, and growing it.

    Cilium's policy selects the pods behind a Service, and grows only where a name is cut.
    """
    grows = ("update",) if named or policy_kind is NETWORK_POLICIES else ()
    return Right(policy_kind, ("get", *WATCH, *WRITE, *grows))


def missing(rules: tuple[Object, ...], rights: Iterable[Right], namespace: str) -> Iterator[Finding]:
    """A finding for each resource that the account may not use as it must."""
    for right in rights:
        verbs = [verb for verb in right.verbs if not may(rules, verb, right.resource, right.subresource)]
        if verbs:
            yield Finding(
                "MissingRights",
                "",
                f"account gameday may not {', '.join(verbs)} {right.rbac_name} in namespace {namespace}",
                f"its owner grants the rights with `{OPT_IN_COMMAND.format(namespace=namespace)}`",
            )


def _allows(rule: Mapping[str, Any], verb: str, group: str, resource: str) -> bool:
    return (
        not rule.get("resourceNames")
        and bool({verb, "*"} & set(rule.get("verbs", ())))
        and bool({group, "*"} & set(rule.get("apiGroups", ())))
        and bool({resource, "*"} & set(rule.get("resources", ())))
    )
