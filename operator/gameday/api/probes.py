"""Probes as YAML has them."""

from typing import Annotated, Any, Literal

from pydantic import Field

from gameday.schema import renamed
from gameday.schema.base import MOST, ApiModel, Duration, Identifier, ObjectName, Port, cel, keyed


def between(field: str, shortest: str, longest: str) -> tuple[str, str]:
    """A rule that bounds a duration on both sides."""
    rule = f"duration(self.{field}) >= duration('{shortest}') && duration(self.{field}) <= duration('{longest}')"
    return rule, f"{field} must be from {shortest} to {longest}"


class SecretKeyRef(ApiModel):
    """One key of a Secret in the GameDay's namespace. Only the kubelet reads it, into the probe's pod."""

    name: ObjectName
    """Name of the Secret."""
    key: Annotated[str, Field(min_length=1, max_length=253)]
    """Key in the Secret."""


class ValueFrom(ApiModel):
    """Where a value comes from."""

    secret_key_ref: SecretKeyRef
    """A key of a Secret."""


class Header(ApiModel):
    """A request header."""

    model_config = {
        "json_schema_extra": cel(("has(self.value) != has(self.valueFrom)", "give exactly one of value and valueFrom"))
    }
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$", max_length=128)]
    """Name of the header."""
    value: Annotated[str, Field(max_length=1024)] | None = None
    """Its value, when it is no secret."""
    value_from: ValueFrom | None = None
    """Where its value comes from, when it is one."""


class Http(ApiModel):
    """One HTTP request a time, on a connection of its own; redirects are not followed."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=1024)]
    """URL, as a pod of the GameDay's namespace sees it."""
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    """HTTP method."""
    headers: Annotated[tuple[Header, ...], Field(max_length=MOST, json_schema_extra=keyed())] = ()
    """Request headers."""
    json_: Annotated[
        dict[str, Any] | None,
        Field(alias="json", json_schema_extra={"x-kubernetes-preserve-unknown-fields": True}),
    ] = None
    """Request body, sent as JSON."""
    parse: Literal["json", "text", "prometheus"] = "json"
    """What the answer is: json fills body, text fills text, prometheus gives each metric under its own name."""


class Tcp(ApiModel):
    """One TCP connect a time."""

    host: Annotated[str, Field(min_length=1, max_length=253)]
    """Host name or address."""
    port: Port
    """Port."""


class ServiceReference(ApiModel):
    """A Service."""

    name: ObjectName
    """Name of the Service."""
    namespace: ObjectName | None = None
    """Its namespace; default: the GameDay's."""
    port: Port | None = None
    """Its port; default: for a cut every port of the Service, for a redis probe 6379."""


class PasswordFrom(ApiModel):
    """Credentials for Redis."""

    username: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """User name, where Redis has ACL users."""
    password_from: ValueFrom
    """Where the password comes from."""


class RedisQueue(ApiModel):
    """A job queue in Redis."""

    kind: Literal["bullmq"]
    """The library that keeps it."""
    name: Annotated[str, Field(min_length=1, max_length=128)]
    """Name of the queue."""
    prefix: Annotated[str, Field(min_length=1, max_length=64)] = "bull"
    """Prefix of its keys."""


class Redis(ApiModel):
    """PING, role and queue depths of a Redis."""

    model_config = {
        "json_schema_extra": cel(("has(self.service) != has(self.host)", "give exactly one of service and host"))
    }
    service: ServiceReference | None = None
    """The Service in front of it."""
    host: Annotated[str, Field(min_length=1, max_length=253)] | None = None
    """Its host, when it is no Service."""
    port: Port = 6379
    """Its port, with host."""
    tls: bool = False
    """Whether it speaks TLS."""
    auth: PasswordFrom | None = None
    """Credentials."""
    queue: RedisQueue | None = None
    """A queue whose depths are read."""


class Kubernetes(ApiModel):
    """The state of a Deployment."""

    deployment: ObjectName
    """Name of the Deployment."""


class Probe(ApiModel):
    """A repeated measurement. Its samples stand in expressions under its name."""

    RENAMED = renamed.PROBE

    model_config = {
        "json_schema_extra": cel(
            (
                "(has(self.http) ? 1 : 0) + (has(self.tcp) ? 1 : 0) + (has(self.redis) ? 1 : 0)"
                " + (has(self.kubernetes) ? 1 : 0) == 1",
                "give exactly one of http, tcp, redis and kubernetes",
            ),
            between("interval", "1s", "1h"),
            between("timeout", "1s", "5m"),
            ("self.name != 'baseline'", "baseline is taken in expressions: choose another name for the probe"),
        )
    }
    name: Identifier
    """Name in expressions: letters, digits and _."""
    interval: Duration = "1s"
    """Time between two requests; a slow answer delays only its own probe."""
    timeout: Duration = "2s"
    """Time after which a request counts as failed, which is a sample too."""
    http: Http | None = None
    """An HTTP request: gives ok, error, latency, status, body or text."""
    tcp: Tcp | None = None
    """A TCP connect: gives ok, error, latency."""
    redis: Redis | None = None
    """A Redis: gives ok, error, latency, role, depth, active, delayed, failed."""
    kubernetes: Kubernetes | None = None
    """A Deployment: gives ok, replicas, ready, updated, available."""
