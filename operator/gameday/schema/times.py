"""Times as Kubernetes writes them, and lengths of time as people read them."""

from datetime import UTC, datetime


def timestamp(at: float) -> str:
    """RFC 3339 with milliseconds, as Kubernetes reads it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"


def moment(text: str) -> float:
    """The Unix second of an RFC 3339 time.

    Raises:
        ValueError: when it is not one.

    """
    return datetime.fromisoformat(text).timestamp()


def shown_moment(text: str) -> float:
    """The Unix second of a time in a status, and 0 for one that somebody made unreadable: long ago."""
    try:
        return moment(text)
    except (ValueError, OverflowError):
        return 0.0


def duration(seconds: float) -> str:
    """A length of time for a column: ``6m12s``, ``4.2s``."""
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{rest}s" if hours else f"{minutes}m{rest}s"
