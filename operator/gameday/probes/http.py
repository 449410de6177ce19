"""The http probe: one request on a connection of its own, so that each one sees the network as it is now.

The other end may be hostile, or broken: what it sends is bounded in length, in pieces and in values, and none of it
keeps this process busy for long, since other probes run here too.
"""

import asyncio
import functools
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import h11
import httpx

from gameday.model.agent import ProbeSpec
from gameday.probes.ask import Answer, Ask, error_word
from gameday.probes.body import Unreadable, read
from gameday.probes.keep import TooMany, keep
from gameday.probes.secrets import Secrets

VALUES: Final = 50_000
"""Most values in a JSON body: each takes up to 70 bytes once it is read."""
SERIES: Final = 20_000
"""Most series of the wanted metrics in an exposition."""
AT_ONCE: Final = 100
"""Lines of an exposition that are read before other probes get their turn."""


@functools.cache
def _tls() -> ssl.SSLContext:
    """One for all probes: each takes 1 MiB of certificates."""
    return httpx.create_ssl_context(trust_env=False)


class HttpAsk(Ask):
    """Sends the probe's request and reads the answer whole."""

    def __init__(self, probe: ProbeSpec, secrets: Secrets | None = None) -> None:
        self._probe = probe
        self._secrets = secrets or Secrets()
        # Made here: the first request's time is the system's.
        self._tls = _tls()

    async def __call__(self) -> Answer:
        """Ask once; a status from 400 on is an answer, but not ``ok``."""
        try:
            status, body = await self._exchange()
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return Answer(ok=False, error=_word(error))
        except UnicodeError:
            return Answer(ok=False, error=CANNOT_SEND)
        except Unreadable as error:
            return Answer(ok=False, error=str(error))
        try:
            return await self._answer(status, body)
        except (Unreadable, TooMany) as error:
            return Answer(ok=False, error=str(error) or "too many values", values={"status": status})

    async def _exchange(self) -> tuple[int, bytes]:
        probe = self._probe
        # identity: a compressed body could be a thousand times its length.
        headers = {"Accept-Encoding": "identity"} | self._headers()
        async with httpx.AsyncClient(
            trust_env=False, verify=self._tls, follow_redirects=False, timeout=probe.timeout
        ) as client:
            content = probe.body.encode() if probe.body is not None else None
            if content is not None:
                headers.setdefault("Content-Type", "application/json")
            async with client.stream(probe.method, probe.url, headers=headers, content=content) as response:
                encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
                return response.status_code, await read(response.aiter_raw(), encoding)

    def _headers(self) -> dict[str, str]:
        return {
            header.name: self._secrets.read(header.file) if header.file else header.value
            for header in self._probe.headers
        }

    async def _answer(self, status: int, body: bytes) -> Answer:
        values: dict[str, Any] = {"status": status}
        match self._probe.parse:
            case "text":
                values["text"] = body.decode(errors="replace")
            case "prometheus":
                values |= await metrics(body, {str(path[0]) for path in self._probe.paths})
            case _:
                values["body"] = json_object(body)
        error = None if status < 400 else f"http {status}"
        return Answer(ok=error is None, error=error, values=keep(values, self._probe.paths, self._secrets))


CANNOT_SEND: Final = "the request cannot be sent: a header holds what none may"


def _word(error: Exception) -> str:
    match error:
        case httpx.TimeoutException():
            return "timeout"
        case httpx.LocalProtocolError():
            return CANNOT_SEND
        case httpx.InvalidURL() | httpx.UnsupportedProtocol():
            return "the URL cannot be used"
        case httpx.ConnectError() if "refused" in str(error).lower():
            return "refused"
        case httpx.RemoteProtocolError() if _headers_too_long(error):
            return "headers too long"
        case _:
            return error_word(error)


def _headers_too_long(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, h11.RemoteProtocolError):
            return error.error_status_hint == 431
        error = error.__cause__ or error.__context__
    return False


def json_object(body: bytes) -> Mapping[str, Any]:
    """The JSON object of a body; anything else is an empty one.

    Raises:
        Unreadable: when it holds more values than we take.

    """
    if sum(body.count(mark) for mark in (b",", b"[", b"{")) > VALUES:
        raise Unreadable("body has too many values")
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


async def metrics(body: bytes, wanted: set[str]) -> dict[str, float]:
    """The wanted metrics of a Prometheus exposition: the sum over all label sets of each name.

    Raises:
        Unreadable: when they have more series than we take.

    """
    from prometheus_client.parser import text_string_to_metric_families

    found: dict[str, float] = {}
    async for lines in _pieces(body, tuple(name.encode() for name in wanted)):
        try:
            for family in text_string_to_metric_families(lines):
                for sample in family.samples:
                    if sample.name in wanted:
                        found[sample.name] = found.get(sample.name, 0.0) + sample.value
        except (ValueError, IndexError, KeyError):
            return found
    return found


async def _pieces(body: bytes, beginnings: tuple[bytes, ...]) -> AsyncIterator[str]:
    """The lines that begin so, some at a time."""
    taken: list[str] = []
    count = 0
    for number, line in enumerate(body.split(b"\n")):
        if number % (AT_ONCE * 100) == 0:
            await asyncio.sleep(0)
        if not line.startswith(beginnings):
            continue
        count += 1
        if count > SERIES:
            raise Unreadable("too many series")
        taken.append(line.decode(errors="replace"))
        if len(taken) == AT_ONCE:
            yield "\n".join(taken) + "\n"
            taken.clear()
            await asyncio.sleep(0)
    yield "\n".join(taken) + "\n"
