"""A call as YAML and as plans have it: a request, and the statuses that are good answers."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final, Self
from urllib.parse import urlsplit

from pydantic import Field

from gameday.model.agent import RequestConfig
from gameday.model.finding import Finding
from gameday.model.hosts import one_form
from gameday.model.plan import ConfigMapKey, SecretKey
from gameday.probes.request import HttpRequest, RequestSpec, check_request, request_of
from gameday.schema.base import ATOMIC, ApiModel, cel

TIMEOUT: Final = 10.0
"""Seconds that the answer to a call may take."""
BODY: Final = 1024
"""Characters of a body. With the rest of the request it must fit into the undo log."""
LONGEST: Final = 2048
"""Bytes of a request that takes a call back, as the undo log has it."""

PORTS: Final = {"https": "443", "http": "80"}
"""The port that a URL means which names none."""

Status = Annotated[int, Field(ge=100, le=599)]


class CallSpec(RequestSpec):
    """One HTTP request of an action, and which answers are good."""

    model_config = {
        "json_schema_extra": cel(("!(has(self.json) && has(self.body))", "give at most one of json and body"))
    }
    body: Annotated[str, Field(max_length=BODY)] | None = None
    """Request body as text, in the place of json; say what it is in the header Content-Type."""
    statuses: Annotated[tuple[Status, ...], Field(max_length=16, json_schema_extra=ATOMIC)] = ()
    """Statuses of good answers; default: every one from 200 to 299."""


class Verify(ApiModel):
    """What shows whether the call has its effect: expressions over probes, such as an http probe of the same API."""

    seen: Annotated[str, Field(min_length=1, max_length=1024)]
    """False in the steady state, true once the call has its effect."""
    undone: Annotated[str, Field(min_length=1, max_length=1024)]
    """True in the steady state, false once the call has its effect, true again once that is taken back."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request and its good answers; empty statuses are all from 200 to 299."""

    request: HttpRequest
    statuses: tuple[int, ...] = ()

    @property
    def shown(self) -> str:
        """For messages: the method and the URL without what may be long."""
        return f"{self.request.method} {self.request.url.partition('?')[0]}"

    @property
    def address(self) -> str:
        """What it calls, as two plans that call the same write it: without the query and a port that is understood."""
        parts = urlsplit(self.request.url)
        # A port that no URL may have is for the checks of the plan to say.
        port = parts.netloc.rpartition(":")[2]
        named = f":{port}" if port.isdecimal() and port != PORTS.get(parts.scheme) else ""
        return f"{one_form(parts.hostname or '')}{named}{parts.path.rstrip('/')}"

    def sendable(self) -> "Sendable":
        """What an agent needs to send it."""
        request = self.request
        return Sendable(self.shown, request.config(), self.statuses, request.secrets, request.config_maps)


@dataclass(frozen=True, slots=True)
class Sendable:
    """What an agent needs to send a request: it holds names of Secrets and ConfigMaps, and none of their values."""

    shown: str
    request: RequestConfig
    statuses: tuple[int, ...] = ()
    secrets: tuple[SecretKey, ...] = ()
    config_maps: tuple[ConfigMapKey, ...] = ()

    def noted(self) -> dict[str, Any]:
        """As JSON, for the undo log; what is empty is left out."""
        request = {name: value for name, value in asdict(self.request).items() if value}
        request["headers"] = [_without_empty(header) for header in request.get("headers", ())]
        request["access"] = _without_empty(request.get("access", {}))
        return _without_empty(
            {
                "request": _without_empty(request),
                "statuses": list(self.statuses),
                "secrets": [[one.name, one.key] for one in self.secrets],
                "configMaps": [[one.name, one.key] for one in self.config_maps],
            }
        )

    @classmethod
    def read(cls, noted: Mapping[str, Any]) -> Self:
        """Read what ``noted`` made.

        Raises:
            TypeError, KeyError, ValueError, AttributeError: when somebody has edited or damaged it.

        """
        request = RequestConfig.read(noted["request"])
        return cls(
            f"{request.method} {request.url.partition('?')[0]}",
            request,
            tuple(int(one) for one in noted.get("statuses", ())),
            tuple(SecretKey(name, key) for name, key in noted.get("secrets", ())),
            tuple(ConfigMapKey(name, key) for name, key in noted.get("configMaps", ())),
        )


def call_of(spec: CallSpec) -> Call:
    """The call of a spec."""
    request = request_of(spec)
    if spec.body is not None:
        request = HttpRequest(request.url, request.method, request.headers, spec.body, request.access)
    return Call(request, tuple(spec.statuses))


def check_call(path: str, call: Call) -> Iterator[Finding]:
    """What is wrong with a call that no schema can say; ``path`` is that of its field."""
    before = f"{path}." if path else ""
    for found in check_request(call.request, "the caller"):
        yield Finding(f"{before}{found.path}", found.message)


def check_noted(path: str, call: Call) -> Iterator[Finding]:
    """A finding where a request is too long for the undo log, which must hold it whole."""
    size = len(json.dumps(call.sendable().noted()))
    if size > LONGEST:
        text = f"the request takes {size} bytes in the undo log, and at most {LONGEST} fit"
        yield Finding(path, f"{text}: shorten its url, headers or body")


def _without_empty(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}
