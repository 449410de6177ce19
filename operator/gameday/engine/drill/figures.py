"""The figures of a drill: times that expectations measured, and aggregates over a stage's samples."""

from typing import Final, Protocol

from gameday.engine.evidence import measure
from gameday.model.plan import Measurement, Plan, Stage
from gameday.model.record import DrillRecord

Figure = dict[str, str | float]
SMALL: Final = 0.1
"""Below it three decimals are fewer than three digits."""


class Measured(Protocol):
    """Samples that can be aggregated."""

    def figure(self, measurement: Measurement, since: float, until: float) -> measure.Figure:
        """A measurement over the samples sent in a span."""
        ...


def figures(plan: Plan, record: DrillRecord, samples: Measured) -> tuple[Figure, ...]:
    """Every figure that could be taken, in the plan's order."""
    found: list[Figure] = []
    for stage in Stage:
        for expectation in plan.expectations(stage):
            result = record.result(stage, expectation.name)
            if expectation.measures and result is not None and result.seconds is not None:
                figure: Figure = {"name": expectation.measures, "value": round(result.seconds, 3), "unit": "seconds"}
                if result.resolution is not None:
                    figure["resolution"] = round(result.resolution, 3)
                found.append(figure)
    for measurement in plan.measurements:
        span = _span(record, measurement.stage)
        if span is None:
            continue
        taken = samples.figure(measurement, *span)
        if taken.value is not None:
            found.append({"name": measurement.name, "value": _rounded(taken.value), "unit": measurement.unit})
    return tuple(found)


def _rounded(value: float) -> float:
    """At least three decimals and three digits: the unit is a team's, and an error ratio of 0.0004 is not 0."""
    return round(value, 3) if abs(value) >= SMALL else float(f"{value:.3g}")


def _span(record: DrillRecord, stage: Stage) -> tuple[float, float] | None:
    ends = record.finished_at or record.since
    match stage:
        case Stage.STEADY_STATE:
            since, until = record.steady_from, record.inject_requested_at
        case Stage.OUTAGE:
            since, until = record.outage_started_at, record.undo_requested_at
        case Stage.RECOVERY:
            since, until = record.recovery_started_at, ends
    return (since, until if until is not None else ends) if since is not None else None
