"""The http probe: one request on a connection of its own, so that each one sees the network as it is now."""

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx

from gameday.model.agent import ProbeSpec
from gameday.probes.ask import Answer, Ask, error_word
from gameday.probes.keep import keep

BODY_BYTES: Final = 1024 * 1024
"""Longest body read, in bytes, after decompression."""


class BodyTooLong(Exception):
    """An answer that does not end within our limit."""


class HttpAsk(Ask):
    """Sends the probe's request and reads the answer whole."""

    def __init__(self, probe: ProbeSpec) -> None:
        self._probe = probe
        self._tls = httpx.create_ssl_context(trust_env=False)

    async def __call__(self) -> Answer:
        """Ask once; a status from 400 on is an answer, but not ``ok``."""
        probe = self._probe
        try:
            # identity: a compressed body could be a thousand times its length.
            headers = {"Accept-Encoding": "identity"} | self._headers()
            async with httpx.AsyncClient(
                trust_env=False, verify=self._tls, follow_redirects=False, timeout=probe.timeout
            ) as client:
                content = probe.body.encode() if probe.body is not None else None
                if content is not None:
                    headers.setdefault("Content-Type", "application/json")
                async with client.stream(probe.method, probe.url, headers=headers, content=content) as response:
                    body = await _read(response)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return Answer(ok=False, error=_word(error))
        except (BodyTooLong, zlib.error):
            return Answer(ok=False, error="body too long")
        return self._answer(response.status_code, body)

    def _headers(self) -> dict[str, str]:
        return {
            header.name: Path(header.file).read_text().strip() if header.file else header.value
            for header in self._probe.headers
        }

    def _answer(self, status: int, body: bytes) -> Answer:
        values: dict[str, Any] = {"status": status}
        match self._probe.parse:
            case "text":
                values["text"] = body.decode(errors="replace")
            case "prometheus":
                values |= metrics(body.decode(errors="replace"), {str(path[0]) for path in self._probe.paths})
            case _:
                values["body"] = json_object(body)
        error = None if status < 400 else f"http {status}"
        return Answer(ok=error is None, error=error, values=keep(values, self._probe.paths))


async def _read(response: httpx.Response) -> bytes:
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > BODY_BYTES:
            raise BodyTooLong
    return body


def _word(error: Exception) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "timeout"
    if isinstance(error, httpx.ConnectError) and "refused" in str(error).lower():
        return "refused"
    return error_word(error)


def json_object(body: bytes) -> Mapping[str, Any]:
    """The JSON object of a body; anything else is an empty one."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def metrics(text: str, wanted: set[str]) -> dict[str, float]:
    """The wanted metrics of a Prometheus exposition: the sum over all label sets of each name."""
    from prometheus_client.parser import text_string_to_metric_families

    found: dict[str, float] = {}
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name in wanted:
                    found[sample.name] = found.get(sample.name, 0.0) + sample.value
    except ValueError:
        return found
    return found
