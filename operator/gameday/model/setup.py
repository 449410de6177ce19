"""How a drill is carried out on this cluster: what the preflight found and decided, kept for the whole drill."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Self

from gameday.model.agent import Dial
from gameday.model.placement import ANYWHERE, NO_MESH, Mesh, Placement
from gameday.model.plan import Via

MOST_CUTS: Final = 4
"""Most faults of a plan that cut the network."""
MOST_PAIRS: Final = 4
"""Most pairs of witness and control of a cut: one a node and kind of target, up to this."""


@dataclass(frozen=True, slots=True)
class CutPort:
    """A port that is cut: the Service's, and the one that its pods listen on."""

    port: int
    target: int
    protocol: str = "TCP"


@dataclass(frozen=True, slots=True)
class CutDestination:
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
    """Where a witness and its control run, and the labels that both have for those of the target (``agent_labels``)."""

    node: str
    labels: Mapping[str, str]
    mesh: Mesh = NO_MESH


@dataclass(frozen=True, slots=True)
class ClosingPlan:
    """Where the targets' open connections are ended, with the credentials of the dependency that is cut.

    ``servers`` are addresses and ports, each of which is asked; without any, the dependency's Service is.
    """

    servers: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Cut:
    """How one fault cuts the network: ``fault`` is its name."""

    fault: str
    backend: Via
    destination: CutDestination = field(default_factory=CutDestination)
    pairs: tuple[Pair, ...] = ()
    targets: tuple[str, ...] = ()
    """Addresses of the targets, whose connections are closed."""
    closing: ClosingPlan | None = None
    """None where open connections are kept, or cannot be ended."""
    dials: tuple[Dial, ...] = ()
    """What each witness and each control dials to prove the cut."""
    bystanders: tuple[tuple[str, str, int], ...] = ()
    """What else must remain reachable, in addition to DNS: name, host, port."""
    placement: Placement = ANYWHERE
    """What the agents that represent its targets copy from them."""


@dataclass(frozen=True, slots=True)
class Connections:
    """Whose open connections are to be ended at a dependency, and where.

    ``targets`` are what each is called, then its addresses; ``servers`` are addresses and ports.
    """

    targets: tuple[tuple[str, ...], ...] = ()
    servers: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Setup:
    """The decisions of a preflight: what holds for the whole drill, and for each fault that cuts the network."""

    cuts: tuple[Cut, ...] = ()
    """In the order of the faults."""
    dns: str = ""
    """Address of the cluster's DNS Service, which is always dialled; empty if there is none."""
    placement: Placement = ANYWHERE
    """What the other agents copy: from the targets of the first cut, else from the pods that the faults are about."""

    def cut(self, fault: str) -> Cut | None:
        """The cut of a fault, if it is one."""
        return next((cut for cut in self.cuts if cut.fault == fault), None)

    def with_cut(self, cut: Cut) -> Self:
        """The setup with another cut of that fault."""
        return replace(self, cuts=tuple(cut if one.fault == cut.fault else one for one in self.cuts))

    def for_dry_run(self) -> Self:
        """The setup with one pair of witness and control a cut; what counts connections shows that it may."""
        return replace(self, cuts=tuple(replace(cut, pairs=cut.pairs[:1]) for cut in self.cuts))

    def numbered(self) -> Iterator[tuple[int, Cut, Pair]]:
        """Every pair of witness and control with its number in the drill, and the cut that it shows."""
        every = ((cut, pair) for cut in self.cuts for pair in cut.pairs)
        return ((number, cut, pair) for number, (cut, pair) in enumerate(every))

    def pair_numbers(self) -> dict[str, range]:
        """The numbers of each cut's pairs, by the name of its fault."""
        found, first = {}, 0
        for cut in self.cuts:
            found[cut.fault] = range(first, first + len(cut.pairs))
            first += len(cut.pairs)
        return found
