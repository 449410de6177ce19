"""A connection to Redis that trusts it with nothing: replies are bounded in length, items and depth.

Redis' protocol, version 2: a few lines, where a client library would follow a server that sends it elsewhere with the
password, or keep what it sends for as long as it sends.
"""

import asyncio
import contextlib
import ssl
from types import TracebackType
from typing import Final, Self

from gameday.model.agent import RedisAddress
from gameday.probes.io.errors import error_word, untrusted
from gameday.probes.io.lookup import Lookup, NotSent, open_connection
from gameday.probes.io.secrets import Secrets
from gameday.probes.io.tls import context, unwanted

Reply = str | int | list["Reply"] | None
"""A reply of Redis; bytes that are not UTF-8 are replaced."""

SHORT: Final = 64 * 1024
"""Longest reply to a command that is repeated, in bytes."""
LONG: Final = 8 * 1024 * 1024
"""Longest list of clients, in bytes: some ten thousand connections."""
ITEMS: Final = 1024
"""Most items in a list."""
DEPTH: Final = 4
"""Most lists inside one another."""

TOO_LONG: Final = "the answer is too long"

CODES: Final = frozenset(
    {
        *("ASK", "BUSY", "CLUSTERDOWN", "CROSSSLOT", "DENIED", "ERR", "EXECABORT", "LOADING", "MASTERDOWN", "MISCONF"),
        *("MOVED", "NOAUTH", "NOPERM", "NOREPLICAS", "NOSCRIPT", "OOM", "READONLY", "TRYAGAIN", "UNKILLABLE"),
        *("WRONGPASS", "WRONGTYPE"),
    }
)
"""The first words of Redis' errors; any other may be what it was sent."""


AUTH: Final = frozenset({"NOAUTH", "WRONGPASS"})
"""Error codes of Redis for failed authentication."""


REMEDY: Final = "give its CA in tls.caFrom"
"""What helps where a certificate is not trusted."""


class ProtocolError(ConnectionError):
    """What answers does not speak the protocol, or says more than we take; the message is a short word."""

    @property
    def too_long(self) -> bool:
        """Whether it says more than we take."""
        return str(self) == TOO_LONG


class RedisError(Exception):
    """Redis answered with an error; the message is its code, never its text, which may hold what was sent.

    ``of_login`` is whether the text of an error without a code of its own is about a login, as before Redis 6.
    """

    def __init__(self, code: str, *, of_login: bool = False) -> None:
        super().__init__(code)
        self.of_login = of_login


def error_code(error: Exception) -> str:
    """A short word for what Redis or the way to it said."""
    match error:
        case RedisError():
            return "auth" if str(error) in AUTH else f"redis {error}"
        case NotSent(word=text):
            return text
        case ProtocolError():
            return str(error)
        case _:
            return error_word(error)


def refused(spec: RedisAddress) -> str:
    """What to do about a Redis that refuses the login, or wants one; ``AUTH`` has the codes of such an answer."""
    if not spec.password_file:
        return "Redis wants a password: give it in the dependency's redis.auth"
    *_, secret, key = spec.password_file.split("/")
    name = ", and the user's name" if spec.username or spec.username_file else ""
    return f"Redis refuses the password: check Secret {secret}, key {key}{name} (the dependency's redis.auth)"


