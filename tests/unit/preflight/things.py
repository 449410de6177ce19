"""Objects as the API server would hand them over, cut down to what the faults read."""

from collections.abc import Mapping
from typing import Any

from gameday.actions.network_partition.action import NetworkPartition, OpenConnections
from gameday.cluster.resources import CILIUM_NETWORK_POLICIES, NETWORK_POLICIES, PODS, SERVICES, Object, Resource
from gameday.model.places import REDIS_PROTOCOL, redis_at
from gameday.model.plan import (
    Dependency,
    Destination,
    Fault,
    HostTarget,
    Outage,
    Plan,
    Probe,
    Recovery,
    Rollback,
    Selector,
    ServiceRef,
    SteadyState,
    Step,
    Target,
    Via,
)
from gameday.preflight.snapshot import NamespaceSnapshot
from gameday.probes.redis.kind import RedisProbe
from granted import role

API = {"app": "api", "team": "shop"}


def pod(
    name: str, labels: Mapping[str, str] = API, *, node: str = "node-a", ip: str = "10.0.0.9", **spec: Any
) -> Object:
    return {
        "metadata": {"name": name, "labels": dict(labels)},
        "spec": {"nodeName": node, **spec},
        "status": {"phase": "Running", "podIPs": [{"ip": ip}]},
    }


def service(name: str, ports: list[Object], ip: str = "10.96.0.7", *, namespace: str = "shop", **spec: Any) -> Object:
    chosen = spec.pop("selector", {"app": "redis"})
    addresses = [ip] if ip else ["None"]
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": chosen, "ports": ports, "clusterIPs": addresses, **spec},
    }


def endpoints(*addresses: str, ports: Mapping[str, int] | None = None) -> Object:
    listed = [{"name": name, "port": port} for name, port in (ports or {"": 6379}).items()]
    return {"endpoints": [{"addresses": [address]} for address in addresses], "ports": listed}


def isolating_policy(name: str, labels: Mapping[str, str], **spec: Any) -> Object:
    return {"metadata": {"name": name}, "spec": {"podSelector": {"matchLabels": dict(labels)}, **spec}}


ASKS = isolating_policy(
    "guard",
    {"app": "redis"},
    policyTypes=["Ingress"],
    ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "api"}}}]}],
)
"""A policy that admits the targets by their label, so that a witness must have it."""


def owner(name: str, match: Mapping[str, str]) -> Object:
    return {"metadata": {"name": name}, "spec": {"selector": {"matchLabels": dict(match)}}}


def granted() -> tuple[Object, ...]:
    """The rules of the Role that a team applies."""
    return tuple(role()["rules"])


def a_snapshot(*, cilium: bool = True, **things: tuple[Object, ...]) -> NamespaceSnapshot:
    """A namespace where all is well: two targets, one Redis, all rights. Keywords replace collections, by plural."""
    redis = service("redis", [{"port": 6379}])
    seen = NamespaceSnapshot("shop", rules=granted(), cilium=cilium, service=redis, endpoints=(endpoints("10.0.0.3"),))
    kept: dict[str, tuple[Object, ...]] = {
        PODS.plural: (pod("api-1"), pod("api-2", ip="10.0.0.10"), pod("redis-1", {"app": "redis"}, ip="10.0.0.3")),
        SERVICES.plural: (redis,),
        NETWORK_POLICIES.plural: (),
        "deployments": (owner("worker", {"app": "worker"}),),
        "cronjobs": (owner("clear-stalled", {}),),
    }
    if cilium:
        kept[CILIUM_NETWORK_POLICIES.plural] = ()
    else:
        seen.missing[CILIUM_NETWORK_POLICIES.plural] = "list ciliumnetworkpolicies: 404 page not found"
    seen.things = kept | things
    seen.on_cilium = seen.has_cilium_kind
    seen.neighbours = seen.of(SERVICES)
    return seen


def partition(
    to: Target | None = None,
    selector: Selector | None = None,
    *,
    via: Via = Via.AUTO,
    open_connections: OpenConnections = OpenConnections.CLOSE,
    redis: Destination | None = None,
) -> NetworkPartition:
    """A cut of ``redis``; or of what stands at ``to``, which is a Redis where its Service is called so."""
    where = to or (redis.service if redis is not None else None) or ServiceRef("redis")
    if redis is None and isinstance(where, ServiceRef) and where.name == "redis":
        redis = redis_at(service=where)
    dependency = Dependency("redis", where, redis)
    return NetworkPartition(selector or Selector({"app": "api"}), dependency, open_connections, via)


def plan(cut: NetworkPartition | None = None, *steps: Step, probes: tuple[Probe, ...] | None = None) -> Plan:
    """A plan whose dependencies are what is cut and each Redis that is probed, called as its probe is."""
    rollback = Rollback(("it",), 60, steps) if steps else None
    cuts = cut or partition()
    if probes is None:
        probes = (Probe("redis", RedisProbe(redis_at(service=ServiceRef("redis")))),)
    asked = ((probe.name, to) for probe in probes if (to := probe.settings.destination) is not None)
    others = (known(name, to) for name, to in asked if to.protocol == REDIS_PROTOCOL)
    listed = (cuts.dependency, *others)
    needs = tuple({(one.target, one.redis): one for one in reversed(listed)}.values())
    outage = Outage(60, (Fault("partition", cuts),))
    return Plan("it", probes, SteadyState(5), outage, Recovery(60), rollback, dependencies=needs)


def known(name: str, redis: Destination) -> Dependency:
    """A Redis as the plan has it."""
    return Dependency(name, redis.service or HostTarget(redis.host, (redis.port,)), redis)


def named(resource: Resource, thing: Object) -> Object:
    """With its kind, as a single read answers."""
    return {"apiVersion": resource.api_version, "kind": resource.kind} | thing
