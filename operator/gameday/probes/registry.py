"""The kinds of probes that an agent runs."""

from gameday.model.agent import ProbeSpec
from gameday.probes.ask import Ask
from gameday.probes.secrets import Secrets


def ask_for(probe: ProbeSpec, secrets: Secrets) -> Ask:
    """The probe's question. Each kind's library is imported only where it is used: agents stay small.

    Raises:
        ValueError: when the kind is not one that an agent runs.

    """
    match probe.kind:
        case "http":
            from gameday.probes.http import HttpAsk

            return HttpAsk(probe, secrets)
        case "tcp":
            from gameday.probes.tcp import TcpAsk

            return TcpAsk(probe)
        case "redis":
            from gameday.probes.redis import RedisAsk

            return RedisAsk(probe, secrets)
        case _:
            raise ValueError(f"probe {probe.name}: no agent runs kind {probe.kind!r}")
