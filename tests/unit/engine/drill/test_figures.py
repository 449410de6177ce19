"""The figures of a drill: what was measured is never rounded to nothing."""

from dataclasses import replace

import pytest

from gameday.engine.drill.figures import figures
from gameday.engine.evidence import measure
from gameday.model.plan import NO_PLAN, Measurement, Plan, Stage
from gameday.model.record import DrillRecord

RECORD = DrillRecord(
    steady_from=10.0, inject_requested_at=40.0, outage_started_at=41.0, undo_requested_at=70.0, recovery_started_at=71.0
)


class Samples:
    """Samples whose aggregate over every span is one value."""

    def __init__(self, value: float | None) -> None:
        self.value = value

    def figure(self, measurement: Measurement, since: float, until: float) -> measure.Figure:
        """The aggregate."""
        assert (measurement.stage, since, until) == (Stage.OUTAGE, 41.0, 70.0)
        return measure.Figure(self.value, 0 if self.value is None else 9)


def plan() -> Plan:
    return replace(NO_PLAN, measurements=(Measurement("errorRatio", Stage.OUTAGE, "health.ratio", unit="x"),))


@pytest.mark.parametrize(
    ("taken", "kept"),
    [
        (0.0004, 0.0004),
        (0.000421234, 0.000421),
        (-3.21e-07, -3.21e-07),
        (0.0014, 0.0014),
        (0.0, 0.0),
        (0.12345, 0.123),
        (41943040.12345, 41943040.123),
    ],
)
def test_a_measurement_keeps_its_first_digits_however_small_it_is(taken: float, kept: float) -> None:
    assert figures(plan(), RECORD, Samples(taken)) == ({"name": "errorRatio", "value": kept, "unit": "x"},)


def test_a_measurement_without_a_value_is_left_out() -> None:
    assert figures(plan(), RECORD, Samples(None)) == ()
