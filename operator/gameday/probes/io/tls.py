"""The TLS of a server that is not public: its CA, and the certificate that proves us to it, read from their files."""

import ssl

from gameday.probes.io.lookup import NotSent

UNREADABLE = "the CA or the client certificate of the dependency cannot be read as PEM: check tls"
CERTIFICATE_WANTED = "the server wants a client certificate: give one by tls.clientCertificateFrom"
_ALERTS = frozenset({"TLSV13_ALERT_CERTIFICATE_REQUIRED", "SSLV3_ALERT_HANDSHAKE_FAILURE"})
"""How OpenSSL calls what servers answer who do not get the certificate that they want."""


def context(ca: str = "", certificate: str = "", key: str = "") -> ssl.SSLContext:
    """Verifies the server by the CA in a file, or by the public ones where it is empty.

    Raises:
        NotSent: when a file cannot be read, or is no PEM.

    """
    try:
        made = ssl.create_default_context(cafile=ca or None)
        if certificate:
            made.load_cert_chain(certificate, key)
    except OSError:
        # Also what ssl says of a file that is no PEM; never its text, which may hold a piece of it.
        raise NotSent("tls", UNREADABLE) from None
    return made


def unwanted(error: BaseException) -> NotSent | None:
    """What is known of a server that wants a client certificate and got none, which is nothing; else None."""
    if isinstance(error, ssl.SSLError) and error.reason in _ALERTS:
        return NotSent("tls", CERTIFICATE_WANTED)
    return None
