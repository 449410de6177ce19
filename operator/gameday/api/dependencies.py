"""Dependencies as YAML has them: what the system needs, each said once with its address, TLS and credentials."""

from typing import Annotated, Final, Literal

from pydantic import Field

from gameday.errors import PlanInvalid
from gameday.model import plan as model
from gameday.model.places import REDIS, redis_at
from gameday.schema.base import ATOMIC, MOST, ApiModel, ObjectName, Port, cel
from gameday.schema.references import CertificateFrom, ServiceReference, ValueFrom

DATABASE: Final = (
    "3306 and 5432 are ports of MySQL and PostgreSQL, where connections that do not speak the protocol do harm: "
    "write protocol: postgres, or protocol: none if this server takes such connections"
)

Host = Annotated[str, Field(min_length=1, max_length=253)]
"""A host's name or address."""


class RedisAuth(ApiModel):
    """Credentials for Redis."""

    model_config = {
        "json_schema_extra": cel(
            ("!has(self.username) || !has(self.usernameFrom)", "give username or usernameFrom, not both")
        )
    }
    username: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """User name, where Redis has ACL users."""
    username_from: ValueFrom | None = None
    """Where the user name comes from, in the place of username."""
    password_from: ValueFrom
    """Where the password comes from."""


Cidrs = Annotated[
    tuple[Annotated[str, Field(pattern=r"^[0-9a-fA-F.:]+/[0-9]+$", max_length=43)], ...],
    Field(max_length=MOST, min_length=1, json_schema_extra=ATOMIC),
]
"""Ranges of addresses."""


class SecretReference(ApiModel):
    """A whole Secret in the GameDay's namespace. Only the kubelet reads it, into the probe's pod."""

    name: ObjectName
    """Name of the Secret."""


class ClientCertificateFrom(ApiModel):
    """Where a client certificate and its key come from."""

    secret_ref: SecretReference
    """A Secret of type kubernetes.io/tls: its keys tls.crt and tls.key."""


class Tls(ApiModel):
    """TLS. {} verifies the server's certificate for its host, with the public CAs of the operator's image."""

    ca_from: CertificateFrom | None = None
    """Where the CA comes from that signs the server's certificate, as PEM; default: the public CAs."""
    server_name: Annotated[str, Field(min_length=1, max_length=253)] | None = None
    """The name in the server's certificate, which is also sent as SNI; default: the host."""
    client_certificate_from: ClientCertificateFrom | None = None
    """Where the client certificate comes from, where the server wants one."""


class RedisCluster(ApiModel):
    """A Redis Cluster: {}."""


class RedisSentinel(ApiModel):
    """The Sentinels of a Redis. A service of the Redis selects them and every server; a host leads to Sentinels."""

    master_name: Annotated[str, Field(min_length=1, max_length=128)]
    """What they call the set of master and replicas, as in `sentinel monitor NAME ...`."""
    port: Port = model.SENTINEL_PORT
    """The port that leads to them, of the Service or at the host."""
    auth: RedisAuth | None = None
    """Credentials for Sentinel, where it wants any."""


class Redis(ApiModel):
    """A Redis: a partition cuts it off, redis probes ask it, and open connections are closed there."""

    model_config = {
        "json_schema_extra": cel(
            ("has(self.service) != has(self.host)", "give exactly one of service and host"),
            ("!has(self.cidrs) || has(self.host)", "cidrs are those of a host: write host as well"),
            ("!has(self.cluster) || !has(self.sentinel)", "give cluster or sentinel, not both"),
            (
                "!has(self.sentinel) || !has(self.host) || self.sentinel.port != self.port",
                "Redis and Sentinel cannot listen at one port: correct port or sentinel.port",
            ),
            (
                "!has(self.sentinel) || !has(self.service) || !has(self.service.port)",
                "service.port would leave the Sentinels out: remove it; if Redis listens on another "
                "port than 6379, write that as redis.port",
            ),
        )
    }
    service: ServiceReference | None = None
    """The Service in front of it. A partition cuts the Service's port, or all its ports where none is named."""
    host: Host | None = None
    """Its host, where it is no Service: a name outside the cluster, or an address."""
    cidrs: Cidrs | None = None
    """With host: the ranges of its addresses, where they are known. They are cut whatever the name has."""
    port: Port = REDIS
    """The port that it is asked at, and with host the one that is cut; a port in service comes first."""
    tls: Tls | None = None
    """That it speaks TLS, and how: {} where its certificate is one of a public CA."""
    auth: RedisAuth | None = None
    """Credentials."""
    database: Annotated[int, Field(ge=0, le=65535)] = 0
    """Number of the database that probes read."""
    cluster: RedisCluster | None = None
    """That it is a Redis Cluster, {}. Every node is cut and dialled: service selects them, or host leads to one that
    names the others."""
    sentinel: RedisSentinel | None = None
    """That Sentinels watch it. Every server and Sentinel is cut and dialled: service selects them, or host leads to
    Sentinels that name the others."""


