"""Which agents a drill needs, and what each is told."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from gameday.actions.network_partition.targets import MOST_PAIRS
from gameday.cluster.kinds import Object
from gameday.controller.drill.agent_pods import Place, Shape, pod
from gameday.controller.drill.twins import dials, gentle
from gameday.engine.drill.budgets import longest
from gameday.engine.validate.plan import LOG_BYTES
from gameday.model.agent import MOST_NAMESERVERS, AgentConfig, HeaderSpec, ProbeSpec, RedisSpec, secret_file
from gameday.model.labels import CONTROL
from gameday.model.names import CLOSER, COUNTER
from gameday.model.plan import (
    HttpProbe,
    KubernetesProbe,
    Plan,
    Probe,
    RedisProbe,
    SecretKey,
    TcpProbe,
)
from gameday.model.setup import Pair, Setup, Severing

__all__ = ["Closing", "Place", "closer", "pods", "tellers", "wanted"]


DIAL_EVERY: Final = 0.25
"""Seconds between two dials of an address."""
DIAL_BYTES: Final = 160
"""Bytes of a dial's line."""
HELD_BYTES: Final = 30.0
"""Bytes a second that a twin writes of the connection that it holds to an address: a line at each exchange."""


def tellers(plan: Plan) -> Mapping[str, str]:
    """The agent whose log tells of each probe; the operator's own probes have none."""
    by_kind: dict[type[object], str] = {HttpProbe: "observer", TcpProbe: "observer", RedisProbe: "client"}
    return {p.name: by_kind[type(p.kind)] for p in plan.probes if type(p.kind) in by_kind}


TWINS: Final = tuple(f"{role}-{index}" for index in range(MOST_PAIRS) for role in ("witness", CONTROL))
ALL: Final = frozenset({"observer", "client", COUNTER, CLOSER, *TWINS})
"""The names of all agents that any drill may have."""


def wanted(plan: Plan, setup: Setup) -> frozenset[str]:
    """The names of a drill's agents."""
    names = {f"{role}-{i}" for i in range(len(setup.pairs)) for role in ("witness", "control")}
    if any(isinstance(probe.kind, HttpProbe | TcpProbe) for probe in plan.probes):
        names.add("observer")
    if any(isinstance(probe.kind, RedisProbe) for probe in plan.probes):
        names.add("client")
    if setup.severs is not None:
        names.add(COUNTER)
    return frozenset(names)


def pods(plan: Plan, setup: Setup, place: Place) -> tuple[Object, ...]:
    """The agents' pods."""
    made: list[Object] = []
    names = wanted(plan, setup)
    if "observer" in names:
        made.append(_observer(plan, place, "observer", (HttpProbe, TcpProbe), None))
    if "client" in names:
        # Redis' own policy admits the targets, so what talks to it wears their labels; the cut spares role control.
        made.append(_observer(plan, place, "client", (RedisProbe,), setup.pairs[0]))
    addresses = dials(plan, setup, place.namespace)
    config = AgentConfig(
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


def _observer(plan: Plan, place: Place, agent: str, kinds: tuple[type[object], ...], pair: Pair | None) -> Object:
    probes = [probe for probe in plan.probes if isinstance(probe.kind, kinds)]
    config = AgentConfig(probes=tuple(_probe(probe, place.namespace) for probe in probes), ends_after=longest(plan))
    shape = Shape(
        "observer",
        role=CONTROL if pair is not None else "observer",
        secrets=tuple(secret for probe in probes for secret in _secrets(probe)),
        wears=pair.labels if pair is not None else None,
    )
    return pod(place, agent, shape, config)


@dataclass(frozen=True, slots=True)
class Closing:
    """What the closer is told: each target with its addresses, its time, the servers, and whom the counter has seen."""

    targets: tuple[tuple[str, ...], ...]
    until: float
    servers: tuple[tuple[str, int], ...] = ()
    seen: tuple[str, ...] = ()


def closer(plan: Plan, setup: Setup, place: Place, closing: Closing) -> Object:
    """The pod that ends the connections of these targets, until its time is over."""
    several = closing.servers if len(closing.servers) > 1 else ()
    told = AgentConfig(pods=closing.targets, until=closing.until, seen=closing.seen, servers=several)
    return _at_redis(plan, setup, place, CLOSER, told)


def _counter(plan: Plan, setup: Setup, place: Place, severs: Severing) -> Object:
    """The pod that counts the targets' connections, and ends none."""
    pods = tuple((address, address) for address in setup.targets)
    return _at_redis(plan, setup, place, COUNTER, AgentConfig(pods=pods, servers=severs.servers))


def _at_redis(plan: Plan, setup: Setup, place: Place, agent: str, told: AgentConfig) -> Object:
    severs = setup.severs or Severing("")
    kinds = (probe.kind for probe in plan.probes if probe.name == severs.probe)
    redis = next(kind for kind in kinds if isinstance(kind, RedisProbe))
    config = replace(told, redis=_redis(redis, place.namespace), ends_after=longest(plan))
    secrets = (redis.password,) if redis.password is not None else ()
    return pod(place, agent, Shape("sever", CONTROL, secrets, setup.pairs[0].labels), config)


def _probe(probe: Probe, namespace: str) -> ProbeSpec:
    match probe.kind:
        case HttpProbe() as http:
            headers = tuple(
                HeaderSpec(h.name, h.value or "", secret_file(h.secret.name, h.secret.key) if h.secret else "")
                for h in http.headers
            )
            return ProbeSpec(
                probe.name, "http", probe.every, probe.timeout, probe.paths, http.url, http.method, headers, http.json,
                http.parse.value,
            )  # fmt: skip
        case TcpProbe(host, port):
            return ProbeSpec(probe.name, "tcp", probe.every, probe.timeout, host=host, port=port)
        case RedisProbe() as redis:
            return ProbeSpec(
                probe.name, "redis", probe.every, probe.timeout, probe.paths, redis=_redis(redis, namespace)
            )
        case KubernetesProbe():
            raise ValueError("the operator runs kubernetes probes itself")


def _redis(redis: RedisProbe, namespace: str) -> RedisSpec:
    host = redis.host or ""
    if redis.service is not None:
        host = f"{redis.service.name}.{redis.service.namespace or namespace}.svc"
    return RedisSpec(
        host=host,
        port=redis.at,
        username=redis.username or "",
        password_file=secret_file(redis.password.name, redis.password.key) if redis.password else "",
        tls=redis.tls,
        queue_kind=redis.queue.kind if redis.queue else "",
        queue_keys=f"{redis.queue.prefix}:{redis.queue.name}" if redis.queue else "",
    )


def _secrets(probe: Probe) -> tuple[SecretKey, ...]:
    match probe.kind:
        case HttpProbe() as http:
            return tuple(header.secret for header in http.headers if header.secret is not None)
        case RedisProbe(password=SecretKey() as password):
            return (password,)
        case _:
            return ()
