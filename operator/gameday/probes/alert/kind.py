"""The alert probe, as plans have it: whether an alert fires that was not there before the fault."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field

from gameday.model.finding import Finding
from gameday.model.plan import ConfigMapKey, Destination, ProbeSettings, SecretKey
from gameday.probes.alert.config import AlertConfig
from gameday.probes.kind import ProbeKind
from gameday.probes.web import NOBODY, Access, Auth, Tls, Url, access_of, check_access, check_base, destination_of
from gameday.schema.base import ApiModel
from gameday.schema.named import Dependencies

MOST_LABELS: Final = 16
"""Labels that an alert is found by."""
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


class Alertmanager(ApiModel):
    """An Alertmanager, or what has its API, version 2."""

    url: Url
    """Where it is: without /api/v2."""
    receiver: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """Name of the receiver that the alert must be routed to; default: any."""
    auth: Auth | None = None
    """Who the probe is to the server; default: nobody in particular."""
    tls: Tls | None = None
    """How the server's certificate is verified; default: by public CAs."""


class Alert(ApiModel):
    """Whether an alert fires. Under a fault it counts only if it started after the fault was requested."""

    alertmanager: Alertmanager
    """The Alertmanager that has the alert."""
    labels: Annotated[dict[str, Annotated[str, Field(max_length=256)]], Field(min_length=1, max_length=MOST_LABELS)]
    """Labels of the alert, all of which it must have; it may have more."""


@dataclass(frozen=True, slots=True)
class AlertProbe(ProbeSettings):
    """Whether an alert fires."""

    began: ClassVar[Mapping[str, str]] = {"firing": "startsAt"}

    url: str
    labels: Mapping[str, str] = field(default_factory=dict)
    receiver: str = ""
    access: Access = NOBODY

    @property
    def destination(self) -> Destination | None:
        """The host of the URL."""
        return destination_of("alert.alertmanager.url", self.url)

    @property
    def secrets(self) -> tuple[SecretKey, ...]:
        """Those of its access."""
        return self.access.secrets

    @property
    def config_maps(self) -> tuple[ConfigMapKey, ...]:
        """The CA."""
        return self.access.config_maps


class AlertKind(ProbeKind[Alert, AlertProbe]):
    """Asks an Alertmanager for the alerts that have certain labels."""

    name = "alert"
    description = "An alert: gives ok, error, latency, firing, startsAt."
    spec = Alert
    settings = AlertProbe
    gives = {
        "firing": "whether an alert with these labels fires, and is neither silenced nor inhibited",
        "startsAt": "when the newest of them started, in Unix seconds; absent when none fires",
    }

    def parse(self, spec: Alert, named: Dependencies) -> AlertProbe:
        """See the base class."""
        asked = spec.alertmanager
        return AlertProbe(asked.url, dict(spec.labels), asked.receiver or "", access_of(asked.auth, asked.tls))

    def config(self, settings: AlertProbe, namespace: str) -> dict[str, Any]:
        """See the base class."""
        return asdict(AlertConfig(settings.url, settings.labels, settings.receiver, settings.access.config()))

    def check(self, settings: AlertProbe) -> Iterator[Finding]:
        """See the base class."""
        for finding in (*check_base("url", settings.url), *check_access(settings.url, settings.access)):
            yield Finding(f"alertmanager.{finding.path}", finding.message)
        for name in settings.labels:
            if not _LABEL.fullmatch(name):
                yield Finding("labels", f"{name[:64]!r} is not the name of a label: letters, digits and _ alone")


KIND: Final = AlertKind()
