"""The http probe, as an agent runs it: one request, and the parts of its answer that expressions use."""

from typing import Any, Final

from gameday.model.agent import ProbeTask
from gameday.model.sample import Unknown
from gameday.probes.fetch import Request, Response, exchange, json_value
from gameday.probes.http.config import HttpConfig
from gameday.probes.io.access import Access, read_headers
from gameday.probes.io.body import BodyNotRead
from gameday.probes.io.lookup import NotSent
from gameday.probes.io.secrets import Secrets
from gameday.probes.io.select import select_paths
from gameday.probes.runner import ProbeResult, ProbeRunner, unknown_result


class HttpRunner(ProbeRunner):
    """Sends the probe's request and reads the answer whole."""

    def __init__(self, task: ProbeTask, secrets: Secrets) -> None:
        super().__init__(task, secrets)
        self._config = HttpConfig.read(task.config)
        self._paths = task.paths
        self._timeout = task.timeout
        self._secrets = secrets
        self._access = Access(self._config.access, secrets)
        self._access.warm()

    async def __call__(self) -> ProbeResult:
        """Ask once; a status from 300 on is an answer, but not ``ok``."""
        config = self._config
        try:
            request = Request(config.url, config.method, read_headers(config.headers, self._secrets), config.body)
        except NotSent as error:
            return unknown_result(error.word, str(error))
        response = await exchange(self, self._access, request, self._timeout)
        if isinstance(response, ProbeResult):
            return response
        if response.unread:
            return self._answer(response, {}, self._body_unknown(response.unread))
        return await self._read(response)

    async def _read(self, response: Response) -> ProbeResult:
        match self._config.parse:
            case "text":
                return self._answer(response, {"text": response.body.decode(errors="replace")})
            case "prometheus":
                # The parser is loaded only where it is used: agents stay small.
                from gameday.probes.io.metrics import metrics

                numbers, unknown = await metrics(response.body, self._series())
                return self._answer(response, numbers, unknown)
            case _:
                try:
                    return self._answer(response, {"body": json_value(response.body)})
                except BodyNotRead as error:
                    return self._answer(response, {}, self._body_unknown(str(error)))
                except ValueError:
                    return self._answer(response, {})

    def _answer(self, response: Response, values: dict[str, Any], unknown: tuple[Unknown, ...] = ()) -> ProbeResult:
        kept, cut = select_paths(values | {"status": response.status}, self._paths, self._secrets)
        return ProbeResult(ok=response.error is None, error=response.error, values=kept, unknown=(*unknown, *cut))

    def _series(self) -> list[str]:
        return [str(path[0]) for path in self._paths if path[0] != "status"]

    def _body_unknown(self, why: str) -> tuple[Unknown, ...]:
        """All that a body gives, unknown."""
        match self._config.parse:
            case "text":
                return ((("text",), why),)
            case "prometheus":
                return tuple(((key,), why) for key in self._series())
            case _:
                return ((("body",), why),)


RUNNER: Final = HttpRunner
