"""The redis probe, as plans have it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from gameday.model.finding import Finding
from gameday.model.hosts import check_host
from gameday.model.places import REDIS, REDIS_PROTOCOL, redis_server
from gameday.model.plan import Destination, ProbeSettings, RunsIn, SecretKey, ServiceRef
from gameday.probes.kind import ProbeKind
from gameday.probes.redis.config import RedisConfig
from gameday.schema.base import ApiModel, Port, cel
from gameday.schema.references import ServiceReference, ValueFrom


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
    port: Port = REDIS
    """Its port, with host."""
    tls: bool = False
    """Whether it speaks TLS."""
    auth: PasswordFrom | None = None
    """Credentials."""
    queue: RedisQueue | None = None
    """A queue whose depths are read."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A job queue in Redis: ``kind`` names the library's key layout (``bullmq``)."""

    kind: str
    name: str
    prefix: str = "bull"


@dataclass(frozen=True, slots=True)
class RedisProbe(ProbeSettings):
    """PING, role and queue depths of one Redis, named by ``service`` or by ``host`` and ``port``."""

    # What admits the targets only asks for their labels.
    runs_in = RunsIn.CLIENT

    service: ServiceRef | None = None
    host: str | None = None
    port: int = REDIS
    username: str | None = None
    password: SecretKey | None = None
    tls: bool = False
    queue: Queue | None = None

    @property
    def destination(self) -> Destination:
        """The Redis; of a Service without a number of a port it is ``port``."""
        port = self.port
        if self.service is not None and isinstance(self.service.port, int):
            port = self.service.port
        return Destination(
            "redis", REDIS_PROTOCOL, port, self.service, self.host or "", self.tls, self.username, self.password
        )

    @property
    def secrets(self) -> tuple[SecretKey, ...]:
        """Its password."""
        return (self.password,) if self.password is not None else ()


class RedisKind(ProbeKind[Redis, RedisProbe]):
    """Asks one Redis for its health and its queue."""

    name = "redis"
    description = "A Redis: gives ok, error, latency, role, depth, active, delayed, failed."
    spec = Redis
    settings = RedisProbe
    gives = {
        "role": "`master` or `slave`, as Redis says it",
        "depth": "with `queue`: jobs that wait",
        "active": "with `queue`: jobs that workers have",
        "delayed": "with `queue`: jobs that wait for their time",
        "prioritized": "with `queue`: jobs that wait by their priority",
        "failed": "with `queue`: jobs that failed",
        "completed": "with `queue`: jobs that are done, as far as the queue keeps them",
    }

    def parse(self, spec: Redis) -> RedisProbe:
        """See the base class."""
        auth, queue = spec.auth, spec.queue
        return RedisProbe(
            service=spec.service.parsed() if spec.service is not None else None,
            host=spec.host,
            port=spec.port,
            username=auth.username if auth is not None else None,
            password=auth.password_from.parsed() if auth is not None else None,
            tls=spec.tls,
            queue=Queue(queue.kind, queue.name, queue.prefix) if queue is not None else None,
        )

    def config(self, settings: RedisProbe, namespace: str) -> dict[str, Any]:
        """See the base class."""
        server, queue = redis_server(settings.destination, namespace), settings.queue
        keys = (queue.kind, f"{queue.prefix}:{queue.name}") if queue is not None else ()
        return asdict(RedisConfig(server, *keys))

    def check(self, settings: RedisProbe) -> Iterator[Finding]:
        """See the base class."""
        if settings.host is not None:
            yield from check_host("host", settings.host)


KIND: Final = RedisKind()
