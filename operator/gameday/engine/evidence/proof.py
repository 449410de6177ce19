"""Whether the cut is real: what witnesses (cut off) and their controls (spared) see of the same address.

A witness that fails alone proves the cut; one that fails with its control proves only that the dependency is down.
Dials of one agent arrive in the order in which they were sent.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from gameday.engine.evidence.addresses import Addresses
from gameday.engine.evidence.held_connections import HeldConnections
from gameday.model.addresses import AT
from gameday.model.effect import Moment
from gameday.model.plan import RunsIn
from gameday.model.sample import LineType, Sample

RUN = 3
"""Dials in a row that count as a state, not as a blip."""

NEAR = 1.0
"""Seconds around a run of failures in which those of another agent have the same cause: longest that a dial takes."""

DOWN_AFTER = 5.0
"""Seconds of failures after which a bystander that no cut hits counts as down, and not as busy."""

SILENT_AFTER = 15.0
"""Seconds of dials after which an address that never answered anybody proves nothing: a new pod takes a moment."""

TARGET = "target"
BYSTANDER = "bystander:"


@dataclass(slots=True)
class Dials:
    """The dials of one agent to one address, in the order sent."""

    sent: list[float] = field(default_factory=list)
    ok: list[bool] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    at: list[str] = field(default_factory=list)
    """Which address answered, where the dial was to a name."""
    _scans: dict[tuple[bool, float, int], tuple[int, int]] = field(default_factory=dict)
    """How far, and with how many in a row, each search for a run has come: dials are only ever appended."""

    def add(self, sample: Sample) -> None:
        """Append a dial."""
        self.sent.append(sample.sent)
        self.ok.append(sample.ok)
        self.errors.append(sample.error or "")
        self.at.append(str(sample.values.get(AT) or ""))

    def from_time(self, since: float) -> int:
        """Index of the first dial sent at ``since`` or later."""
        return bisect_left(self.sent, since)

    def run_of(self, *, good: bool, since: float, length: int = RUN) -> int | None:
        """Index of the first dial of the first ``length`` in a row of that outcome, sent at ``since`` or later."""
        key = (good, since, length)
        index, count = self._scans.get(key) or (self.from_time(since), 0)
        while count < length and index < len(self.sent):
            # A dial sent before may have come in after the search began.
            if self.sent[index] >= since:
                count = count + 1 if self.ok[index] is good else 0
            index += 1
        self._scans[key] = index, count
        return index - length if count == length else None

    def had_run_before(self, until: float) -> bool:
        """Whether the last ``RUN`` dials sent before ``until`` were all good."""
        end = self.from_time(until)
        return end >= RUN and all(self.ok[end - RUN : end])

    def spared(self, first: float, last: float) -> bool:
        """Whether these dials succeeded all through a time in which another agent's failed, and after it."""
        around = self.ok[self.from_time(first - NEAR) : self.from_time(math.nextafter(last + NEAR, math.inf))]
        return all(around) and self.good_after(last) is not None

    def seen_in(self, first: float, last: float) -> bool:
        """Whether there is a dial around that time."""
        return self.from_time(first - NEAR) < self.from_time(math.nextafter(last + NEAR, math.inf))

    def good_after(self, since: float) -> int | None:
        """Index of the first good dial sent at ``since`` or later."""
        return self.run_of(good=True, since=since, length=1)


@dataclass(frozen=True, slots=True)
class ProofViolation:
    """A violation of the proof that the dials show; ``since`` is when its first dial was sent."""

    who: str
    since: float
    detail: str


