"""One HTTP request as plans have it, for probes that ask and for actions that call."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from gameday.model.agent import RequestConfig, RequestHeader, secret_file
from gameday.model.finding import Finding
from gameday.model.plan import ConfigMapKey, SecretKey
from gameday.probes.web import NOBODY, UNSENDABLE, Access, Auth, Tls, Url, access_of, check_access, check_url
from gameday.schema.base import MOST, ApiModel, cel, keyed
from gameday.schema.references import ValueFrom

_OURS: Final = {"content-length", "transfer-encoding", "connection", "accept-encoding"}
"""Headers that say how a request is sent: they are not the plan's."""


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


class RequestSpec(ApiModel):
    """One HTTP request, on a connection of its own; redirects are not followed."""

    url: Url
    """URL, as a pod of the GameDay's namespace sees it."""
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    """HTTP method."""
    auth: Auth | None = None
    """Who sends it, as the server knows it; default: nobody in particular."""
    tls: Tls | None = None
    """How the server's certificate is verified; default: by public CAs."""
    headers: Annotated[tuple[HttpHeader, ...], Field(max_length=MOST, json_schema_extra=keyed())] = ()
    """Request headers."""
    json_: Annotated[
        dict[str, Any] | None,
        Field(alias="json", json_schema_extra={"x-kubernetes-preserve-unknown-fields": True}),
    ] = None
    """Request body, sent as JSON."""


@dataclass(frozen=True, slots=True)
class Header:
    """A request header: a literal ``value`` or the content of ``secret``, never both."""

    name: str
    value: str | None = None
    secret: SecretKey | None = None


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One HTTP request; ``body`` is its body as text."""

    url: str
    method: str = "GET"
    headers: tuple[Header, ...] = ()
    body: str | None = None
    access: Access = NOBODY

    @property
    def secrets(self) -> tuple[SecretKey, ...]:
        """Keys of Secrets that its sender reads: those of its headers and of its access."""
        headers = tuple(header.secret for header in self.headers if header.secret is not None)
        return (*headers, *self.access.secrets)

    @property
    def config_maps(self) -> tuple[ConfigMapKey, ...]:
        """Keys of ConfigMaps that its sender reads: the CA."""
        return self.access.config_maps

    def config(self) -> RequestConfig:
        """As an agent is given it: files, and no value of a Secret."""
        headers = tuple(
            RequestHeader(one.name, one.value or "", secret_file(one.secret.name, one.secret.key) if one.secret else "")
            for one in self.headers
        )
        return RequestConfig(self.url, self.method, headers, self.body, self.access.config())


def request_of(spec: RequestSpec) -> HttpRequest:
    """The request of a spec."""
    body = json.dumps(spec.json_) if spec.json_ is not None else None
    headers = tuple(
        Header(header.name, header.value, header.value_from.parsed() if header.value_from is not None else None)
        for header in spec.headers
    )
    return HttpRequest(spec.url, spec.method, headers, body, access_of(spec.auth, spec.tls))


def check_request(request: HttpRequest, sender: str) -> Iterator[Finding]:
    """What is wrong with a request that no schema can say; ``sender`` is what sends it, such as ``the probe``."""
    yield from check_url("url", request.url)
    yield from check_access(request.url, request.access)
    authorized = bool(request.access.bearer or request.access.password)
    for index, header in enumerate(request.headers):
        if header.name.lower() in _OURS:
            yield Finding(f"headers[{index}].name", f"{sender} sets header {header.name} itself: remove it")
        if authorized and header.name.lower() == "authorization":
            yield Finding(f"headers[{index}].name", "auth sets the header Authorization as well: remove one of the two")
        if header.value is not None and UNSENDABLE.search(header.value):
            text = "the value has characters that a header cannot have: write printable ASCII on one line"
            yield Finding(f"headers[{index}].value", text)
