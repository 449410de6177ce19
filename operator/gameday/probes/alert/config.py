"""What the agent of an alert probe is given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from gameday.model.agent import HttpAccess

ALERTMANAGER: Final = "Alertmanager"
GRAFANA: Final = "Grafana"
PAGER_DUTY: Final = "PagerDuty"


@dataclass(frozen=True, slots=True)
class Incidents:
    """Which incidents of PagerDuty count: those of these services whose title holds this text."""

    services: tuple[str, ...]
    title: str


@dataclass(frozen=True, slots=True)
class AlertConfig:
    """Where alerts are, the labels of the alert, and the receiver, or "" for any; with PagerDuty ``incidents``."""

    url: str
    """Without ``/api/...`` or ``/incidents``."""
    labels: Mapping[str, str]
    receiver: str = ""
    access: HttpAccess = field(default_factory=HttpAccess)
    source: str = ALERTMANAGER
    incidents: Incidents | None = None

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> Self:
        """Read it from JSON; raises TypeError or KeyError when it is not such a configuration."""
        incidents = fields.get("incidents")
        return cls(
            **{
                **fields,
                "access": HttpAccess(**fields.get("access", {})),
                "incidents": Incidents(tuple(incidents["services"]), incidents["title"]) if incidents else None,
            }
        )
