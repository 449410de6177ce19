"""What a probe is: something that asks once and answers, and never raises for what the system does."""

import errno
import socket
import ssl
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gameday.model.sample import Unknown
from gameday.probes.lookup import Lookup, NotSent


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request came to; ``values`` are those that expressions use, ``unknown`` what could not be reported."""

    ok: bool
    error: str | None = None
    values: Mapping[str, Any] | None = None
    unknown: tuple[Unknown, ...] = ()


def nothing_known(word: str, why: str) -> Answer:
    """The answer to a request that tells nothing about the system, for a reason on our side."""
    return Answer(ok=False, error=word, unknown=(((), why),))


class Ask(ABC):
    """A probe's question; one kind may keep a connection from one time to the next."""

    def __init__(self) -> None:
        self.lookup = Lookup()

    @abstractmethod
    async def __call__(self) -> Answer:
        """Ask once."""

    def timed_out(self) -> Answer:
        """What a request came to that was given up at the probe's timeout."""
        if self.lookup.under_way:
            why = f"the name {self.lookup.name} was still being looked up at the timeout: check the namespace's DNS"
            return nothing_known("dns", why)
        return Answer(ok=False, error="timeout")

    async def close(self) -> None:  # noqa: B027  most kinds keep nothing
        """Let go of what is kept."""


def untrusted(error: BaseException) -> NotSent | None:
    """What is known of a server whose certificate is not trusted, which is nothing; None for any other error."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            if cause.verify_code in _ITS_OWN_FAULT:
                return NotSent("tls", f"the certificate is not trusted: {cause.verify_message}")
            return NotSent("tls", "the certificate is not trusted (a private CA cannot be given yet)")
        cause = cause.__cause__ or cause.__context__
    return None


_ITS_OWN_FAULT: Final = frozenset({9, 10, 62, 64})
"""OpenSSL's codes of certificates that no CA would help: not yet valid, expired, for another name or address."""


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
