"""The redis probe against a real Redis."""

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path

import bullmq
import pytest

from gameday.model.agent import ProbeTask, RedisAddress
from gameday.probes.io.secrets import Secrets
from gameday.probes.redis.runner import RedisRunner
from gameday.probes.runner import ProbeResult
from unit.probes.tasks import redis_task
from unit.redis_server import PASSWORD, RedisServer

PATHS: tuple[tuple[str | int, ...], ...] = (("role",), ("depth",), ("active",), ("failed",))


@pytest.fixture
def probe(redis: RedisServer, tmp_path: Path) -> ProbeTask:
    secret = tmp_path / "password"
    secret.write_text(PASSWORD + "\n")
    server = RedisAddress("127.0.0.1", redis.port, password_file=str(secret))
    return redis_task("redis", 1.0, 10.0, server, PATHS, ("bullmq", "jobs", "bull"))


async def test_role_and_depths_of_the_queue_are_told(redis: RedisServer, probe: ProbeTask) -> None:
    async with redis.client() as client:
        await client.rpush("bull:jobs:wait", 1, 2, 3)
        await client.rpush("bull:jobs:active", 4)
        await client.zadd("bull:jobs:failed", {"5": 1, "6": 2})
    ask = RedisRunner(probe, Secrets())
    result = await ask()
    await ask.close()
    assert result.ok
    assert result.values == {"role": "master", "depth": 3, "active": 1, "failed": 2}


async def test_a_redis_that_stops_and_goes_on_is_a_failed_sample_and_then_a_good_one(
    redis: RedisServer, probe: ProbeTask
) -> None:
    ask = RedisRunner(replace(probe, timeout=2.0), Secrets())
    assert (await ask()).ok
    redis.stop()
    result = await ask()
    assert (result.ok, result.error) == (False, "timeout")
    redis.go_on()
    assert (await ask()).ok
    await redis.kill()
    assert (await ask()).error in {"refused", "reset", "protocol"}
    await redis.start()
    assert (await ask()).ok
    await ask.close()


async def test_an_answer_that_came_too_late_is_not_taken_for_the_next_one(redis: RedisServer, probe: ProbeTask) -> None:
    ask = RedisRunner(probe, Secrets())
    assert (await ask()).ok
    redis.stop()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await ask()
    redis.go_on()
    assert (await ask()).values == {"role": "master"}
    await ask.close()


async def scripted(
    replies: dict[bytes, bytes], paths: tuple[str, ...], times: int = 1, password_file: str = ""
) -> tuple[ProbeResult, int]:
    """The last answer of a probe to a Redis that says only this, and how many connections that took."""
    served: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while count := int((await reader.readuntil(b"\r\n"))[1:]):
                words = [(await reader.readuntil(b"\r\n"), await reader.readuntil(b"\r\n"))[1] for _ in range(count)]
                writer.write(replies[words[0].strip()])
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        there = RedisAddress("127.0.0.1", server.sockets[0].getsockname()[1], password_file=password_file)
        wanted = tuple((path,) for path in paths)
        ask = RedisRunner(redis_task("redis", 1.0, 5.0, there, wanted, ("bullmq", "jobs", "bull")), Secrets())
        for _ in range(times):
            result = await ask()
        await ask.close()
        await asyncio.gather(*filter(None, served))
    return result, len(served)


PONG = {b"PING": b"+PONG\r\n"}
NOPERM = b"-NOPERM User probe has no permissions\r\n"
ERR = b"-ERR unknown command\r\n"
MOVED = b"-MOVED 3999 127.0.0.1:6381\r\n"
ASK = b"-ASK 3999 127.0.0.1:6381\r\n"


async def test_only_what_expressions_read_is_asked_for() -> None:
    assert await scripted(PONG, ()) == (ProbeResult(ok=True, values={}), 1)
    depths = PONG | {b"LLEN": b":2\r\n"}
    assert await scripted(depths, ("active",)) == (ProbeResult(ok=True, values={"active": 2}), 1)


@pytest.mark.parametrize(("reply", "code"), [(NOPERM, "NOPERM"), (ERR, "ERR")])
async def test_a_redis_that_gives_no_role_leaves_all_else_known(reply: bytes, code: str) -> None:
    result, connections = await scripted(PONG | {b"ROLE": reply, b"LLEN": b":2\r\n"}, ("role", "active"), times=3)
    why = f"Redis answered ROLE with {code}: grant the probe's user this command"
    assert result == ProbeResult(ok=True, values={"active": 2}, unknown=((("role",), why),))
    assert connections == 1


async def test_a_depth_that_redis_does_not_tell_is_unknown_and_the_others_stay() -> None:
    result, _ = await scripted(PONG | {b"LLEN": b":2\r\n", b"ZCARD": NOPERM}, ("active", "failed"))
    why = "Redis answered ZCARD with NOPERM: grant the probe's user this command"
    assert result == ProbeResult(ok=True, values={"active": 2}, unknown=((("failed",), why),))


