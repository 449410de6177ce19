"""The tcp probe, as plans have it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field

from gameday.model.finding import Finding
from gameday.model.hosts import check_host
from gameday.model.places import harmed
from gameday.model.plan import Destination, ProbeSettings
from gameday.probes.kind import ProbeKind
from gameday.schema.base import ApiModel, Port
from gameday.schema.named import Dependencies


class Tcp(ApiModel):
    """One TCP connect a time."""

    host: Annotated[str, Field(min_length=1, max_length=253)]
    """Host name or address."""
    port: Port
    """Port."""


@dataclass(frozen=True, slots=True)
class TcpProbe(ProbeSettings):
    """One TCP connect a time."""

    host: str
    port: int

    @property
    def destination(self) -> Destination:
        """The host."""
        return Destination("tcp.host", "tcp", self.port, host=self.host)


class TcpKind(ProbeKind[Tcp, TcpProbe]):
    """Connects and hangs up."""

    name = "tcp"
    description = "A TCP connect: gives ok, error, latency."
    spec = Tcp
    settings = TcpProbe
    gives = {}

    def parse(self, spec: Tcp, named: Dependencies) -> TcpProbe:
        """See the base class."""
        return TcpProbe(spec.host, spec.port)

    def config(self, settings: TcpProbe, namespace: str) -> dict[str, Any]:
        """See the base class."""
        return {"host": settings.host, "port": settings.port}

    def check(self, settings: TcpProbe) -> Iterator[Finding]:
        """See the base class."""
        yield from check_host("host", settings.host)
        if why := harmed(settings.port):
            yield Finding("port", f"{why}: probe the service that uses it with an http probe instead")


KIND: Final = TcpKind()
