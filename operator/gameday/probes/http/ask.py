"""The http probe, as an agent runs it: one request on a connection of its own.

So each one sees the network as it is now.

The other end may be hostile, or broken: what it sends is bounded in length, in pieces and in values, and none of it
keeps this process busy for long, since other probes run here too.
"""

import functools
import json
import math
import ssl
from typing import Any, Final

import h11
import httpcore
import httpx

from gameday.model.agent import ProbeTask
from gameday.model.sample import Unknown
from gameday.probes.ask import Answer, Ask, nothing_known
from gameday.probes.http.config import HttpConfig
from gameday.probes.io.body import Unread, Unreadable, read
from gameday.probes.io.errors import error_word, untrusted
from gameday.probes.io.keep import keep
from gameday.probes.io.lookup import NotSent
from gameday.probes.io.secrets import Secrets
from gameday.probes.io.transport import Transport

VALUES: Final = 50_000
"""Most values in a JSON body: each takes up to 70 bytes once it is read."""
DIGITS: Final = 20
"""Longest whole number that is read as one; a double holds some 16 digits."""
CANNOT_SEND: Final = "the request cannot be sent"
_UNREADABLE: Final = "the file of header %s cannot be read: check the Secret"
_HEADER: Final = "a header holds a character that HTTP does not allow: check its value, or its Secret"


@functools.cache
def _tls() -> ssl.SSLContext:
    """One for all probes: each takes 1 MiB of certificates."""
    return httpx.create_ssl_context(trust_env=False)


class HttpAsk(Ask):
    """Sends the probe's request and reads the answer whole."""

    def __init__(self, task: ProbeTask, secrets: Secrets) -> None:
        super().__init__(task, secrets)
        self._config = HttpConfig.read(task.config)
        self._paths = task.paths
        self._timeout = task.timeout
        self._secrets = secrets
        # Made here: the first request's time is the system's.
        self._tls = _tls()

    async def __call__(self) -> Answer:
        """Ask once; a status from 300 on is an answer, but not ``ok``."""
        try:
            return await self._exchange(self._headers())
        except NotSent as error:
            return nothing_known(error.word, str(error))
        except httpcore.TimeoutException:
            return self.timed_out()
        except Unreadable as error:
            return Answer(ok=False, error=str(error))
        except UnicodeError:
            return nothing_known(CANNOT_SEND, _HEADER)
        except (httpcore.UnsupportedProtocol, httpx.UnsupportedProtocol, httpx.InvalidURL):
            return nothing_known("the URL cannot be used", "the URL cannot be used: write http://HOST:PORT/PATH")
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            return _failed(error)

    def _headers(self) -> dict[str, str]:
        # identity: a compressed body could be a thousand times its length.
        headers = {"Accept-Encoding": "identity"}
        for header in self._config.headers:
            try:
                headers[header.name] = self._secrets.read(header.file) if header.file else header.value
            except (OSError, UnicodeError):
                raise NotSent(CANNOT_SEND, _UNREADABLE % header.name) from None
        if self._config.body is not None:
            headers.setdefault("Content-Type", "application/json")
        return headers

    async def _exchange(self, headers: dict[str, str]) -> Answer:
        config = self._config
        async with httpx.AsyncClient(
            transport=Transport(self._tls, self.lookup),
            trust_env=False,
            follow_redirects=False,
            timeout=self._timeout,
        ) as client:
            content = config.body.encode() if config.body is not None else None
            async with client.stream(config.method, config.url, headers=headers, content=content) as response:
                encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
                try:
                    body = await read(response.aiter_raw(), encoding)
                except Unread as error:
                    return self._answer(response.status_code, {}, self._body_unknown(str(error)))
                return await self._read(response.status_code, body)

    async def _read(self, status: int, body: bytes) -> Answer:
        match self._config.parse:
            case "text":
                return self._answer(status, {"text": body.decode(errors="replace")})
            case "prometheus":
                # The parser is loaded only where it is used: agents stay small.
                from gameday.probes.io.metrics import metrics

                numbers, unknown = await metrics(body, self._series())
                return self._answer(status, numbers, unknown)
            case _:
                try:
                    return self._answer(status, json_body(body))
                except Unread as error:
                    return self._answer(status, {}, self._body_unknown(str(error)))

    def _answer(self, status: int, values: dict[str, Any], unknown: tuple[Unknown, ...] = ()) -> Answer:
        error = None if status < 300 else f"redirect {status}" if status < 400 else f"http {status}"
        kept, cut = keep(values | {"status": status}, self._paths, self._secrets)
        return Answer(ok=error is None, error=error, values=kept, unknown=(*unknown, *cut))

    def _series(self) -> list[str]:
        return [str(path[0]) for path in self._paths if path[0] != "status"]

    def _body_unknown(self, why: str) -> tuple[Unknown, ...]:
        """All that a body gives, unknown."""
        match self._config.parse:
            case "text":
                return ((("text",), why),)
            case "prometheus":
                return tuple(((key,), why) for key in self._series())
            case _:
                return ((("body",), why),)


def _failed(error: Exception) -> Answer:
    if isinstance(error, httpcore.LocalProtocolError):
        return nothing_known(CANNOT_SEND, _HEADER)
    if (distrusted := untrusted(error)) is not None:
        return nothing_known(distrusted.word, str(distrusted))
    if _headers_too_long(error):
        return nothing_known("headers too long", "the headers of the answer are longer than 100 KiB")
    return Answer(ok=False, error=error_word(error))


def _headers_too_long(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, h11.RemoteProtocolError):
            return error.error_status_hint == 431
        error = error.__cause__ or error.__context__
    return False


def json_body(body: bytes) -> dict[str, Any]:
    """What expressions see as ``body``: any JSON value; nothing when the body is not JSON.

    Raises:
        Unread: when it holds more values, or more levels, than are read.

    """
    if sum(body.count(mark) for mark in (b",", b"[", b"{")) > VALUES:
        raise Unread(f"the body has more than {VALUES} values")
    try:
        return {"body": json.loads(body, parse_int=_integer)}
    except RecursionError:
        raise Unread("the body is nested too deep to be read") from None
    except ValueError:
        return {}


def _integer(text: str) -> float:
    """A whole number; one that is far too long for a double is infinite, and takes no time to read."""
    if len(text) <= DIGITS:
        return int(text)
    return -math.inf if text.startswith("-") else math.inf


ASK: Final = HttpAsk
