"""The http probe, as plans have it."""

import enum
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from gameday.model.finding import Finding
from gameday.model.plan import ConfigMapKey, Destination, ProbeSettings, SecretKey
from gameday.probes.http.config import HttpConfig
from gameday.probes.kind import ProbeKind
from gameday.probes.request import Header, HttpRequest, RequestSpec, check_request, request_of
from gameday.probes.web import NOBODY, Access, destination_of
from gameday.schema.named import Dependencies

_LABEL: Final = r'[A-Za-z_][A-Za-z0-9_]*\s*=\s*"(?:[^"\\]|\\.)*"'
_SELECTOR: Final = re.compile(rf"[A-Za-z_:][A-Za-z0-9_:]*\{{\s*(?:{_LABEL}\s*(?:,\s*{_LABEL}\s*)*,?\s*)?\}}")


class Http(RequestSpec):
    """One HTTP request a time, on a connection of its own; redirects are not followed."""

    parse: Literal["json", "text", "prometheus"] = "json"
    """What the answer is: json fills body, text fills text, prometheus gives each metric under its own name."""


class Parse(enum.Enum):
    """How an answer's body becomes ``body`` in expressions."""

    JSON = "json"
    TEXT = "text"
    PROMETHEUS = "prometheus"


@dataclass(frozen=True, slots=True)
class HttpProbe(ProbeSettings):
    """One HTTP request a time; ``json`` is the request body as JSON text."""

    url: str
    method: str = "GET"
    headers: tuple[Header, ...] = ()
    json: str | None = None
    parse: Parse = Parse.JSON
    access: Access = NOBODY

    @property
    def destination(self) -> Destination | None:
        """The host of the URL."""
        return destination_of("http.url", self.url)

    @property
    def request(self) -> HttpRequest:
        """The request that it sends again and again."""
        return HttpRequest(self.url, self.method, self.headers, self.json, self.access)

    @property
    def secrets(self) -> tuple[SecretKey, ...]:
        """Those of its headers and of its access."""
        return self.request.secrets

    @property
    def config_maps(self) -> tuple[ConfigMapKey, ...]:
        """The CA."""
        return self.request.config_maps


class HttpKind(ProbeKind[Http, HttpProbe]):
    """Sends a request and reads the answer."""

    name = "http"
    description = "An HTTP request: gives ok, error, latency, status, body or text."
    spec = Http
    settings = HttpProbe
    gives = {
        "status": "number of the HTTP status",
        "body": "with `parse: json`: the answer, whatever JSON it is; absent when it is not JSON",
        "text": "with `parse: text`: the answer as text",
        "NAME": 'with `parse: prometheus`: the value of the metric NAME, or of `NAME{label="value"}`',
    }

    def parse(self, spec: Http, named: Dependencies) -> HttpProbe:
        """See the base class."""
        sent = request_of(spec)
        return HttpProbe(sent.url, sent.method, sent.headers, sent.body, Parse(spec.parse), sent.access)

    def config(self, settings: HttpProbe, namespace: str) -> dict[str, Any]:
        """See the base class."""
        sent = settings.request.config()
        return asdict(HttpConfig(sent.url, sent.method, sent.headers, sent.body, settings.parse.value, sent.access))

    def check(self, settings: HttpProbe) -> Iterator[Finding]:
        """See the base class."""
        return check_request(settings.request, "the probe")

    def check_path(self, settings: HttpProbe, path: tuple[str | int, ...]) -> str:
        """See the base class. A series is chosen by the equality of its labels."""
        key = path[0] if path else ""
        if settings.parse is not Parse.PROMETHEUS or not isinstance(key, str) or "{" not in key:
            return ""
        if _SELECTOR.fullmatch(key):
            return ""
        return f'{key[:64]!r} does not name a series: write NAME{{label="value"}}, with equal signs only'


KIND: Final = HttpKind()
