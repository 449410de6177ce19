"""Exchanges with servers that are no Redis: what a dial says, and what counts as an answer.

Nobody logs in, and no certificate is verified: the question is whether packets go both ways. So a refusal of the
protocol's own counts as an answer, while what a proxy says in a server's place does not.
"""

import asyncio
import functools
import ssl
import struct
from collections.abc import Callable
from typing import Final

from gameday.model.agent import Dial

SSL_REQUEST: Final = struct.pack("!ii", 8, 80877103)
"""PostgreSQL's first message of a client that would like TLS (PostgreSQL, "Message Formats")."""
LONGEST_HEAD: Final = 16 * 1024
"""Most bytes of the head of an HTTP response."""
CLOSES_WITHIN: Final = 2.0
"""Seconds for the other end to end TLS as well."""
_HEAD: Final = b"HEAD / HTTP/1.1\r\nHost: %s\r\nUser-Agent: gameday\r\nAccept: */*\r\n\r\n"
_BY_PROXIES: Final = frozenset({b"502", b"503", b"504"})
"""How proxies, such as the sidecar of a mesh, say that they did not reach the server."""
_ALERTS: Final = ("SSLV3_ALERT_", "TLSV1_", "TLSV13_ALERT_")
"""How OpenSSL calls the alerts that a server sends: for another name, version or certificate than it wants."""

Keep = Callable[[asyncio.StreamReader, asyncio.StreamWriter], bool]
"""Takes an open connection over; False where nobody wants it."""


async def handshake(target: Dial) -> str | None:
    """Begin TLS, whatever is spoken inside it."""
    try:
        _, writer = await asyncio.open_connection(
            target.host,
            target.port,
            ssl=unverified(),
            server_hostname=_name(target),
            ssl_shutdown_timeout=CLOSES_WITHIN,
        )
    except ssl.SSLError as error:
        return _refusal(error)
    # Not aborted: a reset would stand in the server's log.
    writer.close()
    return None


async def http(target: Dial, keep: Keep) -> str | None:
    """Ask for the head of ``/``; any status counts but those by which a proxy says that the server is away."""
    reader, writer = await asyncio.open_connection(target.host, target.port, limit=LONGEST_HEAD)
    taken = False
    try:
        error = await ask_head(target, reader, writer)
        taken = error is None and keep(reader, writer)
        return error
    finally:
        if not taken:
            writer.transport.abort()


async def ask_head(target: Dial, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str | None:
    """One request on an open connection; None when the server answered, else a short word."""
    name, port = _name(target), f":{target.port}" if target.port != 80 else ""
    host = f"[{name}]" if ":" in name else name
    writer.write(_HEAD % f"{host}{port}".encode())
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        return "protocol"
    except asyncio.IncompleteReadError as error:
        # What hangs up before it said anything has spoken no HTTP.
        return "protocol" if error.partial else "closed"
    version, _, rest = head.partition(b" ")
    if not version.startswith(b"HTTP/1."):
        return "protocol"
    status = rest[:3]
    return f"http {status.decode()}" if status in _BY_PROXIES else None


async def postgres(target: Dial) -> str | None:
    """Ask whether PostgreSQL speaks TLS, and begin it where it does: so no failed start stands in its log."""
    reader, writer = await asyncio.open_connection(target.host, target.port)
    try:
        writer.write(SSL_REQUEST)
        match await reader.read(1):
            case b"S":
                try:
                    await writer.start_tls(unverified(), server_hostname=_name(target))
                except ssl.SSLError as error:
                    return _refusal(error)
                return None
            case b"N" | b"E":
                # It speaks no TLS, or has no connection to spare: it is there.
                return None
            case b"":
                return "closed"
            case _:
                return "protocol"
    finally:
        writer.close()


def _name(target: Dial) -> str:
    return target.server_name or target.host


@functools.cache
def unverified() -> ssl.SSLContext:
    """TLS that trusts anybody, once for all dials; no CA is read, which would take longer than a dial."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _refusal(error: ssl.SSLError) -> str | None:
    """None for an alert, which is TLS' own answer."""
    return None if (error.reason or "").startswith(_ALERTS) else "tls"
