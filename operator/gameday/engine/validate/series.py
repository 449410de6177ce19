"""Series of Prometheus probes that no label can choose: the plan is refused, where each sample would be unknown."""

import re
from collections.abc import Iterator
from typing import Final

from gameday.engine.cel.expressions import ExpressionError, compile_expression, parse_path
from gameday.engine.cel.paths import Path
from gameday.engine.finding import Finding
from gameday.model.plan import HttpProbe, Parse, Plan, Stage

_LABEL: Final = r'[A-Za-z_][A-Za-z0-9_]*\s*=\s*"(?:[^"\\]|\\.)*"'
_SELECTOR: Final = re.compile(rf"[A-Za-z_:][A-Za-z0-9_:]*\{{\s*(?:{_LABEL}\s*(?:,\s*{_LABEL}\s*)*,?\s*)?\}}")
_FIELD: Final = {Stage.STEADY_STATE: "steadyState", Stage.OUTAGE: "outage", Stage.RECOVERY: "recovery"}


def check_series(plan: Plan) -> Iterator[Finding]:
    """Every key with braces that does not choose a series by the equality of its labels."""
    probes = {p.name for p in plan.probes if isinstance(p.kind, HttpProbe) and p.kind.parse is Parse.PROMETHEUS}
    for where, path in _paths(plan):
        key = path[1] if len(path) > 1 else ""
        if path[0] in probes and isinstance(key, str) and "{" in key and not _SELECTOR.fullmatch(key):
            yield Finding(where, f'{key[:64]!r} chooses no series: write NAME{{label="value"}}, with equal signs only')


def _paths(plan: Plan) -> Iterator[tuple[str, Path]]:
    """Each path that the plan reads, and where; what cannot be compiled has a finding of its own."""
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