@dataclass(slots=True)
class Proof:
    """All dials of one cut; ``pairs`` are the numbers of its pairs of witness and control."""

    pairs: range = range(0)
    probes: frozenset[str] = frozenset()
    """The names of redis probes that connect to the cut dependency."""
    client: Dials = field(default_factory=Dials)
    """What these saw; the cut spares the pod that asks as it spares a control."""
    dials: dict[tuple[str, str], Dials] = field(default_factory=dict)
    held: HeldConnections = field(default_factory=HeldConnections)
    """The connections that witnesses and controls hold open."""
    addresses: Addresses = field(default_factory=Addresses)
    """What witnesses and controls found of the name that is cut, if it is a name."""
    _answered: dict[str, float] = field(default_factory=dict)
    """When the first dial was sent that each address answered, from any agent."""

    def take(self, sample: Sample) -> None:
        """Add a dial, a line of a held connection, or a probe's sample of the cut dependency; ignore anything else."""
        if sample.type is LineType.SAMPLE and sample.agent == RunsIn.CLIENT.value and sample.name in self.probes:
            self.client.add(replace(sample, ok=sample.answered, values={}))
        role, _, number = sample.agent.partition("-")
        if role not in {"witness", "control"} or not number.isdecimal() or int(number) not in self.pairs:
            return
        self.held.note_time(sample)
        self.addresses.take(sample)
        if sample.type is LineType.HELD and sample.name.startswith(TARGET):
            self.held.take(sample)
        elif sample.type is LineType.DIAL and sample.name.startswith((TARGET, BYSTANDER)):
            self.dials.setdefault((sample.agent, sample.name), Dials()).add(sample)
            if sample.ok and sample.name.startswith(TARGET):
                self._answered[sample.name] = min(sample.sent, self._answered.get(sample.name, math.inf))

    def _targets(self, role: str, until: float = math.inf) -> Iterator[tuple[str, str, Dials]]:
        """The dials that count: those to addresses that answered somebody before ``until``, or all where none did.

        What never answers anybody serves no target either: a port on which nothing listens, a load balancer's address
        that is not reached from inside.
        """
        some = any(sent < until for sent in self._answered.values())
        for (agent, name), dials in self.dials.items():
            counts = not some or self._answered.get(name, math.inf) < until
            if agent.startswith(role) and name.startswith(TARGET) and counts:
                yield agent, name, dials

    def silent(self) -> tuple[str, ...]:
        """The addresses that are cut and never answered anybody, while others did."""
        dialled = {name for _, name in self.dials if name.startswith(TARGET)}
        return (
            tuple(sorted((name.partition(":")[2] or name) for name in dialled - self._answered.keys()))
            if self._answered
            else ()
        )

    def _still_waits(self, now: float) -> bool:
        """Whether an address that has not answered anybody may still do so."""
        firsts = [d.sent[0] for (_, name), d in self.dials.items() if name.startswith(TARGET)]
        return bool(self.silent()) and now < min(firsts, default=now) + SILENT_AFTER

    def _control(self, witness: str, name: str) -> Dials | None:
        """The dials of a witness' control to the same address."""
        return self.dials.get((witness.replace("witness-", "control-"), name))

    def _complete(self, role: str) -> bool:
        seen = {agent for agent, _, _ in self._targets(role)}
        return bool(self.pairs) and len(seen) == len(self.pairs)

    def agents(self, role: str) -> tuple[str, ...]:
        """The names of all witnesses, or of all controls."""
        return tuple(f"{role}{number}" for number in self.pairs)

    @property
    def lookers(self) -> tuple[str, ...]:
        """Who looks the name up."""
        return (*self.agents("witness-"), *self.agents("control-"))

    def ready(self, now: float, lasts: float = math.inf) -> bool:
        """Whether every witness and every control has just reached the target, and knows where that is.

        A name must have been looked up for so long that it is known ``lasts`` seconds from now.
        """
        return self.reached(now) and (not self.addresses.wanted or self.addresses.ready(self.lookers, now, lasts))

    def reached(self, now: float) -> bool:
        """Whether every witness and every control has just reached the target ``RUN`` times in a row."""
        if not (self._complete("witness-") and self._complete("control-")) or self._still_waits(now):
            return False
        return all(d.had_run_before(now) for role in ("witness-", "control-") for _, _, d in self._targets(role))

    def caught_up(self, since: float) -> bool:
        """Whether every witness has dialled since then, so that nothing it saw before is still to come."""
        return self._complete("witness-") and all(d.sent[-1] >= since for _, _, d in self._targets("witness-"))

    def started(self, requested: float) -> Moment | None:
        """The start of the outage: each witness failed ``RUN`` times in a row while its control went on succeeding.

        It is the last pair's. A control must have succeeded at or after its witness' last failure of the run, so
        that a Redis that died at the same moment is not taken for the cut.
        """
        if not self._complete("witness-"):
            return None
        starts: list[Moment] = []
        for agent, name, dials in self._targets("witness-", requested):
            control = self._control(agent, name)
            first = dials.run_of(good=False, since=requested)
            if control is None or first is None or not dials.had_run_before(requested):
                return None
            last_of_run = dials.sent[first + RUN - 1]
            failed_too = control.run_of(good=False, since=requested)
            if control.good_after(last_of_run) is None or failed_too is not None:
                return None
            before = dials.sent[first - 1] if first else requested
            starts.append(Moment(dials.sent[first], dials.sent[first] - max(before, requested)))
        latest = max(starts, key=lambda start: start.at, default=None)
        # A witness dials what it has found itself: that it fails says nothing of an address that only others know.
        known = latest is None or self.addresses.all_know(self.agents("witness-"), latest.at)
        return latest if known else None

    def bypass(self, started_at: float, until: float | None) -> ProofViolation | None:
        """The first witness dial that got through between ``started_at`` and ``until`` (the undo)."""
        for agent, name, dials in self._targets("witness-"):
            index = dials.good_after(started_at)
            while index is not None and self.addresses.excuses(dials.at[index], dials.sent[index], started_at):
                index = next((later for later in range(index + 1, len(dials.ok)) if dials.ok[later]), None)
            if index is not None and (until is None or dials.sent[index] < until):
                where = f", which is {dials.at[index]}" if dials.at[index] else ""
                return ProofViolation(agent, dials.sent[index], f"reached what is cut{_at(name)}{where}")
        return None

    def control_down(self, since: float) -> ProofViolation | None:
        """The earliest run of failures that a control saw: the dependency itself is down."""
        breaches = [
            ProofViolation(agent, dials.sent[index], f"{dials.errors[index]}{_at(name)}")
            for agent, name, dials in self._targets("control-")
            if (index := dials.run_of(good=False, since=since)) is not None
        ]
        return min(breaches, key=lambda violation: violation.since, default=None)

    def always_up(self, first: float, last: float) -> bool:
        """Whether the controls reached the target by each dial of that time, and after it."""
        return self._complete("control-") and all(d.spared(first, last) for _, _, d in self._targets("control-"))

    def not_spared(self, since: float) -> ProofViolation | None:
        """A control that failed while another one or the client could always connect: the dependency is not down."""
        for agent, name, dials in self._targets("control-"):
            first = dials.run_of(good=False, since=since)
            if first is None:
                continue
            others = [d for other, at, d in self._targets("control-") if other != agent and at == name]
            run = dials.sent[first], dials.sent[first + RUN - 1]
            # The client asks the Service as a whole: where several addresses are dialled, it may have asked another.
            whole = (self.client,) if len({at for _, at, _ in self._targets("control-")}) == 1 else ()
            if any(one.seen_in(*run) and one.spared(*run) for one in (*others, *whole)):
                return ProofViolation(agent, dials.sent[first], f"{dials.errors[first]}{_at(name)}")
        return None

    def held_by_the_cut(self, requested: float, by: float, undo: tuple[float, float]) -> bool | None:
        """Whether every control failed exactly while the cut existed; None while that is unknown.

        Each control began to fail between ``requested`` and ``by``, could not connect before the undo was requested,
        and could by the time at which everything must work again. ``undo`` holds these two times.
        """
        asked, back = undo
        answer: bool | None = False
        for _, _, dials in self._targets("control-", requested):
            first = dials.run_of(good=False, since=requested)
            if first is None or dials.sent[first] > by:
                return False
            good = dials.good_after(dials.sent[first])
            if good is None and dials.sent[-1] < back:
                answer = None
            elif good is None or not asked <= dials.sent[good] <= back:
                return False
            elif answer is False:
                answer = True
        return answer

    def shut_out(self) -> tuple[int, ...]:
        """The pairs that could never connect, although another pair or the client can."""
        through: set[int] = set()
        tried: set[int] = set()
        for (agent, name), dials in self.dials.items():
            if name.startswith(TARGET) and len(dials.ok) >= RUN:
                (through if any(dials.ok) else tried).add(int(agent.partition("-")[2]))
        lives = through or self.client.had_run_before(math.inf)
        return tuple(sorted(tried - through)) if lives else ()

    def witness_down(self, since: float, until: float) -> ProofViolation | None:
        """A witness that could not connect although no cut existed yet."""
        for agent, name, dials in self._targets("witness-"):
            index = dials.run_of(good=False, since=since)
            if index is not None and dials.sent[index] < until:
                return ProofViolation(agent, dials.sent[index], f"{dials.errors[index]}{_at(name)}")
        return None

    def was_cut(self, since: float) -> bool:
        """Whether a witness, and not its control, has failed since then: be it once, a cut may have been there."""
        for agent, name, dials in self._targets("witness-"):
            index = dials.run_of(good=False, since=since, length=1)
            control = self._control(agent, name)
            if index is not None and (control is None or control.spared(dials.sent[index], dials.sent[index])):
                return True
        return self.witness_down(since, math.inf) is not None

    def collateral(self, requested: float, until: float | None) -> ProofViolation | None:
        """A bystander that answered a witness before the injection and no longer does, while it answers the control.

        One that fails both at the same time is busy, or down by itself: the cut is not the cause.
        """
        for (agent, name), dials in self.dials.items():
            if not agent.startswith("witness-") or not name.startswith(BYSTANDER):
                continue
            control = self._control(agent, name)
            since = requested
            while (index := dials.run_of(good=False, since=since)) is not None and dials.had_run_before(requested):
                first, last = dials.sent[index], dials.sent[index + RUN - 1]
                if until is not None and first >= until:
                    break
                if control is None or control.spared(first, last):
                    return ProofViolation(name.removeprefix(BYSTANDER), first, dials.errors[index])
                since = math.nextafter(first, math.inf)
        return None

    def bystander_down(self, requested: float) -> ProofViolation | None:
        """A bystander that answered a control before the injection and has not for a while: it is down by itself."""
        for (agent, name), dials in self.dials.items():
            if not agent.startswith("control-") or not name.startswith(BYSTANDER) or not dials.sent or dials.ok[-1]:
                continue
            first = len(dials.ok) - 1
            while first and not dials.ok[first - 1]:
                first -= 1
            lasts = dials.sent[-1] - dials.sent[first]
            if lasts >= DOWN_AFTER and dials.sent[first] >= requested and dials.had_run_before(requested):
                return ProofViolation(name.removeprefix(BYSTANDER), dials.sent[first], dials.errors[first])
        return None

    def restored(self, undo_requested: float) -> Moment | None:
        """The start of the recovery: the last pair's first good witness dial after the undo was requested."""
        if not self._complete("witness-"):
            return None
        starts: list[Moment] = []
        for _, _, dials in self._targets("witness-"):
            index = dials.good_after(undo_requested)
            if index is None:
                return None
            before = dials.sent[index - 1] if index else undo_requested
            starts.append(Moment(dials.sent[index], dials.sent[index] - max(before, undo_requested)))
        return max(starts, key=lambda start: start.at, default=None)

    def fails_like_control(self, since: float) -> bool:
        """Whether each witness that still fails does so together with its control: the cut is not the cause."""
        if not self._complete("witness-"):
            return False
        for agent, name, dials in self._targets("witness-"):
            control = self._control(agent, name)
            if dials.good_after(since) is not None:
                continue
            if control is None or len(control.ok) < RUN or any(control.ok[-RUN:]) or control.sent[-RUN] < since:
                return False
        return True


def _at(name: str) -> str:
    """Where a dial went, for a message; nothing where its name does not say."""
    where = name.partition(":")[2]
    return f" at {where}" if where else ""
