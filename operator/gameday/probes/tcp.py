"""The tcp probe: one connect."""

import asyncio

from gameday.model.agent import ProbeSpec
from gameday.probes.ask import Answer, Ask, error_word


class TcpAsk(Ask):
    """Connects and hangs up."""

    def __init__(self, probe: ProbeSpec) -> None:
        self._probe = probe

    async def __call__(self) -> Answer:
        """Connect once."""
        try:
            _, writer = await asyncio.open_connection(self._probe.host, self._probe.port)
        except (OSError, ValueError) as error:
            return Answer(ok=False, error=error_word(error))
        writer.close()
        return Answer(ok=True)
