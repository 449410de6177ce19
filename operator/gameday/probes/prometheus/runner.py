"""The prometheus probe, as an agent runs it: one instant query.

Prometheus measures the system and is no part of it. So a Prometheus that does not answer, or answers with an error,
tells nothing: the whole sample is unknown. That no series fits is an answer.
"""

import math
from typing import Any, Final
from urllib.parse import urlencode

from gameday.model.agent import ProbeTask
from gameday.model.sample import Unknown
from gameday.probes.fetch import Request, Response, exchange, instrument, json_value
from gameday.probes.io.access import Access
from gameday.probes.io.body import BodyNotRead
from gameday.probes.io.secrets import Secrets
from gameday.probes.io.select import select_paths
from gameday.probes.prometheus.config import PrometheusConfig
from gameday.probes.runner import ProbeResult, ProbeRunner, unknown_result

NO_SERIES: Final = "no series"
"""The word for a query that no series fits."""
_NO_API: Final = "prometheus.url does not lead to Prometheus: write it without /api/v1, as http://prometheus:9090"


class Odd(Exception):
    """An answer that gives no number for a reason that is not the system's; the message says why."""


class PrometheusRunner(ProbeRunner):
    """Sends the query, and takes the one number of its result."""

    def __init__(self, task: ProbeTask, secrets: Secrets) -> None:
        super().__init__(task, secrets)
        config = PrometheusConfig.read(task.config)
        asked = urlencode({"query": config.query, "timeout": f"{max(1, math.floor(task.timeout))}s"})
        self._request = Request(f"{config.url.rstrip('/')}/api/v1/query?{asked}")
        self._paths = task.paths
        self._timeout = task.timeout
        self._secrets = secrets
        self._access = Access(config.access, secrets)
        self._access.warm()

    async def __call__(self) -> ProbeResult:
        """Ask once."""
        response = await exchange(self, self._access, self._request, self._timeout)
        if isinstance(response, ProbeResult):
            return instrument(response, "Prometheus")
        try:
            return self._read(response)
        except Odd as error:
            return unknown_result(response.error or "query", self._secrets.hide(str(error)))

    def timed_out(self) -> ProbeResult:
        """See the base class. A slow Prometheus says nothing of the system."""
        return instrument(super().timed_out(), "Prometheus")

    def _read(self, response: Response) -> ProbeResult:
        answer = _answer(response)
        if answer.get("status") != "success":
            raise Odd(f"Prometheus refuses the query: {answer.get('error', 'it does not say why')}")
        if warnings := answer.get("warnings"):
            raise Odd(f"Prometheus warns that the result may be wrong: {warnings[0]}")
        labels, number = _one(answer.get("data"))
        if number is None:
            return ProbeResult(ok=False, error=NO_SERIES)
        values: dict[str, Any] = {"labels": labels}
        unknown: tuple[Unknown, ...] = ()
        if math.isfinite(number):
            values["value"] = number
        else:
            unknown = ((("value",), _not_finite(number)),)
        kept, cut = select_paths(values, self._paths, self._secrets)
        return ProbeResult(ok=True, values=kept, unknown=(*unknown, *cut))


def _answer(response: Response) -> dict[str, Any]:
    """The JSON object that Prometheus answers with, also where it refuses; raises Odd when there is none."""
    if response.unread:
        raise Odd(response.unread)
    try:
        answer = json_value(response.body)
    except BodyNotRead as error:
        raise Odd(str(error)) from None
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or "status" not in answer:
        match response.status:
            case 401 | 403:
                raise Odd(f"Prometheus does not admit the probe ({response.status}): check auth, and its Secret")
            case status if status >= 300:
                raise Odd(f"Prometheus answered with status {status}: check url, and whether it is up")
            case _:
                raise Odd(_NO_API)
    return answer


def _one(data: Any) -> tuple[dict[str, Any], float | None]:
    """The labels and the number of a result; None where no series fits; raises Odd when it is not one number."""
    kind, result = (data.get("resultType"), data.get("result")) if isinstance(data, dict) else (None, None)
    match kind, result:
        case "scalar", [_, str(text)]:
            return {}, _number(text)
        case "vector", []:
            return {}, None
        case "vector", [{"metric": dict(labels), "value": [_, str(text)]}]:
            return labels, _number(text)
        case "vector", [{"histogram": _}]:
            raise Odd("the query gives a native histogram: take one number of it, as by histogram_quantile()")
        case "vector", [_, _, *_]:
            raise Odd(f"the query gives {len(result)} series: choose one by its labels, or sum() them")
        case "matrix" | "string" as other, _:
            raise Odd(f"the query gives a {other}: write one that gives one number, as sum(rate(NAME[1m]))")
        case _:
            raise Odd(_NO_API)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Odd(_NO_API) from None


def _not_finite(number: float) -> str:
    if math.isnan(number):
        return "its value is NaN, as 0/0 gives: have the query give a number where nothing was counted"
    return f"its value is {number:+}, as a division by 0 gives: have the query give a number there"


RUNNER: Final = PrometheusRunner
