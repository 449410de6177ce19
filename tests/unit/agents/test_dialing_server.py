"""What a witness says of a Redis that wants TLS and credentials: a real one, by its dependency's own settings."""

import asyncio
import io
import json
import shutil
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gameday.agents.dialing import Dialler
from gameday.agents.log import SampleLog
from gameday.agents.witness import witness
from gameday.model.agent import SERVER, Dial, RedisAddress, WitnessConfig
from unit.redis_tls import Certificates, TlsRedis


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.made(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
async def redis(certificates: Certificates) -> AsyncIterator[TlsRedis]:
    server = TlsRedis(certificates)
    await server.start()
    yield server
    await server.kill()


class Heard(io.StringIO):
    """A log that says when two lines of a held connection are in it."""

    def __init__(self) -> None:
        super().__init__()
        self.held_twice = asyncio.Event()

    def write(self, text: str, /) -> int:
        if super().getvalue().count('"type":"held"') + text.count('"type":"held"') >= 2:
            self.held_twice.set()
        return super().write(text)


def dial_of(server: RedisAddress) -> Dial:
    return Dial(f"target:{server.host}:{server.port}", server.host, server.port, SERVER)


async def test_it_answers_until_it_is_gone(redis: TlsRedis, tmp_path: Path) -> None:
    server = redis.address(tmp_path)
    dialler = Dialler(dial_of(server), redis=server)
    assert [await dialler(), await dialler()] == [None, None]
    await redis.kill()
    assert await dialler() == "refused"


async def test_a_redis_that_does_not_know_the_user_is_reached_all_the_same(redis: TlsRedis, tmp_path: Path) -> None:
    server = replace(redis.address(tmp_path), username_file="", username="nobody")
    assert await Dialler(dial_of(server), redis=server)() is None


async def test_the_password_is_sent_to_nobody_whose_certificate_is_not_trusted(
    certificates: Certificates, tmp_path: Path
) -> None:
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(100))
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.of("server"), certificates.key("server"))
    async with await asyncio.start_server(listen, "127.0.0.1", 0, ssl=context) as other:
        redis = TlsRedis(certificates, other.sockets[0].getsockname()[1])
        server = replace(redis.address(tmp_path), server_name="another.redis.test")
        told = await Dialler(dial_of(server), redis=server)()
        assert (told or "").startswith("tls: the certificate is not trusted: Hostname mismatch")
        assert heard in ([], [b""])
        assert await Dialler(dial_of(server), redis=redis.address(tmp_path))() == "reset"
        assert heard[-1].startswith(b"*3\r\n$4\r\nAUTH"), "the listener does hear what is sent"


async def test_certificates_that_come_later_are_read(
    redis: TlsRedis, certificates: Certificates, tmp_path: Path
) -> None:
    server = replace(redis.address(tmp_path), ca_file=str(tmp_path / "ca"))
    dialler = Dialler(dial_of(server), redis=server)
    shutil.copy(certificates.of("client"), tmp_path / "ca")
    assert await dialler() == "tls: the certificate is not trusted (give its CA in tls.caFrom)"
    shutil.copy(certificates.of("ca"), tmp_path / "ca")
    assert await dialler() is None


async def test_a_password_that_cannot_be_read_is_told_as_such(redis: TlsRedis, tmp_path: Path) -> None:
    server = replace(redis.address(tmp_path), password_file=str(tmp_path / "none"))
    assert await Dialler(dial_of(server), redis=server)() == (
        "auth: the Redis password cannot be read: check its Secret"
    )


async def test_a_connection_to_it_is_held_and_goes_on_answering(redis: TlsRedis, tmp_path: Path) -> None:
    server, out, ending = redis.address(tmp_path), Heard(), asyncio.Event()
    config = WitnessConfig(dials=(dial_of(server),), redis=server, every=0.05, ends_after=10.0)
    working = asyncio.create_task(witness(config, SampleLog(out), ending))
    async with asyncio.timeout(5):
        await out.held_twice.wait()
    ending.set()
    await working
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    held = [line["values"]["answered"] for line in lines if line["type"] == "held" and line["ok"]]
    assert held[:2] == [1, 2]
    assert all(line["ok"] for line in lines if line["type"] == "dial")
