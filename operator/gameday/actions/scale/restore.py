"""Putting a workload back to the number that it had before an earlier step; it makes no change of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from gameday.actions.kind import PlannedKind, PreflightContext, Use
from gameday.actions.scale.kind import Scale
from gameday.actions.workload import Named, Workload
from gameday.actions.workload_checks import not_found
from gameday.model.finding import Finding as PlanFinding
from gameday.model.plan import Action
from gameday.preflight.findings import Finding
from gameday.schema.named import Dependencies


class RestoreSpec(Named):
    """Puts a workload that an earlier step scaled back to its number."""


@dataclass(frozen=True, slots=True)
class Restore(Action):
    """Puts a workload that an earlier step scaled back to its exact number."""

    KIND: ClassVar[str] = "restore"
    REVERTS: ClassVar[str] = Scale.KIND

    workload: Workload

    @property
    def subject(self) -> tuple[str, str]:
        """The workload."""
        return self.workload.resource.kind, self.workload.name


class RestoreKind(PlannedKind[RestoreSpec, Restore]):
    """The way back of a scale. It needs no rights of its own: no plan has one without that scale."""

    name = Restore.KIND
    description = "Scale it back."
    spec = RestoreSpec
    planned = Restore
    uses = frozenset({Use.STEP})

    def parse(self, spec: RestoreSpec, named: Dependencies) -> Restore:
        """See the base class."""
        return Restore(spec.workload(named))

    def check(self, action: Restore, earlier: Sequence[Action]) -> Iterator[PlanFinding]:
        """There is something to put back."""
        if not any(isinstance(one, Scale) and one.workload == action.workload for one in earlier):
            text = (
                f"no earlier step scales {action.workload.name}, so there is nothing to restore: remove "
                "this step, or move it behind the scale"
            )
            yield PlanFinding(action.workload.field, text)

    def preflight(self, action: Restore, ctx: PreflightContext) -> Iterator[Finding]:
        """The workload is there."""
        path = f"{ctx.path}.{action.workload.field}"
        if (missing := not_found(ctx.snapshot, path, action.workload)) is not None:
            yield missing
