"""Tracks written as strips, one character a second: ``T`` true, ``f`` false, ``n`` not judgeable, ``.`` no sample."""

from gameday.engine.tracks import Flaw, Point, Track

DELAY = 0.1
"""Seconds from the request of a sample to its answer."""

VALUES = {"T": True, "f": False, "n": None}


def strip(text: str, *, start: float = 0.0, interval: float = 1.0) -> Track:
    """The track that a strip draws; its first sample is sent at ``start``. A silence of over 3 intervals is a gap."""
    track = Track(interval)
    for second, sign in enumerate(text):
        if sign != ".":
            value = VALUES[sign]
            why, flaw = ("", None) if value is not None else ("a.b is missing", Flaw.MISSING)
            track.add(Point(start + second, start + second + DELAY, value, why, flaw))
    return track
