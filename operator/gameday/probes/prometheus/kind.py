"""The prometheus probe, as plans have it: one instant query of PromQL that gives one number."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final

from pydantic import Field

from gameday.model.finding import Finding
from gameday.model.plan import ConfigMapKey, Destination, ProbeSettings, SecretKey
from gameday.probes.kind import ProbeKind
from gameday.probes.prometheus.config import PrometheusConfig
from gameday.probes.web import NOBODY, Access, Auth, Tls, Url, access_of, check_access, check_base, destination_of
from gameday.schema.base import ApiModel
from gameday.schema.named import Dependencies


class Prometheus(ApiModel):
    """One instant query of PromQL a time, which gives one number."""

    url: Url
    """Where Prometheus is, or what has its API: without /api/v1."""
    query: Annotated[str, Field(min_length=1, max_length=1024)]
    """The query, whose result is a scalar or one series."""
    auth: Auth | None = None
    """Who the probe is to the server; default: nobody in particular."""
    tls: Tls | None = None
    """How the server's certificate is verified; default: by public CAs."""


@dataclass(frozen=True, slots=True)
class PrometheusProbe(ProbeSettings):
    """One instant query of PromQL a time."""

    url: str
    query: str
    access: Access = NOBODY

    @property
    def destination(self) -> Destination | None:
        """The host of the URL."""
        return destination_of("prometheus.url", self.url)

    @property
    def secrets(self) -> tuple[SecretKey, ...]:
        """Those of its access."""
        return self.access.secrets

    @property
    def config_maps(self) -> tuple[ConfigMapKey, ...]:
        """The CA."""
        return self.access.config_maps


class PrometheusKind(ProbeKind[Prometheus, PrometheusProbe]):
    """Asks Prometheus for one number."""

    name = "prometheus"
    description = "A query of PromQL: gives ok, error, latency, value, labels."
    spec = Prometheus
    settings = PrometheusProbe
    gives = {
        "value": "the number that the query gives; absent when no series fits",
        "labels": "the labels of the one series",
    }

    def parse(self, spec: Prometheus, named: Dependencies) -> PrometheusProbe:
        """See the base class."""
        return PrometheusProbe(spec.url, spec.query, access_of(spec.auth, spec.tls))

    def config(self, settings: PrometheusProbe, namespace: str) -> dict[str, Any]:
        """See the base class."""
        return asdict(PrometheusConfig(settings.url, settings.query, settings.access.config()))

    def check(self, settings: PrometheusProbe) -> Iterator[Finding]:
        """See the base class. Only Prometheus itself can tell whether a query is right."""
        yield from check_base("url", settings.url)
        yield from check_access(settings.url, settings.access)


KIND: Final = PrometheusKind()
