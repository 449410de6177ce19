"""Closing connections at a real Redis: the targets' connections end, nobody else's."""

import asyncio
import io
import json
import time
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from gameday.agents.close_connections import close_connections
from gameday.agents.log import SampleLog
from gameday.model.agent import CloserConfig, CounterConfig, RedisAddress
from unit.redis_server import PASSWORD, RedisServer


async def open_from(address: str, redis: RedisServer) -> Redis:
    """A client whose connection comes from an address of loopback."""
    client = Redis(port=redis.port, password=PASSWORD, single_connection_client=True, client_name=address)
    pool: Any = client.connection_pool
    pool.connection_kwargs["socket_connect_timeout"] = 1
    reader, writer = await asyncio.open_connection("127.0.0.1", redis.port, local_addr=(address, 0))
    writer.write(f"AUTH {PASSWORD}\r\n".encode())
    await reader.readline()
    client.reader, client.writer = reader, writer  # type: ignore[attr-defined]
    return client


async def hung_up(client: Redis) -> bool:
    """Whether Redis has ended the connection."""
    reader: asyncio.StreamReader = client.reader  # type: ignore[attr-defined]
    try:
        async with asyncio.timeout(0.5):
            return await reader.read(1) == b""
    except TimeoutError:
        return False


def closing(config: CounterConfig, within: float = 10.0, seen: tuple[str, ...] = ()) -> CloserConfig:
    return CloserConfig(redis=config.redis, pods=config.pods, until=time.time() + within, seen=seen)


DONE = {"killed": 1, "left": 0, "opened": 0, "opener": "", "unseen": 0, "example": ""}


