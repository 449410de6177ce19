"""A bystander that has addresses of both families is reached only while each family that has answered answers."""

import asyncio
import io
import json
import socket
from collections.abc import AsyncIterator

import pytest

from gameday.agents import families
from gameday.agents.families import EachFamily
from gameday.agents.log import SampleLog
from gameday.agents.witness import witness
from gameday.model.agent import Dial, WitnessConfig
from unit.ports import free_port

NAME = "web.shop.svc"
FOUR, SIX = "127.0.0.1", "::1"


class Both:
    """A server that listens on one port in both families, and a resolver that knows its addresses."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.addresses = [SIX, FOUR]
        self.servers: dict[str, asyncio.Server] = {}

    async def up(self, host: str) -> None:
        self.servers[host] = await asyncio.start_server(lambda _, writer: writer.close(), host, self.port)

    async def down(self, host: str) -> None:
        server = self.servers.pop(host)
        server.close()
        await server.wait_closed()

    async def resolve(self, host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        assert host == NAME
        families = {True: socket.AF_INET6, False: socket.AF_INET}
        if not self.addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(families[":" in one], socket.SOCK_STREAM, 6, "", (one, port)) for one in self.addresses]


@pytest.fixture
async def both(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Both]:
    # However busy the machine is, a family that answers for the first time is learnt.
    monkeypatch.setattr(families, "LEARN", 2.0)
    one = Both(free_port())
    for host in (FOUR, SIX):
        await one.up(host)
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", one.resolve)
    yield one
    for host in list(one.servers):
        await one.down(host)


@pytest.mark.parametrize("lost", [FOUR, SIX])
async def test_a_family_that_has_answered_and_no_longer_does_fails_the_dial(both: Both, lost: str) -> None:
    dial = EachFamily(Dial("bystander:web", NAME, both.port, "tcp"))
    assert await dial() is None
    await both.down(lost)
    assert await dial() == "refused"
    await both.up(lost)
    assert await dial() is None


@pytest.mark.parametrize("never", [FOUR, SIX])
async def test_a_family_that_has_never_answered_says_nothing_until_it_does(both: Both, never: str) -> None:
    await both.down(never)
    dial = EachFamily(Dial("bystander:web", NAME, both.port, "tcp"))
    assert [await dial() for _ in range(3)] == [None, None, None]
    await both.up(never)
    assert await dial() is None
    await both.down(never)
    assert await dial() == "refused"


async def test_a_family_that_the_name_has_no_more_is_not_missed(both: Both) -> None:
    dial = EachFamily(Dial("bystander:web", NAME, both.port, "tcp"))
    assert await dial() is None
    both.addresses = [FOUR]
    await both.down(SIX)
    assert await dial() is None
    await both.down(FOUR)
    assert await dial() == "refused"


async def test_a_name_that_has_only_a_family_that_never_answered_is_a_failed_dial(both: Both) -> None:
    await both.down(FOUR)
    dial = EachFamily(Dial("bystander:web", NAME, both.port, "tcp"))
    assert await dial() is None
    both.addresses = [FOUR]
    assert await dial() == "refused"


async def test_a_witness_dials_a_bystander_by_its_name_in_each_family(both: Both) -> None:
    out, ending = io.StringIO(), asyncio.Event()
    config = WitnessConfig(dials=(Dial("bystander:web", NAME, both.port, "tcp"),), every=0.02, timeout=1.0)

    def last() -> bool | None:
        lines = [json.loads(line) for line in out.getvalue().splitlines()]
        return lines[-1]["ok"] if lines else None

    async def until_last(ok: bool) -> None:
        async with asyncio.timeout(20):
            while last() is not ok:  # noqa: ASYNC110  a line of a log has no event
                await asyncio.sleep(0.01)

    task = asyncio.create_task(witness(config, SampleLog(out), ending))
    await until_last(True)
    await both.down(FOUR)
    await until_last(False)
    await both.up(FOUR)
    await until_last(True)
    ending.set()
    await asyncio.wait_for(task, 20)


async def test_a_family_that_drops_packets_is_not_waited_for_unless_it_has_answered(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = asyncio.open_connection

    async def dropped(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if host == SIX:
            await asyncio.Event().wait()
        return await opened(host, port)

    monkeypatch.setattr(families, "LEARN", 0.25)
    dial, knows = (EachFamily(Dial("bystander:web", NAME, both.port, "tcp")) for _ in range(2))
    assert await knows() is None
    monkeypatch.setattr(asyncio, "open_connection", dropped)
    async with asyncio.timeout(20):
        assert await dial() is None
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await knows()


async def test_a_name_that_cannot_be_looked_up_or_answers_nowhere_is_a_failed_dial(both: Both) -> None:
    dial = EachFamily(Dial("bystander:web", NAME, both.port, "tcp"))
    for host in (FOUR, SIX):
        await both.down(host)
    assert await dial() == "refused"
    both.addresses = []
    assert await dial() is not None
