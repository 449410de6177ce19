"""Names and certificates: what they hide of the system is unknown, what the network does is the system's."""

import asyncio
import contextlib
import io
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gameday.agents.log import SampleLog
from gameday.agents.observer import observe
from gameday.model.agent import ObserverConfig, ProbeTask, RedisAddress
from gameday.model.sample import Sample
from gameday.model.wire import parse_line
from gameday.probes.io.lookup import Lookup, NotSent, first_of, open_connection
from unit.ports import free_port
from unit.probes.tasks import http_task, redis_task, tcp_task

CERTIFICATE = Path(__file__).with_name("self_signed.pem")
STILL = "did not end before the timeout: check the namespace's DNS"


@pytest.fixture
async def slow_names(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A resolver that never answers; the names that it was asked for."""
    asked: list[str] = []

    async def resolve(host: str, *_: object, **__: object) -> None:
        asked.append(host)
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    return asked


def probe(kind: str, host: str, port: int, *, tls: bool = False, timeout: float = 10.0) -> ProbeTask:
    """A probe of this kind; its ``timeout``, in seconds, is short only where it is to run out."""
    match kind:
        case "http":
            return http_task("probe", 0.2, timeout, (("status",),), url=f"http{'s' if tls else ''}://{host}:{port}/")
        case "redis":
            return redis_task("probe", 0.2, timeout, RedisAddress(host, port, tls=tls))
        case _:
            return tcp_task("probe", 0.2, timeout, host, port)


async def samples(one: ProbeTask, count: int = 1) -> list[Sample]:
    """What the observer writes of a probe, until so many samples are there."""
    out, ending = io.StringIO(), asyncio.Event()
    task = asyncio.create_task(observe(ObserverConfig(probes=(one,)), SampleLog(out), ending))
    async with asyncio.timeout(30):
        while out.getvalue().count("\n") < count:  # noqa: ASYNC110  a line of a log has no event
            await asyncio.sleep(0.01)
    ending.set()
    await task
    return [parse_line("observer", line) for line in out.getvalue().splitlines()]


@pytest.mark.parametrize("kind", ["http", "tcp", "redis"])
async def test_a_name_that_is_looked_up_for_too_long_says_nothing_of_the_system(
    slow_names: list[str], kind: str
) -> None:
    found = await samples(probe(kind, "api.shop", 80, timeout=0.3), 2)
    assert {(s.ok, s.error, s.unknown) for s in found} == {(False, "dns", (((), f"the lookup of api.shop {STILL}"),))}
    assert slow_names == ["api.shop"], "a look-up that is under way is waited for, and not begun again"


@pytest.mark.parametrize("kind", ["http", "tcp", "redis"])
async def test_a_name_that_does_not_exist_says_nothing_of_the_system(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    (first, *_) = await samples(probe(kind, "no-such-host.invalid", 80))
    why = "the name no-such-host.invalid could not be looked up: check the name, and the namespace's DNS"
    assert (first.ok, first.error, first.unknown) == (False, "dns", (((), why),))


@pytest.mark.parametrize("kind", ["http", "tcp", "redis"])
async def test_a_refused_connection_is_the_systems_doing(kind: str) -> None:
    (first, *_) = await samples(probe(kind, "localhost", free_port()))
    assert (first.ok, first.error, first.unknown) == (False, "refused", ())


@pytest.mark.parametrize("kind", ["http", "redis"])
async def test_a_system_that_does_not_answer_is_the_systems_doing(kind: str) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as silent:
        (first, *_) = await samples(probe(kind, "localhost", silent.getsockname()[1], timeout=2.0))
    assert (first.ok, first.error, first.unknown) == (False, "timeout", ())


@pytest.fixture
async def tls_port() -> AsyncIterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.mark.parametrize(
    ("kind", "remedy"), [("http", "give its CA in tls.caFrom"), ("redis", "give its CA in tls.caFrom")]
)
async def test_a_certificate_of_a_private_ca_says_nothing_of_the_system(tls_port: int, kind: str, remedy: str) -> None:
    (first, *_) = await samples(probe(kind, "localhost", tls_port, tls=True))
    why = f"the certificate is not trusted ({remedy})"
    assert (first.ok, first.error, first.unknown) == (False, "tls", (((), why),))


@pytest.mark.parametrize("kind", ["http", "redis"])
async def test_a_server_that_speaks_no_tls_is_the_systems_doing(kind: str) -> None:
    async def hello(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    async with await asyncio.start_server(hello, "127.0.0.1", 0) as server:
        (first, *_) = await samples(probe(kind, "localhost", server.sockets[0].getsockname()[1], tls=True))
    assert (first.ok, first.unknown) == (False, ())


async def test_the_next_address_is_tried_when_one_is_refused_or_slow() -> None:
    hung = asyncio.Event()
    discarded: list[str] = []

    async def connect(address: str) -> str:
        if address == "refused":
            raise ConnectionRefusedError
        if address == "slow":
            await hung.wait()
        return address

    async def discard(made: str) -> None:
        discarded.append(made)

    assert await first_of(["refused", "slow", "good"], connect, discard) == "good"
    assert await first_of(["good", "other"], connect, discard) == "good"
    with pytest.raises(ConnectionRefusedError):
        await first_of(["refused", "refused"], connect, discard)
    assert discarded == []


async def test_a_connection_that_lost_the_race_is_closed() -> None:
    gate = asyncio.Event()
    discarded: list[str] = []

    async def connect(address: str) -> str:
        if address == "first":
            await gate.wait()
        gate.set()
        return address

    async def discard(made: str) -> None:
        discarded.append(made)

    winner = await first_of(["first", "second"], connect, discard)
    assert {winner, *discarded} <= {"first", "second"}
    assert winner not in discarded


async def test_an_address_needs_no_look_up(slow_names: list[str]) -> None:
    lookup = Lookup()
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0) as server:
        _, writer = await open_connection(lookup, "127.0.0.1", server.sockets[0].getsockname()[1])
        writer.close()
    assert (slow_names, lookup.under_way) == ([], False)


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example"])
async def test_a_name_that_cannot_be_one_is_not_looked_up(host: str) -> None:
    with pytest.raises(NotSent):
        await Lookup().addresses(host, 80)
