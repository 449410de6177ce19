"""A headless Chromium, driven by its own protocol: what a person would see and reach of a page."""

import asyncio
import base64
import contextlib
import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp

PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
STARTS_WITHIN: Final = 60.0


@dataclass
class Page:
    """One tab."""

    socket: aiohttp.ClientWebSocketResponse
    session: str
    requests: list[str] = field(default_factory=list)
    """What it asked for, by URL."""
    errors: list[str] = field(default_factory=list)
    """What it complained of."""
    loaded: bool = False
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """What a method of the protocol answers."""
        number = next(self._numbers)
        await self.socket.send_json({"id": number, "method": method, "params": parameters, "sessionId": self.session})
        while True:
            told = await self.socket.receive_json(timeout=STARTS_WITHIN)
            self._hear(told)
            if told.get("id") == number:
                assert "error" not in told, told["error"]
                result: dict[str, Any] = told["result"]
                return result

    def _hear(self, told: dict[str, Any]) -> None:
        match told.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(told["params"]["request"]["url"])
            case "Page.loadEventFired":
                self.loaded = True
            case "Log.entryAdded":
                self.errors.append(told["params"]["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.errors.append(str(told["params"]))
            case _:
                pass

    async def open(self, file: Path) -> None:
        """Load a file, to its end."""
        for domain in ("Page", "Network", "Log", "Runtime", "Accessibility"):
            await self.call(f"{domain}.enable")
        self.loaded = False
        await self.call("Page.navigate", url=file.as_uri())
        while not self.loaded:
            self._hear(await self.socket.receive_json(timeout=STARTS_WITHIN))

    async def run(self, expression: str) -> Any:
        """The value of an expression."""
        answer = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def look_like(self, width: int, *, scheme: str = "light", media: str = "screen") -> None:
        """Be so wide, and as a person with that taste wants it, or on paper."""
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await self.call("Emulation.setEmulatedMedia", media=media, features=features)

    async def press(self, key: str) -> None:
        """Press a key."""
        code = {"Tab": 9, "Enter": 13}[key]
        for kind in ("keyDown", "keyUp"):
            await self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code,
                **({"text": "\r"} if key == "Enter" and kind == "keyDown" else {}),
            )  # fmt: skip

    async def picture(self) -> bytes:
        """A picture of the whole page, as PNG."""
        answer = await self.call("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(answer["data"])

    async def pdf(self) -> bytes:
        """The page as a printer would get it."""
        return base64.b64decode((await self.call("Page.printToPDF", preferCSSPageSize=True))["data"])


@contextlib.asynccontextmanager
async def page() -> AsyncIterator[Page]:
    """A tab of a Chromium that is gone afterwards."""
    program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
    assert program is not None, "no Chromium: install it (Debian: chromium)"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-port=0",
            f"--user-data-dir={profile}", "about:blank",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            address = await _address(process)
            async with (
                aiohttp.ClientSession() as session,
                session.ws_connect(address, max_msg_size=0) as ws,
            ):
                browser = Page(ws, "")
                yield await _tab(browser)
        finally:
            process.kill()
            await process.wait()


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    async with asyncio.timeout(STARTS_WITHIN):
        async for line in process.stderr:
            if line.startswith(b"DevTools listening on "):
                return line.decode().removeprefix("DevTools listening on ").strip()
    raise AssertionError("Chromium ended before it listened")


async def _tab(browser: Page) -> Page:
    ws = browser.socket
    await ws.send_json({"id": 10_000, "method": "Target.createTarget", "params": {"url": "about:blank"}})
    target = (await _answer(ws, 10_000))["targetId"]
    attach = {"targetId": target, "flatten": True}
    await ws.send_json({"id": 10_001, "method": "Target.attachToTarget", "params": attach})
    return Page(ws, (await _answer(ws, 10_001))["sessionId"])


async def _answer(ws: aiohttp.ClientWebSocketResponse, number: int) -> dict[str, Any]:
    while (told := await ws.receive_json(timeout=STARTS_WITHIN)).get("id") != number:
        pass
    result: dict[str, Any] = told["result"]
    return result
