"""The newest known version of every GameDay and Drill, from Kopf's watches, lists and the drills' runners."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from gameday.api.managed_fields import strip_managed_fields
from gameday.cluster.informer import version_of

Object = dict[str, Any]
Key = tuple[str, str]
"""Namespace and name."""
Listed = tuple[tuple[Object, ...], str]
"""A collection as it was listed: its objects and its resourceVersion."""


def key_of(thing: Mapping[str, Any]) -> Key:
    """Namespace and name of an object."""
    return thing["metadata"]["namespace"], thing["metadata"]["name"]


class Listener(Protocol):
    """Hears of each GameDay and Drill that came, changed or went, once the store says so too."""

    def gameday_changed(self, key: Key) -> None:
        """Take note of a GameDay; one that is not in the store any more is gone."""

    def drill_changed(self, drill: Object) -> None:
        """Take note of a Drill; one that is not in the store any more is gone."""


@dataclass(slots=True)
class Store:
    """The newest state of everything that Kopf watches for us. Whoever acts on it listens."""

    gamedays: dict[Key, Object] = field(default_factory=dict)
    drills: dict[Key, Object] = field(default_factory=dict)
    listed: bool = False
    """Whether all objects have been listed once; until then some may be unknown."""
    _listeners: list[Listener] = field(default_factory=list)

    def listen(self, listener: Listener) -> None:
        """Tell a listener of everything that changes from here on."""
        self._listeners.append(listener)

    def gameday_seen(self, deleted: bool, thing: Object) -> None:
        """Take the state of a GameDay that a watch brought."""
        _take(self.gamedays, thing, deleted=deleted)
        self._tell_of_gameday(key_of(thing))

    def drill_seen(self, deleted: bool, thing: Object) -> None:
        """Take the state of a Drill that a watch brought."""
        _take(self.drills, thing, deleted=deleted)
        self._tell_of_drill(thing)

    def drill_written(self, thing: Object, *, gone: bool = False) -> None:
        """Take the state of a Drill that this process wrote: the watch may not have brought it yet."""
        known = self.drills.get(key_of(thing))
        if known is not None and known["metadata"]["uid"] == thing["metadata"]["uid"]:
            self.drill_seen(gone, thing)

    def resync(self, namespace: str | None, drills: Listed, gamedays: Listed) -> None:
        """Take what the API server lists, in one namespace or in all: an event that never came is made up for."""
        for thing in _changed(self.drills, namespace, drills):
            self._tell_of_drill(thing)
        for thing in _changed(self.gamedays, namespace, gamedays):
            self._tell_of_gameday(key_of(thing))

    def _tell_of_gameday(self, key: Key) -> None:
        for listener in self._listeners:
            listener.gameday_changed(key)

    def _tell_of_drill(self, drill: Object) -> None:
        for listener in self._listeners:
            listener.drill_changed(drill)


def _take(into: dict[Key, Object], thing: Object, *, deleted: bool) -> None:
    """Take the state of an object into a collection, unless a newer one is known.

    A watch may be behind what a runner wrote: from an older state a drill would be taken up that is over.
    """
    key = key_of(thing)
    if key in into and version_of(into[key]) > version_of(thing):
        return
    if deleted:
        into.pop(key, None)
    else:
        into[key] = strip_managed_fields(thing)


def _changed(known: dict[Key, Object], namespace: str | None, collection: Listed) -> tuple[Object, ...]:
    """Bring a collection up to a listing of it; the objects that went, as they were, and those that are newer."""
    items, version = collection
    listed = {key_of(thing): thing for thing in items}
    absent = (key for key in known if namespace in {None, key[0]} and key not in listed)
    gone = [known.pop(key) for key in list(absent) if version_of(known[key]) < int(version)]
    newer = {
        key: strip_managed_fields(thing)
        for key, thing in listed.items()
        if key not in known or version_of(known[key]) < version_of(thing)
    }
    known.update(newer)
    return (*gone, *newer.values())
