"""What the shell completes: names of GameDays and Drills."""

import asyncio
from pathlib import Path
from typing import Final

import typer

from gameday.cluster.resources import DRILLS, GAMEDAYS, Resource
from gameday.errors import GameDayError
from gameday.model.record import Phase

PATIENCE: Final = 2.0
"""Seconds after which a key press gets no names."""


def gamedays(context: typer.Context, incomplete: str) -> list[str]:
    """Names of the GameDays in the command's namespace."""
    return _names(context, GAMEDAYS, incomplete)


def drills(context: typer.Context, incomplete: str) -> list[str]:
    """Names of the Drills in the command's namespace."""
    return _names(context, DRILLS, incomplete)


def open_drills(context: typer.Context, incomplete: str) -> list[str]:
    """Names of the Drills that are under way there."""
    return _names(context, DRILLS, incomplete, under_way=True)


def _names(context: typer.Context, resource: Resource, incomplete: str, *, under_way: bool = False) -> list[str]:
    from gameday.cli.asking import Where, asked

    given = context.params
    config = given.get("kubeconfig")
    where = Where(Path(config) if config else None, given.get("context"), given.get("namespace"))

    async def find() -> list[str]:
        async with asyncio.timeout(PATIENCE):
            found, _ = await asked(where, lambda cluster, namespace: cluster.list(resource, namespace))
        return [
            name
            for thing in found
            if (name := str(thing["metadata"]["name"])).startswith(incomplete)
            and not (under_way and thing.get("status", {}).get("phase") == Phase.FINISHED.value)
        ]

    try:
        return asyncio.run(find())
    except (GameDayError, TimeoutError):
        return []  # A shell has no place for a reason; the command itself will say it.
