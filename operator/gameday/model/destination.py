"""Where servers are and how they are spoken to: Services and hosts, TLS, credentials by reference."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class SecretKey:
    """One key of a Secret in the drill's namespace; only the kubelet ever reads it."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class ConfigMapKey:
    """One key of a ConfigMap in the drill's namespace; only the kubelet ever reads it."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class ServiceRef:
    """A Service; ``namespace`` None is the drill's own, ``port`` None is the Service's only (or first) one."""

    name: str
    namespace: str | None = None
    port: int | str | None = None

    def within(self, namespace: str) -> tuple[str, str]:
        """Namespace and name of the Service, seen from a drill's namespace: two that are equal are one Service."""
        return self.namespace or namespace, self.name


@dataclass(frozen=True, slots=True)
class Trust:
    """TLS settings that differ from those for a public server.

    ``ca`` signs the server's certificate; None means the public CAs of the image. ``server_name`` is the name in that
    certificate, empty if it is the host's. ``certificate`` is the name of a Secret with the client certificate,
    ``tls.crt`` and ``tls.key``; empty if the server needs none.
    """

    ca: SecretKey | ConfigMapKey | None = None
    server_name: str = ""
    certificate: str = ""


PUBLIC: Final = Trust()
CERTIFICATE: Final = "tls.crt"
KEY: Final = "tls.key"
"""Keys of a Secret of type kubernetes.io/tls."""


SENTINEL_PORT: Final = 26379
"""Sentinel's own port."""


@dataclass(frozen=True, slots=True)
class Sentinel:
    """The Sentinels of a Redis, which stand behind its Service: what they call it, and how they are asked."""

    master: str
    port: int = SENTINEL_PORT
    username: str | None = None
    username_from: SecretKey | None = None
    password: SecretKey | None = None


@dataclass(frozen=True, slots=True)
class Destination:
    """Where requests are sent: to a Service or a host, never both, and with what credentials.

    ``field`` is where a probe says so, below its name: ``http.url``. ``protocol`` is what is spoken there.
    """

    field: str
    protocol: str
    port: int
    service: ServiceRef | None = None
    host: str = ""
    tls: bool = False
    username: str | None = None
    password: SecretKey | None = None
    username_from: SecretKey | None = None
    """Where the user's name comes from, in the place of ``username``."""
    trust: Trust = PUBLIC
    database: int = 0
    """The number of the database that a Redis is asked about."""
    cluster: bool = False
    """Whether it is a Redis Cluster."""
    sentinel: Sentinel | None = None

    @property
    def has_peers(self) -> bool:
        """Whether it has several servers that clients reach one by one."""
        return self.cluster or self.sentinel is not None

    @property
    def secrets(self) -> tuple[SecretKey, ...]:
        """The keys of Secrets that its clients read."""
        trust = self.trust
        pair = (SecretKey(trust.certificate, CERTIFICATE), SecretKey(trust.certificate, KEY))
        sentinel = self.sentinel
        login = (sentinel.username_from, sentinel.password) if sentinel is not None else ()
        found = (self.username_from, self.password, *login, trust.ca, *(pair if trust.certificate else ()))
        return tuple(one for one in found if isinstance(one, SecretKey))

    @property
    def config_maps(self) -> tuple[ConfigMapKey, ...]:
        """The keys of ConfigMaps that its clients read."""
        return (self.trust.ca,) if isinstance(self.trust.ca, ConfigMapKey) else ()

    def name(self, namespace: str) -> str:
        """The host that agents of a drill in this namespace connect to."""
        if self.service is None:
            return self.host
        where, name = self.service.within(namespace)
        return f"{name}.{where}.svc"
