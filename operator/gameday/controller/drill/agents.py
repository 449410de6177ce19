"""Which agents a drill needs, and the configuration of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from gameday.cluster.resources import Object
from gameday.controller.drill.agent_pods import PodContext, PodTemplate, pod
from gameday.controller.drill.dial_targets import dials, slowest_interval
from gameday.engine.drill.timeouts import longest
from gameday.engine.validate.plan import LOG_BYTES
from gameday.errors import Rejected
from gameday.model.addresses import LOOK_EVERY, MOST_ADDRESSES
from gameday.model.agent import (
    HANDSHAKE,
    MOST_NAMESERVERS,
    POSTGRES,
    SENTINEL,
    SERVER,
    CloserConfig,
    CounterConfig,
    Dial,
    ObserverConfig,
    WitnessConfig,
)
from gameday.model.hosts import address_of, canonical
from gameday.model.labels import CONTROL, OBSERVER, PAIRED, WITNESS
from gameday.model.names import CLOSER, COUNTER, numbered
from gameday.model.places import peers_of, redis_server
from gameday.model.plan import Destination, Plan, Probe, RunsIn
from gameday.model.setup import MOST_CUTS, MOST_PAIRS, Connections, Cut, Pair, Setup
from gameday.probes.kinds import KINDS

__all__ = ["Closing", "PodContext", "closer", "pods", "probe_agents", "wanted"]


DIAL_EVERY: Final = 0.25
"""Seconds between two dials of an address."""
LOGIN_EVERY: Final = 0.5
"""Seconds between two dials that begin TLS, log in, or make the server fork: such a dial costs both ends more."""
COSTLY: Final = frozenset({SERVER, SENTINEL, HANDSHAKE, POSTGRES})
"""The protocols of such dials."""
DIAL_BYTES: Final = 160
"""Bytes of a dial's line."""
LONGEST_ADDRESS: Final = 60
"""Bytes by which an address that answered lengthens a dial's line."""
LOOK_BYTES: Final = (MOST_ADDRESSES * 42 + 500) / LOOK_EVERY
"""Bytes a second that a witness or control writes of a name that it looks up."""
HELD_BYTES: Final = 30.0
"""Bytes per second that a witness or control writes per held connection: one line per exchange."""


def probe_agents(plan: Plan) -> Mapping[str, str]:
    """The agent that runs each probe; probes of the operator itself are left out."""
    return {p.name: p.settings.runs_in.value for p in plan.probes if p.settings.runs_in is not RunsIn.OPERATOR}


MOST_PAIRS_OF_A_DRILL: Final = MOST_PAIRS * MOST_CUTS
WITNESSES_AND_CONTROLS: Final = tuple(f"{role}-{index}" for index in range(MOST_PAIRS_OF_A_DRILL) for role in PAIRED)
COUNTERS, CLOSERS = (tuple(numbered(agent, number) for number in range(MOST_CUTS)) for agent in (COUNTER, CLOSER))
"""The names of the agents that count and end connections, by the place of the cut among those of a drill."""
PROBE_AGENTS: Final = tuple(one.value for one in RunsIn if one is not RunsIn.OPERATOR)
"""The names of the agents that run probes."""
ALL: Final = frozenset({*PROBE_AGENTS, *COUNTERS, *CLOSERS, *WITNESSES_AND_CONTROLS})
"""The names of all agents that any drill may have."""
Targets = tuple[tuple[str, ...], ...]
"""Of each target its name, then its addresses."""
NOBODY: Final[Mapping[str, Targets]] = MappingProxyType({})


def wanted(plan: Plan, setup: Setup) -> frozenset[str]:
    """The names of a drill's agents."""
    names = {f"{role}-{number}" for number, _, _ in setup.numbered() for role in PAIRED}
    names.update(probe_agents(plan).values())
    names.update(counter for cut, counter in zip(setup.cuts, COUNTERS, strict=False) if cut.closing is not None)
    return frozenset(names)


