"""What the agent of a redisLogin probe is given."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from gameday.model.agent import RedisAddress


@dataclass(frozen=True, slots=True)
class LoginConfig:
    """The Redis, with the credentials of the user."""

    server: RedisAddress

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> Self:
        """Read it from JSON; raises TypeError or KeyError when it is not such a configuration."""
        return cls(RedisAddress(**fields["server"]))
