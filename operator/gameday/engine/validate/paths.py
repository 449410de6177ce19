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
            yield from ((where, path) for path in _read(expectation.expression))
    for index, mitigation in enumerate(plan.mitigations):
        yield from ((f"spec.mitigations[{index}].when", path) for path in _read(mitigation.when))
    for index, measurement in enumerate(plan.measurements):
        try:
            yield f"spec.measurements[{index}].path", parse_path(measurement.path)
        except ExpressionError:
            continue


def _read(text: str) -> tuple[Path, ...]:
    try:
        expression = compile_expression(text)
    except ExpressionError:
        return ()
    return (*expression.paths, *expression.baseline_paths)
