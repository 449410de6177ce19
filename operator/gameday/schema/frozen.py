"""Plans that were frozen before there were dependencies: each address that they hold becomes a dependency."""

from collections.abc import Mapping
from typing import Any, Final

NAME: Final = "dependency-{}"
"""Name of such a dependency, by its place in the list."""
REDIS_PORT: Final = 6379
"""The port of a redis probe that named none."""

Fields = dict[str, Any]


def with_dependencies(plan: Fields, namespace: str) -> None:
    """Have faults and redis probes name what they described before; a plan that has dependencies stays as it is.

    A cut is of the Redis of the probe that would have closed connections there, so that they are still closed.

    Raises:
        KeyError, TypeError, AttributeError: when it is no plan at all.

    """
    probes = [probe["redis"] for probe in plan["probes"] if "redis" in probe and "dependency" not in probe["redis"]]
    cuts = [partition for partition in partitions(plan) if isinstance(partition["to"], dict)]
    if not probes and not cuts:
        return
    found: list[Fields] = plan.setdefault("dependencies", [])
    servers = [_server(probe) for probe in probes]
    for partition in cuts:
        partition["to"] = [_named(found, _cut(partition["to"], servers, namespace))]
    for probe, server in zip(probes, servers, strict=True):
        queue = {"queue": probe["queue"]} if "queue" in probe else {}
        probe.clear()
        probe.update(queue, dependency=_named(found, {"redis": server}))


def partitions(plan: Fields) -> list[Fields]:
    """The faults that cut the network: plans of earlier operators had no others.

    Raises:
        KeyError, TypeError: when it is no plan at all.

    """
    return [fault["networkPartition"] for fault in plan["outage"]["faults"] if "networkPartition" in fault]


def _named(found: list[Fields], described: Fields) -> str:
    """The name of the dependency that is described so; it is added where there is none."""
    for one in found:
        if {key: value for key, value in one.items() if key != "name"} == described:
            return str(one["name"])
    name = NAME.format(len(found))
    found.append({"name": name, **described})
    return name


def _server(probe: Mapping[str, Any]) -> Fields:
    """The Redis of a probe, without its queue; TLS was a boolean."""
    server = {key: value for key, value in probe.items() if key not in {"queue", "tls"}}
    return server | ({"tls": {}} if probe.get("tls") else {})


def _cut(to: Fields, servers: list[Fields], namespace: str) -> Fields:
    """What was cut: the Redis of a probe of the same Service, one with credentials first, or no Redis."""
    service = to.get("service")
    if service is None:
        return {"tcp": to}
    same = [
        one for one in servers if "service" in one and _place(one["service"], namespace) == _place(service, namespace)
    ]
    fitting = [one for one in same if service.get("port") in {None, _asked(one)}]
    if not fitting:
        return {"tcp": {"service": service}}
    chosen = min(fitting, key=lambda one: "auth" not in one)
    if "port" in chosen["service"] and "port" not in service:
        # Every port was cut, and Redis was asked at this one.
        return {"redis": chosen | {"service": service, "port": chosen["service"]["port"]}}
    return {"redis": chosen | {"service": service}}


def _place(service: Mapping[str, Any], namespace: str) -> tuple[str, str]:
    return service.get("namespace") or namespace, service["name"]


def _asked(server: Mapping[str, Any]) -> int:
    """The port that a probe asked."""
    port: int = server["service"].get("port") or server.get("port", REDIS_PORT)
    return port
