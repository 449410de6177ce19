"""The values that an expression read last before it was decided, from the samples that are kept of a drill."""

import json
from bisect import bisect_right

from gameday.api.lines import plain
from gameday.api.samples import Kept
from gameday.engine.cel.expressions import ExpressionError, compile_expression
from gameday.engine.cel.paths import path_text
from gameday.engine.evidence.curves import Curve


def last_values(kept: Kept, expression: str, at: float) -> str:
    """Each path of the expression with its newest value of at most that Unix second; "" where none is kept."""
    try:
        paths = compile_expression(expression).paths
    except ExpressionError:
        return ""  # It is of an operator with another language, and is shown as it is.
    wanted = dict.fromkeys(path_text(path) for path in paths)
    found = {}
    for strip in kept.strips:
        index = bisect_right(strip.at, at) - 1
        for curve in strip.curves if index >= 0 else ():
            if curve.path in wanted:
                found[curve.path] = _value(curve, index)
    return ", ".join(f"{path} {found[path]}" for path in wanted if path in found)


def _value(curve: Curve, index: int) -> str:
    number = curve.last[index]
    if number is None:
        return "had no value"
    match curve.of:
        case "text":
            return json.dumps(curve.texts[int(number)], ensure_ascii=False)
        case "boolean":
            return "true" if number else "false"
        case _:
            return plain(number)
