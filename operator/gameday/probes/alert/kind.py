"""The alert probe, as plans have it: whether an alert fires that was not there before the fault."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field

from gameday.errors import PlanInvalid
from gameday.model.finding import Finding
from gameday.model.plan import ConfigMapKey, Destination, ProbeSettings, SecretKey
from gameday.probes.alert.config import ALERTMANAGER, GRAFANA, PAGER_DUTY, AlertConfig, Incidents
from gameday.probes.kind import ProbeKind
from gameday.probes.web import NOBODY, Access, Auth, Tls, Url, access_of, check_access, check_base, destination_of
from gameday.schema.base import ATOMIC, ApiModel, cel
from gameday.schema.named import Dependencies
from gameday.schema.one_of import exactly_one
from gameday.schema.references import ValueFrom

MOST_LABELS: Final = 16
"""Labels that an alert is found by."""
MOST_SERVICES: Final = 16
"""Services of PagerDuty that an incident may be of."""
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_FIELDS: Final = {ALERTMANAGER: "alertmanager", GRAFANA: "grafana", PAGER_DUTY: "pagerDuty"}
"""The field of each source."""
_NO_LABELS: Final = "labels are missing: name the labels that the alert must have, such as alertname"
_LABELS: Final = "incidents of PagerDuty have no labels: remove labels, and use pagerDuty.titleContains"

Receiver = Annotated[str, Field(min_length=1, max_length=128)]
"""Name of a receiver, which Grafana calls a contact point."""


class Alertmanager(ApiModel):
    """An Alertmanager, or what has its API, version 2."""

    url: Url
    """Where it is: without /api/v2."""
    receiver: Receiver | None = None
    """Name of the receiver that the alert must be routed to; default: any."""
    auth: Auth | None = None
    """Who the probe is to the server; default: nobody in particular."""
    tls: Tls | None = None
    """How the server's certificate is verified; default: by public CAs."""


class Grafana(ApiModel):
    """A Grafana, with rules of its own that its own Alertmanager handles."""

    url: Url
    """Where it is: without /api."""
    token_from: ValueFrom
    """Where the token of a service account comes from that may read alerts (role Viewer)."""
    receiver: Receiver | None = None
    """Name of the contact point that the alert must be routed to; default: any."""
    tls: Tls | None = None
    """How the server's certificate is verified; default: by public CAs."""


class PagerDuty(ApiModel):
    """Open incidents of PagerDuty, acknowledged or not."""

    token_from: ValueFrom
    """Where a REST API key comes from; a read-only one is enough."""
    services: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[A-Z0-9]+$", max_length=32)], ...],
        Field(min_length=1, max_length=MOST_SERVICES, json_schema_extra=ATOMIC),
    ]
    """IDs of the services whose incidents count, as in the URL of a service: PABC123."""
    title_contains: Annotated[str, Field(min_length=1, max_length=256)]
    """Text in the title of the incident, upper and lower case as it is there."""
    url: Url = "https://api.pagerduty.com"
    """Where its REST API is; https://api.eu.pagerduty.com in the EU."""
    tls: Tls | None = None
    """How the server's certificate is verified; default: by public CAs."""


class Alert(ApiModel):
    """Whether an alert fires. Under a fault it counts only if it started after the fault was requested."""

    model_config = {
        "json_schema_extra": cel(
            exactly_one(tuple(_FIELDS.values())),
            ("has(self.labels) || has(self.pagerDuty)", _NO_LABELS),
            ("!has(self.labels) || !has(self.pagerDuty)", _LABELS),
        )
    }
    alertmanager: Alertmanager | None = None
    """The Alertmanager that has the alert."""
    grafana: Grafana | None = None
    """The Grafana whose rule the alert is of."""
    pager_duty: PagerDuty | None = None
    """The PagerDuty that pages the team."""
    labels: (
        Annotated[dict[str, Annotated[str, Field(max_length=256)]], Field(min_length=1, max_length=MOST_LABELS)] | None
    ) = None
    """With alertmanager or grafana: labels of the alert, all of which it must have; it may have more."""


@dataclass(frozen=True, slots=True)
class AlertProbe(ProbeSettings):
    """Whether an alert fires; ``source`` is what has it, and ``incidents`` which ones count with PagerDuty."""

    began: ClassVar[Mapping[str, str]] = {"firing": "startsAt"}

    url: str
    labels: Mapping[str, str] = field(default_factory=dict)
    receiver: str = ""
    access: Access = NOBODY
    source: str = ALERTMANAGER
    incidents: Incidents | None = None

    @property
    def destination(self) -> Destination | None:
        """The host of the URL."""
        return destination_of(f"alert.{_FIELDS[self.source]}.url", self.url)

    @property
    def secrets(self) -> tuple[SecretKey, ...]:
        """Those of its access."""
        return self.access.secrets

    @property
    def config_maps(self) -> tuple[ConfigMapKey, ...]:
        """The CA."""
        return self.access.config_maps


class AlertKind(ProbeKind[Alert, AlertProbe]):
    """Asks an Alertmanager, a Grafana or PagerDuty for the alerts that are meant."""

    name = "alert"
    description = "An alert of Alertmanager, Grafana or PagerDuty: gives ok, error, latency, firing, startsAt."
    spec = Alert
    settings = AlertProbe
    gives = {
        "firing": "whether an alert fires that is meant, and is neither silenced nor inhibited nor resolved",
        "startsAt": "when the newest of them started, in Unix seconds; absent when none fires",
    }

    def parse(self, spec: Alert, named: Dependencies) -> AlertProbe:
        """See the base class."""
        labels = dict(spec.labels or {})
        if bool(labels) == (spec.pager_duty is not None):
            raise PlanInvalid(((f"{named.path}.labels", _LABELS if labels else _NO_LABELS),))
        match spec.alertmanager, spec.grafana, spec.pager_duty:
            case Alertmanager() as one, None, None:
                return AlertProbe(one.url, labels, one.receiver or "", access_of(one.auth, one.tls))
            case None, Grafana() as one, None:
                access = _bearer(one.token_from, one.tls)
                return AlertProbe(one.url, labels, one.receiver or "", access, GRAFANA)
            case None, None, PagerDuty() as one:
                incidents = Incidents(one.services, one.title_contains)
                return AlertProbe(one.url, {}, "", _bearer(one.token_from, one.tls), PAGER_DUTY, incidents)
            case _:
                raise PlanInvalid(((named.path, exactly_one(tuple(_FIELDS.values()))[1]),))

    def config(self, settings: AlertProbe, namespace: str) -> dict[str, Any]:
        """See the base class."""
        config = AlertConfig(
            settings.url,
            settings.labels,
            settings.receiver,
            settings.access.config(),
            settings.source,
            settings.incidents,
        )
        return asdict(config)

    def check(self, settings: AlertProbe) -> Iterator[Finding]:
        """See the base class."""
        for finding in (*check_base("url", settings.url), *check_access(settings.url, settings.access)):
            yield Finding(f"{_FIELDS[settings.source]}.{finding.path}", finding.message)
        for name in settings.labels:
            if not _LABEL.fullmatch(name):
                yield Finding("labels", f"{name[:64]!r} is not the name of a label: letters, digits and _ alone")


def _bearer(token: ValueFrom, tls: Tls | None) -> Access:
    return Access(bearer=token.parsed(), ca=tls.ca_from.parsed() if tls is not None else None)


KIND: Final = AlertKind()
