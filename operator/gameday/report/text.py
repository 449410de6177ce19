"""The report as Markdown, for a message or a ticket: the runbook's "Lessons learned", filled in."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from gameday.report import figures
from gameday.report.facts import WELL_KNOWN, Report
from gameday.report.page import common, environment

RUNBOOK: Final = ("timeToDetect", "timeToAlert", "timeToRecover", "jobsLost", "peakMemory")
"""What the runbook's template asks for, in its order."""
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>#|~])")
_BLANK_LINES: Final = re.compile(r"\n{3,}")


def markdown(report: Report, today: date) -> str:
    """The report as Markdown; ``today`` tells which action items are overdue."""
    made = environment()
    made.filters["cell"] = _cell
    made.finalize = _escaped
    shown = common(report, today)
    text = made.get_template("report.md.j2").render(**shown, metrics=tuple(_metrics(report)))
    return _BLANK_LINES.sub("\n\n", text).strip() + "\n"


class _Safe(str):
    """A text that is Markdown already."""

    __slots__ = ()


def _cell(text: str) -> _Safe:
    return _Safe(_one_line(text))


def _escaped(value: object) -> object:
    """No text of a plan or of a system is taken for Markdown, or ends its line."""
    return value if isinstance(value, _Safe) or not isinstance(value, str) else _one_line(value)


def _one_line(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _metrics(report: Report) -> Iterator[tuple[str, str]]:
    known = {one.name: one for one in report.figures}
    for name in (*RUNBOOK, *(name for name in known if name not in RUNBOOK)):
        one = known.get(name)
        title = WELL_KNOWN.get(name, name)
        yield title, figures.figure(one.value, one.unit) if one is not None else "not measured"
