"""Well-known ports, and the addresses that the plan knows within a range."""

import ipaddress
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from gameday.model.agent import Peers, RedisAddress, config_map_file, secret_file
from gameday.model.hosts import address_of
from gameday.model.plan import (
    CERTIFICATE,
    KEY,
    PUBLIC,
    ConfigMapKey,
    Destination,
    HostTarget,
    Plan,
    SecretKey,
    Sentinel,
    ServiceRef,
    Target,
    Trust,
)

REDIS: Final = 6379
"""Redis' own port."""
REDIS_PROTOCOL: Final = "redis"
"""The protocol of a destination that speaks Redis', with or without TLS."""

DATABASES: Final[Mapping[int, str]] = {3306: "MySQL", 5432: "PostgreSQL"}
"""Ports that are never connected to without their protocol, and whose they are."""


def harmed(port: int) -> str:
    """Why a port is not connected to without its protocol, or "".

    MySQL blocks an address after 100 handshakes that were not finished (max_connect_errors). A PostgreSQL forks for
    each connection, and logs it where log_connections is on.
    """
    if port not in DATABASES:
        return ""
    return (
        f"{port} is the port of {DATABASES[port]}, and connections that do not speak its protocol do harm: "
        "they fill its log, and MySQL then blocks their address"
    )


def remedy_for(port: int) -> str:
    """What a tcp dependency may say of such a port."""
    word = "protocol: postgres, or " if DATABASES.get(port) == "PostgreSQL" else ""
    return f"write {word}protocol: none if this server takes such connections, or cut another port"


def name_of(target: Target) -> str:
    """The host whose addresses agents find: a name, or one whose servers name others; else empty."""
    found = isinstance(target, HostTarget) and (target.servers or address_of(target.host) is None)
    return target.host if found and isinstance(target, HostTarget) else ""


def redis_at(
    service: ServiceRef | None = None,
    host: str = "",
    port: int = REDIS,
    *,
    tls: bool = False,
    username: str | None = None,
    password: SecretKey | None = None,
    username_from: SecretKey | None = None,
    trust: Trust = PUBLIC,
    database: int = 0,
    cluster: bool = False,
    sentinel: Sentinel | None = None,
) -> Destination:
    """How a Redis is reached: by a Service or by a host; a number of a port in the Service comes first."""
    if service is not None and isinstance(service.port, int):
        port = service.port
    return Destination(
        "redis",
        REDIS_PROTOCOL,
        port,
        service,
        host,
        tls,
        username,
        password,
        username_from,
        trust,
        database,
        cluster,
        sentinel,
    )


def redis_dependencies(plan: Plan) -> Iterator[Destination]:
    """How each Redis of a plan is reached."""
    return (dependency.redis for dependency in plan.dependencies if dependency.redis is not None)


def redis_server(redis: Destination, namespace: str) -> RedisAddress:
    """A Redis, as the configuration of agents in this namespace names it."""
    trust = redis.trust
    return RedisAddress(
        host=redis.name(namespace),
        port=redis.port,
        username=redis.username or "",
        password_file=file_of(redis.password),
        tls=redis.tls,
        username_file=file_of(redis.username_from),
        ca_file=file_of(trust.ca),
        server_name=trust.server_name,
        certificate_file=secret_file(trust.certificate, CERTIFICATE) if trust.certificate else "",
        key_file=secret_file(trust.certificate, KEY) if trust.certificate else "",
        database=redis.database,
    )


def peers_of(redis: Destination) -> Peers | None:
    """How the servers of a Redis are asked who the others are; None where it has one."""
    if redis.cluster:
        return Peers()
    sentinel = redis.sentinel
    if sentinel is None:
        return None
    return Peers(
        sentinel.master,
        sentinel.username or "",
        file_of(sentinel.username_from),
        file_of(sentinel.password),
    )


def file_of(key: SecretKey | ConfigMapKey | None) -> str:
    """Where the kubelet mounts it; empty for nothing."""
    match key:
        case SecretKey(name, of):
            return secret_file(name, of)
        case ConfigMapKey(name, of):
            return config_map_file(name, of)
        case None:
            return ""


def answering(plan: Plan, cidr: str, ports: Collection[int]) -> str:
    """An address of a range that is known to answer: its only one, or that of a Redis of the plan; else ""."""
    network = ipaddress.ip_network(cidr, strict=False)
    if network.num_addresses == 1:
        return str(network.network_address)
    for redis in redis_dependencies(plan):
        if redis.port in ports and (address := address_of(redis.host)) is not None and address in network:
            return str(address)
    return ""
