"""One HTTP request of a probe on its own connection, and the meaning of its failures.

A new connection shows the network as it is now. The server may be hostile or broken: its answer is bounded in length,
in chunks and in values, and cannot keep this process busy for long, because other probes run here too.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import h11
import httpcore
import httpx

from gameday.probes.io.access import CANNOT_SEND, Access
from gameday.probes.io.body import BodyNotRead, BodyRejected, read
from gameday.probes.io.errors import error_word, untrusted
from gameday.probes.io.lookup import NotSent
from gameday.probes.io.transport import Transport
from gameday.probes.runner import ProbeResult, ProbeRunner, unknown_result

VALUES: Final = 50_000
"""Most values in a JSON body: each takes up to 70 bytes once it is read."""
DIGITS: Final = 20
"""Longest whole number that is read as one; a double holds some 16 digits."""
_HEADER: Final = "request not sent: a header has a character that HTTP does not allow; check its value, or its Secret"


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] | None = None
    body: str | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """What was answered; ``unread`` says why the body is not known, or "". Names of headers have no case."""

    status: int
    body: bytes = b""
    unread: str = ""
    headers: Mapping[str, str] = field(default_factory=httpx.Headers)

    @property
    def error(self) -> str | None:
        """The short word for a status that is not good, or None."""
        if self.status < 300:
            return None
        return f"redirect {self.status}" if self.status < 400 else f"http {self.status}"


async def exchange(runner: ProbeRunner, access: Access, request: Request, timeout: float) -> Response | ProbeResult:
    """The response to a request, or the answer of a probe that got none; redirects are not followed."""
    try:
        return await _send(runner, access, request, timeout)
    except NotSent as error:
        return unknown_result(error.word, str(error))
    except httpcore.TimeoutException:
        return runner.timed_out()
    except BodyRejected as error:
        return ProbeResult(ok=False, error=str(error))
    except UnicodeError:
        return unknown_result(CANNOT_SEND, _HEADER)
    except (httpcore.UnsupportedProtocol, httpx.UnsupportedProtocol, httpx.InvalidURL):
        return unknown_result("the URL cannot be used", "the URL cannot be used: write http://HOST:PORT/PATH")
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        return _failed(error, access)


async def _send(runner: ProbeRunner, access: Access, request: Request, timeout: float) -> Response:
    # identity: a compressed body could be a thousand times its length.
    headers = {"Accept-Encoding": "identity", **(request.headers or {}), **access.headers()}
    if request.body is not None:
        headers.setdefault("Content-Type", "application/json")
    async with httpx.AsyncClient(
        transport=Transport(access.tls(), runner.lookup),
        trust_env=False,
        follow_redirects=False,
        timeout=timeout,
    ) as client:
        content = request.body.encode() if request.body is not None else None
        async with client.stream(request.method, request.url, headers=headers, content=content) as response:
            got = Response(response.status_code, headers=response.headers)
            encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
            try:
                return replace(got, body=await read(response.aiter_raw(), encoding))
            except BodyNotRead as error:
                return replace(got, unread=str(error))


def instrument(result: ProbeResult, name: str) -> ProbeResult:
    """The result of a probe whose server only measures the system: its failure says nothing about the system."""
    if result.unknown:
        return result
    why = f"{name} did not answer ({result.error}): check url, and whether it is up and can be reached from here"
    return unknown_result(result.error or "protocol", why)


def _failed(error: Exception, access: Access) -> ProbeResult:
    if isinstance(error, httpcore.LocalProtocolError):
        return unknown_result(CANNOT_SEND, _HEADER)
    if (distrusted := untrusted(error, access.remedy)) is not None:
        return unknown_result(distrusted.word, str(distrusted))
    if _headers_too_long(error):
        return unknown_result("headers too long", "the headers of the answer are longer than 100 KiB")
    return ProbeResult(ok=False, error=error_word(error))


def _headers_too_long(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, h11.RemoteProtocolError):
            return error.error_status_hint == 431
        error = error.__cause__ or error.__context__
    return False


def json_value(body: bytes) -> Any:
    """The JSON value of a body.

    Raises:
        BodyNotRead: when it holds more values, or more levels, than are read.
        ValueError: when it is not JSON.

    """
    if sum(body.count(mark) for mark in (b",", b"[", b"{")) > VALUES:
        raise BodyNotRead(f"the body has more than {VALUES} values")
    try:
        return json.loads(body, parse_int=_integer)
    except RecursionError:
        raise BodyNotRead("the body is nested too deep to be parsed") from None


def _integer(text: str) -> float:
    """A whole number; one that is far too long for a double is infinite, and takes no time to read."""
    if len(text) <= DIGITS:
        return int(text)
    return -math.inf if text.startswith("-") else math.inf
