"""Curves as pictures: each row is an SVG without a text, which a page may stretch; the words stand beside it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeVar

from gameday.engine.evidence.curves import Curve, Strip
from gameday.report.facts import Band, Expected, Report
from gameday.report.figures import offset, reading

WIDE: Final = 1000.0
HIGH: Final = 40.0
MARGIN: Final = 3.0
TICKS: Final = 7
STEPS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
"""Seconds between two ticks."""
GAP: Final = 4.0
"""How many usual distances between two samples make a gap in a curve."""
FEW: Final = 6
"""Colours for texts."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on the axis, in percent of its width, and what stands there."""

    left: float
    text: str


@dataclass(frozen=True, slots=True)
class Segment:
    """A rectangle of a strip: where it begins and how wide it is, of ``WIDE``; ``style`` is its class."""

    left: float
    width: float
    style: str


@dataclass(frozen=True, slots=True)
class Row:
    """One curve or strip: its picture, and in words what it shows."""

    title: str
    kind: str
    """``line``, ``strip`` or ``truth``."""
    area: str = ""
    line: str = ""
    segments: tuple[Segment, ...] = ()
    legend: tuple[tuple[str, str], ...] = ()
    """Words with their classes."""
    said: str = ""
    """What a person hears who does not see it."""
    note: str = ""
    deadline: float | None = None
    """Where the deadline is, of ``WIDE``."""
    met: float | None = None
    state: str = ""


