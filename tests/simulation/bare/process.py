"""One process of the operator with one drill: its loop is the real one, fed from dictionaries."""

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from gameday.actions.registry import KINDS
from gameday.cluster.client import CALL_SECONDS
from gameday.cluster.lease import LEASE_SECONDS, is_fresh
from gameday.controller.clock import ahead
from gameday.engine.drill import commands as do
from gameday.engine.drill.command_outcomes import CommandOutcomes
from gameday.engine.drill.loop import DrillLoop, Save, Work
from gameday.engine.drill.own_writes import OwnWrites
from gameday.engine.evidence.clocks import offset_of
from gameday.model.change import RunState
from gameday.model.names import job, policy
from gameday.model.observation import ConnectionsClosed, Observation, Preflight
from gameday.model.record import DrillRecord, TimelineEntry
from gameday.model.sample import Sample
from simulation.bare.api import DRILL, LAG, Failed, Key
from simulation.bare.executor import carry_out
from simulation.client import API_GIVES_UP, ETCD_LAGS
from simulation.invariants import Rule
from simulation.killable import KillableProcess
from simulation.namespace import PARTITION, SECOND, STARTS_WITHIN
from simulation.observing import cut, runs, scaled
from simulation.scenario import Faults, What
from simulation.world import START

if TYPE_CHECKING:
    from simulation.bare.world import Bare

SUPERSEDED = "superseded"
UNANSWERED = NO_ANSWER, LOST, FAILED = "no answer in time", "the answer got lost", "refused with 500"
"""What leaves open whether the request was carried out, or will be."""


