"""The operator's log: one line an entry, ``key=value``, so that people and machines both read it."""

import json
import logging
import sys
from collections.abc import Callable
from typing import Final

from gameday.api.record import timestamp

FIELDS: Final = ("drill", "reason")
"""What an entry may carry beside its message, in this order."""


class Logfmt(logging.Formatter):
    """``time=... level=info logger=... drill=shop/first reason=CutProven msg="..."``; ``error`` is a traceback."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock

    def format(self, record: logging.LogRecord) -> str:
        """One entry as one line."""
        pairs = {"time": timestamp(self._clock()), "level": record.levelname.lower(), "logger": record.name}
        pairs |= {field: str(vars(record)[field]) for field in FIELDS if field in vars(record)}
        pairs["msg"] = record.getMessage()
        if record.exc_info:
            pairs["error"] = self.formatException(record.exc_info)
        return " ".join(f"{key}={_quoted(value)}" for key, value in pairs.items())


def _quoted(value: str) -> str:
    plain = value and all(char.isalnum() or char in "-_./:+" for char in value)
    return value if plain else json.dumps(value, ensure_ascii=False)


def set_up(level: str, clock: Callable[[], float]) -> None:
    """Log to standard error, with the times of ``clock``.

    Kopf tells of each event that it handed on, which nobody needs: only its warnings show.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Logfmt(clock))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("kopf").setLevel(logging.WARNING)
