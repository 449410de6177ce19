"""What a dial says to a server that is no Redis, and what it takes for an answer: real servers, real TLS."""

import asyncio
import contextlib
import io
import json
import re
import socket
import ssl
import tempfile
import threading
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from gameday.agents import connection_holder
from gameday.agents.dialing import dial
from gameday.agents.log import SampleLog
from gameday.agents.witness import witness
from gameday.model import held_connection
from gameday.model.agent import HANDSHAKE, HTTP, POSTGRES, Dial, WitnessConfig
from unit.postgres_server import postgres
from unit.redis_tls import NAME, Certificates

NOISE = re.compile("FATAL|ERROR|could not|invalid|incomplete|reset", re.IGNORECASE)
"""What PostgreSQL logs of clients that do not speak as they should."""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """One that the user of a PostgreSQL can reach."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.fixture(scope="module")
def certificates(folder: Path) -> Certificates:
    return Certificates.made(folder)


def serving(certificates: Certificates) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.of("server"), certificates.key("server"))
    return context


@contextlib.asynccontextmanager
async def listening(
    answer: bytes = b"", context: ssl.SSLContext | None = None, asked: list[bytes] | None = None
) -> AsyncIterator[int]:
    """A server that answers whatever it reads, or says nothing where it has no answer."""
    served: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        served.append(task)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            while said := await reader.read(4096):
                if asked is not None:
                    asked.append(said)
                if answer:
                    writer.write(answer)
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in served:
            task.cancel()
        await asyncio.gather(*served)
        # Aborted transports are closed by the loop, a moment later.
        await asyncio.sleep(0.05)


async def dialled(protocol: str, port: int, name: str = "") -> str | None:
    async with asyncio.timeout(5):
        return await dial(Dial("target:it", "127.0.0.1", port, protocol, name))


async def test_tls_of_a_private_ca_is_begun_with_the_servers_name(certificates: Certificates) -> None:
    named: list[str | None] = []
    context = serving(certificates)
    context.sni_callback = lambda _, name, __: named.append(name)
    async with listening(context=context) as port:
        assert await dialled(HANDSHAKE, port, NAME) is None
        assert await dialled(HANDSHAKE, port) is None
    assert named == [NAME, None]


def _strict(certificates: Certificates, kind: str) -> ssl.SSLContext:
    context = serving(certificates)
    match kind:
        case "name":
            context.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        case "version":
            context.set_ciphers("DEFAULT@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
        case _:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.verify_mode = ssl.CERT_REQUIRED
    return context


@contextlib.contextmanager
def refusing(context: ssl.SSLContext) -> Iterator[int]:
    """A server whose alert goes out before it hangs up, which asyncio's does not wait for."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            one, _ = listener.accept()
            with one, contextlib.suppress(OSError), context.wrap_socket(one, server_side=True) as wrapped:
                wrapped.recv(1)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


@pytest.mark.parametrize("kind", ["name", "version", "certificate"])
async def test_a_server_that_refuses_us_by_an_alert_has_answered(certificates: Certificates, kind: str) -> None:
    with refusing(_strict(certificates, kind)) as port:
        assert await dialled(HANDSHAKE, port, "another.example.com") is None


async def test_what_speaks_no_tls_does_not_answer_a_handshake() -> None:
    async with listening(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        assert await dialled(HANDSHAKE, port) == "tls"


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", None),
        (b"HTTP/1.0 404 Not Found\r\n\r\n", None),
        (b"HTTP/1.1 500 Internal Server Error\r\n\r\n", None),
        (b"HTTP/1.1 503 Service Unavailable\r\nserver: envoy\r\n\r\n", "http 503"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "http 502"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "protocol"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 40_000, "protocol"),
    ],
    ids=["200", "404", "500", "503", "502", "another protocol", "without end"],
)
async def test_an_http_server_answers_by_any_status_but_those_of_proxies(answer: bytes, word: str | None) -> None:
    asked: list[bytes] = []
    async with listening(answer, asked=asked) as port:
        assert await dialled(HTTP, port, "web.shop.svc") == word
    assert asked[0].startswith(f"HEAD / HTTP/1.1\r\nHost: web.shop.svc:{port}\r\n".encode())


async def test_a_held_connection_repeats_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_holder, "AGAIN", 0.05)
    asked: list[bytes] = []
    out, ending = io.StringIO(), asyncio.Event()
    async with listening(b"HTTP/1.1 204 No Content\r\n\r\n", asked=asked) as port:
        config = WitnessConfig(dials=(Dial("target:it", "127.0.0.1", port, HTTP),), every=0.5)
        task = asyncio.create_task(witness(config, SampleLog(out), ending))
        async with asyncio.timeout(5):
            while len(held := _held(out)) < 2:  # noqa: ASYNC110  a line of a log has no event
                await asyncio.sleep(0.02)
        ending.set()
        await task
    assert [(line["ok"], line["values"][held_connection.ANSWERED]) for line in held[:2]] == [(True, 1), (True, 2)]
    assert HTTP in held_connection.PROTOCOLS
    assert all(one.startswith(b"HEAD / ") for one in asked), "and never says what another protocol would"


async def test_nothing_is_said_inside_tls_of_which_no_protocol_is_known(certificates: Certificates) -> None:
    asked: list[bytes] = []
    out, ending = io.StringIO(), asyncio.Event()
    async with listening(context=serving(certificates), asked=asked) as port:
        config = WitnessConfig(dials=(Dial("target:it", "127.0.0.1", port, HANDSHAKE),), every=0.1)
        task = asyncio.create_task(witness(config, SampleLog(out), ending))
        async with asyncio.timeout(5):
            while out.getvalue().count("\n") < 4:  # noqa: ASYNC110  a line of a log has no event
                await asyncio.sleep(0.02)
        ending.set()
        await task
    assert asked == []
    assert _held(out) == []
    assert HANDSHAKE not in held_connection.PROTOCOLS


def _held(out: io.StringIO) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    return [line for line in lines if line.get("type") == "held"]


@pytest.mark.parametrize("name", ["plain", "secure"])
async def test_postgresql_answers_and_has_nothing_to_complain_of(
    folder: Path, certificates: Certificates, name: str
) -> None:
    files = {"certificate": certificates.of("server"), "key": certificates.key("server")} if name == "secure" else {}
    async with postgres(folder / name, **files) as server:
        for _ in range(120):
            assert await dialled(POSTGRES, server.port, NAME) is None
        server.process.terminate()
        await server.process.wait()
        assert NOISE.search(server.log()) is None, server.log()
        assert "shut down" in server.log()


@pytest.mark.parametrize(("answer", "word"), [(b"", "closed"), (b"-ERR unknown command\r\n", "protocol"), (b"E", None)])
async def test_what_is_no_postgresql_does_not_answer_it(answer: bytes, word: str | None) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        assert await dialled(POSTGRES, server.sockets[0].getsockname()[1]) == word
