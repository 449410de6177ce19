"""The operator's log: one line an entry, ``key=value``, so that people and machines both read it."""

import json
import logging
import sys
import time
from typing import Final

FIELDS: Final = ("drill", "reason")
"""What an entry may carry beside its message, in this order."""


class Logfmt(logging.Formatter):
    """``time=... level=info logger=... drill=shop/first reason=CutProven msg="..."``; ``error`` is a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """One entry as one line."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        pairs = {"time": f"{stamp}.{int(record.msecs):03d}Z", "level": record.levelname.lower(), "logger": record.name}
        pairs |= {field: str(vars(record)[field]) for field in FIELDS if field in vars(record)}
        pairs["msg"] = record.getMessage()
        if record.exc_info:
            pairs["error"] = self.formatException(record.exc_info)
        return " ".join(f"{key}={_quoted(value)}" for key, value in pairs.items())


def _quoted(value: str) -> str:
    plain = value and all(char.isalnum() or char in "-_./:+" for char in value)
    return value if plain else json.dumps(value, ensure_ascii=False)


def set_up(level: str) -> None:
    """Log to standard error. Kopf tells of each event that it handed on, which nobody needs: only its warnings show."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Logfmt())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("kopf").setLevel(logging.WARNING)
