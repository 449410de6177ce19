"""The dns probe, as an agent runs it."""

from typing import Final

from gameday.model.agent import ProbeTask
from gameday.probes.ask import Answer, Ask
from gameday.probes.io.keep import keep
from gameday.probes.io.lookup import NotSent
from gameday.probes.io.secrets import Secrets


class DnsAsk(Ask):
    """Looks the name up."""

    def __init__(self, task: ProbeTask, secrets: Secrets) -> None:
        super().__init__(task, secrets)
        self._host: str = task.config["host"]
        self._paths = task.paths
        self._secrets = secrets

    async def __call__(self) -> Answer:
        """Look up once. To other kinds a failed look-up tells nothing of the system; here it is the sample."""
        try:
            found = await self.lookup.addresses(self._host, 0)
        except NotSent as error:
            return Answer(ok=False, error=error.word)
        values, unknown = keep({"addresses": len(found)}, self._paths, self._secrets)
        return Answer(ok=True, values=values, unknown=unknown)

    def timed_out(self) -> Answer:
        """See the base class."""
        return Answer(ok=False, error="timeout")


ASK: Final = DnsAsk
