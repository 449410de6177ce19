"""Alerts of an Alertmanager, or of Grafana, which has the same API under a path of its own.

The request asks for alerts that fire and that no silence or inhibition suppresses. The answer is filtered again,
because another server may have the same path and ignore these parameters.
"""

from typing import Any, Final
from urllib.parse import urlencode

from gameday.probes.alert.config import ALERTMANAGER, GRAFANA, AlertConfig
from gameday.probes.alert.source import AlertSource, AlertsUnknown, parsed, started
from gameday.probes.fetch import Request, Response, exchange
from gameday.probes.io.access import Access
from gameday.probes.runner import ProbeResult, ProbeRunner

LESS: Final = "name more labels of the alert"


class Alertmanager(AlertSource):
    """The API of Alertmanager, version 2."""

    name = ALERTMANAGER
    path = "/api/v2/alerts"
    no_api = "what answers does not have Alertmanager's API: check url, which ends before /api/v2"
    admits = "check auth, and its Secret"

    def __init__(self, config: AlertConfig, access: Access, timeout: float) -> None:
        self._labels, self._receiver = dict(config.labels), config.receiver
        self._request = Request(f"{config.url.rstrip('/')}{self.path}?{_parameters(config)}")
        self._access, self._timeout = access, timeout

    async def starts(self, runner: ProbeRunner) -> list[float] | ProbeResult:
        """See the base class."""
        response = await exchange(runner, self._access, self._request, self._timeout)
        if isinstance(response, ProbeResult):
            return response
        return [started(alert.get("startsAt"), self.no_api) for alert in self._alerts(response) if self._meant(alert)]

    def _alerts(self, response: Response) -> list[Any]:
        if response.error:
            raise AlertsUnknown(response.error, self._refused(response.status))
        alerts = parsed(response, LESS, self.no_api)
        if not isinstance(alerts, list):
            raise AlertsUnknown("protocol", self.no_api)
        return alerts

    def _refused(self, status: int) -> str:
        """Why a status says nothing about alerts."""
        if status in (401, 403):
            return f"{self.name} does not admit the probe ({status}): {self.admits}"
        return f"{self.name} answered with status {status}: check url and labels, and whether it is up"

    def _meant(self, alert: Any) -> bool:
        match alert:
            case {"labels": dict(labels), "status": {"state": str(state)}}:
                receivers = alert.get("receivers")
                listed = receivers if isinstance(receivers, list) else []
                names = [one.get("name") for one in listed if isinstance(one, dict)]
                routed = not self._receiver or self._receiver in names
                return state == "active" and routed and self._labels.items() <= labels.items()
            case _:
                raise AlertsUnknown("protocol", self.no_api)


class Grafana(Alertmanager):
    """The alerts of Grafana's own rules, in the Alertmanager that Grafana has inside."""

    name = GRAFANA
    path = "/api/alertmanager/grafana/api/v2/alerts"
    no_api = "what answers is not Grafana with alerting: check url, which ends before /api"
    admits = "check tokenFrom, and that the service account may read alert instances (role Viewer)"

    def _refused(self, status: int) -> str:
        if 300 <= status < 400:
            return f"Grafana redirects ({status}): write url with https://, and the path that Grafana is served under"
        if status == 409:
            return "Grafana's Alertmanager has not started yet (409): wait, and run the drill again"
        return super()._refused(status)


def _parameters(config: AlertConfig) -> str:
    filters = [("filter", f"{name}={_quoted(value)}") for name, value in config.labels.items()]
    return urlencode([*((one, "false") for one in ("silenced", "inhibited", "unprocessed")), *filters])


def _quoted(value: str) -> str:
    """A label's value as matchers have it; newer Alertmanagers take no line break that is not escaped."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
