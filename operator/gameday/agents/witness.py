"""Witness and control: one program, which dials the cut addresses. ``python -m gameday.agents.witness``.

Dials of one address may overlap, because a dropped packet takes a whole timeout to fail; they are logged in the order
in which they were sent. In addition one connection is held open to each cut address.
A name that is cut is looked up as well, and all of its addresses are dialled (``naming``). Of a host that leads to a
Redis of several servers so are all that these name (``servers``).
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any, Final

from gameday.agents import dialing
from gameday.agents.connection_holder import Holder
from gameday.agents.dialing import Dialler, nameservers
from gameday.agents.families import EachFamily
from gameday.agents.log import SampleLog
from gameday.agents.naming import Name, first_good
from gameday.agents.runtime import run, until
from gameday.agents.servers import Ports, Servers
from gameday.model.addresses import AT
from gameday.model.agent import SENTINEL, SERVER, Dial, Peers, RedisAddress, WitnessConfig
from gameday.model.hosts import address_of
from gameday.model.sample import LineType

CUT: Final = "target:"
"""The prefix of the names of dials to cut addresses."""


async def witness(config: WitnessConfig, log: SampleLog, ending: asyncio.Event) -> None:
    """Dial every address at each interval until SIGTERM."""
    async with asyncio.TaskGroup() as group:
        tasks: list[asyncio.Task[None]] = []

        def start(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
            tasks.append(group.create_task(work))
            return tasks[-1]

        own = nameservers(dialing.RESOLV_CONF.read_text(), config.dials) if config.nameservers else ()
        names: dict[str, Name] = {}
        known = frozenset((dial.host, dial.port) for dial in config.dials if dial.name.startswith(CUT))
        for target in (*config.dials, *own):
            if not target.name.startswith(CUT):
                by_address = address_of(target.host) is not None
                start(
                    _repeat(target, _bare(Dialler(target) if by_address else EachFamily(target)), config, log, ending)
                )
                continue
            holder = Holder(target.name, log, start)
            if address_of(target.host) is not None and target.host != config.through:
                dialler = Dialler(target, holder, config.redis, config.peers, known)
                start(_repeat(target, _bare(dialler), config, log, ending))
                continue
            if target.host not in names:
                names[target.host] = _name(target.host, config, log)
                start(names[target.host].watch(ending))
            every = _Every(target, names[target.host], holder, config.redis, config.peers)
            start(_once_found(names[target.host], _repeat(target, every, config, log, ending)))
        await ending.wait()
        for task in tasks:
            task.cancel()


Ask = Callable[[], Awaitable[tuple[str | None, str]]]
"""A dial: a short word or None, and which address of a name answered."""


def _name(host: str, config: WitnessConfig, log: SampleLog) -> Name:
    """How the addresses of a host are found."""
    if host != config.through or config.redis is None or config.peers is None:
        return Name(host, log)
    ports = {dial.protocol: dial.port for dial in config.dials if dial.host == host}
    return Servers(host, log, config.redis, config.peers, Ports(ports.get(SERVER, 0), ports.get(SENTINEL, 0)))


def _bare(dialler: Dialler | EachFamily) -> Ask:
    async def ask() -> tuple[str | None, str]:
        return await dialler(), ""

    return ask


class _Every:
    """Dials every address of a name that is known, each in its own way."""

    def __init__(
        self, target: Dial, name: Name, holder: Holder, redis: RedisAddress | None, peers: Peers | None
    ) -> None:
        self._target, self._name, self._holder, self._redis, self._peers = target, name, holder, redis, peers
        self._diallers: dict[str, Dialler] = {}

    async def __call__(self) -> tuple[str | None, str]:
        for address in self._name.known:
            if address not in self._diallers:
                target = replace(self._target, host=address)
                self._diallers[address] = Dialler(target, self._holder, self._redis, self._peers)
        return await first_good(dict(self._diallers))


async def _once_found(name: Name, work: Coroutine[Any, Any, None]) -> None:
    """Dial a name as soon as it has an address: before, nobody knows anything of what is cut."""
    try:
        await name.found.wait()
    except BaseException:
        work.close()
        raise
    await work


async def _repeat(target: Dial, dial: Ask, config: WitnessConfig, log: SampleLog, ending: asyncio.Event) -> None:
    under_way: deque[asyncio.Task[tuple[float, float, str | None, str]]] = deque()
    due = asyncio.get_running_loop().time()

    def write_finished() -> None:
        while under_way and under_way[0].done():
            sent, received, error, at = under_way.popleft().result()
            values = {AT: at} if at else {}
            log.write(target.name, sent, received, ok=error is None, error=error, values=values, kind=LineType.DIAL)

    try:
        while not await until(ending, due):
            task = asyncio.create_task(_once(dial, config.timeout))
            task.add_done_callback(lambda _: write_finished())
            under_way.append(task)
            due += config.every
    finally:
        for task in under_way:
            task.cancel()
        under_way.clear()


async def _once(dial: Ask, timeout: float) -> tuple[float, float, str | None, str]:
    sent, at = time.time(), ""
    error: str | None = "timeout"
    try:
        async with asyncio.timeout(timeout):
            error, at = await dial()
    except TimeoutError:
        error = "timeout"
    return sent, time.time(), error, at


if __name__ == "__main__":
    run(witness, WitnessConfig)
