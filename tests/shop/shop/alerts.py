"""The alert receiver: takes Slack messages and counts them."""

from typing import Any

from aiohttp import web

from shop.serving import serve
from shop.settings import Settings


def app() -> web.Application:
    """The application."""
    messages: list[dict[str, Any]] = []

    async def receive(request: web.Request) -> web.Response:
        messages.append(await request.json())
        return web.Response(text="ok")

    async def received(_: web.Request) -> web.Response:
        texts = [str(message.get("text", "")) for message in messages]
        about_redis = sum("redis" in text.lower() for text in texts)
        last = texts[-1] if texts else ""
        return web.json_response({"received": len(texts), "aboutRedis": about_redis, "last": last})

    application = web.Application()
    application.router.add_post("/", receive)
    application.router.add_get("/received", received)
    return application


async def main(settings: Settings) -> None:
    """Serve."""
    await serve(app(), settings.port)
