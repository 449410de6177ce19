"""The dns probe, as an agent runs it."""

from typing import Final

from gameday.model.agent import ProbeTask
from gameday.probes.io.lookup import NotSent
from gameday.probes.io.secrets import Secrets
from gameday.probes.io.select import select_paths
from gameday.probes.runner import ProbeResult, ProbeRunner


class DnsRunner(ProbeRunner):
    """Looks the name up."""

    def __init__(self, task: ProbeTask, secrets: Secrets) -> None:
        super().__init__(task, secrets)
        self._host: str = task.config["host"]
        self._paths = task.paths
        self._secrets = secrets

    async def __call__(self) -> ProbeResult:
        """Look up once. To other kinds a failed look-up tells nothing of the system; here it is the sample."""
        try:
            found = await self.lookup.addresses(self._host, 0)
        except NotSent as error:
            return ProbeResult(ok=False, error=error.word)
        values, unknown = select_paths({"addresses": len(found)}, self._paths, self._secrets)
        return ProbeResult(ok=True, values=values, unknown=unknown)

    def timed_out(self) -> ProbeResult:
        """See the base class."""
        return ProbeResult(ok=False, error="timeout")


RUNNER: Final = DnsRunner
