"""The addresses of a name that is cut, as a witness and its control find them, and dials of all of them at once.

Both look the name up every few seconds, by the DNS of their own pod, which is the targets'. What was found once is
dialled until the end: the cut never shrinks either. A dial of a name is good where one of its addresses answers.
"""

import asyncio
import ipaddress
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Final

from gameday.agents.log import SampleLog
from gameday.agents.runtime import until
from gameday.model.addresses import ADDRESSES, DNS, HOST, LOOK_EVERY, MOST_ADDRESSES, uncuttable
from gameday.model.hosts import canonical
from gameday.model.sample import LineType

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver

RESOLV_CONF: Final = "/etc/resolv.conf"
PORT: Final = 53
"""The port of nameservers."""
ANSWERS_WITHIN: Final = 4.0
"""Seconds for all answers of one look-up, shorter than the time between two."""
Ask = Callable[[], Awaitable[str | None]]
"""A dial of one address: None when it answered, else a short word."""


class NoAnswer(Exception):
    """The addresses are not known; the message is the error of the look: by default DNS did not answer for the name."""

    def __init__(self, word: str = DNS) -> None:
        super().__init__(word)


class Name:
    """A name and all addresses that were ever found for it."""

    def __init__(self, host: str, log: SampleLog, resolv_conf: str = RESOLV_CONF) -> None:
        self.host = host
        self.known: dict[str, None] = {}
        """In the order in which they were found."""
        self.found = asyncio.Event()
        """Whether any address was found yet."""
        self._log = log
        self._resolv_conf = resolv_conf

    async def watch(self, ending: asyncio.Event) -> None:
        """Look it up again and again, and tell of each look, until told to end."""
        due = asyncio.get_running_loop().time()
        while not await until(ending, due):
            await self.look()
            due = max(due + LOOK_EVERY, asyncio.get_running_loop().time())

    async def look(self) -> None:
        """Look it up once; what cannot be cut is told, and not dialled."""
        sent = time.time()
        error: str | None = None
        found: tuple[str, ...] = ()
        try:
            found = await self._find()
            error = self._wrong(found)
        except NoAnswer as unknown:
            error = str(unknown)
        if error is None:
            self.known |= dict.fromkeys(found)
            self.found.set()
        values: dict[str, str | list[str]] = {HOST: self.host}
        if error is None:
            values[ADDRESSES] = list(found)
        kind = LineType.ADDRESSES
        self._log.write(kind.value, sent, time.time(), ok=error is None, error=error, values=values, kind=kind)

    async def _find(self) -> tuple[str, ...]:
        """The addresses that it has now; raises NoAnswer."""
        return await addresses(self.host, self._resolv_conf)

    def _wrong(self, found: tuple[str, ...]) -> str | None:
        """Why these, with those that are known, cannot be cut."""
        if len({*self.known, *found}) > MOST_ADDRESSES:
            return f"it has more than {MOST_ADDRESSES} addresses"
        return next(filter(None, map(uncuttable, found)), None)


async def addresses(host: str, resolv_conf: str = RESOLV_CONF) -> tuple[str, ...]:
    """All addresses of a name, of both families, in a fixed order; an IPv4-mapped one is the IPv4 address.

    Raises:
        NoAnswer: when DNS does not answer for both, or knows no address.

    """
    resolver = _resolver(resolv_conf)
    try:
        found = [one for family in ("A", "AAAA") for one in await _ask(resolver, host, family)]
    except (OSError, ValueError) as error:
        raise NoAnswer from error
    if not found:
        raise NoAnswer
    return ordered(found)


def ordered(found: Iterable[str]) -> tuple[str, ...]:
    """Addresses in a fixed order, each once."""
    plain = dict.fromkeys(map(canonical, found))
    return tuple(sorted(plain, key=lambda one: (ipaddress.ip_address(one).version, one)))


def _resolver(resolv_conf: str) -> "Resolver":
    """A resolver as the pod's file says: read anew, and without a cache."""
    # Loaded here: most witnesses look nothing up, and it costs 6 MB.
    import dns.asyncresolver
    import dns.exception

    try:
        resolver = dns.asyncresolver.Resolver(resolv_conf)
    except dns.exception.DNSException as error:
        raise NoAnswer from error
    resolver.port = PORT
    resolver.lifetime = ANSWERS_WITHIN / 2
    resolver.timeout = ANSWERS_WITHIN / 4
    return resolver


async def _ask(resolver: "Resolver", host: str, family: str) -> tuple[str, ...]:
    import dns.exception
    import dns.resolver

    try:
        answer = await resolver.resolve(host, family, search=True, raise_on_no_answer=False)
    except dns.resolver.NXDOMAIN:
        return ()
    except dns.exception.DNSException as error:
        raise NoAnswer from error
    return tuple(str(record.address) for record in answer) if answer.rrset is not None else ()


async def first_good(dials: dict[str, Ask]) -> tuple[str | None, str]:
    """Dial all addresses at once: None and the first that answers; or a word and nothing, once none of them did.

    Each has the whole time that the caller gives: one that was cut short would seem to be cut off.
    """
    if not dials:
        return DNS, ""
    running = {asyncio.ensure_future(dial()): address for address, dial in dials.items()}
    word = "timeout"
    try:
        left = set(running)
        while left:
            done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                error = task.result()
                if error is None:
                    return None, running[task]
                word = error
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    return word, ""
