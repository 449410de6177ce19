"""Figures over a stage."""

import pytest

from gameday.engine.evidence.measure import Figure, figure
from gameday.model.plan import Aggregate


@pytest.mark.parametrize(
    ("aggregate", "value"),
    [(Aggregate.MAX, 7.0), (Aggregate.MIN, 1.0), (Aggregate.MEAN, 4.0), (Aggregate.LAST, 4.0)],
)
def test_each_aggregate(aggregate: Aggregate, value: float) -> None:
    assert figure(aggregate, iter([1.0, 7.0, 4.0])) == Figure(value, 3)


@pytest.mark.parametrize("aggregate", Aggregate)
def test_no_number_is_no_figure(aggregate: Aggregate) -> None:
    assert figure(aggregate, []) == Figure(None, 0)
