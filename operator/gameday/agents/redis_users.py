"""Switches a user of a Redis off and on, on every server, by its flag alone: passwords and rules are never touched.

``ACL SETUSER`` would create a user that is not there, so each server is asked for the user first. All of it may be
done twice.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Final

from gameday.agents.peers import Place
from gameday.agents.redis_servers import Servers, Trouble
from gameday.model.hosts import canonical, host_port
from gameday.model.redis_user import LOGIN, RedisUser
from gameday.probes.io.resp import LONG, RedisError, Reply

NOBODY: Final = "9007199254740991"
"""The number of a connection that no server ever has."""
_FIELD: Final = re.compile(r"(?:^| )(addr|name|user|flags)=(\S*)")
"""What is read of each client in Redis' list."""
SENTINEL: Final = "sentinel-"
"""What the names of connections of Sentinels begin with."""
NAMED: Final = 4
"""Clients that a message names."""
LONGEST_NAME: Final = 32
"""Characters of a client's name in a message."""
ROUNDS: Final = 4
"""How often servers are looked for: some may have come meanwhile."""


@dataclass(frozen=True, slots=True)
class Client:
    """A connection as the user: its address, its name where it has one, and whether it is that of a replica."""

    address: str
    name: str
    replica: bool


async def dry_run(user: RedisUser, *, must_be_on: bool) -> tuple[Place, ...]:
    """Show that the user could be switched off and on, and change nothing; the servers on which.

    Raises:
        Trouble: when it could not be, with what to do.

    """
    async with Servers(user) as servers:
        places = await servers.find()
        for place in places:
            await _dry_run(servers, place, user, must_be_on=must_be_on)
        return places


async def switch_off(
    user: RedisUser,
    targets: Collection[str],
    *,
    others_affected: bool,
    starts: Callable[[tuple[Place, ...]], None],
    again: bool = False,
) -> str:
    """Switch the user off everywhere, and end its connections; in few words what was done.

    ``starts`` is called with the servers before the first one is changed. ``again`` says that it was called before, so
    that a user who is off is one that was switched off here.

    Raises:
        Trouble: when it is not off everywhere. Before ``starts`` nothing was changed.

    """
    async with Servers(user) as servers:
        places: tuple[Place, ...] = ()
        clients: list[Client] = []
        closed, others = 0, ""
        for _ in range(ROUNDS):
            new = tuple(place for place in await servers.find() if place not in places)
            if not new:
                break
            # One that came meanwhile may not know the user, or may have other clients.
            for place in new:
                await _dry_run(servers, place, user, must_be_on=not again)
                clients += await _clients(servers, place, user, others_affected=others_affected)
            others = _others(clients, targets, user, others_affected=others_affected)
            starts(new)
            for place in new:
                closed += await _off(servers, place, user)
            places += new
        else:
            raise Trouble("new servers came again and again")
        done = f"is off on {_counted(len(places), 'server')}"
        if user.closes:
            done += f", and {_counted(closed, 'connection')} of it {'was' if closed == 1 else 'were'} closed"
        return f"{done}; {others}" if others else done


async def switch_on(user: RedisUser, known: tuple[Place, ...], *, forgets: bool) -> str:
    """Switch the user on again on every server, those that are ``known`` included; in few words what was done.

    ``forgets`` says that a server which is silent, and which no other one names, may be gone.

    Raises:
        Trouble: when it is not on everywhere; it names a server where it may be off.

    """
    async with Servers(user) as servers:
        done, left = 0, list[str]()
        async for place in servers.each(known):
            try:
                await _on(servers, place, user.user)
                done += 1
            except Trouble as trouble:
                left.append(str(trouble))
        gone = [one.why for one in servers.silent.values() if forgets and done and not one.named]
        left += [one.why for one in servers.silent.values() if one.why not in gone]
        left += [str(one) for one in servers.unknown]
        if left or not done:
            where = "; ".join(left[:NAMED]) or "no server answers"
            raise Trouble(f"not on everywhere: {where}")
        text = f"is on again on {_counted(done, 'server')}"
        if not gone:
            return text
        why = "; ".join(gone[:NAMED])
        return f"{text}; {why}, and no other names it: if it comes back, run ACL SETUSER {user.user} on there"


async def _dry_run(servers: Servers, place: Place, user: RedisUser, *, must_be_on: bool) -> None:
    where = host_port(*place)
    if not await _is_on(servers, place, user.user) and must_be_on:
        text = f"user {user.user} is off on {where} already: switch it on there, or name another user"
        raise Trouble(text, final=True)
    ask = _Asking(servers, place)
    if await ask("ACL", "WHOAMI") == user.user:
        raise Trouble(f"the administrator is {user.user} itself: give another one", final=True)
    # Without a rule it changes nothing of a user that is there.
    await ask("ACL", "SETUSER", user.user)
    if user.closes:
        await ask("CLIENT", "KILL", "USER", user.user, "ID", NOBODY, remedy="grant it, or write openConnections: Keep")


