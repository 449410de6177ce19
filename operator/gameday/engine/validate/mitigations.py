"""Checks of a plan's mitigations that no schema can express."""

from collections.abc import Iterator

from gameday.model.finding import Finding
from gameday.model.plan import Action, Plan

NOBODY = ("", "")
"""The subject of an action that names no object."""
ROLLBACK = "spec.rollback.steps"
Placed = tuple[str, str, Action]
"""The list in which an action stands, its own path, and the action."""


def check_mitigations(plan: Plan) -> Iterator[Finding]:
    """Everything that is wrong with the mitigations of a plan.

    What a mitigation has changed may stay until the drill ends. So nothing else of the plan may change the same object:
    the number that it would find, and put back, would be the mitigation's. Nor may a mitigation touch what a fault has
    changed, because that would look like somebody who takes the fault back.
    """
    placed = list(_placed(plan))
    for index, (where, path, action) in enumerate(placed):
        others = [
            other
            for number, (other_list, other, known) in enumerate(placed)
            if number != index
            and other_list != where
            and known.subject == action.subject
            and _clash(action, known, after=other_list == ROLLBACK)
        ]
        if where.startswith("spec.mitigations") and action.subject != NOBODY and others:
            text = f"{others[0]} acts on {action.subject[0]} {action.subject[1]} as well, so it could not be put back"
            yield Finding(path, f"{text}: act on it in one of the two only, or restart it here")
    for index, one in enumerate(plan.mitigations):
        if one.holds >= plan.outage.duration + plan.recovery.within:
            yield Finding(
                f"spec.mitigations[{index}].for",
                "it is as long as outage and recovery together, so the mitigation could never act: shorten it",
            )


def _clash(action: Action, other: Action, *, after: bool) -> bool:
    """Whether a mitigation's action disturbs another on the same object.

    ``after`` says that the other one is the rollback's: what only runs is over by then.
    """
    return action.REVERSIBLE or (other.REVERSIBLE and not after)


def _placed(plan: Plan) -> Iterator[Placed]:
    where = "spec.outage.faults"
    for index, fault in enumerate(plan.outage.faults):
        yield where, f"{where}[{index}].{fault.action.KIND}", fault.action
    lists = [(f"spec.mitigations[{index}].steps", one.steps) for index, one in enumerate(plan.mitigations)]
    if plan.rollback is not None:
        lists.append((ROLLBACK, plan.rollback.steps))
    for where, steps in lists:
        for index, step in enumerate(steps):
            yield where, f"{where}[{index}].{step.action.KIND}", step.action
