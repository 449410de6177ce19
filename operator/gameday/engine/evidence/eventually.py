"""``eventually``, in the recovery: true by the deadline.

True at every sample since the fault was requested is AlwaysTrue: it is met, and has no time.
"""

from gameday.engine.evidence.deadlines import judge_deadline, measured
from gameday.engine.evidence.judgement import PENDING, Judgement, Window, unknown
from gameday.engine.evidence.series import Evaluation, Series
from gameday.model.plan import Expectation
from gameday.model.record import ResultState


def judge_eventually(expectation: Expectation, series: Series, window: Window) -> Judgement:
    """Judge an ``eventually`` on the samples sent from ``requested_at`` on."""
    if (started_at := window.started_at) is None:
        return unknown(window.now, "the fault was not seen to end") if window.final else PENDING
    found = judge_deadline(expectation, series, window, started_at)
    if isinstance(found, Judgement):
        return found
    if _was_true_all_along(found, series, window):
        why = "true all the time, so it shows no recovery"
        return Judgement(ResultState.ALWAYS_TRUE, found.received, why=why)
    return measured(found, series, window, started_at)


def _was_true_all_along(start: Evaluation, series: Series, window: Window) -> bool:
    since = min(window.requested_at, window.fault_at if window.fault_at is not None else window.requested_at)
    before = series.last_judgeable_before(window.requested_at)
    if before is None or before.value is False:
        return False
    return all(p.value is not False for p in series.evaluations if since <= p.sent <= start.sent)
