"""Tells the team when Redis is lost: one message an outage, sent until it is taken."""

import asyncio
import logging

import aiohttp

from shop.settings import Settings

AGAIN_AFTER = 1.0

log = logging.getLogger("shop.alerting")


async def alert(settings: Settings, text: str) -> None:
    """Send a Slack message; with the defect SILENT_ALERTS nobody is told."""
    if "SILENT_ALERTS" in settings.defects:
        return
    timeout = aiohttp.ClientTimeout(total=2)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        while True:
            try:
                async with session.post(settings.alert_url, json={"text": text}) as answer:
                    answer.raise_for_status()
                    return
            except (aiohttp.ClientError, TimeoutError) as error:
                log.warning("alert not taken: %s", error)
                await asyncio.sleep(AGAIN_AFTER)
