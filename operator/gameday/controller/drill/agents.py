"""Which agents a drill needs, and what each is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gameday.actions.network_partition.targets import MOST_PAIRS
from gameday.cluster.kinds import Object
from gameday.controller.drill.agent_pods import Place, Shape, pod
from gameday.controller.drill.twins import dials, gentle
from gameday.engine.drill.budgets import longest
from gameday.engine.validate.plan import LOG_BYTES
from gameday.model.agent import (
    MOST_NAMESERVERS,
    CloserConfig,
    CounterConfig,
    ObserverConfig,
    RedisAddress,
    WitnessConfig,
)
from gameday.model.labels import CONTROL
from gameday.model.names import CLOSER, COUNTER
from gameday.model.places import redis_server
from gameday.model.plan import Plan, RunsIn, SecretKey
from gameday.model.setup import Pair, Setup, Severing
from gameday.probes.kinds import KINDS

__all__ = ["Closing", "Place", "closer", "pods", "tellers", "wanted"]


DIAL_EVERY: Final = 0.25
"""Seconds between two dials of an address."""
DIAL_BYTES: Final = 160
"""Bytes of a dial's line."""
HELD_BYTES: Final = 30.0
"""Bytes a second that a twin writes of the connection that it holds to an address: a line at each exchange."""


def tellers(plan: Plan) -> Mapping[str, str]:
    """The agent whose log tells of each probe; the operator's own probes have none."""
    return {p.name: p.settings.runs_in.value for p in plan.probes if p.settings.runs_in is not RunsIn.OPERATOR}


TWINS: Final = tuple(f"{role}-{index}" for index in range(MOST_PAIRS) for role in ("witness", CONTROL))
ASKERS: Final = tuple(one.value for one in RunsIn if one is not RunsIn.OPERATOR)
"""The names of the agents that run probes."""
ALL: Final = frozenset({*ASKERS, COUNTER, CLOSER, *TWINS})
"""The names of all agents that any drill may have."""


def wanted(plan: Plan, setup: Setup) -> frozenset[str]:
    """The names of a drill's agents."""
    names = {f"{role}-{i}" for i in range(len(setup.pairs)) for role in ("witness", "control")}
    names.update(tellers(plan).values())
    if setup.severs is not None:
        names.add(COUNTER)
    return frozenset(names)


def pods(plan: Plan, setup: Setup, place: Place) -> tuple[Object, ...]:
    """The agents' pods."""
    made: list[Object] = []
    names = wanted(plan, setup)
    if RunsIn.OBSERVER.value in names:
        made.append(_observer(plan, place, RunsIn.OBSERVER, None))
    if RunsIn.CLIENT.value in names:
        # Redis' own policy admits the targets, so what talks to it wears their labels; the cut spares role control.
        made.append(_observer(plan, place, RunsIn.CLIENT, setup.pairs[0]))
    addresses = dials(plan, setup, place.namespace)
    config = WitnessConfig(
        dials=addresses,
        nameservers=True,
        every=max(gentle(setup), dial_every(plan, len(addresses) + MOST_NAMESERVERS, len(setup.dials))),
        ends_after=longest(plan),
    )
    for index, pair in enumerate(setup.pairs):
        for role in ("witness", CONTROL):
            shape = Shape("witness", role, wears=pair.labels, mesh=pair.mesh, node=pair.node)
            made.append(pod(place, f"{role}-{index}", shape, config))
    if setup.severs is not None:
        made.append(_counter(plan, setup, place, setup.severs))
    return tuple(made)


def dial_every(plan: Plan, addresses: int, held: int = 0) -> float:
    """Seconds between two dials of an address: a short time, longer where a whole drill would not fit into a log.

    To ``held`` of the addresses (``MOST_DIALS`` at most) a connection is held beside the dials.
    """
    length = plan.steady_state.duration + plan.outage.duration + plan.recovery.within
    length += plan.rollback.within if plan.rollback is not None else 0.0
    left = LOG_BYTES - length * held * HELD_BYTES
    return max(DIAL_EVERY, length * addresses * DIAL_BYTES / left)


def _observer(plan: Plan, place: Place, agent: RunsIn, pair: Pair | None) -> Object:
    probes = [probe for probe in plan.probes if probe.settings.runs_in is agent]
    tasks = tuple(KINDS.task(probe, place.namespace) for probe in probes)
    config = ObserverConfig(probes=tasks, ends_after=longest(plan))
    shape = Shape(
        "observer",
        role=CONTROL if pair is not None else "observer",
        secrets=tuple(secret for probe in probes for secret in probe.settings.secrets),
        wears=pair.labels if pair is not None else None,
    )
    return pod(place, agent.value, shape, config)


@dataclass(frozen=True, slots=True)
class Closing:
    """What the closer is told: each target with its addresses, its time, the servers, and whom the counter has seen."""

    targets: tuple[tuple[str, ...], ...]
    until: float
    servers: tuple[tuple[str, int], ...] = ()
    seen: tuple[str, ...] = ()


def closer(plan: Plan, setup: Setup, place: Place, closing: Closing) -> Object:
    """The pod that ends the connections of these targets, until its time is over."""
    redis, secrets = _redis(plan, place)
    config = CloserConfig(
        redis=redis,
        servers=closing.servers if len(closing.servers) > 1 else (),
        pods=closing.targets,
        until=closing.until,
        seen=closing.seen,
        ends_after=longest(plan),
    )
    return pod(place, CLOSER, Shape("sever", CONTROL, secrets, setup.pairs[0].labels), config)


def _counter(plan: Plan, setup: Setup, place: Place, severs: Severing) -> Object:
    """The pod that counts the targets' connections, and ends none."""
    redis, secrets = _redis(plan, place)
    pods = tuple((address, address) for address in setup.targets)
    config = CounterConfig(redis=redis, servers=severs.servers, pods=pods, ends_after=longest(plan))
    return pod(place, COUNTER, Shape("sever", CONTROL, secrets, setup.pairs[0].labels), config)


def _redis(plan: Plan, place: Place) -> tuple[RedisAddress, tuple[SecretKey, ...]]:
    """The Redis at which connections are counted and ended, and the Secrets that it takes."""
    cut = (partition.dependency.redis for _, partition in plan.partitions())
    redis = next(one for one in cut if one is not None)
    secrets = (redis.password,) if redis.password is not None else ()
    return redis_server(redis, place.namespace), secrets
