"""The kinds of actions of a registry, found by the place that they have in a plan, by an action or by a change."""

from collections.abc import Iterable, Iterator
from typing import Any

from gameday.actions.kind import ActionKind, PlannedKind, RunKind, Use
from gameday.cluster.resources import Resource
from gameday.model.plan import Action, Plan

AnyKind = PlannedKind[Any, Any]


class Kinds:
    """All kinds of a registry, in its order."""

    def __init__(self, kinds: Iterable[AnyKind]) -> None:
        """Take them.

        Raises:
            ValueError: when two have one name, or when a kind does not fit the type of its actions.

        """
        self._kinds: dict[str, AnyKind] = {}
        for kind in kinds:
            if kind.name in self._kinds:
                raise ValueError(f"two kinds of actions are called {kind.name!r}")
            _fits(kind)
            self._kinds[kind.name] = kind
        self.changes: dict[str, ActionKind[Any, Any]] = {k.name: k for k in self if isinstance(k, ActionKind)}
        """Those that make a change and can take it back, by name."""
        self.runs: dict[str, RunKind[Any, Any]] = {k.name: k for k in self if isinstance(k, RunKind)}
        """Those that run once, by name."""
        self.made_by_pods = frozenset(name for name, kind in self.changes.items() if kind.by_pods)
        """The names of those whose changes pods make."""

    def __iter__(self) -> Iterator[AnyKind]:
        return iter(self._kinds.values())

    def used_as(self, use: Use) -> tuple[AnyKind, ...]:
        """The kinds that one list of a plan may hold."""
        return tuple(kind for kind in self if use in kind.uses)

    def of(self, action: Action) -> AnyKind:
        """The kind of an action of a plan."""
        return self._kinds[action.KIND]

    def reads(self, plan: Plan) -> tuple[Resource, ...]:
        """What the preflight of a plan reads for its actions, each collection once."""
        return tuple(dict.fromkeys(resource for _, action in plan.actions() for resource in self.of(action).reads))


def _fits(kind: AnyKind) -> None:
    planned = kind.planned
    if kind.name != planned.KIND:
        raise ValueError(f"kind {kind.name!r} plans actions whose KIND is {planned.KIND!r}")
    if not kind.uses:
        raise ValueError(f"kind {kind.name!r} may be neither a fault nor a step")
    if isinstance(kind, RunKind) == planned.REVERSIBLE:
        raise ValueError(f"kind {kind.name!r}: a RunKind plans actions that are not REVERSIBLE, and no other kind does")
    if isinstance(kind, ActionKind) == (not planned.REVERSIBLE or bool(planned.REVERTS)):
        raise ValueError(f"kind {kind.name!r}: an ActionKind makes a change of its own, and so does no other kind")
