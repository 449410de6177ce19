"""Payments: a bystander that needs no Redis, so no drill may ever touch it."""

from aiohttp import web

from shop.serving import serve
from shop.settings import Settings


async def main(settings: Settings) -> None:
    """Serve."""

    async def health(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    app = web.Application()
    app.router.add_get("/healthz", health)
    await serve(app, settings.port)
