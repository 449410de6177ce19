"""The redis probe against a real Redis that speaks TLS of a private CA, wants a client certificate and a user."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gameday.probes.io.secrets import Secrets
from gameday.probes.redis.runner import RedisRunner
from gameday.probes.runner import ProbeResult
from unit.probes.tasks import redis_task
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


async def asked(redis: TlsRedis, folder: Path, **other: Any) -> ProbeResult:
    """The answer of a probe of a queue; ``other`` are fields of the address that differ."""
    server = replace(redis.address(folder), **other)
    ask = RedisRunner(
        redis_task("redis", 1.0, 2.0, server, (("role",), ("depth",)), ("bullmq", "jobs", "bull")), Secrets()
    )
    result = await ask()
    await ask.close()
    return result


async def test_a_private_ca_a_client_certificate_a_user_and_a_database(redis: TlsRedis, tmp_path: Path) -> None:
    await redis.run("RPUSH", "bull:jobs:wait", "1", "2")
    result = await asked(redis, tmp_path, database=3)
    assert (result.ok, result.values, result.unknown) == (True, {"role": "master", "depth": 2}, ())
    (path, why), *_ = (await asked(redis, tmp_path)).unknown
    assert (path, "in database 0" in why) == (("depth",), True)


@pytest.mark.parametrize(
    ("other", "word", "told"),
    [
        ({"ca_file": ""}, "tls", "the certificate is not trusted (give its CA in tls.caFrom)"),
        ({"server_name": ""}, "tls", "IP address mismatch"),
        ({"server_name": "another.redis.test"}, "tls", "Hostname mismatch"),
        ({"ca_file": "/not/there"}, "tls", "cannot be read as PEM: check tls"),
        ({"username_file": "/not/there"}, "auth", "the Redis user cannot be read: check its Secret"),
        ({"username_file": "", "username": "nobody"}, "auth", "and the user's name (the dependency's redis.auth)"),
        ({"database": 4000}, "database", "Redis answered SELECT 4000 with ERR: correct redis.database"),
    ],
    ids=["public CAs", "no name", "another name", "no CA file", "no user", "wrong user", "database"],
)
async def test_what_the_plan_says_wrong_is_not_the_systems_doing(
    redis: TlsRedis, tmp_path: Path, other: dict[str, Any], word: str, told: str
) -> None:
    result = await asked(redis, tmp_path, **other)
    assert (result.ok, result.error) == (False, word)
    ((path, why),) = result.unknown
    assert path == ()
    assert told in why


async def test_a_server_that_wants_a_certificate_is_told_apart_from_one_that_hangs_up(
    redis: TlsRedis, tmp_path: Path
) -> None:
    """TLS 1.3 tells it after the handshake, and what was sent meanwhile may be answered with a reset before."""
    answers: list[ProbeResult] = []
    while len(answers) < 20 or (len(answers) < 500 and all(result.error == "reset" for result in answers)):
        answers.append(await asked(redis, tmp_path, certificate_file="", key_file=""))
    assert {result.error for result in answers} <= {"tls", "reset"}
    wanted = "the server wants a client certificate: give one by tls.clientCertificateFrom"
    assert {result.unknown for result in answers if result.error == "tls"} == {(((), wanted),)}


async def test_a_redis_that_is_gone_is_the_systems_doing(redis: TlsRedis, tmp_path: Path) -> None:
    address = redis.address(tmp_path)
    ask = RedisRunner(redis_task("redis", 1.0, 2.0, address), Secrets())
    assert (await ask()).ok
    await redis.kill()
    first, second = await ask(), await ask()
    await ask.close()
    assert (first.ok, first.unknown) == (second.ok, second.unknown) == (False, ())
    assert second.error == "refused"