def closers(setup: Setup) -> dict[str, str]:
    """The agent that ends the connections of each fault's targets, by the fault's name."""
    return {cut.fault: CLOSERS[place] for place, cut in enumerate(setup.cuts) if cut.closing is not None}


def counters(setup: Setup) -> dict[str, str]:
    """The agent that counts the connections of each fault's targets, by the fault's name."""
    return {cut.fault: COUNTERS[place] for place, cut in enumerate(setup.cuts) if cut.closing is not None}


def pods(plan: Plan, setup: Setup, ctx: PodContext, targets: Mapping[str, Targets] = NOBODY) -> tuple[Object, ...]:
    """The agents' pods; ``targets`` are those of each fault whose connections are counted, where they are known."""
    made: list[Object] = []
    names = wanted(plan, setup)
    if RunsIn.OBSERVER.value in names:
        made.append(_observer(plan, ctx, RunsIn.OBSERVER, None))
    if RunsIn.CLIENT.value in names:
        # Redis' policy admits the targets, so agents that connect to Redis have their labels. The cut spares controls.
        pair = next((pair for _, _, pair in setup.numbered()), None)
        made.append(_observer(plan, ctx, RunsIn.CLIENT, pair))
    for number, cut, pair in setup.numbered():
        redis = _spoken_to(plan, cut)
        config, there = _witness(plan, setup, cut, redis, ctx), replace(ctx, placement=cut.placement)
        template = PodTemplate("witness", WITNESS, labels=pair.labels, mesh=pair.mesh, node=pair.node, asks_alike=True)
        if redis is not None:
            template = replace(template, secrets=redis.secrets, config_maps=redis.config_maps)
        made += [pod(there, f"{role}-{number}", replace(template, role=role), config) for role in PAIRED]
    told = counters(setup)
    for cut in setup.cuts:
        if cut.fault in told:
            known = targets.get(cut.fault) or tuple((address, address) for address in cut.targets)
            made.append(_counter(plan, cut, ctx, told[cut.fault], known))
    return tuple(made)


def _witness(plan: Plan, setup: Setup, cut: Cut, redis: Destination | None, ctx: PodContext) -> WitnessConfig:
    addresses = dials(setup, cut)
    return WitnessConfig(
        dials=addresses,
        redis=redis_server(redis, ctx.namespace) if redis is not None else None,
        peers=peers_of(redis) if redis is not None else None,
        through=canonical(redis.host) if redis is not None and redis.has_peers else "",
        nameservers=True,
        every=max(
            LOGIN_EVERY if any(dial.protocol in COSTLY for dial in cut.dials) else 0.0,
            slowest_interval(setup, cut),
            dial_every(plan, _lines(addresses, redis), len(cut.dials), looks=_looks(cut, redis)),
        ),
        ends_after=_lasts(plan, ctx),
    )


def _lasts(plan: Plan, ctx: PodContext) -> float:
    """Seconds after which an agent ends by itself."""
    return ctx.lasts if ctx.lasts is not None else longest(plan)


def _lines(dialled: Sequence[Dial], redis: Destination | None) -> float:
    """How many usual lines all dials of one moment take: that of a name is longer, and says what answered."""
    through = canonical(redis.host) if redis is not None and redis.has_peers else None
    named = [dial for dial in dialled if address_of(dial.host) is None or dial.host == through]
    return len(dialled) + MOST_NAMESERVERS + sum(len(dial.name) + LONGEST_ADDRESS for dial in named) / DIAL_BYTES


def _looks(cut: Cut, redis: Destination | None) -> bool:
    """Whether the pairs of a cut find the addresses of a host."""
    through = redis is not None and redis.has_peers and bool(redis.host)
    return through or any(address_of(dial.host) is None for dial in cut.dials)


