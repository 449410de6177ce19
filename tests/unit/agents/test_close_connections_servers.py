"""Closing connections behind a Service of several servers: each is asked at its own address, and none may have one."""

import asyncio
import contextlib
import io
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from gameday.agents.close_connections import NOBODY, close_connections
from gameday.agents.log import SampleLog
from gameday.model.agent import CloserConfig, CounterConfig, RedisAddress
from unit.ports import free_port

TARGET, STRANGER = "10.0.0.9", "10.0.0.90"
NONE_LEFT = {"left": 0, "opened": 0, "opener": "", "unseen": 0, "example": ""}


@dataclass
class Server:
    """Enough of a Redis: it lists clients, and hangs up on one unless it is ``stubborn``."""

    clients: dict[str, str] = field(default_factory=dict)
    """Addresses by the number of their connection."""
    stubborn: bool = False
    forbids: bool = False
    """Whether the user may list clients and hang up on none."""
    back: str = ""
    """The address whose client connects again as soon as it is hung up on."""
    asked: int = 0
    ended: list[str] = field(default_factory=list)
    """The numbers that it was asked to hang up on."""
    age: int = 7
    """Of each connection, in seconds."""
    shows: bool = True
    """Whether it lists who asks by its own address, and not by that of a proxy."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                count = int((await reader.readuntil(b"\r\n"))[1:])
                words = []
                for _ in range(count):
                    length = int((await reader.readuntil(b"\r\n"))[1:])
                    words.append((await reader.readexactly(length + 2))[:-2].decode())
                writer.write(self.answer(words, *writer.get_extra_info("peername")[:2]))

    def answer(self, words: list[str], host: str, port: int) -> bytes:
        if words == ["CLIENT", "LIST"]:
            self.asked += 1
            text = "".join(
                f"id={one} addr={address}:40000 laddr=10.0.1.5:6380 fd=8 name= age={self.age} idle=0\n"
                for one, address in self.clients.items()
            )
            text += f"id=99 addr={host if self.shows else '10.0.3.1'}:{port} laddr=10.0.1.5:6380 age=0\n"
            return f"${len(text)}\r\n{text}\r\n".encode()
        if words[:3] == ["CLIENT", "KILL", "ID"]:
            self.ended.append(words[3])
        if words[:3] == ["CLIENT", "KILL", "ID"] and self.forbids:
            return b"-NOPERM this user has no permissions to run the 'client|kill' command\r\n"
        if words[:3] == ["CLIENT", "KILL", "ID"]:
            if not self.stubborn and self.clients.pop(words[3], None) == self.back:
                self.clients[str(int(words[3]) + 1)] = self.back
            return b":1\r\n"
        return b"-ERR unknown command\r\n"


@contextlib.asynccontextmanager
async def listening(port: int, *servers: Server) -> AsyncIterator[tuple[tuple[str, int], ...]]:
    """The servers, each at an address of loopback."""
    addresses = tuple((f"127.0.0.{number}", port) for number in range(3, 3 + len(servers)))
    async with contextlib.AsyncExitStack() as stack:
        for one, (host, _) in zip(servers, addresses, strict=True):
            await stack.enter_async_context(await asyncio.start_server(one.serve, host, port))
        yield addresses


async def told(config: CounterConfig, within: float = 10.0) -> list[dict[str, Any]]:
    """What an agent writes that ends connections for at most so many seconds."""
    out = io.StringIO()
    closes = CloserConfig(redis=config.redis, servers=config.servers, pods=config.pods, until=time.time() + within)
    await asyncio.wait_for(close_connections(closes, SampleLog(out), asyncio.Event()), within + 5)
    return [json.loads(line) for line in out.getvalue().splitlines()]


async def test_connections_end_at_every_server() -> None:
    servers = [Server({"1": TARGET, "2": STRANGER}), Server({"7": TARGET}), Server()]
    async with listening(free_port(), *servers) as addresses:
        config = CounterConfig(redis=RedisAddress("redis.shop.svc"), servers=addresses, pods=(("it", TARGET),))
        last = (await told(config))[-1]
    assert (last["ok"], last["values"]) == (True, NONE_LEFT | {"killed": 2})
    assert [one.clients for one in servers] == [{"2": STRANGER}, {}, {}]


async def counted(*servers: Server) -> list[dict[str, Any]]:
    """What a counter writes in its first two looks."""
    async with listening(free_port(), *servers) as addresses:
        config = CounterConfig(redis=RedisAddress("redis.shop.svc"), servers=addresses, pods=(("it", TARGET),))
        out, ending = io.StringIO(), asyncio.Event()
        task = asyncio.create_task(close_connections(config, SampleLog(out), ending))
        async with asyncio.timeout(10):
            while out.getvalue().count("\n") < 2:  # noqa: ASYNC110  a line of a log has no event
                await asyncio.sleep(0.01)
        ending.set()
        await task
    return [json.loads(line) for line in out.getvalue().splitlines()[:2]]


@pytest.mark.parametrize("shows", [True, False])
async def test_a_server_that_shows_another_address_than_the_counter_s_is_told(shows: bool) -> None:
    """One of two is enough: a target may be connected there."""
    lines = await counted(Server(), Server(shows=shows))
    assert [line["values"]["direct"] for line in lines] == [shows, shows]


async def test_a_user_who_may_not_end_connections_is_told_while_they_are_counted() -> None:
    """It is asked once only: each refusal is counted in the statistics of a Redis, and may alert somebody."""
    servers = [Server({"1": TARGET}), Server({"7": TARGET}, forbids=True)]
    lines = await counted(*servers)
    why = "redis NOPERM: grant the user CLIENT LIST and CLIENT KILL, if this server has them"
    assert [(line["ok"], line["error"], line["values"]["count"]) for line in lines] == [(False, why, 2)] * 2
    assert [one.ended for one in servers] == [[NOBODY], [NOBODY]]
    assert [len(one.clients) for one in servers] == [1, 1]


async def test_connections_at_every_server_are_counted_and_being_told_to_end_ends_none() -> None:
    servers = [Server({"1": TARGET, "2": STRANGER}), Server({"7": TARGET}), Server()]
    async with listening(free_port(), *servers) as addresses:
        config = CounterConfig(redis=RedisAddress("redis.shop.svc"), servers=addresses, pods=(("it", TARGET),))
        out, ending = io.StringIO(), asyncio.Event()
        task = asyncio.create_task(close_connections(config, SampleLog(out), ending))
        await asyncio.sleep(1.5)
        ending.set()
        await asyncio.wait_for(task, 10)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert {(line["type"], line["ok"], line["values"]["count"]) for line in lines} == {("connections", True, 2)}
    assert lines[0]["values"]["seen"] == [TARGET]
    youngest = [[line["values"].get(key) for key in ("age", "youngest", "whose")] for line in lines]
    assert youngest == [[7, "0:1", "it to 10.0.1.5:6380"], [7, "0:1", None]], "it is told once whose one is"
    assert [len(one.clients) for one in servers] == [2, 1, 0]


async def test_a_connection_that_one_server_keeps_is_left() -> None:
    servers = [Server(), Server({"1": TARGET}, stubborn=True)]
    async with listening(free_port(), *servers) as addresses:
        config = CounterConfig(redis=RedisAddress("r"), servers=addresses, pods=(("it", TARGET),))
        last = (await told(config, 1.0))[-1]
    assert (last["ok"], last["values"]["left"]) == (False, 1)


async def test_what_targets_open_while_connections_are_ended_is_told_from_what_cannot_be_ended() -> None:
    """The first shows that something lets them through; a connection that the server keeps may be silent."""
    servers = [Server({"1": TARGET, "2": STRANGER}, back=TARGET), Server({"1": TARGET}, stubborn=True)]
    async with listening(free_port(), *servers) as addresses:
        config = CounterConfig(redis=RedisAddress("r"), servers=addresses, pods=(("pod api-1", TARGET),))
        last = (await told(config, 3.0))[-1]["values"]
    assert (last["left"], last["opened"], last["opener"]) == (2, 1, "pod api-1 to 10.0.1.5:6380")


async def test_a_client_that_was_back_for_a_moment_is_not_left() -> None:
    server = Server({"1": TARGET}, back=TARGET)
    async with listening(free_port(), server) as addresses, asyncio.TaskGroup() as group:
        config = CounterConfig(redis=RedisAddress("r"), servers=addresses, pods=(("it", TARGET),))
        closing = group.create_task(told(config))
        await asyncio.sleep(2.5)
        server.back = ""
    last = closing.result()[-1]
    assert last["ok"]
    assert last["values"] | {"killed": 0} == NONE_LEFT | {"killed": 0}


async def test_who_may_not_end_connections_has_not_seen_any_come_back() -> None:
    async with listening(free_port(), Server({"1": TARGET}, forbids=True)) as addresses:
        config = CounterConfig(redis=RedisAddress("r"), servers=addresses, pods=(("it", TARGET),))
        last = (await told(config))[-1]
    assert last["error"].startswith("redis NOPERM")
    assert (last["values"]["left"], last["values"]["opened"]) == (1, 0)


@pytest.mark.parametrize("age", ["", "-3", "x", "9" * 5000])
async def test_an_age_that_makes_no_sense_is_not_told(age: str) -> None:
    server = Server({"1": TARGET})
    server.age = age  # type: ignore[assignment]  # what no Redis says
    async with listening(free_port(), server) as addresses:
        out, ending = io.StringIO(), asyncio.Event()
        config = CounterConfig(redis=RedisAddress("r"), servers=addresses, pods=(("it", TARGET),))
        task = asyncio.create_task(close_connections(config, SampleLog(out), ending))
        await asyncio.sleep(0.3)
        ending.set()
        await asyncio.wait_for(task, 10)
    values = json.loads(out.getvalue().splitlines()[0])["values"]
    assert values == {"count": 1, "direct": True, "seen": [TARGET], "unseen": 0}


async def test_targets_of_which_no_connection_is_seen_are_counted_and_one_is_named_once() -> None:
    async with listening(free_port(), Server({"1": TARGET})) as addresses:
        out, ending = io.StringIO(), asyncio.Event()
        pods = (("it", TARGET), ("pod b", "127.0.0.88"), ("pod c", "127.0.0.89"))
        config = CounterConfig(redis=RedisAddress("r"), servers=addresses, pods=pods)
        task = asyncio.create_task(close_connections(config, SampleLog(out), ending))
        async with asyncio.timeout(10):
            while out.getvalue().count("\n") < 2:  # noqa: ASYNC110  a line of a log has no event
                await asyncio.sleep(0.01)
        ending.set()
        await asyncio.wait_for(task, 10)
    first, second = (json.loads(line)["values"] for line in out.getvalue().splitlines()[:2])
    assert (first["unseen"], first["example"], second["unseen"], second.get("example")) == (2, "pod b", 2, None)


async def test_a_server_that_cannot_be_asked_leaves_the_closing_unproven() -> None:
    async with listening(free_port(), Server()) as addresses:
        nobody = ("127.0.0.77", addresses[0][1])
        config = CounterConfig(redis=RedisAddress("r"), servers=(*addresses, nobody), pods=(("it", TARGET),))
        last = (await told(config, 1.0))[-1]
    assert (last["ok"], last["error"]) == (False, "refused: the closer pod did not reach every server of Redis")


@pytest.mark.parametrize("address", ["10.0.0.9", "10.0.0.90"])
async def test_addresses_must_be_the_very_same(address: str) -> None:
    servers = [Server({"1": TARGET, "2": STRANGER})]
    async with listening(free_port(), *servers) as addresses:
        config = CounterConfig(redis=RedisAddress("r"), servers=addresses, pods=(("it", address),))
        await told(config)
    assert address not in servers[0].clients.values()
    assert len(servers[0].clients) == 1


@pytest.mark.parametrize(
    ("shown", "address"),
    [
        ("[fd00:10::9]", "fd00:10::9"),
        ("[fd00:10::9]", "FD00:10:0::9"),
        ("[::ffff:10.0.0.9]", "10.0.0.9"),
        ("::ffff:10.0.0.9", "10.0.0.9"),
        ("10.0.0.9", "::ffff:10.0.0.9"),
    ],
)
async def test_an_address_is_the_same_in_whichever_form_a_server_shows_it(shown: str, address: str) -> None:
    """Redis writes brackets around IPv6; one that listens for both families on one socket maps IPv4 into IPv6."""
    others = {"2": "[fd00:10::90]", "3": "[::ffff:10.0.0.90]", "4": "10.0.0.90"}
    servers = [Server({"1": shown, **others})]
    async with listening(free_port(), *servers) as addresses:
        config = CounterConfig(redis=RedisAddress("r"), servers=addresses, pods=(("it", "10.0.9.9", address),))
        last = (await told(config))[-1]
    assert servers[0].clients == others
    assert (last["ok"], last["values"]) == (True, NONE_LEFT | {"killed": 1})


async def test_connections_from_both_addresses_of_a_target_end() -> None:
    servers = [Server({"1": TARGET, "2": "[fd00:10::9]", "3": "[fd00:10::a]"})]
    async with listening(free_port(), *servers) as addresses:
        pods = (("pod api-1", TARGET, "fd00:10::9"), ("pod api-2", "10.0.0.7", "fd00:10::7"))
        last = (await told(CounterConfig(redis=RedisAddress("r"), servers=addresses, pods=pods)))[-1]
    assert servers[0].clients == {"3": "[fd00:10::a]"}
    assert last["values"] == NONE_LEFT | {"killed": 2, "unseen": 1, "example": "pod api-2"}
