"""The connection that an agent of a pair holds: it is a dial's own, is asked again and again, and says how it ended."""

import asyncio
import contextlib
import ctypes
import io
import json
import socket
import ssl
import struct
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from gameday.agents import connection_holder
from gameday.agents.connection_holder import Holder, ping
from gameday.agents.log import SampleLog
from gameday.agents.witness import witness
from gameday.model import held_connection
from gameday.model.agent import Dial, WitnessConfig

SO_ATTACH_FILTER: Final = 26
DROP_ALL: Final = struct.pack("HBBI", 0x06, 0, 0, 0)
"""A socket filter of one instruction: whatever comes is dropped, and the kernel acknowledges nothing of it."""


@dataclass
class Redis:
    """A server that answers PING, and keeps its connections."""

    answer: bytes = b"+PONG\r\n"
    closes_after: int = 0
    """Answers after which it closes a connection; 0: never."""
    silent_after: int = 0
    """Answers after which it takes all and answers nothing; 0: never."""
    port: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        answers = 0
        with contextlib.suppress(OSError, asyncio.CancelledError):
            while (await reader.readline(), await reader.readline(), await reader.readline())[-1]:
                if self.silent_after and answers >= self.silent_after:
                    continue
                writer.write(self.answer)
                answers += 1
                if answers == self.closes_after:
                    break
        writer.close()

    def cut(self) -> None:
        """Drop what comes on every connection, as a network does that ends open ones."""
        code = ctypes.create_string_buffer(DROP_ALL)
        for writer in self.writers:
            if not writer.is_closing():
                one = writer.get_extra_info("socket")
                one.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(code)))

    def reset(self) -> None:
        """Have the kernel say that it knows nothing of these connections."""
        for writer in self.writers:
            if not writer.is_closing():
                one = writer.get_extra_info("socket")
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()


@contextlib.asynccontextmanager
async def serving(redis: Redis, context: ssl.SSLContext | None = None) -> AsyncIterator[Redis]:
    server = await asyncio.start_server(redis.serve, "127.0.0.1", 0, ssl=context)
    redis.port = server.sockets[0].getsockname()[1]
    try:
        yield redis
    finally:
        server.close()
        for writer in redis.writers:
            writer.transport.abort()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_connection, "EVERY", 0.2)
    monkeypatch.setattr(held_connection, "SILENT", 1.0)
    monkeypatch.setattr(connection_holder, "AGAIN", 0.05)


@contextlib.asynccontextmanager
async def a_witness(*dials: Dial) -> AsyncIterator[io.StringIO]:
    """A witness that runs for a while; what it writes."""
    out, ending = io.StringIO(), asyncio.Event()
    config = WitnessConfig(dials=dials, every=0.05, timeout=0.5)
    task = asyncio.create_task(witness(config, SampleLog(out), ending))
    try:
        yield out
    finally:
        ending.set()
        await asyncio.wait_for(task, 5)


def lines(out: io.StringIO, kind: str = "held") -> list[dict[str, Any]]:
    return [line for line in map(json.loads, out.getvalue().splitlines()) if line["type"] == kind]


async def until_told(out: io.StringIO, count: int, *, ok: bool) -> list[dict[str, Any]]:
    """The lines of held connections, once there are so many of a kind."""
    async with asyncio.timeout(8):
        while sum(line["ok"] is ok for line in lines(out)) < count:  # noqa: ASYNC110  a line of a log has no event
            await asyncio.sleep(0.01)
    return lines(out)


def at(redis: Redis, protocol: str = "redis") -> Dial:
    return Dial("target:127.0.0.1", "127.0.0.1", redis.port, protocol)


async def test_the_first_good_dial_is_kept_open_and_asked_again_and_again() -> None:
    async with serving(Redis()) as redis, a_witness(at(redis)) as out:
        told = await until_told(out, 3, ok=True)
        assert [line["values"]["answered"] for line in told] == list(range(1, len(told) + 1))
        assert {line["values"]["connection"] for line in told} == {1}
        assert {line["name"] for line in told} == {"target:127.0.0.1"}
        assert len(redis.writers) <= len(lines(out, "dial")) + 2, "it costs no connection more than the dials do"
        assert sum(not writer.is_closing() for writer in redis.writers[:-2]) == 1, "all other dials hang up"


async def test_a_redis_that_wants_a_password_first_answers_all_the_same() -> None:
    async with serving(Redis(answer=b"-NOAUTH Authentication required.\r\n")) as redis, a_witness(at(redis)) as out:
        told = await until_told(out, 3, ok=True)
        assert all(line["ok"] for line in told)


async def test_a_connection_that_is_cut_ends_by_a_timeout_that_nobody_else_makes() -> None:
    async with serving(Redis()) as redis, a_witness(at(redis)) as out:
        await until_told(out, 2, ok=True)
        redis.cut()
        told = [line for line in await until_told(out, 1, ok=False) if line["values"]["connection"] == 1]
        assert (told[-1]["error"], told[-1]["values"]["answered"]) == ("timeout", len(told) - 1)


