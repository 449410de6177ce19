"""Incidents of PagerDuty (REST API v2) that are open: somebody was paged, and may have acknowledged it.

An incident that was acknowledged still counts, since the team was alerted; one that was resolved or merged into another
does not. Suppressed alerts make no incident. The request asks for the newest first, whatever their age; the answer is
filtered again, and read page by page until one of them is meant.

PagerDuty limits how often an account may ask, and then says for how long. Until then no request is sent.
"""

import math
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from gameday.probes.alert.config import PAGER_DUTY, AlertConfig
from gameday.probes.alert.source import AlertSource, AlertsUnknown, parsed, started
from gameday.probes.fetch import Request, Response, exchange
from gameday.probes.io.access import CANNOT_SEND, Access
from gameday.probes.io.secrets import Secrets
from gameday.probes.runner import ProbeResult, ProbeRunner, unknown_result

PAGE: Final = 100
"""Incidents of one page: the API gives no more."""
PAGES: Final = 10
"""Pages that are read at most."""
LONGEST_PAUSE: Final = 60.0
"""Seconds that a probe keeps still at most, whatever the server says: it counts requests by the minute."""
SHORTEST_PAUSE: Final = 1.0
"""Seconds that it keeps still where the server says nothing."""
OPEN: Final = ("triggered", "acknowledged")
"""Statuses of an incident that is not resolved."""
LESS: Final = "name fewer services, or resolve what is over"
NO_API: Final = "what answers does not have PagerDuty's API: check url, which ends before /incidents"


class PagerDuty(AlertSource):
    """The open incidents of some services."""

    name = PAGER_DUTY

    def __init__(self, config: AlertConfig, access: Access, timeout: float, secrets: Secrets) -> None:
        if config.incidents is None:
            raise KeyError("incidents")
        self._url = f"{config.url.rstrip('/')}/incidents"
        self._services, self._title = config.incidents.services, config.incidents.title
        self._token_file = config.access.bearer_file
        self._access, self._timeout, self._secrets = access, timeout, secrets
        self._still_until = -math.inf

    async def starts(self, runner: ProbeRunner) -> list[float] | ProbeResult:
        """See the base class."""
        if (left := self._still_until - time.monotonic()) > 0:
            raise AlertsUnknown("http 429", _limited(left))
        try:
            token = self._secrets.read(self._token_file)
        except (OSError, UnicodeError):
            why = "the value of pagerDuty.tokenFrom cannot be read: check its Secret"
            return unknown_result(CANNOT_SEND, why)
        headers = {"Authorization": f"Token token={token}", "Accept": "application/json"}
        for page in range(PAGES):
            request = Request(f"{self._url}?{self._parameters(page)}", headers=headers)
            response = await exchange(runner, self._access, request, self._timeout)
            if isinstance(response, ProbeResult):
                return response
            found, more = self._incidents(response)
            starts = [started(one["created_at"], NO_API) for one in found if self._is_meant(one)]
            if starts or not more:
                return starts
        raise AlertsUnknown("protocol", f"more than {PAGE * PAGES} incidents are open: {LESS}")

    def _parameters(self, page: int) -> str:
        several = [("service_ids[]", one) for one in self._services] + [("statuses[]", one) for one in OPEN]
        return urlencode(
            [
                *several,
                # Else those that were created more than 30 days ago are left out.
                ("date_range", "all"),
                ("sort_by", "created_at:desc"),
                ("time_zone", "UTC"),
                ("limit", PAGE),
                ("offset", page * PAGE),
            ]
        )

    def _incidents(self, response: Response) -> tuple[list[Any], bool]:
        """The incidents of a page, and whether there are more."""
        if response.error:
            raise AlertsUnknown(response.error, self._refused(response))
        match parsed(response, LESS, NO_API):
            case {"incidents": list(incidents), "more": bool(more)}:
                return incidents, more
            case _:
                raise AlertsUnknown("protocol", NO_API)

    def _refused(self, response: Response) -> str:
        match response.status:
            case 401 | 403:
                return (
                    f"PagerDuty does not admit the probe ({response.status}): "
                    "tokenFrom must lead to a REST API key that may read incidents, and url to its region"
                )
            case 429:
                pause = _pause(response.headers)
                self._still_until = time.monotonic() + pause
                return _limited(pause)
            case status:
                return f"PagerDuty answered with status {status}: check url and services, and its status page"

    def _is_meant(self, incident: Any) -> bool:
        match incident:
            case {"status": str(status), "title": str(title), "service": {"id": str(service)}, "created_at": str()}:
                return status in OPEN and service in self._services and self._title in title
            case _:
                raise AlertsUnknown("protocol", NO_API)


def _limited(left: float) -> str:
    return (
        f"PagerDuty limits requests (429), so none is sent for {math.ceil(left)} s: "
        "raise interval, or give the drill a key of its own"
    )


def _pause(headers: Mapping[str, str]) -> float:
    """Seconds to keep still after a 429."""
    for name in ("ratelimit-reset", "retry-after"):
        try:
            asked = float(headers.get(name, ""))
        except ValueError:
            continue
        if math.isfinite(asked):
            return min(max(asked, SHORTEST_PAUSE), LONGEST_PAUSE)
    return SHORTEST_PAUSE
