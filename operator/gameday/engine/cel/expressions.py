"""Expressions over samples, compiled once and evaluated many times.

Every number is a double: literals and samples are promoted, so ``body.depth + 1`` never fails for its type. An
evaluation never raises: a missing path or a wrong type is an outcome too.
"""

import enum
import json
import math
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import cel

from gameday.engine.cel.comparisons import Comparison, comparisons_of
from gameday.engine.cel.cost import MOST
from gameday.engine.cel.functions import COMPLAINTS, FUNCTIONS
from gameday.engine.cel.paths import Path, find, first_missing, path_text
from gameday.engine.cel.reader import INCREASES, ExpressionError, read
from gameday.engine.cel.tokens import tokens_of
from gameday.model.sample import Sample, Value

__all__ = [
    "INCREASES",
    "Expression",
    "ExpressionError",
    "Outcome",
    "OutcomeKind",
    "compile_expression",
    "parse_path",
    "view",
]

MAX_BYTES: Final = 1024
"""Longest expression."""

MAX_DEPTH: Final = 32
"""Levels of maps and lists that are looked into: what a system answers must not exhaust our stack."""

BASELINE: Final = "baseline"
"""The name that holds the means over the steady state."""


_SINGLE_QUOTED: Final = re.compile(r"'([^'\\]*)'")


class OutcomeKind(enum.Enum):
    """What an evaluation can come to."""

    TRUE = "True"
    FALSE = "False"
    MISSING = "Missing"
    TYPE_ERROR = "TypeError"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one evaluation.

    ``detail`` is the missing path, or what is wrong with the types. ``roots`` names the probes (or ``baseline``) whose
    values are missing.
    """

    kind: OutcomeKind
    detail: str = ""
    roots: frozenset[str] = frozenset()


_TRUE, _FALSE = Outcome(OutcomeKind.TRUE), Outcome(OutcomeKind.FALSE)


def view(sample: Sample) -> dict[str, Value]:
    """A sample as expressions see it: ``ok``, ``error`` ("" when none), ``latency`` (seconds) and its values."""
    always = {"ok": sample.ok, "error": sample.error or "", "latency": sample.latency}
    return {**{key: _promoted(value) for key, value in sample.values.items()}, **always}


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """A compiled expression. ``paths`` begin with a probe's name; ``baseline_paths`` likewise, without ``baseline``."""

    text: str
    paths: tuple[Path, ...]
    baseline_paths: tuple[Path, ...]
    probes: frozenset[str]
    """Probes whose samples it is evaluated on; those of ``baseline_paths`` alone are not among them."""
    _program: Any
    micros: float
    """What an evaluation may cost, in microseconds; see ``cost``."""
    increases: tuple[Path, ...] = ()
    """Paths that ``increase`` uses; they are among ``paths``."""
    comparisons: tuple[Comparison, ...] = ()

    def evaluate(self, env: Mapping[str, Mapping[str, Value]]) -> Outcome:
        """Hold the expression against samples' values by probe, and ``baseline``, as ``evaluate_seen`` does."""
        return self.evaluate_seen({name: _promoted(value) for name, value in env.items()})

    def evaluate_seen(self, env: Mapping[str, Mapping[str, Value]]) -> Outcome:
        """Hold the expression against views of samples by probe, and ``baseline``. Never raises for what they hold.

        All numbers in ``env`` are doubles, as ``view`` makes them: it is called for each sample. ``INCREASES`` in it
        holds how much each path of an ``increase`` grew, by the path's text.
        """
        names = self.probes | {BASELINE} if self.baseline_paths else self.probes
        if self.increases:
            names |= {INCREASES}
            env = {INCREASES: {}} | dict(env)
        if absent := names - env.keys():
            return Outcome(OutcomeKind.MISSING, ", ".join(sorted(absent)), frozenset(absent))
        try:
            context = cel.Context(variables={name: env[name] for name in names})
            for name, function in FUNCTIONS.items():
                context.add_function(name, function)
            result = self._program.execute(context)
        except KeyError as error:
            return self._missing(env, str(error.args[0]) if error.args else "")
        except IndexError as error:
            return self._missing(env, int(str(error).rpartition(" ")[2]))
        except (TypeError, ValueError, ArithmeticError, RuntimeError) as error:
            wrong = str(error).partition(". ")[0]
            return self._type_error(env, "the types do not fit" if wrong.startswith("No such overload") else wrong)
        if result is True:
            return _TRUE
        if result is False:
            return _FALSE
        if isinstance(result, str) and result in COMPLAINTS:
            return self._type_error(env, result)
        return self._type_error(env, f"the result is {_type_of(result)}, not true or false")

    def _all_paths(self) -> tuple[Path, ...]:
        return (*self.paths, *((BASELINE, *path) for path in self.baseline_paths))

    def _missing(self, env: Mapping[str, Mapping[str, Value]], key: str | int) -> Outcome:
        """Find the path again: ``cel`` names only its last key."""
        if (grown := next((path for path in self.increases if path_text(path) == key), None)) is not None:
            return Outcome(OutcomeKind.MISSING, path_text(grown), frozenset({str(grown[0])}))
        paths = [path for path in self._all_paths() if first_missing(dict(env), path) == key]
        if not paths:
            return Outcome(OutcomeKind.MISSING, f"key {key}")
        roots = frozenset(str(path[0]) for path in paths)
        if any(first_missing(env.get(BASELINE, {}), path) is not None for path in self.baseline_paths):
            roots |= {BASELINE}
        return Outcome(OutcomeKind.MISSING, path_text(paths[0]), roots)

    def _type_error(self, env: Mapping[str, Mapping[str, Value]], wrong: str) -> Outcome:
        found = [(path, find(dict(env), path)) for path in self._all_paths()]
        types = ", ".join(f"{path_text(path)} is {_type_of(value)}" for path, (there, value) in found if there)
        return Outcome(OutcomeKind.TYPE_ERROR, f"{wrong} ({types})" if types else wrong)


