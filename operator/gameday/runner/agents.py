"""Which agents a drill needs, and what each is told."""

from dataclasses import dataclass

from gameday.cluster.kinds import Object
from gameday.model.agent import AgentConfig, Dial, HeaderSpec, ProbeSpec, RedisSpec, secret_file
from gameday.model.labels import CONTROL
from gameday.model.plan import (
    HttpProbe,
    KubernetesProbe,
    Plan,
    Probe,
    RedisProbe,
    SecretKey,
    TcpProbe,
)
from gameday.model.setup import Pair, Setup
from gameday.runner.agent_pods import SEVER_GRACE, pod

FIRST_DIALS = 8
"""Most addresses that one witness dials, where there is no Service address."""


@dataclass(frozen=True, slots=True)
class Place:
    """The drill whose agents these are, and the image they run."""

    namespace: str
    drill: str
    uid: str
    image: str
    pull_policy: str


def wanted(plan: Plan, setup: Setup) -> frozenset[str]:
    """The names of a drill's agents."""
    names = {f"{role}-{i}" for i in range(len(setup.pairs)) for role in ("witness", "control")}
    if any(isinstance(probe.kind, HttpProbe | TcpProbe) for probe in plan.probes):
        names.add("observer")
    if any(isinstance(probe.kind, RedisProbe) for probe in plan.probes):
        names.add("client")
    if setup.severs:
        names.add("sever")
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
    for index, pair in enumerate(setup.pairs):
        config = AgentConfig(dials=_dials(plan, setup))
        for role in ("witness", CONTROL):
            made.append(
                pod(
                    place.drill, place.uid, f"{role}-{index}", "witness", config, place.image, place.pull_policy,
                    role=role, wears=pair.labels, node=pair.node,
                )
            )  # fmt: skip
    if "sever" in names:
        made.append(_sever(plan, setup, place))
    return tuple(made)


def redis_of(plan: Plan) -> RedisProbe | None:
    """The probe whose credentials sever connections: the first of its kind."""
    return next((probe.kind for probe in plan.probes if isinstance(probe.kind, RedisProbe)), None)


def _observer(plan: Plan, place: Place, agent: str, kinds: tuple[type[object], ...], pair: Pair | None) -> Object:
    probes = [probe for probe in plan.probes if isinstance(probe.kind, kinds)]
    config = AgentConfig(probes=tuple(_probe(probe, place.namespace) for probe in probes))
    secrets = tuple(secret for probe in probes for secret in _secrets(probe))
    return pod(
        place.drill,
        place.uid,
        agent,
        "observer",
        config,
        place.image,
        place.pull_policy,
        role=CONTROL if pair is not None else "observer",
        secrets=secrets,
        wears=pair.labels if pair is not None else None,
    )


def _sever(plan: Plan, setup: Setup, place: Place) -> Object:
    redis = redis_of(plan)
    if redis is None:
        raise ValueError("severing needs a redis probe")
    config = AgentConfig(redis=_redis(redis, place.namespace), addresses=setup.targets)
    return pod(
        place.drill,
        place.uid,
        "sever",
        "sever",
        config,
        place.image,
        place.pull_policy,
        role=CONTROL,
        secrets=(redis.password,) if redis.password is not None else (),
        wears=setup.pairs[0].labels,
        grace=SEVER_GRACE,
    )


def _dials(plan: Plan, setup: Setup) -> tuple[Dial, ...]:
    end = setup.far_end
    redis = redis_of(plan)
    protocol = "tls" if redis is not None and redis.tls else "redis"
    if end.services:
        places = [(end.services[0], port.port) for port in end.ports[:1]]
    elif end.addresses:
        places = [(address, port.target) for address in end.addresses[:FIRST_DIALS] for port in end.ports[:1]]
    else:
        places = [(cidr.partition("/")[0], port.port) for cidr in end.cidrs[:FIRST_DIALS] for port in end.ports[:1]]
    dials = [Dial(f"target-{i}", host, port, protocol) for i, (host, port) in enumerate(places)]
    if setup.dns:
        dials.append(Dial("bystander:dns", setup.dns, 53, "dns"))
    return (*dials, *(Dial(f"bystander:{name}", host, port, "tcp") for name, host, port in setup.bystanders))


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
    port = redis.port
    if redis.service is not None:
        host = f"{redis.service.name}.{redis.service.namespace or namespace}.svc"
        port = redis.service.port if isinstance(redis.service.port, int) else redis.port
    return RedisSpec(
        host=host,
        port=port,
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