async def test_an_exchange_that_is_due_does_not_put_off_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel counts anew from what is sent, so nothing is sent while it probes already."""
    monkeypatch.setattr(held_connection, "EVERY", 3.4)
    monkeypatch.setattr(held_connection, "SILENT", 4.0)
    async with serving(Redis()) as redis, a_witness(at(redis)) as out:
        last = (await until_told(out, 2, ok=True))[-1]
        redis.cut()
        ended = next(line for line in await until_told(out, 1, ok=False) if not line["ok"])
        assert ended["error"] == "timeout"
        assert 3.0 < ended["received"] - last["received"] < 6.0


async def test_an_end_by_the_other_side_is_told_as_such_and_the_next_one_is_held_later() -> None:
    async with serving(Redis(closes_after=2)) as redis, a_witness(at(redis)) as out:
        told = await until_told(out, 2, ok=False)
        assert {line["error"] for line in told if not line["ok"]} == {"closed"}
        assert [line["values"]["connection"] for line in told if not line["ok"]] == [1, 2]
        opened = [line["sent"] for line in told if line["values"]["answered"] == 1 and line["ok"]]
        assert opened[1] - opened[0] >= 0.15


async def test_a_reset_is_no_timeout() -> None:
    async with serving(Redis()) as redis, a_witness(at(redis)) as out:
        await until_told(out, 2, ok=True)
        redis.reset()
        told = await until_told(out, 1, ok=False)
        assert next(line["error"] for line in told if not line["ok"]) == "reset"


async def test_what_takes_all_and_answers_nothing_is_no_timeout_either(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy beside the witness acknowledges what it cannot pass on."""
    monkeypatch.setattr(connection_holder, "ANSWERS_WITHIN", 0.5)
    async with serving(Redis(silent_after=2)) as redis, a_witness(at(redis)) as out:
        told = await until_told(out, 1, ok=False)
        assert next(line["error"] for line in told if not line["ok"]) == "unanswered"


async def test_the_other_end_within_the_pod_itself_is_told() -> None:
    async with serving(Redis()) as redis, a_witness(at(redis)) as out:
        assert all(line["values"]["local"] is True for line in await until_told(out, 2, ok=True))


@pytest.mark.parametrize(
    ("peer", "own", "local"),
    [
        ("10.0.0.3", "10.0.0.9", False),
        ("127.0.0.6", "127.0.0.1", True),
        ("::1", "::1", True),
        ("10.0.0.9", "10.0.0.9", True),
        ("::ffff:127.0.0.1", "::ffff:127.0.0.1", True),
        ("fd00::3", "fd00::9", False),
    ],
)
def test_a_proxy_in_the_pod_is_known_by_its_address(peer: str, own: str, local: bool) -> None:
    class Socket:
        def setsockopt(self, *_: int) -> None:
            """Take any option."""

        def getpeername(self) -> tuple[str, int]:
            return peer, 6379

        def getsockname(self) -> tuple[str, int]:
            return own, 40000

    assert connection_holder._watched(Socket()) is local  # type: ignore[arg-type]  # a socket of no network


async def test_a_connection_that_is_gone_at_once_or_cannot_be_watched_ends_as_an_error() -> None:
    class Writer:
        transport = type("Transport", (), {"abort": lambda _: None})()

        def get_extra_info(self, _: str) -> None:
            """A connection within TLS that was lost has no socket any more."""

    out = io.StringIO()
    async with asyncio.TaskGroup() as group:
        holder = Holder("target:a", SampleLog(out), group.create_task)
        holder.take(asyncio.StreamReader(), Writer(), ping)  # type: ignore[arg-type]  # of no network
        assert not holder.wants_one
    (line,) = lines(out)
    assert (line["ok"], line["error"], line["values"]["answered"]) == (False, "error", 0)


async def test_a_port_without_a_known_protocol_is_dialled_and_not_held() -> None:
    """There is no exchange to repeat, and a server that waits for a greeting closes what does not speak."""
    async with serving(Redis()) as redis, a_witness(at(redis, "tcp")) as out:
        async with asyncio.timeout(5):
            while len(lines(out, "dial")) < 5:  # noqa: ASYNC110  a line of a log has no event
                await asyncio.sleep(0.01)
        assert lines(out) == []
    assert "tcp" not in held_connection.PROTOCOLS


async def test_bystanders_are_not_held() -> None:
    async with serving(Redis()) as redis, a_witness(Dial("bystander:it", "127.0.0.1", redis.port, "redis")) as out:
        async with asyncio.timeout(5):
            while len(lines(out, "dial")) < 5:  # noqa: ASYNC110  a line of a log has no event
                await asyncio.sleep(0.01)
        assert lines(out) == []


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    folder: Path = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key", folder / "certificate"
    make = ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    subprocess.run(
        [*make, "-subj", "/CN=redis", "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True
    )
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate, key)
    return made


async def test_a_redis_behind_tls_is_asked_within_it(context: ssl.SSLContext) -> None:
    async with serving(Redis(), context) as redis, a_witness(at(redis, "tls")) as out:
        await until_told(out, 2, ok=True)
        redis.cut()
        assert next(line["error"] for line in await until_told(out, 1, ok=False) if not line["ok"]) == "timeout"
