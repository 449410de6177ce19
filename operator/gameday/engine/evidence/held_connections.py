"""What the connections that pairs hold say of open ones: whether the network ends them, as the targets' own.

::

    asked ..... requested   start                    ended
      |--A--A------|---------|------(nothing)----------|  by a timeout: this network ends open connections
                   |         |--A--                       an answer after that: it does not
    control -A-----A-----------A--------------------------  it lives on

One connection a pair is enough, and none of the pair's may live on. An end that the other side made, a connection that
had not answered twice, one whose other end is in the pod itself, and a control's that ended as well show nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gameday.model import held_connection
from gameday.model.sample import LineType, Sample

ENOUGH = 2
"""Answers before the request after which a connection counts as staying open between exchanges."""
NEAR = 1.0
"""Seconds after the cut's start in which an answer may still arrive: the network applies a policy within that."""
SURELY = 3.0
"""Seconds after a connection's end within which another agent would have reported an end with the same cause."""
TOGETHER = 6.0
"""Seconds between the ends of two connections that may have one cause: as long as the kernel takes to notice."""


@dataclass(frozen=True, slots=True)
class Span:
    """The time of a cut, in Unix seconds: when it was requested, when it took effect, and until when it lasts."""

    requested: float
    started_at: float
    until: float


@dataclass(frozen=True, slots=True)
class HeldResult:
    """What the held connections show: since when none is left, or None with the reason."""

    since: float | None
    why: str = ""
    lives: bool = False
    """Whether a connection stayed open under the cut."""


@dataclass(slots=True)
class Connection:
    """One connection of an agent to an address; times are the agent's, Unix seconds."""

    number: int
    local: bool
    answers: list[float] = field(default_factory=list)
    """When each exchange was sent that it answered."""
    answered: int = 0
    """How many answers the agent says that there were: more than are known if lines are missing."""
    ended_at: float | None = None
    how: str = ""

    def open_at(self, moment: float) -> bool:
        """Whether it was known to stay open, and was open, at that moment."""
        before = sum(sent < moment for sent in self.answers)
        return before >= ENOUGH and (self.ended_at is None or self.ended_at > moment)


@dataclass(slots=True)
class HeldConnections:
    """All held connections of a drill, by agent and address, in the order in which they were opened."""

    connections: dict[tuple[str, str], list[Connection]] = field(default_factory=dict)
    known_until: dict[str, float] = field(default_factory=dict)
    """Up to which moment each agent's log is known, by its own clock."""

    def note_time(self, sample: Sample) -> None:
        """Note the time of any line of an agent: its log is complete up to then."""
        self.known_until[sample.agent] = max(sample.received, self.known_until.get(sample.agent, 0.0))

    def take(self, sample: Sample) -> None:
        """Add a line about a held connection; ignore any other line."""
        number, answered = sample.values.get(held_connection.CONNECTION), sample.values.get(held_connection.ANSWERED)
        if sample.type is not LineType.HELD or type(number) is not int or type(answered) is not int:
            return
        known = self.connections.setdefault((sample.agent, sample.name), [])
        if not known or known[-1].number != number:
            known.append(Connection(number, sample.values.get(held_connection.LOCAL) is True))
        one = known[-1]
        one.answered = max(one.answered, answered)
        if sample.ok:
            one.answers.append(sample.sent)
        elif one.ended_at is None:
            one.ended_at, one.how = sample.received, sample.error or held_connection.ERROR

    def result(self, pairs: Iterable[int], span: Span) -> HeldResult:
        """Whether the network ended open connections, on every one of these pairs."""
        results = [self._of_pair(index, span) for index in pairs]
        if (left := next((one for one in results if one.lives), None)) is not None:
            return left
        if (left := next((one for one in results if one.since is None), None)) is not None:
            return left
        return HeldResult(max((one.since for one in results if one.since is not None), default=None))

    def local(self) -> tuple[str, ...]:
        """The agents whose held connections end in their own pod: a proxy there speaks for the other end."""
        return tuple(sorted({agent for (agent, _), known in self.connections.items() if known[-1].local}))

    def _of_pair(self, index: int, span: Span) -> HeldResult:
        results = list(self._of_addresses(index, span))
        if (lives := next((one for one in results if one.lives), None)) is not None:
            return lives
        ended = [one for one in results if one.since is not None]
        if ended:
            return max(ended, key=lambda one: one.since or 0.0)
        return results[0] if results else HeldResult(None, f"witness-{index} held no open connection")

    def _of_addresses(self, index: int, span: Span) -> Iterator[HeldResult]:
        witness, control = f"witness-{index}", f"control-{index}"
        for agent, name in sorted(self.connections):
            if agent == witness:
                yield self._of_address(agent, control, name, span)

    def _of_address(self, witness: str, control: str, name: str, span: Span) -> HeldResult:
        where = f"the open connection of {witness} to {name.partition(':')[2] or name}"
        one, other = self._open(witness, name, span), self._open(control, name, span)
        if one is None:
            return HeldResult(None, f"{where} had not answered twice before the cut")
        if one.local:
            return HeldResult(None, f"{where} ends at a proxy in its own pod")
        if any(span.started_at + NEAR <= sent <= span.until for sent in one.answers):
            return HeldResult(None, f"{where} still answers", lives=True)
        if one.ended_at is None or one.ended_at > span.until:
            return HeldResult(None, f"{where} had neither ended nor answered")
        if one.how != held_connection.TIMEOUT:
            return HeldResult(None, f"{where} ended, but not by a timeout ({one.how})")
        if len(one.answers) != one.answered:
            return HeldResult(None, f"{where} ended, but lines of the agents' logs are missing")
        if other is None or other.local:
            return HeldResult(None, f"{where} ended, but {control} has none to compare it with")
        if other.ended_at is not None and other.ended_at < one.ended_at + TOGETHER:
            return HeldResult(None, f"{where} ended, and that of {control} as well ({other.how})")
        answered = any(sent >= span.started_at for sent in other.answers)
        if not answered and self.known_until.get(control, 0.0) < one.ended_at + SURELY:
            return HeldResult(None, f"{where} ended, but it is not known yet whether that of {control} did")
        return HeldResult(max(span.started_at, one.ended_at - held_connection.SILENT))

    def _open(self, agent: str, name: str, span: Span) -> Connection | None:
        """The connection that was open when the cut was requested."""
        known = self.connections.get((agent, name), ())
        return next((one for one in reversed(known) if one.open_at(span.requested)), None)
