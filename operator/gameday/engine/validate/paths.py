"""What the expressions and measurements of a plan read, and where they stand."""

from collections.abc import Iterator
from typing import Final

from gameday.engine.cel.expressions import ExpressionError, compile_expression, parse_path
from gameday.engine.cel.paths import Path
from gameday.model.plan import Plan, Stage

_FIELD: Final = {Stage.STEADY_STATE: "steadyState", Stage.OUTAGE: "outage", Stage.RECOVERY: "recovery"}


def paths_read(plan: Plan) -> Iterator[tuple[str, Path]]:
    """Each path that the plan reads, and the field that reads it; what cannot be compiled has a finding of its own."""
    for stage in Stage:
        for index, expectation in enumerate(plan.expectations(stage)):
            where = f"spec.{_FIELD[stage]}.expect[{index}].{expectation.mode.value}"
            try:
                expression = compile_expression(expectation.expression)
            except ExpressionError:
                continue
            yield from ((where, path) for path in (*expression.paths, *expression.baseline_paths))
    for index, measurement in enumerate(plan.measurements):
        try:
            yield f"spec.measurements[{index}].path", parse_path(measurement.path)
        except ExpressionError:
            continue