def dial_every(plan: Plan, addresses: float, held: int = 0, *, looks: bool = False) -> float:
    """Seconds between two dials of an address: longer if a whole drill would otherwise not fit into a log.

    ``held`` is for how many of the addresses a connection is held open in addition (``MOST_DIALS`` at most). ``looks``
    says whether a name is looked up.
    """
    length = plan.length
    left = LOG_BYTES - length * (held * HELD_BYTES + (LOOK_BYTES if looks else 0.0))
    return max(DIAL_EVERY, length * addresses * DIAL_BYTES / left)


def _observer(plan: Plan, ctx: PodContext, agent: RunsIn, pair: Pair | None) -> Object:
    probes = [probe for probe in plan.probes if probe.settings.runs_in is agent]
    tasks = tuple(KINDS.task(probe, ctx.namespace) for probe in probes)
    config = ObserverConfig(probes=tasks, ends_after=_lasts(plan, ctx))
    template = PodTemplate(
        "observer",
        role=CONTROL if agent is RunsIn.CLIENT else OBSERVER,
        secrets=tuple(secret for probe in probes for secret in probe.settings.secrets),
        config_maps=tuple(one for probe in probes for one in probe.settings.config_maps),
        labels=pair.labels if pair is not None else None,
        asks_alike=agent is RunsIn.CLIENT and all(_is_outside(probe) for probe in probes),
    )
    return pod(ctx, agent.value, template, config)


def _is_outside(probe: Probe) -> bool:
    """Whether it asks no Service: a name outside the cluster is found as the targets find it."""
    return probe.settings.destination is not None and probe.settings.destination.service is None


@dataclass(frozen=True, slots=True)
class Closing:
    """The closer's task: whose connections it closes, until which Unix second, and which addresses the counter saw."""

    found: Connections
    until: float
    seen: tuple[str, ...] = ()


def closer(plan: Plan, setup: Setup, cut: Cut, ctx: PodContext, closing: Closing) -> Object:
    """The pod that ends the connections of a fault's targets, until its time is over."""
    redis = _redis(plan, cut)
    config = CloserConfig(
        redis=redis_server(redis, ctx.namespace),
        servers=closing.found.servers if len(closing.found.servers) > 1 else (),
        pods=closing.found.targets,
        until=closing.until,
        seen=closing.seen,
        ends_after=_lasts(plan, ctx),
    )
    ctx = replace(ctx, placement=cut.placement)
    return pod(ctx, closers(setup)[cut.fault], _of_connections(redis, cut), config)


def _counter(plan: Plan, cut: Cut, ctx: PodContext, agent: str, targets: Targets) -> Object:
    """The pod that counts the connections of a fault's targets, and ends none."""
    redis = _redis(plan, cut)
    servers = cut.closing.servers if cut.closing is not None else ()
    config = CounterConfig(
        redis=redis_server(redis, ctx.namespace), servers=servers, pods=targets, ends_after=_lasts(plan, ctx)
    )
    ctx = replace(ctx, placement=cut.placement)
    return pod(ctx, agent, _of_connections(redis, cut), config)


def _of_connections(redis: Destination, cut: Cut) -> PodTemplate:
    """The shape of what counts or ends connections at a Redis."""
    return PodTemplate("close_connections", CONTROL, redis.secrets, cut.pairs[0].labels, config_maps=redis.config_maps)


def _spoken_to(plan: Plan, cut: Cut) -> Destination | None:
    """The Redis that pairs speak to with the TLS and the credentials of the dependency; None where they need none."""
    return _away(plan, cut) if any(dial.protocol == SERVER for dial in cut.dials) else None


def _away(plan: Plan, cut: Cut) -> Destination | None:
    """The Redis that a fault takes away, if it is one."""
    away = next((fault.action.takes_away for fault in plan.outage.faults if fault.name == cut.fault), None)
    return away.redis if away is not None else None


def _redis(plan: Plan, cut: Cut) -> Destination:
    """The Redis at which connections are counted and ended.

    Raises:
        Rejected: when the plan takes none away.

    """
    redis = _away(plan, cut)
    if redis is None:
        raise Rejected(f"fault {cut.fault} does not cut off a Redis: somebody else changed the Drill's status")
    return redis
