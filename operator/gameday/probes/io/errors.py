"""What an error on the way to a system says about it: a short word, and whether anything is known at all."""

import errno
import socket
import ssl
from typing import Final

from gameday.probes.io.lookup import NotSent


def untrusted(error: BaseException, remedy: str = "this kind of probe trusts public CAs only") -> NotSent | None:
    """The unknown result for a server whose certificate is not trusted; None for any other error."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            if cause.verify_code in _ITS_OWN_FAULT:
                return NotSent("tls", f"the certificate is not trusted: {cause.verify_message}")
            return NotSent("tls", f"the certificate is not trusted ({remedy})")
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
                # A name that cannot be encoded for DNS raises an error, mostly a UnicodeError.
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
