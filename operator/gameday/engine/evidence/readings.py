"""What probes answer and expectations read before any fault, for a dry run: a reading, never a judgement."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from gameday.engine.cel.paths import Path, path_text
from gameday.engine.evidence.expression_checks import ExpressionFindings
from gameday.engine.evidence.series import Evaluation, Issue, Series
from gameday.model.plan import Mode, Plan, Stage
from gameday.model.sample import Sample, Value

SHOWN_VALUES: Final = 6
"""Values of an answer that are shown: first those that expressions use."""
LONGEST_VALUE: Final = 40
"""Characters of a value."""
SHOWN_ELSEWHERE: Final = frozenset({("ok",), ("error",), ("latency",)})
CERTAIN: Final = frozenset({Issue.TYPE_ERROR, Issue.MISSING})
"""What one sample shows of an expression as well as many; what is unknown may be known at the next one."""
SETTLES: Final = 5.0
"""Seconds for which the samples of a new pod may be false or unknown before that counts: its network takes a moment."""


@dataclass(frozen=True, slots=True)
class Readings:
    """What was read: lines for people, and of them what would end a drill before its first fault."""

    probes: tuple[str, ...] = ()
    expectations: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    unsettled: bool = False
    """Whether the next samples may show that what refuses a drill was the start of the pods alone."""


def read(
    plan: Plan,
    last: Callable[[str], Sample | None],
    values_of: Callable[[str], Mapping[Path, Value]],
    series_of: Callable[[str], Series],
    found: ExpressionFindings,
) -> Readings:
    """Read a plan; ``found`` is what the check of its expressions found on the same samples."""
    probes = [_answer(probe.name, last(probe.name), values_of(probe.name)) for probe in plan.probes]
    expectations: list[str] = []
    refusals: list[str] = []
    doubted: set[str] = set()
    unsettled = False
    for stage, expectation in plan.all_expectations():
        series = series_of(expectation.expression)
        newest = next(reversed(series.evaluations), None)
        asked = f"{expectation.mode.value} {expectation.expression}"
        expectations.append(_reading(stage.value, expectation.name, asked, newest))
        if stage is Stage.STEADY_STATE and expectation.mode is Mode.ALWAYS and _is_false(newest):
            refusals.append(f"steadyState: {expectation.name} is false now{_why(newest)}; make it true first")
        elif _is_unknown(newest):
            where = f"{stage.value[0].lower()}{stage.value[1:]}: {expectation.name}"
            refusals.append(_unjudged(where, series, newest))
        else:
            continue
        doubted.add(expectation.name)
        unsettled = unsettled or not _settled(series)
    for mitigation in plan.mitigations:
        series = series_of(mitigation.when)
        newest = next(reversed(series.evaluations), None)
        expectations.append(_reading("mitigation", mitigation.name, f"when {mitigation.when}", newest))
        if _is_unknown(newest):
            refusals.append(_unjudged(f"mitigation {mitigation.name}", series, newest))
            doubted.add(f"mitigation {mitigation.name}")
            unsettled = unsettled or not _settled(series)
    wrong = (one for one in (*found.wrong, *found.already) if not any(one.startswith(f"{n}: ") for n in doubted))
    return Readings(tuple(probes), tuple(expectations), (*refusals, *wrong), found.doubtful, unsettled)


def _unjudged(where: str, series: Series, newest: Evaluation | None) -> str:
    why = newest.why if newest is not None else series.excuse()
    return f"{where} cannot be judged: {why}; a drill would end Inconclusive"


def _is_unknown(newest: Evaluation | None) -> bool:
    """Whether nothing is known at the newest sample, for a reason that has nothing to do with what is expected."""
    return newest is None or (newest.value is None and newest.issue not in CERTAIN)


def _settled(series: Series) -> bool:
    """Whether it has been as it is at the newest sample for longer than the start of a pod explains."""
    newest = next(reversed(series.evaluations), None)
    if newest is None or newest.issue is Issue.STALE:
        return False
    alike = itertools.takewhile(lambda one: one.value is newest.value, reversed(series.evaluations))
    return newest.sent - min(one.sent for one in alike) >= SETTLES


def _answer(name: str, sample: Sample | None, values: Mapping[Path, Value]) -> str:
    if sample is None:
        return f"{name}: no answer yet"
    if (why := next((why for path, why in sample.unknown if not path), "")) and not sample.ok:
        return f"{name}: not known ({sample.error}): {why}"
    took = f"after {1000 * sample.latency:.0f} ms"
    head = f"{name}: ok {took}" if sample.ok else f"{name}: failed {took}: {sample.error}"
    shown = [f"{path_text(path)} {_text(value)}" for path, value in values.items() if path not in SHOWN_ELSEWHERE]
    unknown = [f"{path_text(path)} is not known: {why}" for path, why in sample.unknown]
    return "; ".join((head, *shown[:SHOWN_VALUES], *unknown[:SHOWN_VALUES]))


def _text(value: Value) -> str:
    text = json.dumps(_plain(value), ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def _plain(value: Value) -> object:
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _reading(of: str, name: str, asked: str, newest: Evaluation | None) -> str:
    value = newest.value if newest is not None else None
    word = "unknown" if value is None else "true" if value else "false"
    why = _why(newest) if newest is not None else " (no sample)"
    return f"{of} {json.dumps(name, ensure_ascii=False)}: {word}{why}: {asked}"


def _why(newest: Evaluation | None) -> str:
    return f" ({newest.why})" if newest is not None and newest.why else ""


def _is_false(newest: Evaluation | None) -> bool:
    return newest is not None and newest.value is False


def newest_values(values: Mapping[Path, list[Value]]) -> Iterator[tuple[Path, Value]]:
    """The newest value at each path that has one."""
    for path, seen in values.items():
        if seen and seen[-1] is not None:
            yield path, seen[-1]
