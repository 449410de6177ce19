"""The report as one HTML file that needs nothing else: styles and pictures stand in it, and no script."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from gameday.api.record import shown_moment
from gameday.report import figures
from gameday.report.chart import chart
from gameday.report.facts import STAGES, WELL_KNOWN, Report
from gameday.report.lessons import before, lessons, sentence

SYMBOLS: Final = {"Passed": "✓", "Failed": "✗", "Inconclusive": "?", "Aborted": "■"}
STATES: Final = {
    "Met": "✓ met",
    "AlwaysTrue": "✓ true all along",
    "Missed": "✗ missed",
    "Unknown": "? unknown",
    "Pending": "… pending",
}
"""What became of an expectation, by a sign and a word: never by a colour alone."""
RUNBOOK: Final = ("timeToDetect", "timeToAlert", "timeToRecover", "peakMemory")
"""Figures that a report always has a card for."""
_UNIT: Final = re.compile(r"(?<=[0-9]) (?=(?:ms|s|min|h|bytes?|KiB|MiB)\b)")
PARTS: Final = {
    "figures": "Figures",
    "timeline": "Timeline",
    "expectations": "Expectations",
    "lessons": "Lessons learned",
    "earlier": "Comparison",
    "undo": "What was changed",
    "events": "What happened",
    "read": "How to read this page",
}


@dataclass(frozen=True, slots=True)
class Card:
    """A figure, large."""

    title: str
    value: str
    aside: str


@dataclass(frozen=True, slots=True)
class Compared:
    """A drill in the table of drills."""

    name: str
    day: str
    verdict: str
    cells: tuple[str, ...]
    missed: tuple[str, ...]
    current: bool = False


def environment() -> Environment:
    """How the templates are read: all that comes from a cluster is escaped."""
    made = Environment(
        loader=PackageLoader("gameday.report"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        finalize=_unbroken,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"seconds": figures.seconds, "clock": figures.clock, "day": figures.day}
    made.filters["breaks"] = _breaks
    return made


def _breaks(path: str) -> Markup:
    """A path that may be broken behind its dots."""
    return Markup(".<wbr>").join(path.split("."))


def _unbroken(value: object) -> object:
    """A text in which no line ends between a number and its unit."""
    return _UNIT.sub("\u00a0", value) if type(value) is str else value


def html(report: Report, today: date) -> str:
    """The report as HTML; ``today`` tells which action items are overdue."""
    style = files("gameday.report").joinpath("templates/report.css").read_text()
    return environment().get_template("report.html.j2").render(
        **common(report, today),
        css=Markup(style),  # noqa: S704  a file of ours
        chart=chart(report),
        cards=tuple(cards(report)),
        parts=tuple(PARTS.items()),
        whys=any(one.why for one in report.expected),
        symbol=SYMBOLS.get(report.verdict, "…"),
        groups=tuple((stage, group) for stage in STAGES if (group := [e for e in report.expected if e.stage == stage])),
        events=tuple(_events(report)),
    )  # fmt: skip


def common(report: Report, today: date) -> dict[str, Any]:
    """What every form of a report shows."""
    at = report.started_at if report.started_at is not None else report.finished_at
    took = None
    if report.started_at is not None and report.finished_at is not None:
        took = figures.seconds(report.finished_at - report.started_at)
    names = tuple((name, title) for name, title in WELL_KNOWN.items() if _measured(report, name))
    return {
        "r": report,
        "today": today,
        "when": figures.when(at) if at is not None else "not begun",
        "took": took,
        "sentence": sentence(report),
        "lessons": lessons(report),
        "stages": STAGES,
        "states": STATES,
        "items": sorted(report.items, key=lambda one: (bool(one.closed), one.due or "9999")),
        "compared": names,
        "rows": tuple(_compared(report, [name for name, _ in names])),
    }


def cards(report: Report) -> Iterator[Card]:
    """The figures that runbooks ask for, measured or not, then all others."""
    known = {one.name: one for one in report.figures}
    for name in (*RUNBOOK, *(name for name in known if name not in RUNBOOK)):
        one = known.get(name)
        if one is None:
            yield Card(WELL_KNOWN[name], "", f"a plan measures it as {name}")
            continue
        aside = [f"± {figures.figure(one.resolution, one.unit)}"] if one.resolution else []
        if one.before is not None:
            aside.append(before(one))
        yield Card(one.title, figures.figure(one.value, one.unit), ", ".join(aside))


def _measured(report: Report, name: str) -> bool:
    here = any(one.name == name for one in report.figures)
    return here or any(name in one.figures for one in report.earlier)


def _compared(report: Report, names: list[str]) -> Iterator[Compared]:
    at = report.finished_at if report.finished_at is not None else report.started_at
    own = {one.name: (one.value, one.unit) for one in report.figures}
    missed = tuple(one.name for one in report.expected if one.state == "Missed" and one.stage != "Rollback")
    moments = [one.at for one in report.earlier] + ([at] if at is not None else [])
    days = Counter(figures.day(moment) for moment in moments)

    def shown(moment: float) -> str:
        """The day, and the time as well where several drills are of that day."""
        return figures.when(moment) if days[figures.day(moment)] > 1 else figures.day(moment)

    first = shown(at) if at is not None else "now"
    yield Compared(report.drill, first, report.verdict or "under way", _cells(own, names), missed, current=True)
    for one in report.earlier:
        yield Compared(one.name, shown(one.at), one.verdict, _cells(one.figures, names), one.missed)


def _cells(known: Mapping[str, tuple[float, str]], names: list[str]) -> tuple[str, ...]:
    return tuple(figures.figure(*known[name]) if name in known else "–" for name in names)


def _events(report: Report) -> Iterator[dict[str, Any]]:
    for one in report.timeline:
        at = shown_moment(one["at"])
        offset = figures.offset(at - report.clock_start) if report.clock_start is not None else ""
        yield dict(one) | {"clock": figures.clock(at), "offset": offset, "warning": bool(one.get("warning"))}
