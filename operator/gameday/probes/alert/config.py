"""What the agent of an alert probe is given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from gameday.model.agent import HttpAccess


@dataclass(frozen=True, slots=True)
class AlertConfig:
    """The Alertmanager, without ``/api/v2``, the labels of the alert, and the receiver, or "" for any."""

    url: str
    labels: Mapping[str, str]
    receiver: str = ""
    access: HttpAccess = field(default_factory=HttpAccess)

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> Self:
        """Read it from JSON; raises TypeError or KeyError when it is not such a configuration."""
        return cls(**{**fields, "access": HttpAccess(**fields.get("access", {}))})
