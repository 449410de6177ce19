"""Tracks written as strips, one character a second.

``T`` true, ``f`` false, ``s`` a request without an answer, ``n`` unknown, ``.`` no sample.
"""

from gameday.engine.evidence.series import Evaluation, Issue, Series

DELAY = 0.1
"""Seconds from the request of a sample to its answer."""

VALUES = {"T": True, "f": False, "s": False, "n": None}


def strip(text: str, *, start: float = 0.0, interval: float = 1.0) -> Series:
    """The track that a strip draws; its first sample is sent at ``start``. A silence of over 3 intervals is a gap."""
    series = Series(interval)
    for second, sign in enumerate(text):
        if sign != ".":
            value = VALUES[sign]
            why, issue = ("", None) if value is not None else ("a.b is not known: body too long", Issue.UNKNOWN)
            before = start + second - 1 if text[max(0, second - 1) : second] == "s" else None
            lost = sign == "s"
            series.add(
                Evaluation(start + second, start + second + DELAY, value, why, issue, lost, before if lost else None)
            )
    return series
