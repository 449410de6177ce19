"""The alert probe, as an agent runs it: whether an alert fires that is meant, and when the newest one started.

What holds alerts measures the system and is not a part of it. So if it does not answer, the whole sample is unknown.
"""

from typing import Any, Final

from gameday.model.agent import HttpAccess, ProbeTask
from gameday.probes.alert.alertmanager import Alertmanager, Grafana
from gameday.probes.alert.config import GRAFANA, PAGER_DUTY, AlertConfig
from gameday.probes.alert.pager_duty import PagerDuty
from gameday.probes.alert.source import AlertSource, AlertsUnknown
from gameday.probes.fetch import instrument
from gameday.probes.io.access import Access
from gameday.probes.io.secrets import Secrets
from gameday.probes.io.select import select_paths
from gameday.probes.runner import ProbeResult, ProbeRunner, unknown_result


class AlertRunner(ProbeRunner):
    """Asks for the alerts, and says when the newest one started."""

    def __init__(self, task: ProbeTask, secrets: Secrets) -> None:
        super().__init__(task, secrets)
        # The start of an alert decides whether it counts, whatever else expressions read.
        self._paths = (*task.paths, ("startsAt",))
        self._secrets = secrets
        self._source = _source(AlertConfig.read(task.config), task.timeout, secrets)

    async def __call__(self) -> ProbeResult:
        """Ask once."""
        try:
            starts = await self._source.starts(self)
        except AlertsUnknown as error:
            return unknown_result(error.word, self._secrets.hide(str(error)))
        if isinstance(starts, ProbeResult):
            return instrument(starts, self._source.name)
        values: dict[str, Any] = {"firing": bool(starts)}
        if starts:
            values["startsAt"] = max(starts)
        kept, unknown = select_paths(values, self._paths, self._secrets)
        return ProbeResult(ok=True, values=kept, unknown=unknown)

    def timed_out(self) -> ProbeResult:
        """See the base class. A slow source says nothing of the system."""
        return instrument(super().timed_out(), self._source.name)


def _source(config: AlertConfig, timeout: float, secrets: Secrets) -> AlertSource:
    asked = config.access
    # PagerDuty has the token in a header of another form.
    access = Access(HttpAccess(ca_file=asked.ca_file) if config.source == PAGER_DUTY else asked, secrets)
    access.warm()
    if config.source == PAGER_DUTY:
        return PagerDuty(config, access, timeout, secrets)
    return (Grafana if config.source == GRAFANA else Alertmanager)(config, access, timeout)


RUNNER: Final = AlertRunner
