"""Runs the real operator, and kills it at one named point: ``python -m chaos.launcher GROUP POINT MARK operator ...``.

What dies is the process of ``gameday operator`` itself, by SIGKILL (or the signal that the environment variable
``CHAOS_SIGNAL`` names), at a call that it makes anyway. MARK is a file that says so, with the process' number and the
point; one beside it, named ``.passed``, says that the process went on behind the point. Without a point (``-``) nothing
is wrapped. Where the environment variable ``CHAOS_CLOCK`` names a file, the operator is given a clock that is off by
the seconds that stand in it.
"""

import functools
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from chaos.points import AFTER, BEFORE, Asked, Point, point
from gameday.cli.main import app
from gameday.cluster.client import Cluster
from gameday.cluster.resources import PODS, Object, Resource
from gameday.controller.clock import Clock
from gameday.controller.drill.persisted_drill import PersistedDrill
from gameday.model.record import DrillRecord

Call = Callable[..., Awaitable[Any]]


class Killer:
    """Kills this process at a point, the first time that it is reached."""

    def __init__(self, at: Point, mark: Path) -> None:
        self.at = at
        self.mark = mark
        self._met = 0
        self._signal = signal.Signals[os.environ.get("CHAOS_SIGNAL", "SIGKILL")]

    def install(self) -> None:
        """Wrap what the operator calls."""
        if self.at.action.save is not None:
            setattr(PersistedDrill, "save", self._saving(PersistedDrill.save))  # noqa: B010  a method is not to be assigned
        for verb in ("create", "replace", "patch", "delete"):
            setattr(Cluster, verb, self._calling(verb, getattr(Cluster, verb)))
        setattr(Cluster, "evict", self._evicting(Cluster.evict))  # noqa: B010  a method is not to be assigned

    def _saving(self, save: Call) -> Call:
        async def saving(persisted: PersistedDrill, record: DrillRecord) -> None:
            tells = self.at.action.save
            now = tells is not None and tells(persisted.record, record)
            await self._around(now, save(persisted, record))

        return saving

    def _calling(self, verb: str, call: Call) -> Call:
        @functools.wraps(call)
        async def calling(cluster: Cluster, resource: Resource, namespace: str | None, *rest: Any, **more: Any) -> Any:
            name = next((part for part in rest if isinstance(part, str)), "")
            body: Object = next((part for part in rest if isinstance(part, dict)), {})
            asked = Asked(verb, resource.plural, name, body, dry_run=more.get("dry_run", False))
            now = self.at.action.call is not None and self.at.action.call(asked) and self._counts()
            return await self._around(now, call(cluster, resource, namespace, *rest, **more))

        return calling

    def _evicting(self, evict: Call) -> Call:
        async def evicting(cluster: Cluster, namespace: str, pod: str, *, uid: str) -> Any:
            asked = Asked("evict", PODS.plural, pod, {})
            now = self.at.action.call is not None and self.at.action.call(asked) and self._counts()
            return await self._around(now, evict(cluster, namespace, pod, uid=uid))

        return evicting

    def _counts(self) -> bool:
        self._met += 1
        return self._met == self.at.action.nth

    async def _around(self, now: bool, doing: Awaitable[Any]) -> Any:
        if now and self.at.moment == BEFORE:
            self.kill()
        done = await doing
        if now and self.at.moment == AFTER:
            self.kill()
        return done

    def kill(self) -> None:
        """Say so, and die, once: nothing of this process runs any more, or not before it is thawed."""
        if self.mark.exists():
            return
        with self.mark.open("w") as file:
            file.write(f"{time.time()} {os.getpid()} {self.at.name}\n")
            file.flush()
            os.fsync(file.fileno())
        os.kill(os.getpid(), self._signal)
        self.mark.with_suffix(".passed").touch()


def stepping(offset: Path) -> Clock:
    """A clock that is off by what stands in a file, which may change at any time."""
    return Clock(wall=lambda: time.time() + float(offset.read_text()))


def main() -> None:
    """Run the operator."""
    group, name, mark, *arguments = sys.argv[1:]
    if name != "-":
        Killer(point(group, name), Path(mark)).install()
    offset = os.environ.get("CHAOS_CLOCK")
    app(arguments, obj=stepping(Path(offset)) if offset else Clock())


if __name__ == "__main__":
    main()
