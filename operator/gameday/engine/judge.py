"""Holding an expectation against its track: Pending, Met, MetBefore, Missed or Unknown.

What the system does is data. What we failed to see is Unknown: it is never met, and never the system's fault. A state
other than Pending is final: the caller keeps it. Read on in ``judge_always`` and ``judge_eventually``.
"""

from gameday.engine.judge_always import judge_always
from gameday.engine.judge_eventually import judge_eventually
from gameday.engine.judgement import PENDING, Judgement, Window
from gameday.engine.tracks import Track
from gameday.model.plan import Expectation, Mode

__all__ = ["PENDING", "Judgement", "Window", "guardrail_unknown", "judge"]


def judge(expectation: Expectation, track: Track, window: Window) -> Judgement:
    """Judge one expectation by what its track holds at ``window.now``."""
    match expectation.mode:
        case Mode.ALWAYS:
            return judge_always(expectation, track, window)
        case Mode.EVENTUALLY:
            return judge_eventually(expectation, track, window)


def guardrail_unknown(track: Track, since: float, now: float) -> str | None:
    """Why a guardrail cannot be judged at the moment, or None: no judgeable sample for three intervals.

    ``since`` is when it began to count (the injection request); the three intervals begin there at the earliest.
    """
    last = track.last_judgeable_before(now)
    seen = max(since, last.received) if last is not None else since
    if now - seen <= track.patience:
        return None
    return f"no judgeable sample for {now - seen:.1f} s ({track.excuse()})"
