"""What the agent of a prometheus probe is given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from gameday.model.agent import HttpAccess


@dataclass(frozen=True, slots=True)
class PrometheusConfig:
    """The server, without ``/api/v1``, and the query."""

    url: str
    query: str
    access: HttpAccess = field(default_factory=HttpAccess)

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> Self:
        """Read it from JSON; raises TypeError or KeyError when it is not such a configuration."""
        return cls(**{**fields, "access": HttpAccess(**fields.get("access", {}))})
