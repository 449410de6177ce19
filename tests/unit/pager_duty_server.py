"""PagerDuty's list of incidents on loopback, for tests, as its REST API is documented (version 2, ``GET /incidents``).

It takes the parameters that the documentation names, with their defaults: open and resolved incidents of the last 30
days, oldest first, 25 a page and at most 100, and a key in a header of PagerDuty's own form.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

KEY = "y_NbAkKc66ryYTWUXYEu"
"""A key as long as PagerDuty's."""
DEFAULT_RANGE = timedelta(days=30)
MOST = 100
FURTHEST = 10_000
"""Offset and limit together must not be more."""


def incident(title: str, at: datetime, *, service: str = "PSHOP01", status: str = "triggered") -> dict[str, Any]:
    """An incident as the API shows it, without what nobody reads here."""
    return {
        "id": f"Q{abs(hash((title, at))) % 10**12:012d}",
        "type": "incident",
        "summary": f"[#1] {title}",
        "incident_number": 1,
        "title": title,
        "created_at": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "status": status,
        "incident_key": "baf7cf21b1da41b4b0221008339ff357",
        "service": {"id": service, "type": "service_reference", "summary": "Shop", "self": None, "html_url": None},
        "urgency": "high",
        "assignments": [],
        "acknowledgements": [],
        "pending_actions": [],
        "teams": [],
    }


@dataclass
class PagerDuty:
    """The incidents of an account, and what was asked."""

    incidents: list[dict[str, Any]] = field(default_factory=list)
    left: int = 960
    """Requests that are admitted before it answers 429."""
    reset: str = "3"
    """What it then says of when to come back."""
    requests: list[web.Request] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        if request.headers.get("Authorization") != f"Token token={KEY}":
            return web.json_response({"error": {"message": "Unauthorized", "code": 2006}}, status=401)
        if not self.left:
            error = {"error": {"message": "Rate Limit Exceeded", "code": 2020}}
            headers = {"ratelimit-limit": "960", "ratelimit-remaining": "0", "ratelimit-reset": self.reset}
            return web.json_response(error, status=429, headers=headers)
        self.left -= 1
        asked = request.query
        limit, offset = int(asked.get("limit", "25")), int(asked.get("offset", "0"))
        if limit > MOST or offset + limit > FURTHEST:
            return web.json_response({"error": {"message": "Invalid Input Provided", "code": 2001}}, status=400)
        found = self._found(request)
        page = found[offset : offset + limit]
        more = offset + limit < len(found)
        return web.json_response(
            {"incidents": page, "limit": limit, "offset": offset, "total": None, "more": more},
            headers={"ratelimit-limit": "960", "ratelimit-remaining": str(self.left), "ratelimit-reset": "12"},
        )

    def _found(self, request: web.Request) -> list[dict[str, Any]]:
        asked = request.query
        oldest = "" if asked.get("date_range") == "all" else (datetime.now(UTC) - DEFAULT_RANGE).isoformat()
        services, statuses = asked.getall("service_ids[]", []), asked.getall("statuses[]", [])
        found = [
            one
            for one in self.incidents
            if one["created_at"] >= oldest
            and (not services or one["service"]["id"] in services)
            and (not statuses or one["status"] in statuses)
        ]
        return sorted(found, key=lambda one: one["created_at"], reverse=asked.get("sort_by") == "created_at:desc")


@asynccontextmanager
async def pager_duty() -> AsyncIterator[PagerDuty]:
    """A PagerDuty without incidents, until the context ends."""
    account = PagerDuty()
    app = web.Application()
    app.add_routes([web.get("/incidents", account.answer)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        account.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield account
    finally:
        await runner.cleanup()
