"""The dependencies of a plan by their names: faults and probes say a name, and the plan holds what it stands for."""

from collections.abc import Iterable, Sequence
from typing import Self

from gameday.errors import PlanInvalid
from gameday.model.plan import Dependency, Destination
from gameday.schema.renamed import ONE_DEPENDENCY


class Dependencies:
    """What names stand for; the first one counts where a name stands twice, which is a finding of its own.

    ``path`` is that of the object whose fields say names.
    """

    def __init__(self, every: Iterable[Dependency], path: str = "spec") -> None:
        self.all = tuple(every)
        self.path = path
        self._known = {one.name: one for one in reversed(self.all)}

    def below(self, path: str) -> Self:
        """The same for the fields of another object."""
        return type(self)(self.all, path)

    def cut(self, field: str, names: Sequence[str]) -> Dependency:
        """What a partition cuts off from.

        Raises:
            PlanInvalid: when it is not exactly one dependency.

        """
        if len(names) != 1:
            raise PlanInvalid(((f"{self.path}.{field}", ONE_DEPENDENCY),))
        return self._named(f"{field}[0]", names[0])

    def redis(self, field: str, name: str) -> Destination:
        """The Redis that is asked.

        Raises:
            PlanInvalid: when there is no such dependency, or it is no Redis.

        """
        found = self._named(field, name)
        if found.redis is None:
            raise PlanInvalid(
                ((f"{self.path}.{field}", f"dependency {name!r} is not a redis: use the name of one that is"),)
            )
        return found.redis

    def _named(self, field: str, name: str) -> Dependency:
        if name not in self._known:
            names = ", ".join(dict.fromkeys(one.name for one in self.all))
            there = f"the dependencies are {names}" if names else "spec.dependencies is empty"
            message = f"there is no dependency {name!r}; {there}: correct the name, or add it"
            raise PlanInvalid(((f"{self.path}.{field}", message),))
        return self._known[name]
