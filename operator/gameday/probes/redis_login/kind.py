"""The redisLogin probe, as plans have it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, Final

from pydantic import Field

from gameday.model.finding import Finding
from gameday.model.places import redis_server
from gameday.probes.kind import ProbeKind
from gameday.probes.of_redis import RedisSettings
from gameday.probes.redis_login.config import LoginConfig
from gameday.schema.base import ApiModel, ObjectName
from gameday.schema.named import Dependencies
from gameday.schema.references import ValueFrom

DEFAULT: Final = "default"
"""The user of connections that give no name."""


class RedisLogin(ApiModel):
    """Logs in to a Redis as one of its users, and holds a connection of that user open."""

    dependency: ObjectName
    """Name of the dependency, which is a redis: its address and TLS stand there."""
    user: Annotated[str, Field(min_length=1, max_length=256)]
    """The user, by its ACL name."""
    password_from: ValueFrom
    """Where its password comes from."""


@dataclass(frozen=True, slots=True)
class RedisLoginProbe(RedisSettings):
    """Logs in as a user of one Redis, which is a dependency of the plan."""

    dependency: str


class RedisLoginKind(ProbeKind[RedisLogin, RedisLoginProbe]):
    """Logs in again and again."""

    name = "redisLogin"
    description = "A user of a Redis: gives ok, error, latency, refused, held."
    spec = RedisLogin
    settings = RedisLoginProbe
    gives = {
        "refused": "whether each address of the Redis rejects the user: it is off, or its password is another one",
        "held": "whether a connection that was logged in before is open and still answers as the user",
    }
    plan_rules = (
        (
            "self.probes.all(p, !has(p.redisLogin)"
            " || self.dependencies.exists(d, d.name == p.redisLogin.dependency && has(d.redis)))",
            "a redisLogin probe names a dependency that is not a redis of spec.dependencies: use the name of one",
        ),
    )

    def parse(self, spec: RedisLogin, named: Dependencies) -> RedisLoginProbe:
        """See the base class."""
        server = replace(
            named.redis("dependency", spec.dependency),
            username=spec.user,
            username_from=None,
            password=spec.password_from.parsed(),
            database=0,
            sentinel=None,
        )
        return RedisLoginProbe(server, spec.dependency)

    def config(self, settings: RedisLoginProbe, namespace: str) -> dict[str, Any]:
        """See the base class."""
        return asdict(LoginConfig(redis_server(settings.destination, namespace)))

    def check(self, settings: RedisLoginProbe) -> Iterator[Finding]:
        """See the base class."""
        if settings.server.username == DEFAULT:
            yield Finding(
                "user", f"{DEFAULT} is the user of connections that give no name: name a user by its ACL name"
            )


KIND: Final = RedisLoginKind()
