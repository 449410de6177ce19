"""What kinds share that ask an HTTP API, as plans have it: its URL, who asks, and which CA its certificate is of.

Secrets and ConfigMaps are named by reference. The kubelet mounts them into the observer's pod, so neither the operator
nor the plan ever holds a value of them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import Field

from gameday.model.agent import HttpAccess, config_map_file, secret_file
from gameday.model.finding import Finding
from gameday.model.hosts import check_host
from gameday.model.plan import ConfigMapKey, Destination, SecretKey
from gameday.schema.base import ApiModel, cel
from gameday.schema.references import CertificateFrom, ValueFrom

Url = Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=1024)]
"""A URL, as a pod of the GameDay's namespace sees it."""

UNSENDABLE: Final = re.compile(r"[^\x20-\x7e\t]")
"""What neither a URL nor a header holds."""


class BearerAuth(ApiModel):
    """A token, sent as ``Authorization: Bearer TOKEN``."""

    token_from: ValueFrom
    """Where the token comes from."""


class BasicAuth(ApiModel):
    """A user and a password, sent as ``Authorization: Basic ...`` (RFC 7617)."""

    username: Annotated[str, Field(min_length=1, max_length=256)]
    """Name of the user; everybody may read it here."""
    password_from: ValueFrom
    """Where the password comes from."""


class Auth(ApiModel):
    """Who the probe is to the server."""

    model_config = {
        "json_schema_extra": cel(("has(self.bearer) != has(self.basic)", "give exactly one of bearer and basic"))
    }
    bearer: BearerAuth | None = None
    """By a token."""
    basic: BasicAuth | None = None
    """By a user and a password."""


class Tls(ApiModel):
    """How a server's certificate is verified."""

    ca_from: CertificateFrom
    """Certificates of the CA in PEM. A server is trusted only if one of them vouches for it."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who asks, and whose certificates are trusted: those of public CAs unless ``ca`` is given."""

    bearer: SecretKey | None = None
    username: str = ""
    password: SecretKey | None = None
    ca: SecretKey | ConfigMapKey | None = None

    @property
    def secrets(self) -> tuple[SecretKey, ...]:
        """What the agent reads of Secrets."""
        return tuple(one for one in (self.bearer, self.password, self.ca) if isinstance(one, SecretKey))

    @property
    def config_maps(self) -> tuple[ConfigMapKey, ...]:
        """What the agent reads of ConfigMaps."""
        return (self.ca,) if isinstance(self.ca, ConfigMapKey) else ()

    def config(self) -> HttpAccess:
        """As the agent is given it: files, and no value of a Secret."""
        ca = ""
        if self.ca is not None:
            file = secret_file if isinstance(self.ca, SecretKey) else config_map_file
            ca = file(self.ca.name, self.ca.key)
        return HttpAccess(_file(self.bearer), self.username, _file(self.password), ca)


NOBODY: Final = Access()
"""Nobody in particular, and public CAs."""


def access_of(auth: Auth | None, tls: Tls | None) -> Access:
    """The access of a spec."""
    basic = auth.basic if auth is not None else None
    bearer = auth.bearer if auth is not None else None
    return Access(
        bearer.token_from.parsed() if bearer is not None else None,
        basic.username if basic is not None else "",
        basic.password_from.parsed() if basic is not None else None,
        tls.ca_from.parsed() if tls is not None else None,
    )


def destination_of(field: str, url: str) -> Destination | None:
    """Where requests to a URL go; None for one that has no host, which ``check_url`` finds."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return None
    return Destination(field, "http", port, host=parts.hostname or "", tls=parts.scheme == "https")


def check_url(field: str, url: str) -> Iterator[Finding]:
    """What is wrong with a URL that no schema can say."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        yield Finding(field, f"{error}: write http://HOST:PORT/PATH")
        return
    if port == 0:
        yield Finding(field, "port 0 is not valid; use http://HOST:PORT/PATH")
    if not url.isascii() or UNSENDABLE.search(url):
        yield Finding(
            field, "the URL has characters outside ASCII: percent-encode the path, and write the host in its DNS form"
        )
    elif parts.username is not None:
        yield Finding(field, "the URL has credentials, and everybody can read it: give them in auth, from a Secret")
    else:
        yield from check_host(field, host)


def check_base(field: str, url: str) -> Iterator[Finding]:
    """What is wrong with a URL to which the probe adds the rest of the path."""
    yield from check_url(field, url)
    if "?" in url or "#" in url:
        yield Finding(field, "the probe adds its own path and query: write the part before them alone")


def check_access(url: str, access: Access) -> Iterator[Finding]:
    """What is wrong with an access beside a URL."""
    if ":" in access.username:
        yield Finding("auth.basic.username", "the user name has a colon, which basic auth does not allow: remove it")
    if access.ca is not None and not url.lower().startswith("https://"):
        yield Finding("tls", "url is not https, so no certificate is verified: write https://, or remove tls")


def _file(key: SecretKey | None) -> str:
    return secret_file(key.name, key.key) if key is not None else ""
