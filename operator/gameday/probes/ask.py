"""What a probe is: something that asks once and answers, and never raises for what the system does."""

import errno
import socket
import ssl
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gameday.model.agent import ProbeSpec
from gameday.probes.secrets import Secrets


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request came to; ``values`` are those that expressions use."""

    ok: bool
    error: str | None = None
    values: Mapping[str, Any] | None = None


class Ask(ABC):
    """A probe's question; one kind may keep a connection from one time to the next."""

    @abstractmethod
    async def __call__(self) -> Answer:
        """Ask once."""

    async def close(self) -> None:  # noqa: B027  most kinds keep nothing
        """Let go of what is kept."""


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


def error_word(error: BaseException) -> str:
    """A short word for what went wrong on the way; never the text, which may hold what was sent."""
    cause: BaseException | None = error
    while cause is not None:
        match cause:
            case socket.gaierror() | ValueError():
                # A name that cannot even be asked for is an error of what writes it down, mostly a UnicodeError.
                return "dns"
            case ssl.SSLError():
                return "tls"
            case ConnectionRefusedError():
                return "refused"
            case ConnectionResetError() | BrokenPipeError():
                return "reset"
            case TimeoutError():
                return "timeout"
            case OSError(errno=errno.EHOSTUNREACH | errno.ENETUNREACH):
                return "unreachable"
            case _:
                cause = cause.__cause__ or cause.__context__
    return "protocol"