async def _off(servers: Servers, place: Place, user: RedisUser) -> int:
    """Switch it off on one server; how many connections that ended."""
    ask = _Asking(servers, place)
    # Who was deleted since the dry run would be created.
    await _is_on(servers, place, user.user)
    await ask("ACL", "SETUSER", user.user, "off")
    if await _is_on(servers, place, user.user):
        raise Trouble(f"user {user.user} is still on on {host_port(*place)}")
    if not user.closes:
        return 0
    closed = await ask("CLIENT", "KILL", "USER", user.user)
    return closed if isinstance(closed, int) else 0


async def _on(servers: Servers, place: Place, user: str) -> None:
    try:
        if await _is_on(servers, place, user):
            return
    except NoSuchUser:
        # Somebody deleted it: to switch it on would create another one.
        return
    await _Asking(servers, place)("ACL", "SETUSER", user, "on")
    if not await _is_on(servers, place, user):
        raise Trouble(f"user {user} is still off on {host_port(*place)}")


class NoSuchUser(Trouble):
    """A server has no user of that name."""


async def _is_on(servers: Servers, place: Place, user: str) -> bool:
    where = host_port(*place)
    reply = await _Asking(servers, place)("ACL", "GETUSER", user)
    match reply:
        case None:
            raise NoSuchUser(f"there is no user {user} on {where}: correct redisAcl.user", final=True)
        case ["flags", list(flags), *_] if "on" in flags or "off" in flags:
            return "on" in flags
        case _:
            raise Trouble(f"{where} does not say whether user {user} is on: it speaks another protocol", final=True)


async def _clients(servers: Servers, place: Place, user: RedisUser, *, others_affected: bool) -> list[Client]:
    try:
        listed = await servers.call(place, "CLIENT", "LIST", most=LONG)
    except RedisError as error:
        if others_affected:
            return []
        text = f"{host_port(*place)} answered CLIENT LIST with {error}, so nobody knows who else is {user.user}"
        raise Trouble(f"{text}: grant it to the administrator, or write othersAffected: true", final=True) from None
    entries = [dict(_FIELD.findall(line)) for line in str(listed).splitlines()]
    if not others_affected and any("user" not in entry for entry in entries):
        text = f"{host_port(*place)} does not say whose its connections are"
        raise Trouble(f"{text}: write othersAffected: true where other clients may lose it as well", final=True)
    return [
        Client(
            canonical(entry.get("addr", "").rpartition(":")[0].strip("[]")),
            entry.get("name", ""),
            not {"S", "M"}.isdisjoint(entry.get("flags", "")),
        )
        for entry in entries
        if entry.get("user") == user.user and entry.get("name") != LOGIN
    ]


def _others(clients: list[Client], targets: Collection[str], user: RedisUser, *, others_affected: bool) -> str:
    """Who else is connected as the user, for messages; raises Trouble where that may not be."""
    if replica := next((one for one in clients if one.replica), None):
        text = f"replication is user {user.user} as well ({replica.address})"
        raise Trouble(f"{text}, and would stop: give the application a user of its own", final=True)
    if sentinel := next((one for one in clients if one.name.startswith(SENTINEL)), None):
        text = f"a Sentinel is user {user.user} as well ({sentinel.address})"
        raise Trouble(f"{text}, and would fail over: give the application a user of its own", final=True)
    own = frozenset(map(canonical, targets))
    others = [one for one in clients if one.address not in own]
    if not others:
        return ""
    many = f"{_counted(len(others), 'connection')} of others"
    text = f"{many}: {', '.join(_named(others))}"
    if others_affected:
        return text
    raise Trouble(f"user {user.user} has {text}; select them by podSelector, or write othersAffected: true", final=True)


def _named(clients: list[Client]) -> Iterator[str]:
    shown = dict.fromkeys(f"{one.address} {one.name[:LONGEST_NAME]}".strip() for one in clients)
    yield from list(shown)[:NAMED]
    if len(shown) > NAMED:
        yield f"and {len(shown) - NAMED} more"


class _Asking:
    """Commands to one server; an error of it says which command, and what helps."""

    def __init__(self, servers: Servers, place: Place) -> None:
        self._servers, self._place = servers, place

    async def __call__(self, *words: str, remedy: str = "grant it to the administrator") -> Reply:
        try:
            return await self._servers.call(self._place, *words)
        except RedisError as error:
            command = " ".join(words[:2])
            final = str(error) in {"NOPERM", "ERR"}
            why = "the server does not have it" if str(error) == "ERR" else remedy
            if "openConnections" in remedy:
                why = remedy
            raise Trouble(f"{host_port(*self._place)} answered {command} with {error}: {why}", final=final) from None


def _counted(many: int, what: str) -> str:
    return f"{many} {what}" if many == 1 else f"{many} {what}s"
