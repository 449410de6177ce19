"""The request of a call as an agent sends it, and what came of it in words that hold no Secret."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from gameday.model.agent import ProbeTask, RequestConfig
from gameday.probes.fetch import Request, Response, exchange
from gameday.probes.io.access import CANNOT_SEND, Access, read_headers
from gameday.probes.io.errors import error_word, untrusted
from gameday.probes.io.lookup import NotSent, open_connection
from gameday.probes.io.secrets import Secrets
from gameday.probes.runner import ProbeResult, ProbeRunner

MESSAGE: Final = Path("/dev/termination-log")
"""Where the kubelet reads a container's termination message."""
TIMED_OUT: Final = 408
RETRIED: Final = frozenset({TIMED_OUT, 425, 429})
"""Statuses from 400 to 499 after which the same request may get another answer."""

NEVER_SENT: Final = frozenset({CANNOT_SEND, "dns", "tls", "the URL cannot be used"})
"""Errors of requests that never left, as ``exchange`` says them."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a request.

    ``good`` says that its status is one of those that were expected. ``again`` says that the same request may get
    another answer. ``acted`` is False where it surely had no effect: it never left, or was refused.
    """

    good: bool
    text: str
    again: bool = True
    acted: bool = True


class Calling(ProbeRunner):
    """Sends one request, on a connection of its own."""

    def __init__(self, request: RequestConfig, statuses: tuple[int, ...], timeout: float) -> None:
        self._secrets = Secrets()
        super().__init__(ProbeTask("call", "http", 0.0, timeout), self._secrets)
        self._request = request
        self._statuses = statuses
        self._timeout = timeout
        self._access = Access(request.access, self._secrets)

    async def __call__(self) -> ProbeResult:
        """Send it once; see ``call``."""
        outcome = await self.call()
        return ProbeResult(ok=outcome.good, error=None if outcome.good else outcome.text)

    async def call(self) -> Outcome:
        """Send it once, and wait for the answer."""
        config = self._request
        try:
            headers = read_headers(config.headers, self._secrets)
            async with asyncio.timeout(self._timeout):
                request = Request(config.url, config.method, headers, config.body)
                response = await exchange(self, self._access, request, self._timeout)
        except NotSent as error:
            return Outcome(good=False, text=str(error), acted=False)
        except TimeoutError:
            return _failed(self.timed_out())
        return _failed(response) if isinstance(response, ProbeResult) else self._answered(response.status)

    async def reach(self) -> str | None:
        """Connect as for the request, and send nothing; None where that works, or why it does not."""
        parts = urlsplit(self._request.url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        try:
            read_headers(self._request.headers, self._secrets)
            self._access.headers()
            options = {"ssl": self._access.tls(), "server_hostname": host} if parts.scheme == "https" else {}
            async with asyncio.timeout(self._timeout):
                _, writer = await open_connection(self.lookup, host, port, **options)
                writer.close()
                await writer.wait_closed()
        except NotSent as error:
            return str(error)
        except (OSError, ValueError) as error:
            distrusted = untrusted(error, self._access.remedy)
            return str(distrusted) if distrusted is not None else f"{host} port {port}: {error_word(error)}"
        return None

    def _answered(self, status: int) -> Outcome:
        good = status in self._statuses if self._statuses else 200 <= status < 300
        refused = 300 <= status < 500
        again = not good and (not refused or status in RETRIED)
        acted = good or not refused or status == TIMED_OUT
        return Outcome(good, f"was answered with status {status}", again, acted)


def _failed(result: ProbeResult | Response) -> Outcome:
    """The outcome of a request that got no answer."""
    if isinstance(result, Response):
        raise TypeError("a response is an answer")
    if result.unknown:
        return Outcome(good=False, text=result.unknown[0][1], acted=result.error not in NEVER_SENT)
    return Outcome(good=False, text=f"got no answer ({result.error})")


def leave(message: Path, outcome: Outcome) -> None:
    """Write the termination message anew: the kubelet reads the last one."""
    message.write_text(json.dumps({"good": outcome.good, "text": outcome.text, "acted": outcome.acted}))
