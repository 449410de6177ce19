"""The redis probe, as plans have it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from gameday.model.finding import Finding
from gameday.model.places import redis_server
from gameday.probes.kind import ProbeKind
from gameday.probes.of_redis import RedisSettings
from gameday.probes.redis.config import RedisConfig
from gameday.probes.redis.layouts import LAYOUTS, Layout
from gameday.probes.redis.nodes import hash_tag
from gameday.schema import renamed
from gameday.schema.base import ApiModel, ObjectName
from gameday.schema.named import Dependencies


class RedisQueue(ApiModel):
    """A job queue in Redis."""

    kind: Literal["bullmq", "celery", "sidekiq"]
    """The library that keeps it."""
    name: Annotated[str, Field(min_length=1, max_length=128)]
    """Name of the queue."""
    prefix: Annotated[str, Field(max_length=64)] | None = None
    """What stands before its keys; default: bull for bullmq, nothing for celery (global_keyprefix) and sidekiq."""


class Redis(ApiModel):
    """PING, role and queue depths of a Redis."""

    MOVED = renamed.REDIS

    dependency: ObjectName
    """Name of the dependency, which is a redis: its address, TLS and credentials stand there."""
    queue: RedisQueue | None = None
    """A queue whose depths are read."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A job queue in Redis: ``kind`` names the library's layout of keys; without a ``prefix`` it has the library's."""

    kind: str
    name: str
    prefix: str | None = None

    @property
    def layout(self) -> Layout:
        """How the library keeps it."""
        return LAYOUTS[self.kind]

    @property
    def before(self) -> str:
        """What stands before its keys."""
        return self.layout.prefix if self.prefix is None else self.prefix


@dataclass(frozen=True, slots=True)
class RedisProbe(RedisSettings):
    """PING, role and queue depths of one Redis, which is a dependency of the plan."""

    queue: Queue | None = None


class RedisKind(ProbeKind[Redis, RedisProbe]):
    """Asks one Redis for its health and its queue."""

    name = "redis"
    description = "A Redis: gives ok, error, latency, role, and figures of a job queue such as depth."
    spec = Redis
    settings = RedisProbe
    gives = {
        "role": "`master` or `slave`, as Redis says it",
        "depth": "with `queue`: jobs that wait for a worker",
        "waiting": "bullmq: those of them that any worker may take next, or could if the queue were not paused",
        "prioritized": "bullmq: those of them that have a priority",
        "delayed": "bullmq, sidekiq: jobs that wait for their time",
        "paused": "bullmq: whether the queue is paused",
        "active": "bullmq, celery: jobs that workers have",
        "retrying": "sidekiq: jobs that failed and wait to be tried again",
        "failed": "bullmq, sidekiq: jobs that failed and are not tried again",
        "completed": "bullmq: jobs that are done, as far as the queue keeps them",
    }
    plan_rules = (
        (
            "self.probes.all(p, !has(p.redis) || !has(p.redis.dependency)"
            " || self.dependencies.exists(d, d.name == p.redis.dependency && has(d.redis)))",
            "a redis probe names a dependency that is not a redis of spec.dependencies: use the name of one",
        ),
    )

    def parse(self, spec: Redis, named: Dependencies) -> RedisProbe:
        """See the base class."""
        queue = spec.queue
        return RedisProbe(
            named.redis("dependency", spec.dependency),
            Queue(queue.kind, queue.name, queue.prefix) if queue is not None else None,
        )

    def config(self, settings: RedisProbe, namespace: str) -> dict[str, Any]:
        """See the base class."""
        server, queue = redis_server(settings.destination, namespace), settings.queue
        if queue is None:
            return asdict(RedisConfig(server))
        prefix = queue.before
        return asdict(RedisConfig(server, queue.kind, queue.name, prefix, settings.server.cluster))

    def check(self, settings: RedisProbe) -> Iterator[Finding]:
        """See the base class."""
        if settings.server.sentinel is not None and settings.server.host:
            why = "its host leads to Sentinels, and a probe asks one Redis"
            yield Finding("dependency", f"{why}: name a dependency of that Redis alone, or probe the application")
        if settings.queue is not None and settings.server.cluster:
            yield from _on_cluster(settings.queue)

    def check_path(self, settings: RedisProbe, path: tuple[str | int, ...]) -> str:
        """See the base class. Each library keeps other figures."""
        figure, queue = path[0] if path else "", settings.queue
        if figure not in {name for layout in LAYOUTS.values() for name in layout.names}:
            return ""
        if queue is None:
            return f"{figure} is a figure of a queue: name the queue in redis.queue"
        if figure in queue.layout.names:
            return ""
        return f"a {queue.kind} queue has no {figure}: it has {', '.join(queue.layout.names)}"


def _on_cluster(queue: Queue) -> Iterator[Finding]:
    """What keeps the keys of a queue from lying on one node of a Cluster."""
    begins = queue.layout.begins(queue.before, queue.name)
    if not begins:
        why = f"the keys of a {queue.kind} queue lie on several nodes of a Redis Cluster"
        yield Finding("queue", f"{why}: remove queue, and probe what the application says of its queue")
    elif not hash_tag(begins):
        why = f"keys that begin with {begins} lie on several nodes of a Redis Cluster"
        yield Finding("queue.prefix", f"{why}: write the prefix that the application uses there, such as {{bull}}")


KIND: Final = RedisKind()