@lru_cache(maxsize=512)
def compile_expression(text: str) -> Expression:
    """Compile an expression, once: a drill that is taken up again finds it.

    Raises:
        ExpressionError: when it is too long, not CEL, or uses what a game day does not allow; points at the place.

    """
    size = len(text.encode(errors="replace"))
    if size > MAX_BYTES:
        raise ExpressionError(f"the expression has {size} bytes, and at most {MAX_BYTES} are allowed; split it in two")
    _compile(text, text)
    reading = read(text)
    if reading.micros > MOST:
        raise ExpressionError(
            f"an evaluation may take {reading.micros / 1000:.0f} ms, and at most {MOST / 1000:.0f} ms "
            "are allowed: inside a comprehension use little more than its own variable, and split the "
            "expectation in two"
        )
    paths = tuple(path for path in reading.paths if path[0] != BASELINE)
    baseline_paths = tuple(path[1:] for path in reading.paths if path[0] == BASELINE)
    for path in baseline_paths:
        if len(path) == 1 or any(isinstance(key, int) for key in path):
            raise ExpressionError(
                f"{BASELINE}.{path_text(path)}: the baseline holds numbers by name; "
                f"write {BASELINE}.<probe>.<path>, without an index",
                text,
                max(0, text.find(BASELINE)),
            )
    if not paths:
        raise ExpressionError(
            "the expression uses no probe, so no sample could change its value; use a probe's name, as in health.ok",
            text,
            0,
        )
    probes = frozenset(str(path[0]) for path in paths)
    comparisons = comparisons_of(tuple(tokens_of(text)))
    program = _compile(reading.promoted, text)
    return Expression(text, paths, baseline_paths, probes, program, reading.micros, reading.increases, comparisons)


def parse_path(text: str) -> Path:
    """Read the path of a measurement, as ``metrics.process_resident_memory_bytes`` or ``metrics['up{job="api"}']``.

    Raises:
        ExpressionError: when it is not exactly one path that begins with a probe's name.

    """
    paths = compile_expression(text).paths
    if len(paths) != 1 or path_text(paths[0]).replace(" ", "") != _double_quoted(text).replace(" ", ""):
        raise ExpressionError("write one path that begins with a probe's name, as health.body.buffered", text, 0)
    return paths[0]


def _double_quoted(text: str) -> str:
    """The text with its quoted keys as ``path_text`` writes them."""
    return _SINGLE_QUOTED.sub(lambda found: json.dumps(found[1], ensure_ascii=False), text)


def _compile(text: str, source: str) -> Any:
    try:
        return cel.compile(text)
    except ValueError as error:
        where = str(error).partition("<input>:")[2]
        row, _, rest = where.partition(":")
        column, _, rest = rest.partition(":")
        what = rest.partition("\n")[0].partition(" expecting ")[0].strip().removeprefix("Syntax error: ")
        if not (row.isdecimal() and column.isdecimal()):
            raise ExpressionError(f"not a CEL expression: {error}") from error
        lines = source.split("\n")
        position = sum(len(line) + 1 for line in lines[: int(row) - 1]) + int(column) - 1
        raise ExpressionError(f"not a CEL expression: {what}; correct it at the mark", source, position) from error


def _promoted(value: Value, depth: int = MAX_DEPTH) -> Any:
    """The value as CEL gets it: plain dicts and lists, and doubles for whole numbers; null below the last level."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return float(value) if abs(value) < sys.float_info.max else math.inf * (1 if value > 0 else -1)
    if depth == 0:
        return None
    if isinstance(value, Mapping):
        return {_text(key): _promoted(item, depth - 1) for key, item in value.items()}
    return [_promoted(item, depth - 1) for item in value]


def _text(text: str) -> str:
    """The text without halves of surrogate pairs, which JSON can hold and ``cel`` cannot."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def _type_of(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case Mapping():
            return "a map"
        case _:
            return "a list"