@dataclass(frozen=True, slots=True)
class Scale:
    """From times to places; ``zero`` is where the report's clock begins."""

    since: float
    until: float
    started_at: float

    def x(self, at: float) -> float:
        """Where a time is, of ``WIDE``."""
        return round(min(WIDE, max(0.0, (at - self.since) / (self.until - self.since) * WIDE)), 2)

    def ticks(self) -> Iterator[Tick]:
        """Round times on the axis, counted from zero."""
        length = self.until - self.since
        step = next((step for step in STEPS if length / step <= TICKS), 7200)
        first = -int((self.started_at - self.since) // step) * step
        at = float(first)
        while self.started_at + at <= self.until:
            yield Tick(round(self.x(self.started_at + at) / WIDE * 100, 2), offset(at))
            at += step


@dataclass(frozen=True, slots=True)
class Chart:
    """All rows of a report, with what is the same in each."""

    scale: Scale
    bands: tuple[tuple[Band, Segment], ...]
    marks: tuple[tuple[float, str], ...]
    ticks: tuple[Tick, ...]
    probes: tuple[tuple[str, tuple[Row, ...]], ...]
    expected: tuple[Row, ...]
    still: tuple[str, ...]
    """What never changed, in words."""


def chart(report: Report) -> Chart | None:
    """The pictures of a report; None where there is no time to show."""
    if report.span is None:
        return None
    since, until = report.span
    scale = Scale(since, until, report.clock_start if report.clock_start is not None else since)
    probes, still = [], []
    for strip in report.samples.strips if report.samples is not None else ():
        rows = []
        for curve in sorted(strip.curves, key=_importance):
            if (words := _still(curve)) is not None:
                still += [words] if words else []
            else:
                rows.append(_row(strip, curve, scale, report.bands))
        if rows:
            probes.append((strip.probe, tuple(rows)))
    return Chart(
        scale,
        tuple((band, _segment(scale, band.since, band.until, band.name)) for band in report.bands),
        tuple((scale.x(mark.at), mark.text) for mark in report.marks),
        tuple(scale.ticks()),
        tuple(probes),
        tuple(_truth(one, scale) for one in report.expected if one.stage != "Rollback"),
        tuple(still),
    )


def _importance(curve: Curve) -> tuple[int, str]:
    """What expressions read comes before what every sample has."""
    last = curve.path.rpartition(".")[2]
    return {"ok": 2, "error": 3, "latency": 1}.get(last, 0), curve.path


def _still(curve: Curve) -> str | None:
    """What is said of a curve that never changed; "" where that is nothing, None where it did change."""
    values = {value for column in (curve.low, curve.high) for value in column if value is not None}
    if len(values) > 1 or None in curve.last:
        return None
    if not values:
        return ""
    value = values.pop()
    if curve.path.endswith(".ok") and value == 1:
        return f"{curve.path.removesuffix('.ok')} answered every time"
    return f"{curve.path} was always {_word(curve, value)}"


def _word(curve: Curve, value: float) -> str:
    match curve.of:
        case "text":
            return curve.texts[int(value)] if 0 <= int(value) < len(curve.texts) else "?"
        case "boolean":
            return "true" if value else "false"
        case _:
            return reading(curve.path, value)


def _row(strip: Strip, curve: Curve, scale: Scale, bands: Sequence[Band]) -> Row:
    if curve.of == "number":
        return _line(strip, curve, scale, bands)
    shown = list(dict.fromkeys(int(value) for value in curve.last if value is not None))
    style = {value: _style(curve, value, place) for place, value in enumerate(shown)}
    runs = _runs([(at, value) for at, value in zip(strip.at, curve.last, strict=True)], scale.until)
    segments = tuple(
        _segment(scale, since, until, style[int(value)] if value is not None else "none")
        for since, until, value in runs
    )
    legend = tuple((_word(curve, value), style[value]) for value in shown)
    legend += (("no value", "none"),) if None in curve.last else ()
    said = "; ".join(f"{band.title.lower()}: {_words_within(strip, curve, band)}" for band in bands)
    return Row(curve.path, "strip", segments=segments, legend=legend, said=f"{curve.path}. {said}")


def _style(curve: Curve, value: int, place: int) -> str:
    if curve.of == "boolean":
        return "yes" if value else "no"
    return f"t{place % FEW}"


def _words_within(strip: Strip, curve: Curve, band: Band) -> str:
    inside = [v for at, v in zip(strip.at, curve.last, strict=True) if band.since <= at <= band.until]
    return ", ".join(dict.fromkeys("no value" if v is None else _word(curve, v) for v in inside)) or "no sample"


def _line(strip: Strip, curve: Curve, scale: Scale, bands: Sequence[Band]) -> Row:
    low = min(value for value in curve.low if value is not None)
    high = max(value for value in curve.high if value is not None)
    # A value that hardly moves is not to look as if it did.
    base = 0.0 if 0 <= low < 0.5 * high else low
    top = high if high > base else base + 1.0

    def y(value: float) -> float:
        return round(HIGH - MARGIN - (value - base) / (top - base) * (HIGH - 2 * MARGIN), 2)

    line, area = [], []
    for piece in _pieces(strip.at, curve):
        places = [(scale.x(strip.at[i]), i) for i in piece]
        line.append("M" + "L".join(f"{x} {y(curve.last[i] or 0.0)}" for x, i in places))
        if any(curve.low[i] != curve.high[i] for i in piece):
            there = [f"{x} {y(curve.high[i] or 0.0)}" for x, i in places]
            back = [f"{x} {y(curve.low[i] or 0.0)}" for x, i in reversed(places)]
            area.append("M" + "L".join((*there, *back)) + "Z")
    said = "; ".join(f"{band.title.lower()}: {_range_within(strip, curve, band)}" for band in bands)
    note = f"{_word(curve, low)} to {_word(curve, high)}"
    return Row(curve.path, "line", "".join(area), "".join(line), said=f"{curve.path}. {said}", note=note)


def _range_within(strip: Strip, curve: Curve, band: Band) -> str:
    inside = [i for i, at in enumerate(strip.at) if band.since <= at <= band.until]
    low = [v for i in inside if (v := curve.low[i]) is not None]
    high = [v for i in inside if (v := curve.high[i]) is not None]
    if not low:
        return "no value"
    least, most = _word(curve, min(low)), _word(curve, max(high))
    return least if least == most else f"{least} to {most}"


def _pieces(at: Sequence[float], curve: Curve) -> Iterator[list[int]]:
    """Points that follow each other: where a value is missing, or nothing was sent for long, the curve has a gap."""
    steps = sorted(after - before for before, after in pairwise(at))
    usual = steps[len(steps) // 2] if steps else 1.0
    piece: list[int] = []
    for index, moment in enumerate(at):
        missing = curve.last[index] is None
        if piece and (missing or moment - at[piece[-1]] > GAP * usual):
            yield piece
            piece = []
        if not missing:
            piece.append(index)
    if piece:
        yield piece


def _truth(one: Expected, scale: Scale) -> Row:
    changes = one.truth.changes if one.truth is not None else ()
    words = {True: "true", False: "false", None: "unknown"}
    runs = _runs(changes, scale.until)
    segments = tuple(_segment(scale, since, until, words[value]) for since, until, value in runs)
    met = one.at if one.state == "Met" and one.mode != "always" and one.at else None
    told = [f"{words[value]} from {offset(at - scale.started_at)}" for at, value in changes[:8]]
    said = f"{one.name}: {one.state}. {', '.join(told)}"
    return Row(
        one.name,
        "truth",
        segments=segments,
        said=said,
        note=one.state,
        deadline=scale.x(one.deadline) if one.deadline is not None and one.deadline <= scale.until else None,
        met=scale.x(met) if met is not None else None,
        state=one.state,
    )


def _runs(points: Iterable[tuple[float, T]], until: float) -> Iterator[tuple[float, float, T]]:
    """Spans of one value: from its first point to the first of another."""
    run: tuple[float, T] | None = None
    for at, value in points:
        if run is not None and value != run[1]:
            yield run[0], at, run[1]
            run = None
        run = run or (at, value)
    if run is not None:
        yield run[0], until, run[1]


def _segment(scale: Scale, since: float, until: float, style: str) -> Segment:
    left = scale.x(since)
    return Segment(left, round(max(0.0, scale.x(until) - left), 2), style)
