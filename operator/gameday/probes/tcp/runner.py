"""The tcp probe, as an agent runs it: one connect."""

from typing import Final

from gameday.model.agent import ProbeTask
from gameday.probes.io.errors import error_word
from gameday.probes.io.lookup import NotSent, open_connection
from gameday.probes.io.secrets import Secrets
from gameday.probes.runner import ProbeResult, ProbeRunner, unknown_result


class TcpRunner(ProbeRunner):
    """Connects and hangs up."""

    def __init__(self, task: ProbeTask, secrets: Secrets) -> None:
        super().__init__(task, secrets)
        self._host: str = task.config["host"]
        self._port: int = task.config["port"]

    async def __call__(self) -> ProbeResult:
        """Connect once."""
        try:
            _, writer = await open_connection(self.lookup, self._host, self._port)
        except NotSent as error:
            return unknown_result(error.word, str(error))
        except (OSError, ValueError) as error:
            return ProbeResult(ok=False, error=error_word(error))
        writer.close()
        return ProbeResult(ok=True)


RUNNER: Final = TcpRunner
