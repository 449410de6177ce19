"""What a witness asks of the cluster's DNS, a name that it knows itself; how it notices that a Redis speaks TLS."""

import asyncio
import contextlib
import io
import json
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from gameday.agents import dialing
from gameday.agents.dialing import Dialler, cluster_name, dial, nameservers
from gameday.agents.log import SampleLog
from gameday.agents.witness import witness
from gameday.model.agent import Dial, WitnessConfig


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\n", "cluster.local"),
        ("nameserver 10.0.0.10\nsearch shop.svc.corp.example. svc.corp.example. corp.example.\n", "corp.example"),
        ("nameserver 10.0.0.10\n", "cluster.local"),
    ],
)
def test_the_api_servers_name_is_asked_for_in_full(text: str, name: str) -> None:
    assert cluster_name(text) == f"kubernetes.default.svc.{name}"


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("nameserver 169.254.20.10\nsearch svc.cluster.local\n", ["169.254.20.10"]),
        ("nameserver 10.96.0.10\n", []),
        ("nameserver 10.96.0.10\nnameserver fd00::a\nnameserver fd00::a\n", ["fd00::a"]),
        ("".join(f"nameserver 10.0.0.{n}\n" for n in range(1, 6)), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]),
        ("# nameserver 10.0.0.1\nnameserver\noptions ndots:5\n", []),
        ("", []),
    ],
)
def test_the_nameservers_that_a_pod_asks_are_watched_wherever_they_stand(text: str, hosts: list[str]) -> None:
    known = (Dial("bystander:dns", "10.96.0.10", 53, "dns"), Dial("target:fd00::a", "fd00::a", 6379, "redis"))
    found = nameservers(text, known)
    assert [dial.host for dial in found] == hosts
    assert all(dial == Dial(f"bystander:nameserver {dial.host}", dial.host, 53, "dns") for dial in found)


async def test_a_witness_dials_the_nameservers_of_its_own_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    conf = tmp_path / "resolv.conf"
    conf.write_text("nameserver 127.0.0.254\n")
    monkeypatch.setattr(dialing, "RESOLV_CONF", conf)
    out, ending = io.StringIO(), asyncio.Event()
    task = asyncio.create_task(witness(WitnessConfig(nameservers=True, every=0.05), SampleLog(out), ending))
    async with asyncio.timeout(5):
        while not out.getvalue():  # noqa: ASYNC110  a line of a log has no event
            await asyncio.sleep(0.01)
    ending.set()
    await asyncio.wait_for(task, 5)
    assert json.loads(out.getvalue().splitlines()[0])["name"] == "bystander:nameserver 127.0.0.254"


class Server(asyncio.DatagramProtocol):
    """Answers for names of its own domain only, as a DNS server without an upstream does."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if b"\x05corp1" in data:
            self.transport.sendto(data[:2] + struct.pack("!H", 0x8180) + data[4:], addr)


async def test_a_dns_server_without_an_upstream_answers_the_dial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Server, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    conf = tmp_path / "resolv.conf"
    conf.write_text("search shop.svc.corp1 svc.corp1 corp1\n")
    monkeypatch.setattr(dialing, "RESOLV_CONF", conf)
    async with asyncio.timeout(5):
        assert await dial(Dial("dns", "127.0.0.1", port, "dns")) is None
    transport.close()
    await asyncio.sleep(0)


ALERT = b"\x15\x03\x01\x00\x02\x02\x46"
"""TLS' answer to what is not TLS: a fatal alert, protocol version."""


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate that nobody trusts."""
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key", folder / "certificate"
    make = ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    where = ["-subj", "/CN=redis-master.shop.svc", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*make, *where], check=True, capture_output=True)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate, key)
    return made


@dataclass
class Redis:
    """Enough of a Redis on loopback: it answers PING in the open, or with ``context`` in TLS alone."""

    context: ssl.SSLContext | None = None
    refusal: bytes = ALERT
    """What it answers in the open although it speaks TLS, before it hangs up."""
    resets: bool = False
    """Whether it hangs up on what it has not read."""
    plain: int = 0
    """Connections that began in the open."""
    secure: int = 0
    port: int = 0
    _listener: socket.socket = field(default_factory=socket.socket)

    def serve(self) -> None:
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                one, _ = self._listener.accept()
                with one, contextlib.suppress(OSError):
                    self._answer(one)

    def _answer(self, one: socket.socket) -> None:
        one.settimeout(2)
        if one.recv(1, socket.MSG_PEEK) == b"\x16" and self.context is not None:
            self.secure += 1
            with self.context.wrap_socket(one, server_side=True) as wrapped:
                wrapped.recv(64)
            return
        self.plain += 1
        if self.resets and self.context is not None:
            # What was not read makes the kernel reset the connection, as a real Redis with TLS does.
            one.recv(4)
            return
        one.recv(64)
        one.sendall(b"-NOAUTH\r\n" if self.context is None else self.refusal)


@contextlib.contextmanager
def served(redis: Redis) -> Iterator[Redis]:
    redis.serve()
    try:
        yield redis
    finally:
        redis.close()


@pytest.mark.parametrize(
    ("refusal", "resets"), [(ALERT, False), (b"", False), (b"", True)], ids=["alert", "hangs up", "resets"]
)
async def test_a_redis_that_speaks_tls_is_found_out_and_dialled_with_tls_from_then_on(
    context: ssl.SSLContext, refusal: bytes, resets: bool
) -> None:
    with served(Redis(context, refusal, resets)) as redis:
        again = Dialler(Dial("target:redis:6379", "127.0.0.1", redis.port, "redis"))
        async with asyncio.timeout(5):
            assert [await again() for _ in range(3)] == [None, None, None]
        assert (redis.plain, redis.secure) == (1, 3)


async def test_a_redis_that_once_answered_in_the_open_is_never_taken_for_tls(context: ssl.SSLContext) -> None:
    with served(Redis()) as redis:
        again = Dialler(Dial("target:redis:6379", "127.0.0.1", redis.port, "redis"))
        async with asyncio.timeout(5):
            assert await again() is None
            redis.context, redis.refusal = context, b""
            assert await again() == "protocol"
        assert redis.secure == 0


async def test_what_speaks_neither_is_no_redis() -> None:
    with served(Redis(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), b"HTTP/1.1 400 Bad Request\r\n")) as web:
        async with asyncio.timeout(5):
            assert await dial(Dial("target:web:80", "127.0.0.1", web.port, "redis")) == "protocol"
        assert (web.plain, web.secure) == (1, 0)
