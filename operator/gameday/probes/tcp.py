"""The tcp probe: one connect."""

from gameday.model.agent import ProbeSpec
from gameday.probes.ask import Answer, Ask, error_word, nothing_known
from gameday.probes.lookup import NotSent, open_connection


class TcpAsk(Ask):
    """Connects and hangs up."""

    def __init__(self, probe: ProbeSpec) -> None:
        super().__init__()
        self._probe = probe

    async def __call__(self) -> Answer:
        """Connect once."""
        try:
            _, writer = await open_connection(self.lookup, self._probe.host, self._probe.port)
        except NotSent as error:
            return nothing_known(error.word, str(error))
        except (OSError, ValueError) as error:
            return Answer(ok=False, error=error_word(error))
        writer.close()
        return Answer(ok=True)
