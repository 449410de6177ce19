"""What a Drill's own state says of it: its plan and its record, as far as this program can read them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gameday.api.parse import plan_of
from gameday.api.record import saved_of
from gameday.errors import PlanInvalid, StateUnreadable
from gameday.model.plan import Plan
from gameday.model.record import DrillRecord
from gameday.schema.renamed import modern


@dataclass(frozen=True, slots=True)
class Frozen:
    """The plan of a drill as it was when the drill began, and what the engine knew at its end.

    ``spec`` is the plan as it stands in YAML. Where one of them is missing, ``why`` says why.
    """

    plan: Plan | None = None
    record: DrillRecord | None = None
    spec: Mapping[str, Any] | None = None
    why: str = ""


def frozen(drill: Mapping[str, Any]) -> Frozen:
    """What a Drill's status holds for the operator; a report is made without it too."""
    try:
        saved = saved_of(drill.get("status", {}))
    except StateUnreadable as error:
        return Frozen(why=str(error))
    if saved is None:
        return Frozen(why="the drill never began")
    if not saved.plan:
        return Frozen(record=saved.record, why="the drill ended before it had a plan")
    try:
        spec = modern(json.loads(saved.plan), drill["metadata"]["namespace"])
        return Frozen(plan_of(drill["spec"]["gameDay"], spec), saved.record, spec)
    except (PlanInvalid, ValueError, KeyError, TypeError, AttributeError) as error:
        return Frozen(record=saved.record, why=f"its plan is not one that this program knows: {error}")
