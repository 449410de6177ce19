"""Watch a drill until it has ended: a picture on a terminal, else a line for each thing that happens.

The picture is drawn anew a few times a second; what it shows is kept up to date by watches and followed logs. Ctrl-C
ends the watching alone.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from gameday.cli.asking import NotDone, say
from gameday.cli.deleted import deleted
from gameday.cli.explain import frozen
from gameday.cli.following import ended, follow, more
from gameday.cli.output import console
from gameday.cli.progress import Progress
from gameday.cli.rights import missing
from gameday.cli.watching.measured import Measured
from gameday.cli.watching.picture import picture
from gameday.cluster.client import Cluster
from gameday.cluster.resources import DRILLS, Object
from gameday.errors import Forbidden

PER_SECOND: Final = 4
"""Pictures a second: the clocks move once a second, and a person sees no more."""


async def chosen(cluster: Cluster, namespace: str, name: str) -> Object:
    """The Drill of that name, or without one the newest that is under way.

    Raises:
        NotDone: when there is none.
        GameDayError: when Drills cannot be read.

    """
    drills, _ = await cluster.list(DRILLS, namespace)
    if name:
        found = [one for one in drills if one["metadata"]["name"] == name]
        if not found:
            raise NotDone(f"there is no Drill {name} in namespace {namespace}")
        return found[0]
    under_way = sorted((one for one in drills if not ended(one)), key=lambda one: one["metadata"]["creationTimestamp"])
    if not under_way:
        raise NotDone(
            f"no drill is under way in namespace {namespace}: `gameday run NAME` starts one, and `gameday next` shows "
            "when the next one comes"
        )
    return under_way[-1]


async def watch(cluster: Cluster, namespace: str, name: str, wall: Callable[[], float]) -> None:
    """Show a drill until it has ended.

    Raises:
        NotDone: when there is none, or it is deleted meanwhile.
        GameDayError: when Drills cannot be read.

    """
    drill = await chosen(cluster, namespace, name)
    out = console()
    if out.is_terminal:
        await _drawn(cluster, drill, out, wall)
    else:
        await _told(cluster, drill, out)


async def _told(cluster: Cluster, drill: Object, out: Console) -> None:
    """A line for each thing that happens."""
    progress = Progress()
    async for state in _states(cluster, drill):
        for one in progress.news(state):
            out.print(Text(str(one), style="yellow" if one.bad else ""))
        if ended(state):
            summary = state["status"].get("summary", "")
            out.print("\n".join(filter(None, (summary, more(state, summary)))))


async def _drawn(cluster: Cluster, drill: Object, out: Console, wall: Callable[[], float]) -> None:
    """The picture, which stays as it was last."""
    metadata = drill["metadata"]
    measured = Measured(cluster, metadata["namespace"], metadata["name"])
    state, told = drill, frozen(drill)

    def draw() -> RenderableType:
        curves = {name: tuple(one.samples) for name, one in measured.curves.items()}
        return picture(state, told, curves, _note(measured.refused), wall())

    reading = asyncio.create_task(measured.run())
    try:
        with Live(get_renderable=draw, console=out, refresh_per_second=PER_SECOND, auto_refresh=True):
            async for state in _states(cluster, drill):
                told = frozen(state)
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _states(cluster: Cluster, drill: Object) -> AsyncGenerator[Object, None]:
    namespace, name = drill["metadata"]["namespace"], drill["metadata"]["name"]
    last = drill
    async with aclosing(follow(cluster, namespace, name, _trouble)) as states:
        async for state in states:
            if state is None:
                raise NotDone(deleted(last))
            last = state
            yield state


def _note(refused: Forbidden | None) -> str:
    return f"Only the status is shown, without the probes: {missing(refused)}" if refused is not None else ""


def _trouble(error: str) -> None:
    say(f"{error}; the drill goes on, and is shown again as soon as there is an answer")
