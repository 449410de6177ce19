"""Loggers of structlog over those of the standard library: what is bound to one stands on each of its lines.

A line about a drill has ``drill`` or, of a schedule and a plan, ``gameday``, both as ``namespace/name``, and a
``reason``, a CamelCase word. How lines look is for ``cli`` to say.
"""

import logging
from collections.abc import Mapping
from typing import Any

import structlog
from structlog.stdlib import BoundLogger

from gameday.cluster.resources import DRILLS, GAMEDAYS

Log = BoundLogger


def logger(name: str) -> Log:
    """The logger of that name; what is bound to it goes along as attributes of the record."""
    made: Log = structlog.wrap_logger(
        logging.getLogger(name),
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.render_to_log_kwargs,
        ],
        wrapper_class=BoundLogger,
    ).bind()
    return made


def named(kind: str, namespace: str, name: str) -> dict[str, str]:
    """The log field that names a Drill or GameDay; empty for other kinds."""
    field = {DRILLS.kind: "drill", GAMEDAYS.kind: "gameday"}.get(kind)
    return {field: f"{namespace}/{name}"} if field is not None else {}


def of_drill(drill: Mapping[str, Any]) -> dict[str, str]:
    """The fields that name a drill and its GameDay."""
    namespace = drill["metadata"]["namespace"]
    gameday = drill.get("spec", {}).get("gameDay", "")
    return named(DRILLS.kind, namespace, drill["metadata"]["name"]) | (
        named(GAMEDAYS.kind, namespace, gameday) if gameday else {}
    )
