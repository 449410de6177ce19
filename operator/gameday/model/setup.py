"""How a drill is carried out on this cluster: what the preflight found and decided, kept for the whole drill."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gameday.model.agent import Dial
from gameday.model.placement import ANYWHERE, NO_MESH, Mesh, Placement
from gameday.model.plan import Via


@dataclass(frozen=True, slots=True)
class CutPort:
    """A port that is cut: the Service's, and the one that its pods listen on."""

    port: int
    target: int
    protocol: str = "TCP"


@dataclass(frozen=True, slots=True)
class FarEnd:
    """What the targets are cut off from. ``selector`` is empty for addresses outside the cluster.

    ``addresses`` are those of pods behind a Service, ``services`` its own (ClusterIP, load balancer, external).
    """

    namespace: str = ""
    selector: Mapping[str, str] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    cidrs: tuple[str, ...] = ()
    ports: tuple[CutPort, ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """Where a witness and its control run, and what both wear for the labels of the target (``worn``)."""

    node: str
    labels: Mapping[str, str]
    mesh: Mesh = NO_MESH


@dataclass(frozen=True, slots=True)
class Severing:
    """Where the targets' open connections are ended, with the credentials of the dependency that is cut.

    ``servers`` are addresses and ports, each of which is asked; without any, the dependency's Service is.
    """

    servers: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Setup:
    """The decisions of a preflight."""

    backend: Via
    far_end: FarEnd
    pairs: tuple[Pair, ...]
    targets: tuple[str, ...]
    """Addresses of the targets, whose connections are severed."""
    severs: Severing | None = None
    """None where open connections are kept, or cannot be ended."""
    dials: tuple[Dial, ...] = ()
    """What each witness and each control dials to prove the cut."""
    dns: str = ""
    """Address of the cluster's DNS Service, which is always watched; empty where there is none."""
    bystanders: tuple[tuple[str, str, int], ...] = ()
    """What else must stay reachable: name, host, port."""
    placement: Placement = ANYWHERE
    """What our pods take over from the targets."""
