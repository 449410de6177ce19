"""What a message says of a drill beyond its record: from the frozen plan, the Drill and its GameDay."""

import json
from collections.abc import Mapping
from typing import Any

from gameday.api.state import Saved
from gameday.cluster.resources import Object
from gameday.notify.message import About
from gameday.schema.durations import seconds


def about(drill: Object, gameday: Object | None, saved: Saved | None) -> About:
    """What a message says of a drill; ``gameday`` is None where it is gone, ``saved`` where nothing can be read."""
    metadata, status = drill["metadata"], drill.get("status", {})
    plan = _plan(saved)
    spec: Mapping[str, Any] = gameday["spec"] if gameday is not None else {}
    outage = plan.get("outage", {})
    return About(
        namespace=metadata["namespace"],
        gameday=drill["spec"]["gameDay"],
        drill=metadata["name"],
        uid=metadata["uid"],
        summary=str(status.get("summary", "")),
        description=str(plan.get("description", "")),
        steady=_seconds(plan.get("steadyState", {}).get("duration")),
        outage=_seconds(outage.get("duration")),
        recovery=_seconds(plan.get("recovery", {}).get("within")),
        faults=tuple((str(one.get("name")), _kind(one)) for one in outage.get("faults", ())),
        contacts=_contacts(spec),
        links=_links(spec),
    )


def about_slot(gameday: Object, drill: str, slot: float) -> About:
    """What a message says of a slot of a schedule; ``drill`` is the name that its Drill will have."""
    metadata, spec = gameday["metadata"], gameday["spec"]
    outage = spec.get("outage", {})
    return About(
        namespace=metadata["namespace"],
        gameday=metadata["name"],
        drill=drill,
        uid=f"{metadata['uid']}/{int(slot) // 60}",
        description=str(spec.get("description", "")),
        steady=_seconds(spec.get("steadyState", {}).get("duration")),
        outage=_seconds(outage.get("duration")),
        faults=tuple((str(one.get("name")), _kind(one)) for one in outage.get("faults", ())),
        contacts=_contacts(spec),
        links=_links(spec),
    )


def _contacts(spec: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((str(one["name"]), str(one["contact"])) for one in spec.get("contacts", ()))


def _links(spec: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((str(one["name"]), str(one["url"])) for one in spec.get("links", ()))


def _plan(saved: Saved | None) -> Mapping[str, Any]:
    """The frozen plan as it was written; nothing of one that somebody damaged."""
    try:
        plan = json.loads(saved.plan) if saved is not None and saved.plan else {}
    except ValueError:
        return {}
    return plan if isinstance(plan, dict) else {}


def _kind(fault: Mapping[str, Any]) -> str:
    return next((key for key in fault if key != "name"), "")


def _seconds(text: Any) -> float:
    return seconds(text) if isinstance(text, str) else 0.0
