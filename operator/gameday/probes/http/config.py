"""What the agent of an http probe is given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from gameday.model.agent import HttpAccess, RequestHeader


@dataclass(frozen=True, slots=True)
class HttpConfig:
    """One request; ``parse`` is json, text or prometheus."""

    url: str
    method: str = "GET"
    headers: tuple[RequestHeader, ...] = ()
    body: str | None = None
    parse: str = "json"
    access: HttpAccess = field(default_factory=HttpAccess)

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> Self:
        """Read it from JSON; raises TypeError or KeyError when it is not such a configuration."""
        headers = tuple(RequestHeader(**header) for header in fields.get("headers", ()))
        return cls(**{**fields, "headers": headers, "access": HttpAccess(**fields.get("access", {}))})
