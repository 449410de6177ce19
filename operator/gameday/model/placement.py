"""Where agents' pods may run, and their enrolment in a mesh: copied from the targets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Placement:
    """What every agent's pod copies from a target's pod, so that it may run where targets may.

    ``tolerations`` are as in a pod's spec. The priority class is left out: with the targets' one, agents would preempt
    other teams' pods where a node is full, and a drill may touch nothing but what its faults say. The administrator may
    set one, and more tolerations (``controller.agent_settings``).
    """

    tolerations: tuple[Mapping[str, str | int], ...] = ()
    node_selector: Mapping[str, str] = field(default_factory=dict)
    pull_secrets: tuple[str, ...] = ()
    dns_policy: str = ""
    """How witnesses ask DNS, where a name is cut; empty where they ask as every pod."""
    dns_config: str = ""
    """The targets' ``dnsConfig``, as JSON; empty for none."""


ANYWHERE: Final = Placement()


@dataclass(frozen=True, slots=True)
class Mesh:
    """What enrols a target pod in a service mesh, so that a witness is carried by it as its target is."""

    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


NO_MESH: Final = Mesh()