class Process(KillableProcess):
    """Feeds the loop of one drill with facts and lines of logs, and does what it says at a bare API server."""

    def __init__(self, world: "Bare") -> None:
        self.world = world
        self.clock = world.clock
        self.over = False
        self.ahead = self.renewed_at = 0.0
        self.loop: DrillLoop | None = None
        self.seen: dict[Key, Any] = {}
        self.seen_at: dict[Key, int] = {}
        self.written = OwnWrites(0)
        self.told: set[TimelineEntry] = set()
        self.connections_closed: ConnectionsClosed | None = None
        self.preflight: Preflight | None = None
        self._due = float("inf")
        self._observed: Observation | None = None
        self.lead()

    @property
    def now(self) -> float:
        """The drill's own clock, which a step of the process' clock does not reach."""
        return self.clock.now + self.ahead

    # Its life

    def lead(self) -> None:
        """Win the Lease, then list and read what an earlier process has left."""
        leader = self.world.leader
        if self.dead:
            return
        if (leader is not None and leader is not self and self.clock.now < self.world.lease_until) or (
            not self.world.api.works
        ):
            self.clock.after(1.0, self.lead)
            return
        self.world.leader = self
        self.renewed_at = self.clock.now
        self.renew()
        self.clock.after(2 * LAG, self.begin)

    def renew(self) -> None:
        """Keep the Lease, or end."""
        if self.clock.now < self.frozen_until:
            self.clock.at(self.frozen_until, self.renew)
            return
        if self.dead or self.world.leader is not self or not is_fresh(self.renewed_at, self.clock.now):
            self.kill()
            return
        if self.world.api.works:
            self.renewed_at = self.clock.now
            self.world.lease_until = self.clock.now + LEASE_SECONDS
        elif self.clock.now > self.world.lease_until - 2.0:
            self.kill()
            return
        self.clock.after(2.0, self.renew)

    def begin(self) -> None:
        """Take the drill up."""
        api = self.world.api
        if self.dead or api.gone:
            return
        if not api.works:
            self.clock.after(1.0, self.begin)
            return
        self.relist()
        told = [line.at for line in api.record.timeline] if api.record is not None else []
        self.ahead = ahead(self.clock.now + self.world.skew, self.clock.now, told)
        if self.world.skew:
            self.clock.tally.took_effect(What.CLOCK_STEP)
        self.loop = DrillLoop(api.record or DrillRecord(since=self.now), self.now, KINDS.made_by_pods)
        self.prepare(self.loop)
        self.written, self.connections_closed = OwnWrites(api.saves), self.world.connections_closed
        for log in self.world.logs.values():
            for sample in log:
                self.clock.after(LAG, self.receive, sample)
        self.wake()

    def prepare(self, loop: DrillLoop) -> None:
        """Make room for samples."""
        two = self.world.trial.faults is Faults.TWO_CUTS
        loop.prepare(self.world.plan, {PARTITION: range(1), SECOND: range(1, 1 + two)})

    def relist(self) -> None:
        """A list tells everything that a watch left out."""
        self.seen = dict(self.world.api.facts)
        self.seen_at.clear()
        self._observed = None

    @property
    def started(self) -> bool:
        """Whether it has taken the drill up."""
        return self.loop is not None

    def kill(self) -> None:
        """SIGKILL."""
        if not self.dead:
            self.dead = True
            self.dies()
            self.world.processes.remove(self)
            self.clock.after(self.world.restart_after, self.world.start)
            self.world.restart_after = 2.0

    # What it sees

    def see(self, key: Key, value: Any, version: int) -> None:
        """A watch's event; one that is older than what is known counts for nothing."""
        if self.dead or not self.started or self.seen_at.get(key, -1) > version:
            return
        self.seen_at[key] = version
        if value is None:
            self.seen.pop(key, None)
        else:
            self.seen[key] = value
        self._observed = None
        self.wake()

    def receive(self, sample: Sample) -> None:
        """A line of a log."""
        loop = self.loop
        if not self.dead and loop is not None and loop.samples is not None and loop.samples.take(sample):
            self.wake()

    def wake(self) -> None:
        """Look again, now."""
        self._at(self.clock.now)

    def _at(self, when: float) -> None:
        if when < self._due:
            self._due = when
            self.clock.at(when, self.turn, when)

    # Its turns

    def turn(self, when: float) -> None:
        """One look at the world."""
        if when != self._due or self.dead or self.over:
            return
        if self.clock.now < self.frozen_until:
            self.note_delay()
            self.clock.at(self.frozen_until, self._thawed)
            return
        self._due = float("inf")
        if self.loop is not None:
            self._do(self.loop, self.loop.look(self.world.plan, self._look(self.loop.outcomes), self.now))

    def _do(self, loop: DrillLoop, work: Work) -> None:
        self._tell_of(work.tell)
        for command in work.start:
            self.give(loop, command)
        if work.save is not None:
            self.save(loop, work.save)
        self.over = work.over
        # A millisecond at least: what is too early by a rounding is asked for at the same moment again and again.
        self._at(self.clock.now + max(0.001, work.look_at - self.now))

    def _tell_of(self, lines: tuple[TimelineEntry, ...]) -> None:
        for line in lines:
            if line in self.told:
                self.world.note(Rule.TOLD, f"{line.reason} is told again by the same process")
        self.told.update(lines)
        self.world.told.update(lines)

    def _thawed(self) -> None:
        self._due = float("inf")
        self.wake()

    def _look(self, outcomes: CommandOutcomes) -> Observation:
        if self._observed is None:
            self._observed = self._seen_world(outcomes)
        return self._observed

    def _seen_world(self, outcomes: CommandOutcomes) -> Observation:
        seen, plan = self.seen, self.world.plan
        kinds: dict[str, dict[str, Any]] = {}
        for (kind, name), value in seen.items():
            kinds.setdefault(kind, {})[name] = value
        policies = kinds.get("policy", {})
        named = {fault.name: policies.get(policy(DRILL, fault.name)) for fault in plan.outage.faults}
        changed = "its spec differs from what the drill wrote"
        changes = {
            name: cut(DRILL, name, p.uid if p else None, changed if p and p.changed else "")
            for name, p in named.items()
        }
        record = self.loop.record if self.loop is not None else DrillRecord()
        changes |= scaled(plan, seen[("workload", "worker")], record.changes, outcomes.read)
        jobs = kinds.get("job", {})
        states = {name: jobs.get(job(DRILL, name), RunState.ABSENT) for name, _ in plan.actions()}
        counted = {PARTITION: self.world.trial.connections.counted}
        return Observation(
            drill=DRILL, planned=seen[("drill", "planned")], start_before=START + STARTS_WITHIN,
            abort=seen[("drill", "abort")],
            deleted=seen[("drill", "deleted")], opted_in=seen[("account", "")], halt=seen[("halt", "")],
            agents_wanted=self.world.agents, agents=kinds.get("pod", {}), fuses=kinds.get("fuse", {}),
            changes=changes, runs=runs(plan, states),
            finalizer=seen[("drill", "finalizer")], preflight=self.preflight,
            closing_faults=frozenset({PARTITION} if "counter" in self.world.agents else ()),
            connections_counted=counted if "counter" in self.world.agents else {},
            connections_closed={PARTITION: self.connections_closed} if self.connections_closed is not None else {},
            closers={PARTITION: kinds["pod"]["closer"]} if "closer" in kinds.get("pod", {}) else {},
            offset=offset_of((self.ahead + LAG,)),
        )  # fmt: skip

    # Calls

    def call(
        self, act: Callable[[], None], then: Callable[[str], None], *, writes: bool = True, takes: float = 0.0
    ) -> None:
        """Ask the API server to do something; ``then`` is told what went wrong, or nothing."""
        if self.dead:
            return
        if writes and not is_fresh(self.renewed_at, self.clock.now):
            self.clock.after(0.0, self._tell, then, "not leading", [True])
            return
        moment = self.next_write(self.clock.now) if writes else ""
        if moment == "before":
            self.kill()
            return
        api = self.world.api
        delay, open_ = takes or LAG, [True]
        if not takes and api.delays:
            delay = api.delays.pop(0)
            self.clock.tally.took_effect(What.DELAY)
        if delay <= API_GIVES_UP:
            api.under_way += 1
            self.clock.after(delay, self._arrive, act, then, moment, open_)
        if delay > CALL_SECONDS:
            self.clock.after(CALL_SECONDS, self._tell, then, NO_ANSWER, open_)
        if moment == "sent":
            self.kill()

    def _arrive(self, act: Callable[[], None], then: Callable[[str], None], moment: str, open_: list[bool]) -> None:
        api = self.world.api
        if api.hangs:
            self.clock.tally.took_effect(What.API_HANGS)
            self.clock.after(CALL_SECONDS, self._tell, then, NO_ANSWER, open_)
            api.waiting.append(lambda: self._done(act, then, moment, open_))
            return
        self._done(act, then, moment, open_)

    def _done(self, act: Callable[[], None], then: Callable[[str], None], moment: str, open_: list[bool]) -> None:
        api, error = self.world.api, ""
        api.under_way -= 1
        if api.down:
            self.clock.tally.took_effect(What.API_DOWN)
            error = "connection refused"
        elif api.refusing:
            error = f"refused with {api.refusing.pop(0)}"
            self.clock.tally.took_effect(What.REFUSE)
            if error == FAILED:
                self._leave_to_etcd(act)
        else:
            try:
                act()
            except Failed as failed:
                error = str(failed)
            if api.losing > 0 and not error:
                api.losing -= 1
                error = LOST
                self.clock.tally.took_effect(What.LOSE)
        if moment == "answered":
            self.clock.after(LAG, self.kill)
        api.answers += 1
        self.clock.after(LAG, self._answer, then, error, open_)

    def _answer(self, then: Callable[[str], None], error: str, open_: list[bool]) -> None:
        self.world.api.answers -= 1
        self._tell(then, error, open_)

    def _leave_to_etcd(self, act: Callable[[], None]) -> None:
        """Carry a request out now, later, or never: a 500 says none of it."""
        api = self.world.api
        api.failed += 1
        if api.failed % 3 == 1:
            _try(act)
        elif api.failed % 3 == 2:
            api.under_way += 1
            self.clock.after(ETCD_LAGS, self._carry_out_late, act)

    def _carry_out_late(self, act: Callable[[], None]) -> None:
        self.world.api.under_way -= 1
        _try(act)

    def _tell(self, then: Callable[[str], None], error: str, open_: list[bool]) -> None:
        if open_[0] and not self.dead:
            open_[0] = False
            if self.clock.now < self.frozen_until:
                self.clock.at(self.frozen_until, then, error)
            else:
                then(error)

    # Saving

    def save(self, loop: DrillLoop, save: Save) -> None:
        """Write the record."""
        api, record = self.world.api, save.record
        self.world.saves += 1
        number = self.world.saves
        self.written.sent(number)
        known = self.written.known

        def act() -> None:
            if api.gone:
                return
            if api.record is not None and api.saves not in known:
                raise Failed(SUPERSEDED)
            api.record, api.saves = record, number
            self.world.saved(record)

        def then(error: str) -> None:
            if error == SUPERSEDED:
                self.over = True
                self.world.superseded()
                self.kill()
            elif error:
                self._do(loop, loop.not_saved(self.now))
            else:
                self.written.answered(number)
                api.answered = record
                if api.gone:
                    self.seen[("drill", "deleted")], self._observed = True, None
                self._do(loop, loop.saved(self.now, gone=api.gone))
                self.wake()

        self.call(act, then)

    # Commands

    def give(self, loop: DrillLoop, command: do.Command) -> None:
        """Start a command."""

        def then(error: str) -> None:
            loop.answered(command, self.now, error, answer=error not in UNANSWERED)
            if not error:
                self._learn(command)
            self._observed = None
            self.wake()

        # What is seen to be there is not asked for again.
        missing = tuple(name for name in sorted(self.world.agents) if ("pod", name) not in self.seen)
        if isinstance(command, do.Run):
            missing = tuple(name for name in (job(DRILL, command.step),) if ("job", name) not in self.seen)
        made = isinstance(command, do.ArmFuse) and ("fuse", command.change.fuse_name) in self.seen
        if made or (isinstance(command, do.StartAgents) and not missing):
            self.clock.after(0.0, self._tell, then, "", [True])
            return
        takes, api = 0.0, self.world.api
        if isinstance(command, do.Apply) and command.change.before is not None:
            takes, api.scale_takes = api.scale_takes, 0.0
            if takes:
                self.clock.tally.took_effect(What.SCALE_LATE)
        writes = not isinstance(command, do.Read)
        self.call(lambda: carry_out(self, command, missing), then, writes=writes, takes=takes)

    def _learn(self, command: do.Command) -> None:
        """See at once what the executor read, or was answered with."""
        match command:
            case do.CheckPreflight():
                self.preflight = Preflight()
            case do.Apply(change) if change.before is not None:
                self._read(("workload", "worker"))
            case do.Run(step) | do.Discard(step):
                self._read(("job", job(DRILL, step)))
            case do.Apply(change) | do.Revert(change) if change.before is None:
                self._read(("policy", change.object_name))
            case _:
                pass

    def _read(self, key: Key) -> None:
        """Know a fact as it is; what a watch tells of before counts for nothing."""
        value = self.world.get(key)
        if value is None:
            self.seen.pop(key, None)
        else:
            self.seen[key] = value
        self.seen_at[key] = self.world.api.version - 1


def _try(act: Callable[[], None]) -> None:
    """Carry a request out late, if that can still be done; its error reaches nobody."""
    with suppress(Failed):
        act()