class Tcp(ApiModel):
    """Anything else that is reached by TCP."""

    model_config = {
        "json_schema_extra": cel(
            (
                "has(self.service) ? !has(self.host) && !has(self.cidrs) : has(self.host) || has(self.cidrs)",
                "give exactly one of service, host and cidrs; cidrs may stand beside host",
            ),
            (
                "has(self.service) || size(self.ports) > 0",
                "ports are missing: name the ports to cut together with host or cidrs",
            ),
            ("!has(self.service) || size(self.ports) == 0", "write the Service's port as service.port, not as ports"),
            (
                "has(self.protocol) || (has(self.service) && has(self.service.port) ? [self.service.port] : self.ports)"
                ".all(p, p != 3306 && p != 5432)",
                DATABASE,
            ),
        )
    }
    service: ServiceReference | None = None
    """A Service, in any namespace. A partition cuts its port, or all its ports where none is named."""
    host: Host | None = None
    """A host outside the cluster: a name, or an address."""
    cidrs: Cidrs | None = None
    """Ranges outside the cluster. One wider than an address needs host, or a redis whose host is in it."""
    ports: Annotated[tuple[Port, ...], Field(max_length=MOST, json_schema_extra=ATOMIC)] = ()
    """Ports, with host or cidrs."""
    protocol: Literal["none", "tls", "http", "postgres"] | None = None
    """What its ports speak, which witnesses and controls then say: a TLS handshake, an HTTP request, PostgreSQL's
    first message. none, which is the default: they connect and hang up."""


class Dependency(ApiModel):
    """What the system needs and a fault takes away."""

    model_config = {"json_schema_extra": cel(("has(self.redis) != has(self.tcp)", "give exactly one of redis and tcp"))}
    name: ObjectName
    """Its name, by which faults and probes refer to it."""
    redis: Redis | None = None
    """A Redis."""
    tcp: Tcp | None = None
    """Anything else that is reached by TCP."""


def dependency_of(index: int, one: Dependency) -> model.Dependency:
    """The dependency, as the plan has it; ``index`` is its place there.

    Raises:
        PlanInvalid: when it is not of exactly one kind.

    """
    match one.redis, one.tcp:
        case Redis() as redis, None:
            server = _server(redis)
            return model.Dependency(one.name, server.service or _host_of(server, redis.cidrs or ()), server)
        case None, Tcp() as tcp:
            protocol = model.Protocol(tcp.protocol) if tcp.protocol is not None else None
            return model.Dependency(one.name, _target(tcp), protocol=protocol)
        case _:
            raise PlanInvalid(((f"spec.dependencies[{index}]", "give exactly one of redis and tcp"),))


def _host_of(server: model.Destination, cidrs: tuple[str, ...]) -> model.HostTarget:
    ports = (server.port, *((server.sentinel.port,) if server.sentinel is not None else ()))
    return model.HostTarget(server.host, tuple(dict.fromkeys(ports)), cidrs, servers=server.has_peers)


def _server(redis: Redis) -> model.Destination:
    auth, tls = redis.auth, redis.tls
    return redis_at(
        redis.service.parsed() if redis.service is not None else None,
        redis.host or "",
        redis.port,
        tls=tls is not None,
        username=auth.username if auth is not None else None,
        password=auth.password_from.parsed() if auth is not None else None,
        username_from=auth.username_from.parsed() if auth is not None and auth.username_from is not None else None,
        trust=_trust(tls) if tls is not None else model.PUBLIC,
        database=redis.database,
        cluster=redis.cluster is not None,
        sentinel=_sentinel(redis.sentinel) if redis.sentinel is not None else None,
    )


def _sentinel(one: RedisSentinel) -> model.Sentinel:
    auth = one.auth
    return model.Sentinel(
        one.master_name,
        one.port,
        auth.username if auth is not None else None,
        auth.username_from.parsed() if auth is not None and auth.username_from is not None else None,
        auth.password_from.parsed() if auth is not None else None,
    )


def _trust(tls: Tls) -> model.Trust:
    return model.Trust(
        ca=tls.ca_from.parsed() if tls.ca_from is not None else None,
        server_name=tls.server_name or "",
        certificate=tls.client_certificate_from.secret_ref.name if tls.client_certificate_from is not None else "",
    )


def _target(tcp: Tcp) -> model.Target:
    if tcp.service is not None:
        return tcp.service.parsed()
    if tcp.host is not None:
        return model.HostTarget(tcp.host, tcp.ports, tcp.cidrs or ())
    return model.CidrTarget(tcp.cidrs or (), tcp.ports)
