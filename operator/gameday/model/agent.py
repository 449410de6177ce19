"""What an agent is told: its configuration, as JSON in the environment variable ``GAMEDAY_AGENT``.

Standard library only: agents stay small. Files are where the kubelet mounts Secrets.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

VARIABLE: Final = "GAMEDAY_AGENT"
SECRETS: Final = "/run/gameday/secrets"


def secret_file(name: str, key: str) -> str:
    """Where the kubelet mounts a key of a Secret."""
    return f"{SECRETS}/{name}/{key}"


MOST_NAMESERVERS: Final = 3
"""Nameservers of its own resolv.conf that a twin dials; a resolver asks no more (resolv.conf(5))."""


@dataclass(frozen=True, slots=True)
class HeaderSpec:
    """A request header: a literal value, or the file that holds it."""

    name: str
    value: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class RedisSpec:
    """A Redis to talk to; ``password_file`` is empty where it wants none."""

    host: str
    port: int = 6379
    username: str = ""
    password_file: str = ""
    tls: bool = False
    queue_kind: str = ""
    queue_keys: str = ""
    """Prefix of the queue's keys: ``bull:jobs``."""


@dataclass(frozen=True, slots=True)
class ProbeSpec:
    """A probe as its agent runs it. ``kind`` is http, tcp or redis; seconds are floats."""

    name: str
    kind: str
    every: float
    timeout: float
    paths: tuple[tuple[str | int, ...], ...] = ()
    url: str = ""
    method: str = "GET"
    headers: tuple[HeaderSpec, ...] = ()
    body: str | None = None
    parse: str = "json"
    host: str = ""
    port: int = 0
    redis: RedisSpec | None = None


@dataclass(frozen=True, slots=True)
class Dial:
    """An address that a witness dials; ``protocol`` is redis, tls, tcp or dns."""

    name: str
    host: str
    port: int
    protocol: str


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """The configuration of any agent; each reads its part."""

    probes: tuple[ProbeSpec, ...] = ()
    dials: tuple[Dial, ...] = ()
    nameservers: bool = False
    """Witness and control: whether they also dial the nameservers of their own resolv.conf, as bystanders."""
    every: float = 0.25
    """Seconds between two dials of one address."""
    timeout: float = 1.0
    """Seconds after which a dial has failed."""
    redis: RedisSpec | None = None
    """Severing: the Redis whose connections are ended."""
    servers: tuple[tuple[str, int], ...] = ()
    """Severing: addresses and ports of each server behind ``redis``, where there are several."""
    pods: tuple[tuple[str, ...], ...] = ()
    """Severing: of each target what it is called, then its addresses."""
    seen: tuple[str, ...] = ()
    """Severing: addresses of targets of which a connection was seen before the cut."""
    until: float = 0.0
    """Severing: the Unix second after which it ends no connection any more; 0: it only counts them."""
    deployment: str = ""
    """Fuse: the Deployment that it puts back."""
    namespace: str = ""
    replicas: int = 0
    """Fuse: the number from before, which it puts back."""
    wanted: int | None = None
    """Fuse: the number that the step set; any other is somebody else's and stays."""
    ends_after: float = 0.0
    """Seconds from its start after which the agent ends by itself, by its own clock; 0: only when it is told to."""
    lasts: float = 0.0
    """Fuse: seconds from the start of its Job until it fires."""
    job: str = ""
    """Fuse: name of its Job."""

    def to_json(self) -> str:
        """As it stands in the environment."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read it back.

        Raises:
            ValueError: when the text is no configuration.

        """
        fields: dict[str, Any] = json.loads(text)
        return cls(
            **(
                fields
                | {
                    "probes": tuple(_probe(probe) for probe in fields.get("probes", ())),
                    "dials": tuple(Dial(**dial) for dial in fields.get("dials", ())),
                    "redis": _redis(fields.get("redis")),
                    "servers": tuple((host, port) for host, port in fields.get("servers", ())),
                    "seen": tuple(fields.get("seen", ())),
                    "pods": tuple(tuple(pod) for pod in fields.get("pods", ())),
                }
            )
        )


def _redis(fields: dict[str, Any] | None) -> RedisSpec | None:
    return RedisSpec(**fields) if fields is not None else None


def _probe(fields: dict[str, Any]) -> ProbeSpec:
    return ProbeSpec(
        **(
            fields
            | {
                "paths": tuple(tuple(path) for path in fields.get("paths", ())),
                "headers": tuple(HeaderSpec(**header) for header in fields.get("headers", ())),
                "redis": _redis(fields.get("redis")),
            }
        )
    )
