"""What a Drill's status lists for people, each thing in one line, and read back from it.

``kubectl describe`` shows a line of a list as one line, but each field of an object as a line of its own: a drill is to
fit on two screens. The lines are for programs as well, so their form stays. ``[]`` is what may be missing::

    expectations  STAGE "NAME": STATE [after SECONDS s ][± RESOLUTION s ][LATE s late ]at TIME[ by mitigation "NAME"]
                  [ (REASON)][: MESSAGE], all of it in one line
    mitigations   "NAME": Begun, Acting or Done at TIME
    steps         "NAME": STATE at TIME[: MESSAGE]
    timeline      TIME [Warning ]REASON: MESSAGE
    measurements  VALUE[ UNIT][ ± RESOLUTION], by the name of the figure

A name is a JSON string. A stage is ``Rollback`` where an expectation of the recovery was judged again.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from gameday.model.record import MitigationEntry, Result, StepEntry, TimelineEntry
from gameday.schema.bounds import LINE, NAME, UNIT, WORD, cut
from gameday.schema.times import moment, timestamp

Figure = Mapping[str, str | float]

_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_NUMBER: Final = r"-?[0-9.]+(?:e[+-][0-9]+)?"
_TIME: Final = r"[0-9T:.-]+Z"
EXPECTATION: Final = re.compile(
    rf"(?P<stage>\w+) (?P<name>{_QUOTED}): (?P<state>\w+) (?:after (?P<seconds>{_NUMBER}) s )?"
    rf"(?:± (?P<resolution>{_NUMBER}) s )?(?:(?P<late>{_NUMBER}) s late )?at (?P<at>{_TIME})"
    rf"(?: by mitigation (?P<by>{_QUOTED}))?(?: \((?P<reason>\w+)\))?(?:: (?P<message>.*))?",
    re.DOTALL,
)
STEP: Final = re.compile(rf"(?P<name>{_QUOTED}): (?P<state>\w+) at (?P<at>{_TIME})(?:: (?P<message>.*))?", re.DOTALL)
TIMELINE: Final = re.compile(r"(?P<at>\S+) (?P<warning>Warning )?(?P<reason>[^\s:]+): (?P<message>.*)", re.DOTALL)
MEASUREMENT: Final = re.compile(rf"(?P<value>{_NUMBER})(?: (?P<unit>.*?))??(?: ± (?P<resolution>{_NUMBER}))?")

_HUGE: Final = 1e15
_SMALL: Final = 0.1
"""Below it three decimals are fewer than three digits."""

PATTERNS: Final = {"expectations": EXPECTATION, "mitigations": STEP, "steps": STEP, "timeline": TIMELINE}
"""The form of each list's lines, by its field."""


def expectation_line(result: Result) -> str:
    """What became of an expectation."""
    parts = [f"{'Rollback' if result.again else result.stage.value} {_name(result.name)}: {result.state.value}"]
    if result.seconds is not None:
        parts.append(f"after {_seconds(result.seconds)} s")
    if result.resolution is not None:
        parts.append(f"± {_seconds(result.resolution)} s")
    if result.late is not None:
        parts.append(f"{_seconds(result.late)} s late")
    parts.append(f"at {timestamp(result.at)}")
    if result.by:
        parts.append(f"by mitigation {_name(result.by)}")
    if result.reason:
        parts.append(f"({cut(result.reason, WORD)})")
    return " ".join(parts) + _message(result.why)


def step_line(step: StepEntry) -> str:
    """How far a step has come."""
    return f"{_name(step.name)}: {step.state.value} at {timestamp(step.at)}{_message(step.message)}"


def mitigation_line(one: MitigationEntry) -> str:
    """How far a mitigation has come: since when it acts, or when its last step was done."""
    if one.ended_at is not None:
        return f"{_name(one.name)}: Done at {timestamp(one.ended_at)}"
    if one.acted_at is not None:
        return f"{_name(one.name)}: Acting at {timestamp(one.acted_at)}"
    return f"{_name(one.name)}: Begun at {timestamp(one.at)}"


