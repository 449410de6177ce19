"""The http probe, as plans have it."""

import enum
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from gameday.model.agent import secret_file
from gameday.model.finding import Finding
from gameday.model.plan import ConfigMapKey, Destination, ProbeSettings, SecretKey
from gameday.probes.http.config import HeaderConfig, HttpConfig
from gameday.probes.kind import ProbeKind
from gameday.probes.web import (
    NOBODY,
    UNSENDABLE,
    Access,
    Auth,
    Tls,
    Url,
    access_of,
    check_access,
    check_url,
    destination_of,
)
from gameday.schema.base import MOST, ApiModel, cel, keyed
from gameday.schema.named import Dependencies
from gameday.schema.references import ValueFrom

_OURS: Final = {"content-length", "transfer-encoding", "connection", "accept-encoding"}
"""Headers that say how a request is sent: they are not the plan's."""
_LABEL: Final = r'[A-Za-z_][A-Za-z0-9_]*\s*=\s*"(?:[^"\\]|\\.)*"'
_SELECTOR: Final = re.compile(rf"[A-Za-z_:][A-Za-z0-9_:]*\{{\s*(?:{_LABEL}\s*(?:,\s*{_LABEL}\s*)*,?\s*)?\}}")


class HttpHeader(ApiModel):
    """A request header."""

    model_config = {
        "json_schema_extra": cel(("has(self.value) != has(self.valueFrom)", "give exactly one of value and valueFrom"))
    }
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$", max_length=128)]
    """Name of the header."""
    value: Annotated[str, Field(max_length=1024)] | None = None
    """Its value, when it is no secret."""
    value_from: ValueFrom | None = None
    """Where its value comes from, when it is one."""


class Http(ApiModel):
    """One HTTP request a time, on a connection of its own; redirects are not followed."""

    url: Url
    """URL, as a pod of the GameDay's namespace sees it."""
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    """HTTP method."""
    auth: Auth | None = None
    """Who the probe is to the server; default: nobody in particular."""
    tls: Tls | None = None
    """How the server's certificate is verified; default: by public CAs."""
    headers: Annotated[tuple[HttpHeader, ...], Field(max_length=MOST, json_schema_extra=keyed())] = ()
    """Request headers."""
    json_: Annotated[
        dict[str, Any] | None,
        Field(alias="json", json_schema_extra={"x-kubernetes-preserve-unknown-fields": True}),
    ] = None
    """Request body, sent as JSON."""
    parse: Literal["json", "text", "prometheus"] = "json"
    """What the answer is: json fills body, text fills text, prometheus gives each metric under its own name."""


class Parse(enum.Enum):
    """How an answer's body becomes ``body`` in expressions."""

    JSON = "json"
    TEXT = "text"
    PROMETHEUS = "prometheus"


@dataclass(frozen=True, slots=True)
class Header:
    """A request header: a literal ``value`` or the content of ``secret``, never both."""

    name: str
    value: str | None = None
    secret: SecretKey | None = None


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
    def secrets(self) -> tuple[SecretKey, ...]:
        """Those of its headers and of its access."""
        headers = tuple(header.secret for header in self.headers if header.secret is not None)
        return (*headers, *self.access.secrets)

    @property
    def config_maps(self) -> tuple[ConfigMapKey, ...]:
        """The CA."""
        return self.access.config_maps


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
        body = json.dumps(spec.json_) if spec.json_ is not None else None
        headers = tuple(
            Header(header.name, header.value, header.value_from.parsed() if header.value_from is not None else None)
            for header in spec.headers
        )
        access = access_of(spec.auth, spec.tls)
        return HttpProbe(spec.url, spec.method, headers, body, Parse(spec.parse), access)

    def config(self, settings: HttpProbe, namespace: str) -> dict[str, Any]:
        """See the base class."""
        headers = tuple(
            HeaderConfig(one.name, one.value or "", secret_file(one.secret.name, one.secret.key) if one.secret else "")
            for one in settings.headers
        )
        access = settings.access.config()
        return asdict(HttpConfig(settings.url, settings.method, headers, settings.json, settings.parse.value, access))

    def check(self, settings: HttpProbe) -> Iterator[Finding]:
        """See the base class."""
        yield from check_url("url", settings.url)
        yield from check_access(settings.url, settings.access)
        authorized = bool(settings.access.bearer or settings.access.password)
        for index, header in enumerate(settings.headers):
            if header.name.lower() in _OURS:
                yield Finding(f"headers[{index}].name", f"the probe sets header {header.name} itself: remove it")
            if authorized and header.name.lower() == "authorization":
                yield Finding(
                    f"headers[{index}].name", "auth sets the header Authorization as well: remove one of the two"
                )
            if header.value is not None and UNSENDABLE.search(header.value):
                text = "the value has characters that a header cannot have: write printable ASCII on one line"
                yield Finding(f"headers[{index}].value", text)

    def check_path(self, settings: HttpProbe, path: tuple[str | int, ...]) -> str:
        """See the base class. A series is chosen by the equality of its labels."""
        key = path[0] if path else ""
        if settings.parse is not Parse.PROMETHEUS or not isinstance(key, str) or "{" not in key:
            return ""
        if _SELECTOR.fullmatch(key):
            return ""
        return f'{key[:64]!r} does not name a series: write NAME{{label="value"}}, with equal signs only'


KIND: Final = HttpKind()