@pytest.mark.parametrize("reply", [MOVED, ASK])
async def test_a_queue_in_a_redis_cluster_is_unknown_and_the_connection_is_kept(reply: bytes) -> None:
    result, connections = await scripted(PONG | {b"LLEN": reply, b"ZCARD": b":0\r\n"}, ("depth", "failed"), times=3)
    why = "this is a Redis Cluster: write cluster: {} in the dependency"
    assert result == ProbeResult(ok=True, values={}, unknown=((("depth",), why), (("failed",), why)))
    assert connections == 1


async def test_a_redis_that_is_not_well_is_the_systems_doing() -> None:
    loading = b"-LOADING Redis is loading the dataset in memory\r\n"
    assert await scripted({b"PING": loading}, ()) == (ProbeResult(ok=False, error="redis LOADING"), 1)
    result, _ = await scripted(PONG | {b"LLEN": loading}, ("depth",))
    assert result == ProbeResult(ok=False, error="redis LOADING")


async def test_a_redis_that_takes_no_more_clients_is_the_systems_doing(redis: RedisServer, probe: ProbeTask) -> None:
    """It says so before it looks at a password."""
    ask = RedisRunner(probe, Secrets())
    async with redis.client() as client:
        await client.config_set("maxclients", 1)
        result = await ask()
        await client.config_set("maxclients", 100)
    assert (result.ok, result.error, result.unknown) == (False, "redis ERR", ())
    assert (await ask()).ok
    await ask.close()


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ("-WRONGPASS invalid username-password pair or user is disabled.", "auth"),
        ("-ERR invalid password", "auth"),
        ("-ERR Client sent AUTH, but no password is set", "auth"),
        ("-ERR wrong number of arguments for 'auth' command", "auth"),
        ("-BADAUTH try again", "auth"),
        ("-ERR max number of clients reached", "redis ERR"),
        ("-LOADING Redis is loading the dataset in memory", "redis LOADING"),
    ],
)
async def test_only_an_answer_about_the_login_asks_for_another_password(reply: str, error: str, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    result, _ = await scripted({b"AUTH": f"{reply}\r\n".encode()}, (), password_file=str(secret))
    assert (result.ok, result.error, bool(result.unknown)) == (False, error, error == "auth")


async def test_a_user_that_redis_does_not_admit_says_nothing_of_the_system() -> None:
    result, _ = await scripted({b"PING": NOPERM}, ())
    assert (result.ok, [path for path, _ in result.unknown]) == (False, [()])


async def test_a_least_privileged_user_reads_depths(redis: RedisServer, probe: ProbeTask) -> None:
    async with redis.client() as client:
        await client.rpush("bull:jobs:wait", 1)
        await client.execute_command(  # type: ignore[no-untyped-call]  # untyped upstream
            "ACL", "SETUSER", "probe", "on", f">{PASSWORD}", "~bull:*", "+@all", "-@dangerous"
        )
    config = {**probe.config, "server": {**probe.config["server"], "username": "probe"}}
    ask = RedisRunner(replace(probe, config=config), Secrets())
    result = await ask()
    await ask.close()
    assert (result.ok, result.values) == (True, {"depth": 1, "active": 0, "failed": 0})
    assert [path for path, _ in result.unknown] == [("role",)]


async def test_a_queue_that_is_not_there_has_no_depth(redis: RedisServer, probe: ProbeTask) -> None:
    """In another database, or not there at all: depth 0 would be met by accident."""
    ask = RedisRunner(replace(probe, paths=(("depth",), ("failed",))), Secrets())
    where = "there is no bullmq queue jobs with prefix bull in database 0"
    why = f"{where}: correct queue, or the dependency's redis.database"
    assert await ask() == ProbeResult(ok=True, values={}, unknown=((("depth",), why), (("failed",), why)))
    async with redis.client() as client:
        await client.hset("bull:jobs:meta", "opts.maxLenEvents", "10000")
        assert (await ask()).values == {"depth": 0, "failed": 0}
        await client.flushall()
    assert (await ask()).values == {"depth": 0, "failed": 0}, "what was there and is lost is the system's doing"
    await ask.close()


async def test_a_queue_of_bullmq_is_there_once_a_job_was_added(redis: RedisServer, probe: ProbeTask) -> None:
    queue = bullmq.Queue("jobs", {"connection": f"redis://:{PASSWORD}@127.0.0.1:{redis.port}"})
    ask = RedisRunner(replace(probe, paths=(("depth",),)), Secrets())
    assert (await ask()).values == {}, "the Python library writes nothing before"
    job = await queue.add("mail", {})
    assert (await ask()).values == {"depth": 1}
    await ask.close()
    await job.remove()
    ask = RedisRunner(replace(probe, paths=(("depth",),)), Secrets())
    assert (await ask()).values == {"depth": 0}, "its meta key is there"
    await ask.close()
    await queue.close()


async def test_a_wrong_password_is_told_without_it(probe: ProbeTask, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("wrong-secret")
    result = await RedisRunner(probe, Secrets())()
    why = f"Redis refuses the password: check Secret {tmp_path.name}, key password (the dependency's redis.auth)"
    assert (result.ok, result.error, result.unknown) == (False, "auth", (((), why),))
