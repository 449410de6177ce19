"""Numbers and times as people read them."""

from datetime import UTC, datetime
from typing import Final

KIBIBYTE: Final = 1024
MEBIBYTE: Final = 1024 * KIBIBYTE


def seconds(value: float) -> str:
    """A length of time: ``0.4 s``, ``12.5 s``, ``2 min``, ``6 min 12 s``, ``1 h 5 min``."""
    if value < 0:
        return f"−{seconds(-value)}"
    if 0 < value < 0.1:
        return f"{value * 1000:.3g} ms"
    if value < 10:
        return f"{_plain(round(value, 2 if value < 1 else 1))} s"
    if value < 120:
        return f"{_plain(round(value, 1))} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def figure(value: float, unit: str) -> str:
    """A figure with its unit; bytes become KiB or MiB where there are many."""
    if unit in {"seconds", "s"}:
        return seconds(value)
    if unit == "bytes":
        return _bytes(value)
    return f"{number(value)} {unit}".rstrip()


def _bytes(value: float) -> str:
    if abs(value) >= MEBIBYTE / 10:
        return f"{_plain(round(value / MEBIBYTE, 1))} MiB"
    if abs(value) >= KIBIBYTE:
        return f"{_plain(round(value / KIBIBYTE, 1))} KiB"
    return "1 byte" if value == 1 else f"{number(value)} bytes"


def reading(path: str, value: float) -> str:
    """A value of a curve, with the unit that its path names."""
    if path.endswith((".latency", "_seconds")):
        return seconds(value)
    return figure(value, "bytes") if path.endswith("_bytes") else number(value)


def number(value: float) -> str:
    """A number of few digits."""
    if value and (abs(value) >= 1e6 or abs(value) < 1e-3):
        return f"{value:.3g}"
    return f"{value:,.3f}".rstrip("0").rstrip(".") if value % 1 else f"{int(value):,}"


def day(at: float) -> str:
    """A day: ``29 Nov 2026``."""
    return f"{datetime.fromtimestamp(at, UTC):%-d %b %Y}"


def when(at: float) -> str:
    """A day and a time: ``29 Nov 2026, 10:00 UTC``."""
    return f"{datetime.fromtimestamp(at, UTC):%-d %b %Y, %H:%M} UTC"


def clock(at: float) -> str:
    """A time of a day, with seconds."""
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}"


def offset(value: float) -> str:
    """A time before or after the beginning of the outage, as runbooks have it: ``T+1:30``."""
    whole = round(abs(value))
    minutes, rest = divmod(whole, 60)
    return f"T{'−' if value < 0 and whole else '+'}{minutes}:{rest:02d}"


def _plain(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
