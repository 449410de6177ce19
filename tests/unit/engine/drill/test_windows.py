"""Whose clocks count where a stage is judged: agents stamp samples, and either they or the operator stamp its start."""

import pytest

from gameday.engine.drill.context import Context
from gameday.engine.drill.windows import outage_window, recovery_window, steady_window
from gameday.model.observation import Observation
from gameday.model.plan import Fault
from gameday.model.record import DrillRecord, Phase
from unit.engine.script import Script
from unit.engine.simulation import NO_WORKERS, PARTITION, a_plan

AGENTS, OPERATOR = 0.3, 30.0
"""Seconds by which the agents' clocks differ, and by which they differ from the operator's."""


def context(*faults: Fault, rollback: bool = False) -> Context:
    record = DrillRecord(Phase.OUTAGE, since=20.0, steady_from=5.0, inject_requested_at=10.0, rollback_done_at=15.0)
    observed = Observation(skew=AGENTS, offset=OPERATOR)
    return Context(a_plan(faults=faults, rollback=rollback), record, observed, Script({}, lambda: 0.0), 30.0)


@pytest.mark.parametrize(
    ("faults", "outage", "recovery"),
    [
        pytest.param((PARTITION,), AGENTS, AGENTS, id="witnesses saw both"),
        pytest.param((NO_WORKERS,), OPERATOR, OPERATOR, id="the operator saw both"),
        pytest.param((NO_WORKERS, PARTITION), AGENTS, OPERATOR, id="an outage begins with its last fault"),
        pytest.param((PARTITION, NO_WORKERS), OPERATOR, OPERATOR, id="witnesses saw the first only"),
    ],
)
def test_the_operators_clock_counts_where_it_says_when_a_stage_began(
    faults: tuple[Fault, ...], outage: float, recovery: float
) -> None:
    ctx = context(*faults)
    assert steady_window(ctx).skew == AGENTS
    assert outage_window(ctx).skew == outage
    assert recovery_window(ctx).skew == recovery


def test_a_rollback_is_done_by_the_operators_clock() -> None:
    assert recovery_window(context(PARTITION, rollback=True), again=True).skew == OPERATOR


def test_what_may_keep_samples_away_is_known_everywhere() -> None:
    ctx = context(PARTITION)
    assert {window(ctx).offset for window in (steady_window, outage_window, recovery_window)} == {OPERATOR}
