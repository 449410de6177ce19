"""``becomes``, in the outage: false before the fault, true by the deadline.

::

    tried        requested   start           deadline
      |--F--F--F----|--F--F---|--F--F--T--------|
      |-- must be --|
           false

What was true in the steady state ended the drill there (``AlreadyTrue``). True only between then and the request is
Unknown: the fault is not the cause. A request that was sent before and answered after it says nothing either way.
"""

from gameday.engine.evidence.deadlines import judge_deadline, measured
from gameday.engine.evidence.judgement import PENDING, Judgement, Window, unknown
from gameday.engine.evidence.runs import Wanted, certainly
from gameday.engine.evidence.series import Series
from gameday.model.plan import Expectation


def judge_becomes(expectation: Expectation, series: Series, window: Window) -> Judgement:
    """Judge a ``becomes`` on the samples sent from ``requested_at`` on, and on those before it."""
    if (started_at := window.started_at) is None:
        return unknown(window.now, "the fault was not proven") if window.final else PENDING
    found = judge_deadline(expectation, series, window, started_at)
    if isinstance(found, Judgement):
        return found
    if why := _before(expectation, series, window):
        return unknown(found.received, why)
    return measured(found, series, window, started_at)


def already_true(holds: float, series: Series, since: float) -> bool:
    """Whether it was true at any time since then, for as many seconds as it must hold."""
    return certainly(series, Wanted(since, float("inf"), holds)).start is not None


def _before(expectation: Expectation, series: Series, window: Window) -> str:
    """Why it is not known to have been false before the request, or ""."""
    since = window.false_from if window.false_from is not None else window.requested_at
    before = [p for p in series.evaluations if since <= p.sent and p.received < window.requested_at]
    for evaluation in before:
        if evaluation.value is None:
            return f"it is not known whether it was true before the fault was requested: {evaluation.why}"
    if (gap := series.gap_within(since, window.requested_at)) is not None:
        return f"it is not known whether it was true before the fault was requested: {gap.why}"
    run = certainly(series, Wanted(since, float("inf"), expectation.holds)).start
    if run is not None and run.received < window.requested_at:
        return "it was true before the fault was requested, so the fault may not be the cause"
    return ""
