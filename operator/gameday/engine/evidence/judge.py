"""Judges an expectation by its series: Pending, Met, AlwaysTrue, Missed or Unknown.

Missing samples make an expectation Unknown: it is never met then, and never the system's fault. A state other than
Pending is final, and the caller keeps it. Read on in ``runs``, ``always``, ``deadlines``, ``becomes`` and
``eventually``.
"""

from gameday.engine.evidence.always import begins_at, judge_always, longest_violation
from gameday.engine.evidence.becomes import judge_becomes
from gameday.engine.evidence.deadlines import lateness
from gameday.engine.evidence.eventually import judge_eventually
from gameday.engine.evidence.judgement import Judgement, Window
from gameday.engine.evidence.series import Series
from gameday.model.plan import Expectation, Mode


def judge(expectation: Expectation, series: Series, window: Window) -> Judgement:
    """Judge one expectation by its series at ``window.now``."""
    match expectation.mode:
        case Mode.ALWAYS:
            return judge_always(expectation, series, window)
        case Mode.BECOMES:
            return judge_becomes(expectation, series, window)
        case Mode.EVENTUALLY:
            return judge_eventually(expectation, series, window)


def miss(expectation: Expectation, series: Series, window: Window) -> tuple[float | None, str]:
    """By how much an expectation was missed, once the samples up to ``window.ends_at`` are in.

    Seconds past the deadline at which it was true after all (None: never, or an ``always``), and a sentence; "" where
    there is nothing to add.
    """
    if expectation.mode is Mode.ALWAYS:
        return None, longest_violation(expectation, series, window)
    return lateness(expectation, series, window, window.started_at) if window.started_at is not None else (None, "")


def guardrail_unknown(expectation: Expectation, series: Series, window: Window) -> str | None:
    """Why a guardrail cannot be judged at the moment, or None: no judgeable sample for three intervals.

    The three intervals begin at the earliest when the guardrail begins to count.
    """
    begins = begins_at(expectation, window)
    if begins is None or begins > window.now:
        return None
    last = series.last_judgeable_before(window.now)
    seen = max(begins, last.received) if last is not None else begins
    if window.now - seen <= series.patience:
        return None
    return f"no judgeable sample for {window.now - seen:.1f} s ({series.excuse()})"