async def test_only_connections_of_the_targets_are_ended(redis: RedisServer, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    target, bystander = await open_from("127.0.0.2", redis), await open_from("127.0.0.20", redis)
    server = RedisAddress("127.0.0.1", redis.port, password_file=str(secret))
    out, ending = io.StringIO(), asyncio.Event()
    config = CounterConfig(redis=server, pods=(("a target", "127.0.0.2"),))
    task = asyncio.create_task(close_connections(config, SampleLog(out), ending))
    async with asyncio.timeout(5):
        while '"connections"' not in out.getvalue():  # noqa: ASYNC110  a line of a log has no event
            await asyncio.sleep(0.01)
    ending.set()
    await asyncio.wait_for(task, 5)
    assert not await hung_up(target), "without a time it only counts, to its end"
    counted = json.loads(out.getvalue().splitlines()[0])["values"]
    assert (counted["count"], counted["direct"], counted["age"] <= 5) == (1, True, True)
    assert counted["whose"] == f"a target to 127.0.0.1:{redis.port}"
    await asyncio.wait_for(close_connections(closing(config), SampleLog(out), asyncio.Event()), 5)
    assert await hung_up(target)
    assert not await hung_up(bystander)
    last = json.loads(out.getvalue().splitlines()[-1])
    assert (last["type"], last["ok"], last["values"]) == ("closed", True, DONE)
    for client in (target, bystander):
        client.writer.close()  # type: ignore[attr-defined]


async def counted_with(password: str, redis: RedisServer, username: str = "") -> str:
    """The first error that the counter writes."""
    out, ending = io.StringIO(), asyncio.Event()
    address = RedisAddress("127.0.0.1", redis.port, password_file=password, username=username)
    config = CounterConfig(redis=address, pods=(("a target", "127.0.0.2"),))
    task = asyncio.create_task(close_connections(config, SampleLog(out), ending))
    async with asyncio.timeout(5):
        while '"connections"' not in out.getvalue():  # noqa: ASYNC110  a line of a log has no event
            await asyncio.sleep(0.01)
    ending.set()
    await asyncio.wait_for(task, 5)
    (line,) = (json.loads(one) for one in out.getvalue().splitlines()[:1])
    return str(line.get("error"))


async def test_a_password_that_redis_refuses_is_told_with_its_secret(redis: RedisServer, tmp_path: Path) -> None:
    """No right that the user lacks: what helps is the Secret's value."""
    secret = tmp_path / "cart-store-pass" / "password"
    secret.parent.mkdir()
    secret.write_text("wrong")
    where = "check Secret cart-store-pass, key password"
    assert await counted_with(str(secret), redis) == (
        f"auth: Redis refuses the password: {where} (the dependency's redis.auth)"
    )
    assert f"{where}, and the user's name" in await counted_with(str(secret), redis, username="nobody")
    assert await counted_with("", redis) == "auth: Redis wants a password: give it in the dependency's redis.auth"
    missing = await counted_with(str(tmp_path / "none"), redis)
    assert missing == "auth: the Redis password cannot be read: check its Secret"


async def test_a_user_without_the_commands_is_told_to_get_them(redis: RedisServer, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("pass")
    person = Redis(port=redis.port, password=PASSWORD)
    await person.execute_command("ACL", "SETUSER", "small", "on", ">pass", "+ping")  # type: ignore[no-untyped-call]  # untyped upstream
    told = await counted_with(str(secret), redis, username="small")
    await person.aclose()
    assert told == "redis NOPERM: grant the user CLIENT LIST and CLIENT KILL, if this server has them"


async def test_a_user_who_may_list_but_not_end_is_told_so_before_a_cut(redis: RedisServer, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("pass")
    person = Redis(port=redis.port, password=PASSWORD)
    for rights, wanted in (("+client|list", "redis NOPERM"), ("+client|kill", "None")):
        await person.execute_command("ACL", "SETUSER", "small", "on", ">pass", "+ping", rights)  # type: ignore[no-untyped-call]  # untyped upstream
        told = await counted_with(str(secret), redis, username="small")
        assert told.startswith(wanted)
    await person.aclose()


async def test_a_redis_that_is_busy_for_a_moment_is_asked_again(redis: RedisServer, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    target, person = await open_from("127.0.0.2", redis), Redis(port=redis.port, password=PASSWORD)
    server = RedisAddress("127.0.0.1", redis.port, password_file=str(secret))
    out, ending = io.StringIO(), asyncio.Event()
    await person.execute_command("CLIENT", "PAUSE", 2500, "ALL")  # type: ignore[no-untyped-call]  # untyped upstream
    config = closing(CounterConfig(redis=server, pods=(("a target", "127.0.0.2"),)))
    await asyncio.wait_for(close_connections(config, SampleLog(out), ending), 10)
    last = json.loads(out.getvalue().splitlines()[-1])
    assert (last["ok"], last["values"]) == (True, DONE)
    target.writer.close()  # type: ignore[attr-defined]
    await person.aclose()


async def test_a_target_of_which_nothing_was_seen_is_told_and_one_address_of_a_pod_is_enough(
    redis: RedisServer, tmp_path: Path
) -> None:
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    target = await open_from("127.0.0.2", redis)
    server = RedisAddress("127.0.0.1", redis.port, password_file=str(secret))
    out, ending = io.StringIO(), asyncio.Event()
    pods = (("pod a", "127.0.0.3", "127.0.0.2"), ("pod b", "127.0.0.4"), ("pod c", "127.0.0.5"), ("pod d",))
    await asyncio.wait_for(
        close_connections(closing(CounterConfig(redis=server, pods=pods), seen=("127.0.0.5",)), SampleLog(out), ending),
        5,
    )
    last = json.loads(out.getvalue().splitlines()[-1])
    assert (last["ok"], last["values"]) == (True, DONE | {"unseen": 2, "example": "pod b"})
    target.writer.close()  # type: ignore[attr-defined]


async def test_after_its_time_it_ends_none(redis: RedisServer, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    target = await open_from("127.0.0.2", redis)
    server = RedisAddress("127.0.0.1", redis.port, password_file=str(secret))
    out = io.StringIO()
    late = closing(CounterConfig(redis=server, pods=(("a target", "127.0.0.2"),)), within=-1.0)
    await asyncio.wait_for(close_connections(late, SampleLog(out), asyncio.Event()), 5)
    assert not await hung_up(target)
    last = json.loads(out.getvalue().splitlines()[-1])
    assert (last["ok"], last["error"]) == (False, "the closer pod started too late to close any connection")
    target.writer.close()  # type: ignore[attr-defined]


async def test_told_to_end_it_goes_on_with_nothing(redis: RedisServer, tmp_path: Path) -> None:
    """The cut may be gone by then: what targets open from now on is good."""
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    person = Redis(port=redis.port, password=PASSWORD)
    await person.execute_command("CLIENT", "PAUSE", 1500, "ALL")  # type: ignore[no-untyped-call]  # untyped upstream
    server = RedisAddress("127.0.0.1", redis.port, password_file=str(secret))
    out, ending = io.StringIO(), asyncio.Event()
    task = asyncio.create_task(
        close_connections(
            closing(CounterConfig(redis=server, pods=(("a target", "127.0.0.2"),))), SampleLog(out), ending
        )
    )
    await asyncio.sleep(0.3)
    ending.set()
    await asyncio.wait_for(task, 1)
    assert out.getvalue() == ""
    target = await open_from("127.0.0.2", redis)
    await asyncio.sleep(2)
    assert not await hung_up(target)
    target.writer.close()  # type: ignore[attr-defined]
    await person.aclose()
