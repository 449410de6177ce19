"""Drill: one execution of a GameDay. Creating one starts it, once; deleting it undoes what it holds."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import Field

from gameday.model.record import Phase
from gameday.schema.base import ApiModel, ObjectName, cel
from gameday.schema.times import moment

FINALIZER: Final = "gameday.dev/undo"
"""It is on a Drill from before its first fuse is armed until what the drill holds is undone and seen to be."""
START_WITHIN: Final = 300.0
"""Seconds after its creation until which a Drill may start, unless it says otherwise."""

TIME = {
    "type": "string",
    "format": "date-time",
    # The format alone admits a small t, a leap second and invalid zones, which few parsers read. CEL does not
    # read such a zone either, and a rule that cannot be evaluated refuses every update, of the status as well.
    "pattern": (
        r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9](\.[0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
    ),
}

# Neither has a default: the API server would write it into each Drill, and ``kubectl describe`` show it.
_IS_DRY_RUN, _WAS_DRY_RUN = (f"(has({one}.dryRun) && {one}.dryRun)" for one in ("self", "oldSelf"))


class DrillSpec(ApiModel):
    """Which plan to run, and until when to start it. Immutable but for abort."""

    model_config = {
        "json_schema_extra": cel(
            (
                "self.gameDay == oldSelf.gameDay",
                "gameDay is immutable, because a Drill runs one plan once: create a new Drill instead",
            ),
            (
                "has(self.startBefore) == has(oldSelf.startBefore)"
                " && (!has(self.startBefore) || self.startBefore == oldSelf.startBefore)",
                "startBefore is immutable: create a new Drill instead",
            ),
            (
                f"{_IS_DRY_RUN} == {_WAS_DRY_RUN}",
                "dryRun is immutable, because a dry run and a drill are different things: create a new Drill instead",
            ),
            (
                "(has(self.abort) && self.abort) || !has(oldSelf.abort) || !oldSelf.abort",
                "abort cannot be set back to false: create a new Drill instead",
            ),
        )
    }
    game_day: ObjectName
    """Name of the GameDay, in the Drill's namespace."""
    start_before: Annotated[str, Field(max_length=40, json_schema_extra=TIME)] | None = None
    """Time by which it must have started; default: five minutes after its creation."""
    abort: bool | None = None
    """Set to true to end the drill: what it holds is undone first."""
    dry_run: bool | None = None
    """Find out what a drill would do now, and what would refuse it: nothing is changed, and there is no verdict."""


def is_dry_run(drill: Mapping[str, Any]) -> bool:
    """Whether a Drill is a dry run: no schedule, record or metric counts it among the drills."""
    return drill["spec"].get("dryRun") is True


def is_over(drill: Mapping[str, Any]) -> bool:
    """Whether a Drill has ended and nothing of it is left: neither a change nor a pod, nor a request that comes late.

    The operator takes its finalizer off last.
    """
    ended = (drill.get("status") or {}).get("phase") == Phase.FINISHED.value
    return ended and FINALIZER not in (drill["metadata"].get("finalizers") or ())


FORGOTTEN_AFTER: Final = 900.0
"""Seconds from the creation of a dry run of ``gameday plan`` after which the operator deletes it: nobody waits for it
any more, because it takes five minutes at most."""
CONFIRM: Final = "confirm.gameday.dev/"
"""Prefix of the annotation by which a person confirms what a fault asks for: the rest is the fault's name."""
CONFIRMED: Final = frozenset({"done", "undone"})
"""What it may say."""


def confirmed_of(drill: Mapping[str, Any]) -> dict[str, str]:
    """What people have confirmed, by the name of the fault; other values count for nothing."""
    annotations: Mapping[str, Any] = drill["metadata"].get("annotations") or {}
    said = {key.removeprefix(CONFIRM): word for key, word in annotations.items() if key.startswith(CONFIRM)}
    return {fault: word for fault, word in said.items() if word in CONFIRMED}


def start_before(drill: Mapping[str, Any]) -> float:
    """The Unix second until which a Drill may start; one that no calendar has is over."""
    given = drill["spec"].get("startBefore")
    if not given:
        return moment(drill["metadata"]["creationTimestamp"]) + START_WITHIN
    try:
        return moment(given)
    except (ValueError, OverflowError):
        return 0.0