class Connection:
    """One connection, opened at its first use and closed by ``close`` or by the end of ``async with``."""

    def __init__(
        self,
        spec: RedisAddress,
        secrets: Secrets,
        timeout: float,
        server: tuple[str, int] | None = None,
        lookup: Lookup | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """``timeout`` bounds each command, in seconds.

        ``server`` is the address and port of one of several servers behind ``spec``, whose name TLS still verifies.
        ``tls`` is the context of ``context_of``, where it is kept for several connections.
        """
        self._host, self._port = server or (spec.host, spec.port)
        self.lookup = lookup or Lookup()
        self._spec = spec
        self._secrets = secrets
        self._timeout = timeout
        self._tls = tls
        if spec.tls and tls is None:
            # Made here: it takes a moment, and the first request's time is the system's.
            with contextlib.suppress(NotSent):
                self._tls = context_of(spec)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    @property
    def host(self) -> str:
        """The name or address that it connects to."""
        return self._host

    @property
    def own(self) -> tuple[str, int] | None:
        """The address and port from which it is connected; None where it is not."""
        name = self._writer.get_extra_info("sockname") if self._writer is not None else None
        return (str(name[0]), int(name[1])) if name else None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up at once."""
        writer, self._reader, self._writer = self._writer, None, None
        if writer is not None:
            writer.transport.abort()

    async def call(self, *words: str, most: int = SHORT) -> Reply:
        """The reply to a command.

        Raises:
            RedisError: when that is an error.
            NotSent: when it could not be sent: the name is not known, the certificate not trusted, no password there.
            ProtocolError: when it is not a reply, or has more than ``most`` bytes; the connection is closed then.
            OSError: when the way there failed, or took too long (TimeoutError).

        """
        try:
            async with asyncio.timeout(self._timeout):
                if self._reader is None:
                    await self._open()
                return await self._exchange(words, most)
        except RedisError:
            raise
        except ssl.SSLError as error:
            self.close()
            # Its files may have been changed since they were read.
            self._tls = None
            # TLS 1.3 tells only after its handshake that a certificate is missing.
            raise untrusted(error, REMEDY) or unwanted(error) or error from error
        except BaseException:
            # Its answer may still be under way: it must not be taken for the next one's.
            self.close()
            raise

    def release(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """Give the open connection away, which somebody else closes then; None where there is none."""
        reader, writer, self._reader, self._writer = self._reader, self._writer, None, None
        return (reader, writer) if reader is not None and writer is not None else None

    async def _open(self) -> None:
        spec = self._spec
        options: dict[str, object] = {}
        if spec.tls:
            self._tls = self._tls or context_of(spec)
            options = {"ssl": self._tls, "server_hostname": spec.server_name or spec.host}
        password, user = self._secret(spec.password_file, "password"), spec.username
        if spec.username_file:
            user = self._secret(spec.username_file, "user")
        self._reader, self._writer = await open_connection(self.lookup, self._host, self._port, **options)
        if spec.password_file:
            try:
                await self._exchange(("AUTH", *((user,) if user else ()), password), SHORT)
            except RedisError as error:
                self.close()
                if error.of_login or str(error) in {*AUTH, "NOPERM"}:
                    raise RedisError("WRONGPASS") from None
                # A server that has too many clients, or loads its data, says so before it looks at a password.
                raise
        if spec.database:
            await self._select(spec.database)

    async def _select(self, database: int) -> None:
        try:
            await self._exchange(("SELECT", str(database)), SHORT)
        except RedisError as error:
            self.close()
            if str(error) not in {"ERR", "NOPERM"}:
                raise
            why = f"Redis answered SELECT {database} with {error}: correct redis.database, or give the user the right"
            raise NotSent("database", why) from None

    def _secret(self, file: str, what: str) -> str:
        try:
            return self._secrets.read(file) if file else ""
        except (OSError, UnicodeError):
            raise NotSent("auth", f"the Redis {what} cannot be read: check its Secret") from None

    async def _exchange(self, words: tuple[str, ...], most: int) -> Reply:
        if self._reader is None or self._writer is None:
            raise ConnectionResetError("not connected")
        encoded = [word.encode() for word in words]
        self._writer.write(
            b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)
        )
        await self._writer.drain()
        reply = await _Reading(self._reader, most).reply(DEPTH)
        if isinstance(reply, RedisError):
            raise reply
        return reply


def context_of(spec: RedisAddress) -> ssl.SSLContext:
    """How TLS is spoken to a Redis.

    Raises:
        NotSent: when its CA or our certificate cannot be read.

    """
    return context(spec.ca_file, spec.certificate_file, spec.key_file)


class _Reading:
    """One reply, and how many bytes of it may still come."""

    def __init__(self, reader: asyncio.StreamReader, most: int) -> None:
        self._reader = reader
        self._left = most

    async def reply(self, depth: int) -> "Reply | RedisError":
        line = await self._line()
        kind, rest = line[:1], line[1:]
        match kind:
            case b"+":
                return rest.decode(errors="replace")
            case b"-":
                code, text = rest.split(b" ", 1)[0].decode(errors="replace"), rest.lower()
                general = code == "ERR" or code not in CODES
                of_login = general and (b"auth" in text or b"password" in text)
                return RedisError(code if code in CODES else "error", of_login=of_login)
            case b":":
                return _number(rest)
            case b"$":
                return await self._bulk(_number(rest))
            case b"*" if depth:
                return await self._items(_number(rest), depth - 1)
            case _:
                raise ProtocolError("protocol")

    async def _line(self) -> bytes:
        try:
            line = await self._reader.readuntil(b"\r\n")
        except asyncio.LimitOverrunError:
            raise ProtocolError(TOO_LONG) from None
        except asyncio.IncompleteReadError:
            raise ConnectionResetError("Redis closed the connection") from None
        self._took(len(line))
        return line[:-2]

    async def _bulk(self, length: int) -> str | None:
        if length < 0:
            return None
        self._took(length)
        try:
            return (await self._reader.readexactly(length + 2))[:-2].decode(errors="replace")
        except asyncio.IncompleteReadError:
            raise ConnectionResetError("Redis closed the connection") from None

    async def _items(self, count: int, depth: int) -> Reply:
        if count < 0:
            return None
        if count > ITEMS:
            raise ProtocolError(TOO_LONG)
        items: list[Reply] = []
        for _ in range(count):
            item = await self.reply(depth)
            items.append("" if isinstance(item, RedisError) else item)
        return items

    def _took(self, length: int) -> None:
        self._left -= length
        if self._left < 0:
            raise ProtocolError(TOO_LONG)


def _number(text: bytes) -> int:
    if len(text) > 20:
        raise ProtocolError("protocol")
    try:
        return int(text)
    except ValueError:
        raise ProtocolError("protocol") from None
