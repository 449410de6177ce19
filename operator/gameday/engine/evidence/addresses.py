"""What pairs found of the name that a fault cuts off: its addresses, and whether these are all that there are.

::

    first look ............................ ends     requested  start                   undo
      |-- A --- A,B --- A,B --- A,B --- A,B --|----------|--------|------- A,B,C ---------|
                  |---- SETTLED at least -----|                            |
                  the set grew last                                        it grew under the cut

A name is known once no agent of a pair has found anything new for ``SETTLED`` seconds: a cache on the way answers the
same for half a minute. What is found under the cut may have been used by the targets all along, so nothing counts that
was decided before. Addresses within the ranges that the plan names are cut from the beginning and change nothing.
"""

import ipaddress
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from gameday.model.addresses import ADDRESSES, DNS, HOST, LOOK_EVERY
from gameday.model.agent import SERVERS
from gameday.model.hosts import canonical
from gameday.model.places import name_of
from gameday.model.plan import HostTarget, Plan
from gameday.model.sample import LineType, Sample

SETTLED: Final = 30.0
"""Seconds of looks in which nothing new was found, after which the set is taken for whole."""
FRESH: Final = 3 * LOOK_EVERY
"""Seconds since the last look that was answered, after which nobody knows the name any more."""
COVERED: Final = 15.0
"""Seconds from the first look that finds a new address until the cut must hold for it."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(slots=True)
class Looks:
    """What one agent found: when its first look was answered, its latest one sent, and each address found first."""

    began: float
    latest: float
    found: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Addresses:
    """All looks of the pairs of one fault; ``ranges`` are those that the plan names beside the name."""

    host: str = ""
    ranges: tuple[Network, ...] = ()
    servers: bool = False
    """Whether servers at the host are asked for others. Who is cut off from them has no answer until the revert."""
    looks: dict[str, Looks] = field(default_factory=dict)
    """By agent."""
    first: dict[str, float] = field(default_factory=dict)
    """When each address that is in no range was found first, whoever found it."""
    refused: dict[str, str] = field(default_factory=dict)
    """Why an agent's look gave no set that can be cut, by agent; a look without an answer is no such."""
    failed: dict[str, str] = field(default_factory=dict)
    """The error of an agent's latest look, where that had no answer."""

    @property
    def wanted(self) -> bool:
        """Whether a name is looked up at all."""
        return bool(self.host)

    def take(self, sample: Sample) -> None:
        """Add a look; anything else is passed over."""
        if sample.type is not LineType.ADDRESSES or sample.values.get(HOST) != self.host:
            return
        found = sample.values.get(ADDRESSES)
        if not sample.ok or not isinstance(found, tuple | list):
            error = sample.error or "no answer"
            self.failed[sample.agent] = error.removeprefix(SERVERS)
            if error != DNS and not error.startswith(SERVERS):
                self.refused[sample.agent] = error
            return
        self.failed.pop(sample.agent, None)
        known = self.looks.setdefault(sample.agent, Looks(sample.received, sample.sent))
        known.latest = max(known.latest, sample.sent)
        for address in map(str, found):
            if not self.is_cut_anyway(address):
                known.found[address] = min(sample.received, known.found.get(address, math.inf))
                self.first[address] = min(sample.received, self.first.get(address, math.inf))

    def is_cut_anyway(self, address: str) -> bool:
        """Whether an address is in a range that the plan names, or none that could be cut."""
        try:
            one = ipaddress.ip_address(address)
        except ValueError:
            return True
        return any(one in network for network in self.ranges)

    def ready(self, agents: Iterable[str], now: float, lasts: float) -> bool:
        """Whether each agent has looked for so long that ``lasts`` seconds from now the set may be taken for whole."""
        needed = 0.0 if self.ranges else SETTLED - lasts
        looks = [self.looks.get(agent) for agent in agents]
        return all(one is not None and one.began <= now - needed for one in looks)

    def doubt(self, agents: Iterable[str], ends: float) -> str:
        """Why the set is not known well enough to be cut, at the end of the steady state, or ""."""
        if not self.wanted:
            return ""
        if self.refused:
            return next(f"{agent}: {why}" for agent, why in sorted(self.refused.items()))
        for agent in agents:
            if why := self._stale(agent, ends):
                return why
        if self.ranges:
            return self._outside()
        newest = max(self.first, key=lambda address: self.first[address], default="")
        if newest and self.first[newest] > ends - SETTLED:
            before = max(0.0, ends - self.first[newest])
            return f"its address {newest} was found only {before:.0f} s before the end of the steady state"
        return next((why for agent in agents if (why := self._lacks(agent, ends))), "")

    def _stale(self, agent: str, ends: float) -> str:
        known = self.looks.get(agent)
        if known is None or known.latest < ends - FRESH:
            whose = "which servers it has" if self.servers else "from DNS"
            return f"{agent} had no answer {whose} for too long ({self.failed.get(agent, 'it did not look')})"
        return ""

    def _outside(self) -> str:
        outside = ", ".join(sorted(self.first))
        return f"it has the address {outside}, which is in none of the ranges that cidrs names" if outside else ""

    def _lacks(self, agent: str, by: float) -> str:
        found = self.looks[agent].found if agent in self.looks else {}
        lacking = sorted(one for one, at in self.first.items() if at <= by and found.get(one, math.inf) > by)
        return f"{agent} does not find its address {lacking[0]}, which others find" if lacking else ""

    def all_know(self, agents: Iterable[str], by: float) -> bool:
        """Whether each of these agents knew by then every address that anybody had found."""
        return not any(self._lacks(agent, by) for agent in agents)

    def grew(self, since: float, until: float = math.inf) -> tuple[str, float] | None:
        """The first address that was found after ``since``, up to ``until``, and when."""
        found = [(at, address) for address, at in self.first.items() if since < at <= until]
        at, address = min(found, default=(0.0, ""))
        return (address, at) if address else None

    def excuses(self, address: str, sent: float, since: float) -> bool:
        """Whether a dial got through where the cut need not hold yet: the address was found a moment ago.

        ``since`` is when the cut was proven for all that had been found by then.
        """
        found = self.first.get(address)
        return found is not None and found > since and sent < found + COVERED

    def looked_since(self, agents: Iterable[str], since: float) -> bool:
        """Whether each of these agents had an answer to a look that it sent since then."""
        return all((known := self.looks.get(agent)) is not None and known.latest >= since for agent in agents)

    def looked_until(self, agents: Iterable[str]) -> float:
        """Up to when every one of these agents is known to have looked."""
        return min((self.looks[a].latest if a in self.looks else -math.inf for a in agents), default=-math.inf)

    def clear(self) -> None:
        """Forget every look."""
        for known in (self.looks, self.first, self.refused, self.failed):
            known.clear()


def addresses_of(plan: Plan, fault: str) -> Addresses:
    """Room for the looks at the name that a fault cuts off, and for none where that is no name."""
    away = next((one.action.takes_away for one in plan.outage.faults if one.name == fault), None)
    if away is None or not (host := name_of(away.target)) or not isinstance(away.target, HostTarget):
        return Addresses()
    ranges = tuple(ipaddress.ip_network(cidr, strict=False) for cidr in away.target.cidrs)
    return Addresses(canonical(host), ranges, away.target.servers)
