"""Faults and steps as YAML has them: what all kinds share, and a field for each kind of the registry."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pydantic import Field, create_model

from gameday.actions.kind import Use
from gameday.actions.kinds import AnyKind, Kinds
from gameday.actions.registry import KINDS
from gameday.errors import PlanInvalid
from gameday.model import plan as model
from gameday.schema.base import ApiModel, Name, ObjectName, cel
from gameday.schema.named import Dependencies
from gameday.schema.one_of import exactly_one


class FaultBase(ApiModel):
    """A reversible change that causes the failure."""

    name: ObjectName
    """Name of the fault."""


class StepBase(ApiModel):
    """One step of a mitigation or of the rollback."""

    name: Name
    """Name of the step."""
    irreversible: bool = False
    """Says that the step cannot be undone. It runs once, and is never repeated when its result is unknown."""


def fault_model(kinds: Kinds) -> type[FaultBase]:
    """The model of a fault that is of one of these kinds."""

    class Ruled(FaultBase):
        model_config = {"json_schema_extra": _rules(kinds.used_as(Use.FAULT))}

    fields = _fields(kinds.used_as(Use.FAULT))
    return create_model("Fault", __base__=Ruled, __doc__=FaultBase.__doc__, **fields)


def step_model(kinds: Kinds) -> type[StepBase]:
    """The model of a step that is of one of these kinds."""

    class Ruled(StepBase):
        model_config = {"json_schema_extra": _rules(kinds.used_as(Use.STEP))}

    fields = _fields(kinds.used_as(Use.STEP))
    return create_model("Step", __base__=Ruled, __doc__=StepBase.__doc__, **fields)


def _rules(kinds: Iterable[AnyKind]) -> dict[str, Any]:
    every = tuple(kinds)
    return cel(exactly_one([kind.name for kind in every]), *(rule for kind in every for rule in kind.rules))


def _fields(kinds: Iterable[AnyKind]) -> dict[str, Any]:
    return {
        kind.name: (kind.spec | None, Field(default=None, alias=kind.name, description=kind.description))
        for kind in kinds
    }


if TYPE_CHECKING:
    Fault = FaultBase
    Step = StepBase
else:
    Fault = fault_model(KINDS)
    Step = step_model(KINDS)


def fault_of(known: Dependencies, fault: FaultBase, kinds: Kinds = KINDS) -> model.Fault:
    """A fault of the plan; ``known`` are its dependencies, with the fault's own path.

    Raises:
        PlanInvalid: when it is not of exactly one kind, or names a dependency that is not there.

    """
    return model.Fault(fault.name, _action(known, fault, kinds.used_as(Use.FAULT)))


def step_of(known: Dependencies, step: StepBase, kinds: Kinds = KINDS) -> model.Step:
    """A step of the plan; ``known`` are its dependencies, with the step's own path.

    Raises:
        PlanInvalid: when it is not of exactly one kind, or names a dependency that is not there.

    """
    return model.Step(step.name, _action(known, step, kinds.used_as(Use.STEP)), step.irreversible)


def _action(known: Dependencies, one: ApiModel, kinds: tuple[AnyKind, ...]) -> model.Action:
    given = [(kind, spec) for kind in kinds if (spec := getattr(one, kind.name)) is not None]
    if len(given) != 1:
        _, message = exactly_one([kind.name for kind in kinds])
        raise PlanInvalid(((known.path, message),))
    kind, spec = given[0]
    action: model.Action = kind.parse(spec, known.below(f"{known.path}.{kind.name}"))
    return action
