"""Figures over a stage: one number out of the samples of one path."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean
from typing import assert_never

from gameday.model.plan import Aggregate


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured figure: ``value`` is None when no sample held a number, ``count`` is how many did."""

    value: float | None
    count: int


def figure(aggregate: Aggregate, numbers: Iterable[float]) -> Figure:
    """Aggregate numbers in the order in which their samples were received."""
    found = list(numbers)
    return Figure(_aggregated(aggregate, found) if found else None, len(found))


def _aggregated(aggregate: Aggregate, numbers: list[float]) -> float:
    match aggregate:
        case Aggregate.MAX:
            return max(numbers)
        case Aggregate.MIN:
            return min(numbers)
        case Aggregate.MEAN:
            return fmean(numbers)
        case Aggregate.LAST:
            return numbers[-1]
        case _:
            assert_never(aggregate)