def timeline_line(line: TimelineEntry) -> str:
    """Something that happened."""
    warning = "Warning " if line.warning else ""
    return f"{timestamp(line.at)} {warning}{cut(line.reason, WORD)}: {cut(line.message, LINE)}"


def measured(figures: tuple[Figure, ...]) -> dict[str, str]:
    """All figures of a drill, by their names."""
    return {str(figure["name"]): _measurement(figure) for figure in figures}


def plain(value: float) -> str:
    """A number as people write it: three decimals, or three digits where it is too small for them.

    It has an exponent only where it is beyond all counting, or below a ten-thousandth.
    """
    if abs(value) >= _HUGE:
        return repr(value)
    return f"{value:.3f}".rstrip("0").rstrip(".") if abs(value) >= _SMALL else f"{value or 0.0:.3g}"


def expectations_of(status: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The expectations of a status, with the parts of each line by name; missing parts are left out."""
    return [_typed(parts) for parts in _read(status, "expectations")]


def steps_of(status: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The steps of a status, likewise."""
    return [_typed(parts) for parts in _read(status, "steps")]


def mitigations_of(status: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The mitigations of a status that have begun, likewise."""
    return [_typed(parts) for parts in _read(status, "mitigations")]


def events_of(status: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The timeline of a status, likewise; ``warning`` is true or left out."""
    return [parts | ({"warning": True} if "warning" in parts else {}) for parts in _read(status, "timeline")]


def timeline_of(status: Mapping[str, Any]) -> tuple[TimelineEntry, ...]:
    """The timeline of a status; lines that somebody damaged are left out."""
    lines = []
    for parts in events_of(status):
        try:
            lines.append(
                TimelineEntry(moment(parts["at"]), parts["reason"], parts["message"], parts.get("warning", False))
            )
        except (ValueError, KeyError, OverflowError):
            continue
    return tuple(lines)


def figures_of(status: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """The figures of a status; those that somebody damaged are left out."""
    found = status.get("measurements", {})
    if not isinstance(found, Mapping):
        # An operator of version 1 wrote a list of objects.
        return tuple(dict(figure) for figure in found if {"name", "value", "unit"} <= figure.keys())
    figures = []
    for name, text in found.items():
        if (parts := MEASUREMENT.fullmatch(text)) is not None:
            figure: dict[str, Any] = {"name": name, "value": float(parts["value"]), "unit": parts["unit"] or ""}
            figures.append(figure | ({"resolution": float(parts["resolution"])} if parts["resolution"] else {}))
    return tuple(figures)


def shortened(field: str, line: str, most: int) -> str:
    """A line of a list with its message cut to so many characters; all before it stays."""
    parts = PATTERNS[field].fullmatch(line)
    if parts is None or parts["message"] is None:
        return line
    return line[: parts.start("message")] + cut(parts["message"], most)


def _name(name: str) -> str:
    return json.dumps(cut(name, NAME), ensure_ascii=False)


def _seconds(value: float) -> str:
    """A time in milliseconds: what is below comes from the arithmetic with clocks, and not from the system."""
    return plain(round(value, 3))


def _message(text: str) -> str:
    return f": {cut(text, LINE)}" if text else ""


def _measurement(figure: Figure) -> str:
    text = f"{plain(float(figure['value']))} {cut(str(figure['unit']), UNIT)}".rstrip()
    return f"{text} ± {plain(float(figure['resolution']))}" if "resolution" in figure else text


def _read(status: Mapping[str, Any], field: str) -> Iterator[dict[str, Any]]:
    for line in status.get(field, ()):
        if isinstance(line, Mapping):
            # An operator of version 1 wrote objects.
            yield dict(line)
        elif (parts := PATTERNS[field].fullmatch(line)) is not None:
            yield {name: text for name, text in parts.groupdict().items() if text is not None}


def _typed(parts: dict[str, Any]) -> dict[str, Any]:
    quoted = str(parts.get("name", "")).startswith('"')
    typed = {name: float(parts[name]) for name in ("seconds", "resolution", "late") if name in parts}
    names = {key: json.loads(parts[key]) for key in ("name", "by") if quoted and key in parts}
    return parts | names | typed
