"""The interface of what holds alerts: it says when each alert that fires and is meant has started.

What is asked measures the system and is no part of it, so whatever goes wrong there leaves the whole sample unknown.
"""

from abc import ABC, abstractmethod
from datetime import datetime
from typing import Any, ClassVar

from gameday.probes.fetch import Response, json_value
from gameday.probes.io.body import BodyNotRead
from gameday.probes.runner import ProbeResult, ProbeRunner


class AlertsUnknown(Exception):
    """An answer that does not say whether the alert fires; ``word`` is short, the message says why and what to do."""

    def __init__(self, word: str, why: str) -> None:
        super().__init__(why)
        self.word = word


class AlertSource(ABC):
    """What holds alerts."""

    name: ClassVar[str]
    """What people call it."""

    @abstractmethod
    async def starts(self, runner: ProbeRunner) -> list[float] | ProbeResult:
        """When each alert that is meant started, in Unix seconds; or what a request came to that got no response.

        Raises:
            AlertsUnknown: when the answer does not say so.

        """


def parsed(response: Response, ask_for_less: str, no_api: str) -> Any:
    """The JSON of a good response; ``ask_for_less`` and ``no_api`` are remedies.

    Raises:
        AlertsUnknown: when the answer is not JSON, or was too long to be read.

    """
    if response.unread:
        raise AlertsUnknown("protocol", f"{response.unread}: {ask_for_less}")
    try:
        return json_value(response.body)
    except BodyNotRead as error:
        raise AlertsUnknown("protocol", f"{error}: {ask_for_less}") from None
    except ValueError:
        raise AlertsUnknown("protocol", no_api) from None


def started(value: Any, no_api: str) -> float:
    """A moment in RFC 3339, in Unix seconds; raises AlertsUnknown when the text is not a moment."""
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise AlertsUnknown("protocol", no_api) from None
    if at.tzinfo is None:
        raise AlertsUnknown("protocol", no_api)
    return at.timestamp()
