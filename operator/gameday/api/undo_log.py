"""The undo log in a Drill's status, ``status.undo``: written so plainly that it alone is enough to undo everything.

Each entry names the object that was changed with its kind, the exact prior state, and its fuse.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from gameday.actions.registry import KINDS as ACTIONS
from gameday.cluster.resources import JOBS
from gameday.model.change import Change, ChangeState
from gameday.schema.bounds import NAME, cut
from gameday.schema.times import moment, timestamp

KINDS: Final = (*dict.fromkeys(name for kind in ACTIONS.changes.values() for name in kind.objects), JOBS.kind)
"""Kinds of objects that an entry may name: the changed object, and its fuse."""

EARLIER: Final = {"NetworkPartition": "networkPartition", "Scale": "scale"}
"""Kinds of changes as they were written before they were keys of the registry of actions."""

MADE: Final = frozenset({ChangeState.REQUESTED, ChangeState.ACTIVE, ChangeState.UNDOING})
"""States in which a change may have reached the cluster."""


def entry_of(change: Change) -> dict[str, Any]:
    """An entry as people and a later process read it."""
    shown: dict[str, Any] = {
        "name": cut(change.name, NAME),
        "kind": change.kind,
        "object": _reference(change.object_kind, change.object_name, change.object_uid),
        **({"fuse": _reference("Job", change.fuse_name, change.fuse_uid)} if change.fuse_name else {}),
        "state": change.state.value,
        "registeredAt": timestamp(change.registered_at),
    }
    if change.before is not None:
        shown["before"] = json.dumps(change.before)
    if change.wanted is not None:
        shown["wanted"] = json.dumps(change.wanted)
    if change.fuse_deadline is not None:
        shown["fuse"]["deadline"] = timestamp(change.fuse_deadline)
    if change.requested_at is not None:
        shown["requestedAt"] = timestamp(change.requested_at)
    if change.undo_requested_at is not None:
        shown["undoRequestedAt"] = timestamp(change.undo_requested_at)
    if change.undone_at is not None:
        shown["undoneAt"] = timestamp(change.undone_at)
    return shown


def change_of(entry: Mapping[str, Any]) -> Change:
    """The entry of an earlier process. What an operator wrote that knew two kinds only is read as well.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: when it was edited or damaged.

    """
    state = ChangeState(entry["state"])
    kind = EARLIER.get(entry["kind"], entry["kind"])
    known = ACTIONS.changes.get(kind)
    fused = known is None or known.guarded(_noted(entry, "wanted"))
    thing, fuse = entry["object"], entry["fuse"] if fused else {"name": ""}
    if known is not None and thing["kind"] not in known.objects:
        raise ValueError(f"a {kind} does not change a {thing['kind']}")
    registered = moment(entry["registeredAt"])
    asked = moment(entry["requestedAt"]) if "requestedAt" in entry else None
    return Change(
        name=entry["name"],
        kind=kind,
        object_kind=thing["kind"],
        object_name=thing["name"],
        fuse_name=fuse["name"],
        state=state,
        before=_noted(entry, "before"),
        wanted=_noted(entry, "wanted"),
        object_uid=thing.get("uid"),
        fuse_uid=fuse.get("uid"),
        fuse_deadline=moment(fuse["deadline"]) if "deadline" in fuse else None,
        registered_at=registered,
        requested_at=registered if asked is None and state in MADE else asked,
        undo_requested_at=moment(entry["undoRequestedAt"]) if "undoRequestedAt" in entry else None,
        undone_at=moment(entry["undoneAt"]) if "undoneAt" in entry else None,
    )


def _noted(entry: Mapping[str, Any], field: str) -> dict[str, Any] | None:
    if field not in entry:
        return None
    noted = json.loads(entry[field])
    if not isinstance(noted, dict):
        raise TypeError(f"{field} is not an object")
    return noted


def _reference(kind: str, name: str, uid: str | None) -> dict[str, str]:
    return {"kind": kind, "name": name} | ({"uid": uid} if uid else {})
