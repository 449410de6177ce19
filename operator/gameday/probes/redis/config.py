"""What the agent of a redis probe is given."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from gameday.model.agent import RedisAddress


@dataclass(frozen=True, slots=True)
class RedisConfig:
    """The Redis to ask, and the queue whose depths are read; ``queue_kind`` is empty where there is none."""

    server: RedisAddress
    queue_kind: str = ""
    queue_name: str = ""
    queue_prefix: str = ""
    """What stands before the library's keys: ``bull``."""
    cluster: bool = False
    """Whether it is a Redis Cluster, one node of which has the queue."""

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> Self:
        """Read it from JSON; raises TypeError or KeyError when it is not such a configuration."""
        return cls(**{**fields, "server": RedisAddress(**fields["server"])})
