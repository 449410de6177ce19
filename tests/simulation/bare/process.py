"""The runner of one drill in one process: engine, orders, lanes and evidence are the real ones."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gameday.cluster.client import CALL_SECONDS
from gameday.cluster.lease import GIVE_UP_AFTER, LEASE_SECONDS
from gameday.controller.drill.drill import CATCH_UP, LOOK_EVERY
from gameday.controller.drill.lanes import RETRY_AFTER, Lanes
from gameday.engine.drill import budgets
from gameday.engine.drill import commands as do
from gameday.engine.drill.decide import decide
from gameday.engine.drill.orders import orders
from gameday.engine.drill.situation import Situation
from gameday.engine.evidence.evidence import Evidence
from gameday.model.names import job, policy
from gameday.model.record import Phase, Record
from gameday.model.sample import Sample
from gameday.model.world import Cut, JobState, Life, Lock, Preflight, Severed, World
from simulation.bare.api import DRILL, LAG, PLANS, Failed, Key
from simulation.bare.hands import carry_out
from simulation.client import API_GIVES_UP
from simulation.mortal import Mortal
from simulation.scenario import What
from simulation.town import STARTS_WITHIN
from simulation.world import START

if TYPE_CHECKING:
    from simulation.bare.world import Bare

SUPERSEDED = "superseded"
UNANSWERED = NO_ANSWER, LOST = "no answer in time", "the answer got lost"
NOTHING = Evidence(PLANS[False, False, False, False])
"""Stands for the evidence before there is any."""


class Process(Mortal):
    """The runner of one drill in one process, by the rules of ``runner.drill``: look, decide, save, act."""

    def __init__(self, world: "Bare") -> None:
        self.world = world
        self.clock = world.clock
        self.superseded = self.done = self.deciding = False
        self.ahead = self.renewed_at = self.arriving_until = 0.0
        self.lanes = Lanes()
        self.seen: dict[Key, Any] = {}
        self.seen_at: dict[Key, int] = {}
        self.record = Record(since=self.now)
        self.sent: list[Record | None] = []
        self.evidence: Evidence | None = None
        self.severed: Severed | None = None
        self.lock = Lock.UNKNOWN
        self.preflight: Preflight | None = None
        self.started = self.saving = self.looked = self.made = self.reported = False
        self.scaled: set[str] = set()
        self.resumed_at = self.now
        self._due = float("inf")
        self._world: World | None = None
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
        if self.dead or self.world.leader is not self or self.clock.now > self.renewed_at + GIVE_UP_AFTER:
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
        if api.record is not None:
            self.record = api.record
            told = max(line.at for line in api.record.timeline) if api.record.timeline else 0.0
            self.ahead = max(self.clock.now + self.world.skew, told) - self.clock.now
        else:
            self.ahead = self.world.skew
        if self.world.skew:
            self.clock.tally.bites(What.CLOCK_STEP)
        self.resumed_at = self.now
        self.sent, self.severed = [api.record], self.world.severed
        self.lock = Lock.UNKNOWN if self.record.phase is Phase.PENDING else Lock.HELD
        self.looked = any(hold.before is not None for hold in self.record.holds)
        self.started = True
        for log in self.world.logs.values():
            for sample in log:
                self.clock.after(LAG, self.hear, sample)
        self.wake()

    def relist(self) -> None:
        """A list tells everything that a watch left out."""
        self.seen = dict(self.world.api.facts)
        self.seen_at.clear()
        self._world = None

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
        self._world = None
        self.wake()

    def hear(self, sample: Sample) -> None:
        """A line of a log."""
        if self.dead or not self.started:
            return
        if self.evidence is None and self.record.phase not in {Phase.PENDING, Phase.PREFLIGHT}:
            self.evidence = Evidence(self.world.plan, 1)
            if self.record.inject_requested_at is not None or self.record.holds:
                self.evidence.set_baseline(self.record.baseline)
        if self.evidence is not None and self.evidence.take(sample):
            self.wake()

    def _look_anew(self) -> None:
        self._world = None
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
        if when != self._due or self.dead or self.superseded or self.done:
            return
        if self.clock.now < self.frozen_until:
            self.puts_off()
            self.clock.at(self.frozen_until, self._thawed)
            return
        self._due = float("inf")
        self._at(self.clock.now + LOOK_EVERY)
        if self.saving or not self.started or not self._may_decide():
            return
        seen, world = self.evidence or NOTHING, self._look()
        record = decide(Situation(self.world.plan, self.record, world, seen, self.now))
        commands = orders(self.world.plan, record, world)
        for command in commands:
            if isinstance(command, do.Lift):
                self.give(command)
        if record != self.record:
            self.save(record, commands)
        else:
            self._act(record, commands)

    def _thawed(self) -> None:
        self._due = float("inf")
        self.wake()

    def _act(self, record: Record, commands: tuple[do.Command, ...]) -> None:
        for command in commands:
            self.give(command)
        over = record.phase is Phase.FINISHED and self.clock.now >= self.arriving_until
        self.done = over and not commands and not self.lanes

    def _may_decide(self) -> bool:
        if self.deciding or self.evidence is None or self.record.steady_from is None:
            self.deciding = self.deciding or self.evidence is not None
            return True
        late = self.now > self.resumed_at + CATCH_UP
        dead = self.record.phase is Phase.FINISHED or self.seen[("drill", "deleted")] or self.seen[("halt", "")].halted
        self.deciding = bool(dead or late or self.evidence.caught_up(self.resumed_at))
        return self.deciding

    def _look(self) -> World:
        if self._world is None:
            self._world = self._seen_world()
        return self._world

    def _seen_world(self) -> World:
        seen, plan = self.seen, self.world.plan
        kinds: dict[str, dict[str, Any]] = {}
        for (kind, name), value in seen.items():
            kinds.setdefault(kind, {})[name] = value
        policies = kinds.get("policy", {})
        named = {fault.name: policies.get(policy(DRILL, fault.name)) for fault in plan.outage.faults}
        cuts = {
            name: Cut(True, p.uid, "its spec is not what was written" if p.changed else "")
            if p
            else Cut(made=self.made)
            for name, p in named.items()
        }
        steps = plan.rollback.steps if plan.rollback is not None else ()
        jobs = kinds.get("job", {})
        return World(
            drill=DRILL, planned=seen[("drill", "planned")], start_before=START + STARTS_WITHIN,
            abort=seen[("drill", "abort")],
            deleted=seen[("drill", "deleted")], opted_in=seen[("account", "")], halt=seen[("halt", "")],
            agents_wanted=self.world.agents, agents=kinds.get("pod", {}), fuses=kinds.get("fuse", {}), cuts=cuts,
            workloads={"worker": seen[("workload", "worker")]} if self.looked else {},
            scaled=frozenset(self.scaled),
            jobs={step.name: jobs.get(job(DRILL, step.name), JobState.ABSENT) for step in steps},
            finalizer=seen[("drill", "finalizer")], resumed_at=self.resumed_at,
            reported=self.reported, lock=self.lock, preflight=self.preflight, severed=self.severed,
            closer=kinds.get("pod", {}).get("closer", Life.ABSENT),
            errors=dict(self.lanes.errors), arriving=self.clock.now < self.arriving_until,
        )  # fmt: skip

    # Calls

    def call(
        self, act: Callable[[], None], then: Callable[[str], None], *, writes: bool = True, takes: float = 0.0
    ) -> None:
        """Ask the API server to do something; ``then`` is told what went wrong, or nothing."""
        if writes and self.clock.now > self.renewed_at + GIVE_UP_AFTER:
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
            self.clock.tally.bites(What.DELAY)
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
            self.clock.tally.bites(What.API_HANGS)
            self.clock.after(CALL_SECONDS, self._tell, then, NO_ANSWER, open_)
            api.waiting.append(lambda: self._done(act, then, moment, open_))
            return
        self._done(act, then, moment, open_)

    def _done(self, act: Callable[[], None], then: Callable[[str], None], moment: str, open_: list[bool]) -> None:
        api, error = self.world.api, ""
        api.under_way -= 1
        if api.down:
            self.clock.tally.bites(What.API_DOWN)
            error = "connection refused"
        elif api.refusing:
            error = f"refused with {api.refusing.pop(0)}"
            self.clock.tally.bites(What.REFUSE)
        else:
            try:
                act()
            except Failed as failed:
                error = str(failed)
            if api.losing > 0 and not error:
                api.losing -= 1
                error = LOST
                self.clock.tally.bites(What.LOSE)
        if moment == "answered":
            self.clock.after(LAG, self.kill)
        self.clock.after(LAG, self._tell, then, error, open_)

    def _tell(self, then: Callable[[str], None], error: str, open_: list[bool]) -> None:
        if open_[0] and not self.dead:
            open_[0] = False
            if self.clock.now < self.frozen_until:
                self.clock.at(self.frozen_until, then, error)
            else:
                then(error)

    # Saving

    def save(self, record: Record, commands: tuple[do.Command, ...]) -> None:
        """Write the record; only then is anything done."""
        self.saving = True
        self.sent.append(record)
        self._write(record, commands)

    def _write(self, record: Record, commands: tuple[do.Command, ...]) -> None:
        api, base = self.world.api, self.record
        known = [*self.sent, base]

        def act() -> None:
            if api.gone:
                return
            if api.record is not None and all(api.record is not one for one in known):
                raise Failed(SUPERSEDED)
            api.record = record
            self.world.saved(record)

        def then(error: str) -> None:
            self.saving = False
            if error == SUPERSEDED:
                self.superseded = True
                self.kill()
            elif error:
                self._at(self.clock.now + RETRY_AFTER)
            else:
                self.record, self.sent = record, [record]
                self._act(record, commands)
                self.wake()

        self.call(act, then)

    # Commands

    def give(self, command: do.Command) -> None:
        """Start a command, unless it has to wait."""
        if not self.lanes.take(command, self.clock.now):
            return

        def then(error: str) -> None:
            self.lanes.leave(command, self.clock.now, error)
            if error in UNANSWERED and isinstance(command, do.StartAgents | do.ArmFuse | do.StartJob):
                self.arriving_until = self.clock.now + budgets.ARRIVE
                self.clock.at(self.arriving_until, self._look_anew)
            if not error:
                self._learn(command)
            self._world = None
            self.wake()

        # What is seen to be there is not asked for again.
        missing = tuple(name for name in sorted(self.world.agents) if ("pod", name) not in self.seen)
        made = isinstance(command, do.ArmFuse) and ("fuse", command.hold.fuse_name) in self.seen
        if made or (isinstance(command, do.StartAgents) and not missing):
            self.clock.after(0.0, self._tell, then, "", [True])
            return
        takes, api = 0.0, self.world.api
        if isinstance(command, do.ScaleTo) and command.replicas == command.hold.wanted:
            takes, api.scale_takes = api.scale_takes, 0.0
            if takes:
                self.clock.tally.bites(What.SCALE_LATE)
        writes = not isinstance(command, do.ReadWorkload)
        self.call(lambda: carry_out(self, command, missing), then, writes=writes, takes=takes)

    def _learn(self, command: do.Command) -> None:
        match command:
            case do.TakeLock():
                self.lock = Lock.HELD
            case do.CheckPreflight():
                self.preflight = Preflight()
            case do.FreeLock():
                self.lock = Lock.FREE
            case do.ReadWorkload():
                self.looked = True
            case do.UpdateGameDay():
                self.reported = True
            case do.Inject():
                self.made = True
            case do.ScaleTo(hold, replicas) if replicas == hold.wanted:
                self.seen[("workload", "worker")] = self.world.get(("workload", "worker"))
                self.seen_at[("workload", "worker")] = self.world.api.version - 1
                self.scaled.add(hold.name)
            case _:
                pass
