"""Judges an expectation by its series: Pending, Met, AlwaysTrue, Missed or Unknown.

Missing samples make an expectation Unknown: it is never met then, and never the system's fault. A state other than
Pending is final, and the caller keeps it. Read on in ``runs``, ``always``, ``deadlines``, ``becomes`` and
``eventually``.
"""

from dataclasses import replace

from gameday.engine.evidence.always import begins_at, judge_always, longest_violation
from gameday.engine.evidence.becomes import judge_becomes
from gameday.engine.evidence.deadlines import lateness
from gameday.engine.evidence.eventually import judge_eventually
from gameday.engine.evidence.judgement import PENDING, Judgement, Window, differ, unknown
from gameday.engine.evidence.series import Series
from gameday.model.plan import Expectation, Mode
from gameday.model.record import ResultState


def judge(expectation: Expectation, series: Series, window: Window) -> Judgement:
    """Judge one expectation by its series at ``window.now``.

    Where it is not known well when the stage began, the result must not depend on it: see ``SURE_WITHIN``. Nor must it
    where the clocks of the nodes differ: the stage begins by the clock of a witness or of the operator, and samples
    have those of others.
    """
    found = _by_clocks(expectation, series, window)
    if (earliest := window.earliest) is None or found.state in {ResultState.PENDING, ResultState.UNKNOWN}:
        return found
    other = _by_clocks(expectation, series, earliest)
    if other.state is found.state or other.state is ResultState.PENDING:
        return found if other.state is found.state else PENDING
    why = f": {other.why}" if other.why else ""
    return unknown(
        max(found.at, other.at),
        f"{found.state.value} if the stage began when that was seen, {other.state.value} if it began up to "
        f"{window.start_resolution:.0f} s earlier{why}; when it did was not seen, as after a restart of the operator, "
        "or where a change takes effect slowly: run the drill again, or give the expectation a longer within",
    )


def _by_clocks(expectation: Expectation, series: Series, window: Window) -> Judgement:
    """Judge it from ``window.started_at``; Unknown where the other clock would have given another result.

    A guardrail that is violated is, whatever the clocks say: it protects.
    """
    found, margin = _as_stamped(expectation, series, window), window.margin
    always, met = expectation.mode is Mode.ALWAYS, found.state is ResultState.MET
    if not margin or expectation.guardrail or not (met or found.state is ResultState.MISSED) or (met and always):
        return found
    moved = window.narrowed() if always else replace(window, leeway=-margin if met else margin)
    other = _as_stamped(expectation, series, moved)
    if other.state is found.state:
        return found
    if not met and other.state is not ResultState.MET:
        # No sample shows that it was met by the other clock; more may come.
        return found if window.final or other.state is not ResultState.PENDING else PENDING
    return unknown(
        found.at,
        f"{found.state.value} by the clock of one node and not by that of another: {differ(window.skew)}",
    )


def _as_stamped(expectation: Expectation, series: Series, window: Window) -> Judgement:
    """Judge it by the times that stand in the samples, as if the stage began exactly at ``window.started_at``."""
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
    return window.with_clocks(f"no judgeable sample for {window.now - seen:.1f} s ({series.excuse()})")
