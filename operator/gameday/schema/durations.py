"""Lengths of time as people write them: 30s, 5m, 1h30m."""

import re

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}
_PART = re.compile(r"([0-9]+)(h|m|s)")


def seconds(text: str) -> float:
    """The length in seconds.

    Raises:
        ValueError: when the text is no such length.

    """
    if not re.fullmatch(r"([0-9]+(h|m|s))+", text):
        raise ValueError(f"{text!r} is not a duration: write 30s, 5m or 1h30m")
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
