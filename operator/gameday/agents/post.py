"""One HTTP/1.1 POST on a connection of its own, by h11 over asyncio.

httpx would do, and is half of the memory of a pod that sends one message.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import h11

from gameday.probes.io.lookup import Lookup, NotSent, open_connection

BODY: Final = 4096
"""Bytes of an answer's body that are read."""
CONNECT: Final = 5.0
"""Seconds for the look-up, the connection and TLS: until then nothing was sent, and a request may be tried again."""
PIECE: Final = 16 * 1024
"""Bytes that are read at once; h11 itself takes headers of this length at most."""


class NotConnected(Exception):
    """No connection came about, so nothing was sent; the cause says why."""


class Unsendable(Exception):
    """The URL or a header is not what HTTP allows, so nothing was sent."""


class Unanswered(Exception):
    """The connection ended before a whole answer came; the request may have arrived."""


@dataclass(frozen=True, slots=True)
class Url:
    """What a URL says."""

    tls: bool
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """The value of the header Host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered; the body is cut."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


def url_of(text: str) -> Url:
    """The parts of a URL.

    Raises:
        Unsendable: when it is not one of HTTP.

    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Unsendable from None
    if parts.scheme not in {"http", "https"} or not host or not text.isascii() or text.split() != [text]:
        raise Unsendable
    tls = parts.scheme == "https"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Url(tls, host, port or (443 if tls else 80), target)


async def post(url: Url, headers: Mapping[str, str], body: bytes, tls: ssl.SSLContext | None, lookup: Lookup) -> Answer:
    """The answer to a request; the caller bounds its time.

    Raises:
        NotSent: when the host's name cannot be looked up.
        NotConnected: when no connection came about in time.
        Unsendable: when a header is not what HTTP allows.
        Unanswered: when the connection ended before the answer did.

    """
    sent = {"Host": url.authority, "Content-Length": str(len(body)), "Connection": "close", **headers}
    http = h11.Connection(h11.CLIENT)
    try:
        head = http.send(h11.Request(method="POST", target=url.target, headers=list(sent.items())))
        rest = (http.send(h11.Data(body)), http.send(h11.EndOfMessage()))
    except (h11.LocalProtocolError, UnicodeError):
        raise Unsendable from None
    options = {"ssl": tls, "server_hostname": url.host} if tls is not None else {}
    try:
        async with asyncio.timeout(CONNECT):
            reader, writer = await open_connection(lookup, url.host, url.port, **options)
    except OSError as error:
        if isinstance(error, TimeoutError) and lookup.under_way:
            why = f"the name {url.host} could not be looked up within {CONNECT:g} s: check the namespace's DNS"
            raise NotSent("dns", why) from error
        raise NotConnected from error
    try:
        writer.write(b"".join(part or b"" for part in (head, *rest)))
        await writer.drain()
        return await _answer(http, reader)
    except (OSError, h11.RemoteProtocolError) as error:
        raise Unanswered from error
    finally:
        writer.transport.abort()


async def _answer(http: h11.Connection, reader: asyncio.StreamReader) -> Answer:
    """The status is the answer: what follows of the body is for people, and may break off."""
    answer: Answer | None = None
    body = b""
    while True:
        try:
            event = http.next_event()
            if event is h11.NEED_DATA:
                http.receive_data(await reader.read(PIECE))
                continue
        except (OSError, h11.RemoteProtocolError):
            if answer is None:
                raise
            event = h11.EndOfMessage()
        if isinstance(event, h11.Response):
            headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in event.headers}
            answer = Answer(event.status_code, headers)
        elif isinstance(event, h11.Data):
            body += event.data
        if answer is not None and (200 <= answer.status < 300 or len(body) >= BODY or _is_end(event)):
            return Answer(answer.status, answer.headers, body[:BODY])


def _is_end(event: object) -> bool:
    return isinstance(event, h11.EndOfMessage | h11.ConnectionClosed) or event is h11.PAUSED
