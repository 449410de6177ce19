"""The alert probe, as an agent runs it: the alerts of an Alertmanager that have certain labels.

The probe requests alerts that fire and that no silence or inhibition suppresses. It filters the answer again, because
another server may have the same path and ignore these parameters.

Alertmanager measures the system and is not a part of it. So if it does not answer, the whole sample is unknown.
"""

from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from gameday.model.agent import ProbeTask
from gameday.probes.alert.config import AlertConfig
from gameday.probes.fetch import Request, Response, exchange, instrument, json_value
from gameday.probes.io.access import Access
from gameday.probes.io.body import BodyNotRead
from gameday.probes.io.secrets import Secrets
from gameday.probes.io.select import select_paths
from gameday.probes.runner import ProbeResult, ProbeRunner, unknown_result

_NO_API: Final = "what answers does not have Alertmanager's API: check url, which ends before /api/v2"


class Odd(Exception):
    """An answer that does not say whether the alert fires; the message says why."""


class AlertRunner(ProbeRunner):
    """Asks for the alerts, and says when the newest one started."""

    def __init__(self, task: ProbeTask, secrets: Secrets) -> None:
        super().__init__(task, secrets)
        config = AlertConfig.read(task.config)
        self._labels, self._receiver = dict(config.labels), config.receiver
        self._request = Request(f"{config.url.rstrip('/')}/api/v2/alerts?{_parameters(config)}")
        # The start of an alert decides whether it counts, whatever else expressions read.
        self._paths = (*task.paths, ("startsAt",))
        self._timeout = task.timeout
        self._secrets = secrets
        self._access = Access(config.access, secrets)
        self._access.warm()

    async def __call__(self) -> ProbeResult:
        """Ask once."""
        response = await exchange(self, self._access, self._request, self._timeout)
        if isinstance(response, ProbeResult):
            return instrument(response, "Alertmanager")
        try:
            starts = [_started(alert) for alert in _alerts(response) if self._is_meant(alert)]
        except Odd as error:
            return unknown_result(response.error or "protocol", self._secrets.hide(str(error)))
        values: dict[str, Any] = {"firing": bool(starts)}
        if starts:
            values["startsAt"] = max(starts)
        kept, unknown = select_paths(values, self._paths, self._secrets)
        return ProbeResult(ok=True, values=kept, unknown=unknown)

    def timed_out(self) -> ProbeResult:
        """See the base class. A slow Alertmanager says nothing of the system."""
        return instrument(super().timed_out(), "Alertmanager")

    def _is_meant(self, alert: Any) -> bool:
        match alert:
            case {"labels": dict(labels), "status": {"state": str(state)}}:
                receivers = [one.get("name") for one in alert.get("receivers", ()) if isinstance(one, dict)]
                routed = not self._receiver or self._receiver in receivers
                return state == "active" and routed and self._labels.items() <= labels.items()
            case _:
                raise Odd(_NO_API)


def _parameters(config: AlertConfig) -> str:
    filters = [("filter", f"{name}={_quoted(value)}") for name, value in config.labels.items()]
    return urlencode([*((one, "false") for one in ("silenced", "inhibited", "unprocessed")), *filters])


def _quoted(value: str) -> str:
    """A label's value as matchers have it; newer Alertmanagers take no line break that is not escaped."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _alerts(response: Response) -> list[Any]:
    """The alerts of an answer; raises Odd when it is not a list of alerts."""
    if response.error:
        match response.status:
            case 401 | 403:
                raise Odd(f"Alertmanager does not admit the probe ({response.status}): check auth, and its Secret")
            case status:
                raise Odd(f"Alertmanager answered with status {status}: check url and labels, and whether it is up")
    if response.unread:
        raise Odd(f"{response.unread}: name more labels of the alert")
    try:
        alerts = json_value(response.body)
    except BodyNotRead as error:
        raise Odd(f"{error}: name more labels of the alert") from None
    except ValueError:
        alerts = None
    if not isinstance(alerts, list):
        raise Odd(_NO_API)
    return alerts


def _started(alert: dict[str, Any]) -> float:
    """When an alert started, in Unix seconds."""
    try:
        started = datetime.fromisoformat(alert["startsAt"])
    except (KeyError, TypeError, ValueError):
        raise Odd(_NO_API) from None
    if started.tzinfo is None:
        raise Odd(_NO_API)
    return started.timestamp()


RUNNER: Final = AlertRunner
