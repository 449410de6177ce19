"""The newest known version of every GameDay and Drill, from Kopf's watches, lists and the drills' runners."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gameday.api.managed_fields import strip_managed_fields
from gameday.cluster.informer import version_of

Object = dict[str, Any]
Key = tuple[str, str]
"""Namespace and name."""


def key_of(thing: Mapping[str, Any]) -> Key:
    """Namespace and name of an object."""
    return thing["metadata"]["namespace"], thing["metadata"]["name"]


def take(into: dict[Key, Object], thing: Object, *, deleted: bool) -> None:
    """Take the state of an object into one of the store's collections, unless a newer one is known.

    A watch may be behind what a runner wrote: from an older state a drill would be taken up that is over.
    """
    key = key_of(thing)
    if key in into and version_of(into[key]) > version_of(thing):
        return
    if deleted:
        into.pop(key, None)
    else:
        into[key] = strip_managed_fields(thing)


@dataclass(slots=True)
class Store:
    """The newest state of everything that Kopf watches for us."""

    gamedays: dict[Key, Object] = field(default_factory=dict)
    drills: dict[Key, Object] = field(default_factory=dict)
    listed: bool = False
    """Whether all objects have been listed once; until then some may be unknown."""
