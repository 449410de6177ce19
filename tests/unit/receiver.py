"""A receiver of messages on a real socket, which does to each request what a test says: accept, refuse, hang, break."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

HANG, DROP = "hang", "drop"
"""Gives no answer; closes the connection instead of answering. Both have taken the message in."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request gets, after so many seconds."""

    status: int = 200
    text: str = "ok"
    headers: Mapping[str, str] = field(default_factory=dict)
    after: float = 0.0


class HttpReceiver:
    """Keeps what it received; ``answers`` are for the next requests, in order, and 200 for all others."""

    def __init__(self) -> None:
        self.answers: list[Answer | str] = []
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.at: list[float] = []
        self.url = ""
        self._ending = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def serve(cls) -> AsyncIterator[Self]:
        """Serve on a free port of this machine."""
        receiver = cls()
        app = web.Application()
        app.router.add_post("/{path:.*}", receiver._take)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        _, port = runner.addresses[0][:2]
        receiver.url = f"http://127.0.0.1:{port}/hook"
        try:
            yield receiver
        finally:
            receiver._ending.set()
            await runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        self.at.append(asyncio.get_running_loop().time())
        self.headers.append(dict(request.headers))
        self.paths.append(request.path)
        self.bodies.append(json.loads(await request.text()))
        answer = self.answers.pop(0) if self.answers else Answer()
        if answer == DROP and request.transport is not None:
            request.transport.abort()
        if isinstance(answer, str):
            await self._ending.wait()
            return web.Response()
        await asyncio.sleep(answer.after)
        return web.Response(status=answer.status, text=answer.text, headers=answer.headers)
