"""What an agent is given: its configuration, as JSON in the environment variable ``GAMEDAY_AGENT``.

Each agent has a class of its own, and the JSON names the agent that it is for. Standard library only: agents stay
small. Files are where the kubelet mounts Secrets.
"""

import json
from abc import ABC
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Final, Self, TypeVar

VARIABLE: Final = "GAMEDAY_AGENT"
SECRETS: Final = "/run/gameday/secrets"
CONFIG_MAPS: Final = "/run/gameday/configmaps"


def secret_file(name: str, key: str) -> str:
    """Where the kubelet mounts a key of a Secret."""
    return f"{SECRETS}/{name}/{key}"


def config_map_file(name: str, key: str) -> str:
    """Where the kubelet mounts a key of a ConfigMap."""
    return f"{CONFIG_MAPS}/{name}/{key}"


MOST_NAMESERVERS: Final = 3
"""Nameservers of its own resolv.conf that a witness or control dials; a resolver asks no more (resolv.conf(5))."""


@dataclass(frozen=True, slots=True)
class ProbeTask:
    """A probe as its agent runs it: ``every`` and ``timeout`` are seconds, ``config`` is JSON that its kind made."""

    name: str
    kind: str
    every: float
    timeout: float
    paths: tuple[tuple[str | int, ...], ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """A Redis to connect to; the path of a file is empty if there is no such file.

    ``username_file`` holds the user's name in place of ``username``. ``server_name`` is the name in its certificate,
    empty if it is the host.
    """

    host: str
    port: int = 6379
    username: str = ""
    password_file: str = ""
    tls: bool = False
    username_file: str = ""
    ca_file: str = ""
    server_name: str = ""
    certificate_file: str = ""
    key_file: str = ""
    database: int = 0


REFUSES: Final = "it refuses the password"
"""What an agent says of a Redis at which it cannot log in."""
UNASKED: Final = ("tls: ", "auth: ")
"""How an agent begins what it says of a Redis that it cannot ask: a certificate or a Secret is not as it must be."""
SERVER: Final = "server"
"""The protocol of a dial that speaks to a Redis with the TLS and the credentials of its dependency."""


SENTINEL: Final = "sentinel"
"""The protocol of a dial that speaks to a Sentinel of a Redis."""
HANDSHAKE: Final = "handshake"
"""The protocol of a dial that begins TLS, whatever is spoken inside it."""
HTTP: Final = "http"
POSTGRES: Final = "postgres"


SERVERS: Final = "servers: "
"""How the error of a dial begins that says why not all servers of a Redis are known to be cut."""


@dataclass(frozen=True, slots=True)
class Peers:
    """A Redis of several servers, each of which is asked who the others are.

    ``master`` is the name of what Sentinels watch, empty for a Cluster. The credentials are for Sentinels.
    """

    master: str = ""
    username: str = ""
    username_file: str = ""
    password_file: str = ""


@dataclass(frozen=True, slots=True)
class HttpAccess:
    """Who a probe is to an HTTP server, and whom it trusts: files with a token, a password, a CA; empty for none."""

    bearer_file: str = ""
    username: str = ""
    password_file: str = ""
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class RequestHeader:
    """A request header: a literal value, or the file that holds it."""

    name: str
    value: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class RequestConfig:
    """One HTTP request, as an agent sends it."""

    url: str
    method: str = "GET"
    headers: tuple[RequestHeader, ...] = ()
    body: str | None = None
    access: HttpAccess = field(default_factory=HttpAccess)

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> Self:
        """Read it from JSON; raises TypeError, KeyError or AttributeError when it is not such a request."""
        headers = tuple(RequestHeader(**header) for header in fields.get("headers", ()))
        return cls(**{**fields, "headers": headers, "access": HttpAccess(**fields.get("access", {}))})


@dataclass(frozen=True, slots=True)
class Dial:
    """An address that a witness dials.

    ``protocol`` is redis, tls (a Redis that speaks it), tcp, dns, or one of the constants above.
    ``server_name`` is what the server is called in TLS and in HTTP, empty if it is the host.
    """

    name: str
    host: str
    port: int
    protocol: str
    server_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentConfig(ABC):
    """What every agent is given."""

    AGENT: ClassVar[str]
    """The agent that this configuration is for, as the JSON names it."""

    ends_after: float = 0.0
    """Seconds from its start after which the agent ends by itself, by its own clock; 0: only on SIGTERM."""

    def to_json(self) -> str:
        """The configuration as JSON, for the environment variable."""
        return json.dumps({"agent": self.AGENT, **asdict(self)}, separators=(",", ":"))

    @classmethod
    def typed(cls, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields in their types: JSON knows lists and objects only."""
        return dict(fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObserverConfig(AgentConfig):
    """The observer, and the client, which is an observer with the targets' labels: the probes to run."""

    AGENT = "observer"

    probes: tuple[ProbeTask, ...] = ()

    @classmethod
    def typed(cls, fields: Mapping[str, Any]) -> dict[str, Any]:
        """See the base class."""
        probes = fields.get("probes", ())
        return {**fields, "probes": tuple(ProbeTask(**{**p, "paths": tuples(p.get("paths", ()))}) for p in probes)}


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessConfig(AgentConfig):
    """Witness and control: what to dial."""

    AGENT = "witness"

    dials: tuple[Dial, ...] = ()
    redis: RedisAddress | None = None
    """How the Redis is spoken to that dials of the protocol ``SERVER`` lead to."""
    peers: Peers | None = None
    """How its servers are asked who the others are, where it has several that must all be cut."""
    through: str = ""
    """The host of ``dials`` that leads to such servers: what they name is found and dialled too. Empty where ``dials``
    hold all of them."""
    nameservers: bool = False
    """Whether they also dial the nameservers of their own resolv.conf, as bystanders."""
    every: float = 0.25
    """Seconds between two dials of one address."""
    timeout: float = 1.0
    """Seconds after which a dial has failed."""

    @classmethod
    def typed(cls, fields: Mapping[str, Any]) -> dict[str, Any]:
        """See the base class."""
        redis, peers = fields.get("redis"), fields.get("peers")
        return {
            **fields,
            "dials": tuple(Dial(**dial) for dial in fields.get("dials", ())),
            "redis": RedisAddress(**redis) if redis is not None else None,
            "peers": Peers(**peers) if peers is not None else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterConfig(AgentConfig):
    """The counter: the Redis at which it counts the connections of targets."""

    AGENT = "counter"

    redis: RedisAddress
    servers: tuple[tuple[str, int], ...] = ()
    """Addresses and ports of each server behind ``redis``, where there are several."""
    pods: tuple[tuple[str, ...], ...] = ()
    """Of each target its name, then its addresses."""

    @classmethod
    def typed(cls, fields: Mapping[str, Any]) -> dict[str, Any]:
        """See the base class."""
        return {
            **fields,
            "redis": RedisAddress(**fields["redis"]),
            "servers": tuples(fields.get("servers", ())),
            "pods": tuples(fields.get("pods", ())),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CloserConfig(CounterConfig):
    """The closer: whose connections it ends, and until when."""

    AGENT = "closer"

    until: float
    """The Unix second after which it ends no connection any more."""
    seen: tuple[str, ...] = ()
    """Addresses of targets of which the counter saw a connection before the cut."""

    @classmethod
    def typed(cls, fields: Mapping[str, Any]) -> dict[str, Any]:
        """See the base class."""
        # No super() without arguments: a dataclass with slots is another class than the one in this file.
        return {**CounterConfig.typed(fields), "seen": tuple(fields.get("seen", ()))}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerConfig(AgentConfig):
    """The caller: the request that it sends, and which answers are good."""

    AGENT = "caller"

    request: RequestConfig
    statuses: tuple[int, ...] = ()
    """Good statuses; empty: each from 200 to 299."""
    timeout: float
    """Seconds that an answer may take."""
    waits: float = 0.0
    """Seconds from its start before which nothing is sent."""
    until: float = 0.0
    """The Unix second from which on nothing is sent any more; 0: as long as it runs."""
    tries_for: float = 0.0
    """Seconds for which a request without a good answer is sent again and again; 0: it is sent once."""

    @classmethod
    def typed(cls, fields: Mapping[str, Any]) -> dict[str, Any]:
        """See the base class."""
        return _request(fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingFuseConfig(AgentConfig):
    """A fuse that acts: when it does."""

    namespace: str
    lasts: float
    """Seconds from the start of its Job until it fires."""
    job: str = ""
    """Name of its Job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FuseConfig(WaitingFuseConfig):
    """The fuse of a scale: what it puts back."""

    AGENT = "fuse"

    workload: str
    """Name of the workload that it puts back."""
    kind: str = "Deployment"
    """Its kind."""
    replicas: int = 0
    """The number from before, which it puts back."""
    wanted: int | None = None
    """The number that the step set; any other is somebody else's and stays."""
    uid: str = ""
    """The UID of the workload that the step scaled, where it is known; another one of its name stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFuseConfig(WaitingFuseConfig):
    """The fuse of a call: the request that takes it back."""

    AGENT = "callFuse"

    request: RequestConfig
    statuses: tuple[int, ...] = ()
    """Good statuses; empty: each from 200 to 299."""
    timeout: float
    """Seconds that an answer may take."""

    @classmethod
    def typed(cls, fields: Mapping[str, Any]) -> dict[str, Any]:
        """See the base class."""
        return _request(fields)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as it is sent: an HTTP POST. ``name`` tells it from others of its pod; a file is empty for none."""

    name: str
    url: str = ""
    url_file: str = ""
    """File that holds the URL, where it is a Secret."""
    where: str = ""
    """The part of the GameDay that names its Secrets, for messages."""
    headers: Mapping[str, str] = field(default_factory=dict)
    access: HttpAccess = field(default_factory=HttpAccess)
    body: str = ""
    """What is sent, as a JSON object."""
    body_field: str = ""
    """Field of the object that takes the value of ``body_file``."""
    body_file: str = ""
    repeatable: bool = False
    """Whether the receiver recognizes a message that it has already: only then is one without an answer sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifierConfig(AgentConfig):
    """The notifier: what it sends to one receiver, in order, and for how many seconds it tries."""

    AGENT = "notifier"

    deliveries: tuple[Delivery, ...] = ()
    tries_for: float = 300.0

    @classmethod
    def typed(cls, fields: Mapping[str, Any]) -> dict[str, Any]:
        """See the base class."""
        made = (
            Delivery(**{**one, "access": HttpAccess(**one.get("access", {}))}) for one in fields.get("deliveries", ())
        )
        return {**fields, "deliveries": tuple(made)}


Config = TypeVar("Config", bound=AgentConfig)


def read_config(text: str, *expected: type[Config]) -> Config:
    """Read a configuration, which must be one of those that are expected.

    Raises:
        ValueError: when it is another agent's, or no configuration of that agent.

    """
    fields = json.loads(text)
    if not isinstance(fields, dict):
        raise ValueError(f"{VARIABLE} is not a JSON object")  # noqa: TRY004  a variable is text: its content is wrong
    agent = fields.pop("agent", None)
    cls = next((one for one in expected if agent == one.AGENT), None)
    if cls is None:
        names = " or ".join(one.AGENT for one in expected)
        raise ValueError(f"{VARIABLE} is the configuration of agent {agent!r}, but this agent is {names}")
    try:
        return cls(**cls.typed(fields))
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{VARIABLE} is not a configuration of agent {agent}: {error}") from error


def tuples(lists: Any) -> tuple[tuple[Any, ...], ...]:
    """Lists of JSON as tuples."""
    return tuple(tuple(one) for one in lists)


def _request(fields: Mapping[str, Any]) -> dict[str, Any]:
    request, statuses = RequestConfig.read(fields["request"]), tuple(fields.get("statuses", ()))
    return {**fields, "request": request, "statuses": statuses}
