"""The dns probe, as plans have it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field

from gameday.model.finding import Finding
from gameday.model.hosts import check_host
from gameday.model.plan import ProbeSettings
from gameday.probes.kind import ProbeKind
from gameday.schema.base import ApiModel
from gameday.schema.named import Dependencies


class Dns(ApiModel):
    """One look-up of a name a time."""

    host: Annotated[str, Field(min_length=1, max_length=253)]
    """Name to look up."""


@dataclass(frozen=True, slots=True)
class DnsProbe(ProbeSettings):
    """One look-up of a name a time."""

    host: str


class DnsKind(ProbeKind[Dns, DnsProbe]):
    """Looks a name up and counts its addresses."""

    name = "dns"
    description = "A look-up of a name: gives ok, error, latency, addresses."
    spec = Dns
    settings = DnsProbe
    gives = {"addresses": "number of addresses of the name"}

    def parse(self, spec: Dns, named: Dependencies) -> DnsProbe:
        """See the base class."""
        return DnsProbe(spec.host)

    def config(self, settings: DnsProbe, namespace: str) -> dict[str, Any]:
        """See the base class."""
        return {"host": settings.host}

    def check(self, settings: DnsProbe) -> Iterator[Finding]:
        """See the base class."""
        yield from check_host("host", settings.host)


KIND: Final = DnsKind()
