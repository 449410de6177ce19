"""What the administrator allows any drill: limits, and what a plan would hit that they are held against."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gameday.model.hours import Hours

CONFIG_MAP: Final = "gameday-limits"
"""The ConfigMap in the operator's namespace that holds the limits; without it nothing is limited."""
DOCUMENT: Final = "limits.yaml"
"""Its only key."""
ISOLATORS: Final = frozenset(
    {
        "ciliumnetworkpolicies.cilium.io",
        "ciliumclusterwidenetworkpolicies.cilium.io",
        "networkpolicies.crd.projectcalico.org",
        "globalnetworkpolicies.crd.projectcalico.org",
        "networkpolicies.projectcalico.org",
        "globalnetworkpolicies.projectcalico.org",
        "adminnetworkpolicies.policy.networking.k8s.io",
        "baselineadminnetworkpolicies.policy.networking.k8s.io",
        "clusternetworkpolicies.policy.networking.k8s.io",
        "networkpolicies.crd.antrea.io",
        "clusternetworkpolicies.crd.antrea.io",
        "applicationnetworkpolicies.networking.k8s.aws",
        "clusternetworkpolicies.networking.k8s.aws",
        "fqdnnetworkpolicies.networking.gke.io",
    }
)
"""The kinds of policies that may isolate pods, as kubectl names them; the administrator may say that they do not."""
NAMED: Final = "networkpolicies"
"""How the plural of a kind ends that says by its name that it is a network policy."""
KUBERNETES_OWN: Final = "networking.k8s.io"
"""The API group of NetworkPolicy, which is always read."""


def is_isolator(name: str) -> bool:
    """Whether the administrator may say of a kind that it isolates no pod: it need not be one that is known."""
    plural, _, group = name.partition(".")
    return plural.endswith(NAMED) and group not in {"", KUBERNETES_OWN}


@dataclass(frozen=True, slots=True)
class Limits:
    """The administrator's limits; None and empty mean that there is no such limit."""

    max_outage: float | None = None
    """Seconds that an outage may last, with what later faults may take longer than usual to prove."""
    max_pods: int | None = None
    """Pods that one drill may cut at once."""
    max_workload_percent: int | None = None
    """Per cent of the ready pods of any one workload that one drill may cut."""
    when: tuple[Hours, ...] = ()
    """Hours in which drills may begin and cut; empty means all."""
    max_concurrent_drills: int | None = None
    """Drills of the whole cluster that may have begun and not ended."""
    allowed_faults: frozenset[str] = frozenset()
    """Kinds of faults and steps that change things for everybody, and that may run all the same."""
    assume_not_isolated_by: frozenset[str] = frozenset()
    """Kinds of policies that are taken to isolate no target for egress, whether they can be read or not."""


NONE: Final = Limits()
"""No limits."""


class LimitsValidity(enum.Enum):
    """Whether the administrator's limits are known and valid."""

    KNOWN = "Known"
    INVALID = "Invalid"
    UNREADABLE = "Unreadable"


@dataclass(frozen=True, slots=True)
class LimitsState:
    """The limits as they stand; where they are not known, ``limits`` are the last that were, and ``why`` says why."""

    limits: Limits = NONE
    state: LimitsValidity = LimitsValidity.KNOWN
    why: str = ""


UNLIMITED: Final = LimitsState()
"""It is known that there are no limits."""


@dataclass(frozen=True, slots=True)
class WorkloadImpact:
    """How many of a workload's ready pods a plan would cut; ``workload`` as ``Deployment api``."""

    workload: str
    cut: int
    ready: int


@dataclass(frozen=True, slots=True)
class BlastRadius:
    """What a plan would cut in its namespace now: pods by the path of what selects them, and shares of each
    workload that has any.
    """

    pods: Mapping[str, int] = field(default_factory=dict)
    workloads: tuple[tuple[tuple[str, ...], WorkloadImpact], ...] = ()
    """What all faults hit of a workload together, once each, behind the paths of what selects its pods."""
