"""The operator's log: one line an entry, as ``key=value`` or as JSON, so that people and machines both read it."""

import enum
import json
import logging
import sys
from collections.abc import Callable, MutableMapping
from typing import Any, Final

import structlog
from structlog.stdlib import ExtraAdder, ProcessorFormatter

from gameday.api.record import timestamp
from gameday.controller.logs import named

FIELDS: Final = ("drill", "gameday", "reason")
"""The fields that an entry may have in addition to its message, in this order."""
ORDER: Final = ("time", "level", "logger", *FIELDS, "msg", "error")
"""The keys of an entry; ``error`` is a traceback."""
QUIET: Final = ("kopf", "kubernetes", "aiohttp", "asyncio")
"""Libraries of which only warnings are logged; Kopf would log each event that it handles."""

Entry = MutableMapping[str, Any]


class LogFormat(enum.StrEnum):
    """How entries look."""

    TEXT = "text"
    JSON = "json"


def formatter(style: LogFormat, clock: Callable[[], float]) -> logging.Formatter:
    """A formatter for log records of all libraries, with the times of ``clock``.

    As text: ``time=... level=info logger=... drill=shop/first gameday=shop/redis reason=CutProven msg="..."``.
    """

    def stamped(_: Any, __: str, entry: Entry) -> Entry:
        record: logging.LogRecord = entry["_record"]
        reference = getattr(record, "k8s_ref", None) or {}  # of Kopf's loggers
        about = named(reference.get("kind", ""), reference.get("namespace", ""), reference.get("name", ""))
        stamp = {"time": timestamp(clock()), "level": record.levelname.lower(), "logger": record.name}
        return stamp | about | dict(entry)

    return ProcessorFormatter(
        foreign_pre_chain=[stamped, ExtraAdder(FIELDS)],
        processors=[
            ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("msg"),
            _ordered,
            _json if style is LogFormat.JSON else _text,
        ],
    )


def _ordered(_: Any, __: str, entry: Entry) -> Entry:
    entry["error"] = entry.pop("exception", "")
    return {key: str(entry[key]) for key in ORDER if entry.get(key)}


def _json(_: Any, __: str, entry: Entry) -> str:
    return json.dumps(entry)


def _text(_: Any, __: str, entry: Entry) -> str:
    return " ".join(f"{key}={_quoted(value)}" for key, value in entry.items())


def _quoted(value: str) -> str:
    """A value as it is, or as JSON with nothing in it that a terminal or a reader of lines may take for a command."""
    if all(char.isalnum() or char in "-_./:+" for char in value):
        return value
    return "".join(
        char if char.isprintable() else json.dumps(char)[1:-1] for char in json.dumps(value, ensure_ascii=False)
    )


def set_up(level: str, style: LogFormat, clock: Callable[[], float]) -> None:
    """Log to standard error, with the times of ``clock``."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(style, clock))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
