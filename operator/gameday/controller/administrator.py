"""The administrator's halt and limits: informers of two ConfigMaps in the operator's own namespace.

Each drill's runner listens, and acts at once when it changes.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from gameday.api.limits import LimitsInvalid, limits_of
from gameday.cluster.client import Cluster
from gameday.cluster.informer import Informer
from gameday.cluster.resources import CONFIG_MAPS, Object
from gameday.errors import GameDayError
from gameday.model import halt as halting
from gameday.model import limits as limiting
from gameday.model.halt import CLEAR, Halt, HaltState
from gameday.model.limits import UNLIMITED, Limits, LimitsState, LimitsValidity

PATIENCE: Final = 1.0
"""Longest pause, in seconds, before the API server is asked again: a halt takes at most 2 s to be heard."""
LOOK_EVERY: Final = 5.0
"""Seconds after which a halt is seen although its watch died unnoticed, while any drill runs."""


class Administrator:
    """The administrator's word, kept up to date while ``run`` runs.

    ``halt`` and ``limits_state`` are what holds now. Until they were read, and while the API server does not answer,
    nobody knows; but a halt that was there when last seen holds.
    """

    def __init__(self, cluster: Cluster, namespace: str, changed: Callable[[], None]) -> None:
        """Make it; ``changed`` is called after the drills that listen."""
        self.cluster = cluster
        self.namespace = namespace
        self.changed = changed
        self.halt = Halt(HaltState.UNREADABLE, "the operator has not read yet whether drills are halted")
        self.limits_state = LimitsState(state=LimitsValidity.UNREADABLE, why="the limits have not been read yet")
        self.listeners: dict[Callable[[], None], None] = {}
        """What is called at each change, in the order of registration."""
        self._heard = asyncio.Event()
        self._changes = 0
        self._halt = self._start_informer(halting.CONFIG_MAP)
        self._limits = self._start_informer(limiting.CONFIG_MAP)

    @property
    def known(self) -> bool:
        """Whether the administrator was asked at all, with whatever answer: before that nothing may be concluded."""
        return self._heard.is_set()

    @property
    def halt_object(self) -> Object | None:
        """The ConfigMap that halts, as an Event's subject."""
        found = self._halt.objects.get(halting.CONFIG_MAP)
        return found | {"apiVersion": CONFIG_MAPS.api_version, "kind": CONFIG_MAPS.kind} if found is not None else None

    async def run(self) -> None:
        """Listen until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._halt.run())
            group.create_task(self._limits.run())
            group.create_task(self._look_again())

    async def read(self) -> None:
        """Return once the administrator was asked."""
        await self._heard.wait()

    async def look(self) -> None:
        """Ask now whether drills are halted, whatever the watch says.

        Raises:
            GameDayError: when that is unknown.

        """
        before = self._changes
        found = await self.cluster.get(CONFIG_MAPS, self.namespace, halting.CONFIG_MAP)
        # What the watch brought meanwhile is newer than this answer may be.
        if self._changes != before:
            return
        if found is None:
            self._halt.evict(halting.CONFIG_MAP)
        else:
            self._halt.upsert(found)

    def _start_informer(self, name: str) -> Informer:
        fields = f"metadata.name={name}"
        return Informer(self.cluster, CONFIG_MAPS, self.namespace, self._notify, fields=fields, patience=PATIENCE)

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            if self.listeners:
                try:
                    await self.look()
                except GameDayError:
                    # The informer gets the same error and reports it.
                    continue

    def _notify(self) -> None:
        self._changes += 1
        halt, limits_state = halt_of(self._halt), limits_state_of(self._limits, self.limits_state.limits)
        if self.known and (halt, limits_state) == (self.halt, self.limits_state):
            return
        self.halt, self.limits_state = halt, limits_state
        if not all(informer.synced or informer.error for informer in (self._halt, self._limits)):
            return
        self._heard.set()
        for listener in tuple(self.listeners):
            listener()
        self.changed()


def halt_of(informer: Informer) -> Halt:
    """Whether all drills are halted: what was last seen there halts until it is seen gone."""
    found = informer.objects.get(halting.CONFIG_MAP)
    if found is not None:
        return Halt(HaltState.HALTED, " ".join(str((found.get("data") or {}).get(halting.REASON, "")).split())[:256])
    if informer.error or not informer.synced:
        why = f"it is not known whether drills are halted, so none starts: {informer.error or 'not read yet'}"
        return Halt(HaltState.UNREADABLE, why)
    return CLEAR


def limits_state_of(informer: Informer, last: Limits) -> LimitsState:
    """The limits as they stand; ``last`` are those that were known before."""
    if informer.error or not informer.synced:
        why = f"the administrator's limits cannot be read, so no drill starts: {informer.error or 'not read yet'}"
        return LimitsState(last, LimitsValidity.UNREADABLE, why)
    found = informer.objects.get(limiting.CONFIG_MAP)
    if found is None:
        return UNLIMITED
    try:
        return LimitsState(limits_of(found.get("data") or {}))
    except LimitsInvalid as error:
        where = f"ConfigMap {found['metadata']['namespace']}/{limiting.CONFIG_MAP}"
        why = f"the administrator's limits are invalid, so no drill starts: {where}: {error}"
        return LimitsState(last, LimitsValidity.INVALID, why[:1024])
