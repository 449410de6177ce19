"""The undo log in a Drill's status, ``status.undo``: written so plainly that it alone is enough to undo everything.

Each entry names the object that was changed with its kind, the exact prior state, and its fuse.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from gameday.model.plan import Via
from gameday.model.record import Hold, HoldKind, HoldState
from gameday.schema.bounds import NAME, cut
from gameday.schema.times import moment, timestamp

KINDS: Final = ("NetworkPolicy", "CiliumNetworkPolicy", "Deployment", "Job")
"""Kinds of objects that an entry may name."""

MADE: Final = frozenset({HoldState.REQUESTED, HoldState.ACTIVE, HoldState.UNDOING})
"""States in which a change may have reached the cluster."""


def entry_of(hold: Hold, backend: Via | None) -> dict[str, Any]:
    """An entry as people and a later process read it; ``backend`` says which kind of policy cuts."""
    cuts = hold.kind is HoldKind.NETWORK_PARTITION
    policy = "CiliumNetworkPolicy" if backend is Via.CILIUM else "NetworkPolicy"
    shown: dict[str, Any] = {
        "name": cut(hold.name, NAME),
        "kind": hold.kind.value,
        "object": _reference(policy if cuts else "Deployment", hold.object_name, hold.object_uid),
        "fuse": _reference("Job", hold.fuse_name, hold.fuse_uid),
        "state": hold.state.value,
        "registeredAt": timestamp(hold.registered_at),
    }
    if hold.before is not None:
        shown["before"] = json.dumps({"replicas": hold.before})
    if hold.fuse_deadline is not None:
        shown["fuse"]["deadline"] = timestamp(hold.fuse_deadline)
    if hold.requested_at is not None:
        shown["requestedAt"] = timestamp(hold.requested_at)
    if hold.undo_requested_at is not None:
        shown["undoRequestedAt"] = timestamp(hold.undo_requested_at)
    if hold.undone_at is not None:
        shown["undoneAt"] = timestamp(hold.undone_at)
    return shown


def hold_of(entry: Mapping[str, Any]) -> tuple[Hold, Via]:
    """The entry of an earlier process, with the kind of policy that cuts.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: when it was edited or damaged.

    """
    kind, state = HoldKind(entry["kind"]), HoldState(entry["state"])
    thing, fuse = entry["object"], entry["fuse"]
    registered = moment(entry["registeredAt"])
    asked = moment(entry["requestedAt"]) if "requestedAt" in entry else None
    hold = Hold(
        name=entry["name"],
        kind=kind,
        object_name=thing["name"],
        fuse_name=fuse["name"],
        state=state,
        before=int(json.loads(entry["before"])["replicas"]) if kind is HoldKind.SCALE else None,
        object_uid=thing.get("uid"),
        fuse_uid=fuse.get("uid"),
        fuse_deadline=moment(fuse["deadline"]) if "deadline" in fuse else None,
        registered_at=registered,
        requested_at=registered if asked is None and state in MADE else asked,
        undo_requested_at=moment(entry["undoRequestedAt"]) if "undoRequestedAt" in entry else None,
        undone_at=moment(entry["undoneAt"]) if "undoneAt" in entry else None,
    )
    return hold, Via.CILIUM if thing["kind"] == "CiliumNetworkPolicy" else Via.NETWORK_POLICY


def _reference(kind: str, name: str, uid: str | None) -> dict[str, str]:
    return {"kind": kind, "name": name} | ({"uid": uid} if uid else {})
