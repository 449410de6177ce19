"""Who a probe is to an HTTP server, and whose certificates it trusts, as an agent has it.

Files are read anew for each request, since a Secret may be rotated while a drill runs.
"""

import base64
import contextlib
import functools
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import certifi

from gameday.model.agent import HttpAccess, RequestHeader
from gameday.probes.io.lookup import NotSent
from gameday.probes.io.secrets import Secrets

CANNOT_SEND: Final = "the request cannot be sent"
_UNREADABLE: Final = "the value of header %s cannot be read: check its Secret"


@functools.cache
def public() -> ssl.SSLContext:
    """Trust in public CAs, once for all probes: it takes 1 MiB."""
    return ssl.create_default_context(cafile=certifi.where())


@dataclass(slots=True)
class Access:
    """Makes the ``Authorization`` header and the TLS settings of each request."""

    config: HttpAccess
    secrets: Secrets
    _pem: str = ""
    _private: ssl.SSLContext | None = field(default=None, repr=False)

    def headers(self) -> dict[str, str]:
        """The authorization header; empty without credentials.

        Raises:
            NotSent: when the file of the Secret cannot be read.

        """
        config = self.config
        if config.bearer_file:
            return {"Authorization": f"Bearer {self._read(config.bearer_file, 'auth.bearer.tokenFrom')}"}
        if config.password_file:
            password = self._read(config.password_file, "auth.basic.passwordFrom")
            pair = base64.b64encode(f"{config.username}:{password}".encode()).decode()
            self.secrets.hide_also(pair)
            return {"Authorization": f"Basic {pair}"}
        return {}

    def tls(self) -> ssl.SSLContext:
        """Trust in the CA that the probe was given, else in public ones.

        Raises:
            NotSent: when the file of the CA cannot be read, or holds no certificate.

        """
        if not self.config.ca_file:
            return public()
        try:
            pem = Path(self.config.ca_file).read_text(encoding="ascii")
        except (OSError, UnicodeError):
            why = "the CA in tls.caFrom cannot be read: check its ConfigMap or Secret"
            raise NotSent("tls", why) from None
        if self._private is None or pem != self._pem:
            self._private, self._pem = _trusting(pem), pem
        return self._private

    def warm(self) -> None:
        """Read the certificates ahead: the time of the first request is the system's. What fails shows then."""
        with contextlib.suppress(NotSent):
            self.tls()

    @property
    def remedy(self) -> str:
        """What to do about a certificate that is not trusted."""
        if self.config.ca_file:
            return "no CA in tls.caFrom has signed it"
        return "give its CA in tls.caFrom"

    def _read(self, file: str, path: str) -> str:
        try:
            return self.secrets.read(file)
        except (OSError, UnicodeError):
            raise NotSent(CANNOT_SEND, f"the value of {path} cannot be read: check its Secret") from None


def read_headers(headers: Iterable[RequestHeader], secrets: Secrets) -> dict[str, str]:
    """The headers of a request, with the values that stand in files.

    Raises:
        NotSent: when the file of a Secret cannot be read.

    """
    read: dict[str, str] = {}
    for header in headers:
        try:
            read[header.name] = secrets.read(header.file) if header.file else header.value
        except (OSError, UnicodeError):
            raise NotSent(CANNOT_SEND, _UNREADABLE % header.name) from None
    return read


def _trusting(pem: str) -> ssl.SSLContext:
    try:
        # Without any text, ssl would load the machine's own CAs.
        context = ssl.create_default_context(cadata=pem or "-")
    except (ssl.SSLError, ValueError):
        context = None
    if context is None or not context.cert_store_stats()["x509"]:
        raise NotSent("tls", "tls.caFrom has no certificate in PEM format: check its ConfigMap or Secret")
    # Many private CAs lack extensions that RFC 5280 asks for; neither curl nor Go refuses them.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
