"""A world to run drills in: a fake clock, a cluster that keeps Kubernetes' promises, a runner that can be killed.

The loop of the drill is the real one, with its engine and its orders. What is simulated keeps to what was measured on
a real cluster: a policy cuts a little after it is written, a Job past its deadline takes its policy with it, a pod
takes a moment to run. Only the Record and the cluster outlive a killed runner.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gameday.actions.job import RunJob
from gameday.actions.scale.kind import Scale
from gameday.actions.scale.restore import Restore
from gameday.engine.drill import budgets
from gameday.engine.drill import commands as do
from gameday.engine.drill.loop import DrillLoop
from gameday.engine.evidence.proof import Proof
from gameday.model import held
from gameday.model.change import Change, RunState
from gameday.model.halt import CLEAR, Halt
from gameday.model.limits import UNLIMITED, Ruling
from gameday.model.plan import (
    Dependency,
    Expectation,
    Fault,
    Mode,
    NetworkPartition,
    Outage,
    Plan,
    Probe,
    Recovery,
    Rollback,
    Selector,
    ServiceRef,
    SteadyState,
    Step,
)
from gameday.model.record import Record, ResultState
from gameday.model.sample import LineType, Sample
from gameday.model.world import Counted, Fuse, Life, Planned, Preflight, Severed, World
from gameday.probes.http.kind import HttpProbe
from simulation.observing import Workers, cut, runs, scaled
from unit.engine.script import Script
from workloads import deployment

TICK = 0.25
"""Seconds between two looks at the world; also the witnesses' interval."""
EFFECT = 0.1
"""Seconds from the API server's answer until packets follow."""


PARTITION = Fault("partition", NetworkPartition(Selector({"app": "api"}), Dependency("redis", ServiceRef("redis"))))
NO_WORKERS = Fault("no-workers", Scale(deployment("worker"), 0))


def a_plan(*, rollback: bool = False, faults: tuple[Fault, ...] = (PARTITION,)) -> Plan:
    """A short drill with one expectation a stage."""
    steps = (
        Step("stop workers", Scale(deployment("worker"), 0)),
        Step("clear state", RunJob("clear-stalled"), irreversible=True),
        Step("start workers", Restore(deployment("worker"))),
    )
    return Plan(
        gameday="redis-failover",
        probes=(Probe("health", HttpProbe("http://api/healthz")),),
        steady_state=SteadyState(5, (Expectation("healthy", Mode.ALWAYS, "health.ok"),)),
        outage=Outage(
            20,
            faults,
            (
                Expectation("reported", Mode.BECOMES, "!health.ok", within=10),
                Expectation("stays up", Mode.ALWAYS, "health.ok", guardrail=True),
            ),
        ),
        recovery=Recovery(30, (Expectation("healthy again", Mode.EVENTUALLY, "health.ok"),)),
        rollback=Rollback(("healthy again",), 60, steps) if rollback else None,
    )


@dataclass(slots=True)
class Policy:
    """A policy in the cluster, owned by a fuse."""

    uid: str
    fuse_uid: str
    since: float


@dataclass(slots=True)
class Cluster:
    """What is really there, and what was done to it."""

    lock: str | None = None
    pods: dict[str, float] = field(default_factory=dict)
    """Our pods by name, and since when they run."""
    fuses: dict[str, Fuse] = field(default_factory=dict)
    acting: set[str] = field(default_factory=set)
    """Names of the fuses that put the workers back."""
    policies: dict[str, Policy] = field(default_factory=dict)
    lifted_at: float = float("-inf")
    workers: int = 3
    jobs: dict[str, RunState] = field(default_factory=dict)
    finalizer: bool = False
    shown: bool = False
    """Whether the GameDay shows the drill."""
    injections: int = 0
    redis_down: bool = False
    enforced: bool = True
    uids: int = 0

    def uid(self) -> str:
        """A name that was never given before."""
        self.uids += 1
        return f"uid-{self.uids}"

    def snapshot(self) -> tuple[object, ...]:
        """All that a drill could have left behind."""
        return (self.lock, dict(self.pods), dict(self.fuses), dict(self.policies), self.workers, self.finalizer)

    def controllers(self, now: float) -> None:
        """What Kubernetes does by itself: burn fuses, collect what they own."""
        for name, fuse in list(self.fuses.items()):
            if fuse.deadline is not None and now >= fuse.deadline:
                del self.fuses[name]
                if name in self.acting:
                    self.workers = 3
        owners = {fuse.uid for fuse in self.fuses.values()}
        for name, policy in list(self.policies.items()):
            if policy.fuse_uid not in owners:
                del self.policies[name]
                self.lifted_at = now

    def is_cut(self, now: float) -> bool:
        """Whether packets to Redis are dropped now."""
        if not self.enforced:
            return False
        return any(now >= p.since + EFFECT for p in self.policies.values()) or (
            not self.policies and now < self.lifted_at + EFFECT
        )


class Killed(Exception):
    """The operator died here."""


@dataclass(slots=True)
class Simulation:
    """One drill from its creation to its end. ``kill_at`` counts effects: the n-th one is cut short."""

    plan: Plan
    answers: Mapping[str, ResultState] = field(default_factory=dict)
    cluster: Cluster = field(default_factory=Cluster)
    now: float = 1000.0
    record: Record = field(default_factory=Record)
    kill_at: int | None = None
    kill_after_effect: bool = False
    effects: int = 0
    abort_at: float | None = None
    deleted_at: float | None = None
    meddle: Callable[["Simulation"], None] | None = None
    proof: Proof = field(default_factory=lambda: Proof(range(1)))
    halt: Halt = CLEAR
    ruling: Ruling = UNLIMITED
    preflight: Preflight | None = None
    severed: Severed | None = None
    counted: Counted | None = None
    severs: bool = True
    """Whether there is somebody to end the targets' connections."""
    spares_controls: bool = True
    """Whether the network knows the label by which a cut spares controls."""
    ends_open: bool = False
    """Whether the network ends open connections under a cut."""
    sever_takes: float = 0.0
    """Seconds until the connections are gone."""
    open_connections: int = 2
    """Connections of the targets that Redis lists before the cut."""
    killed: int = 2
    unseen: int = 0
    """How many of them are left to end after it."""
    open: dict[str, list[float]] = field(default_factory=dict)
    """Of the connection that each twin holds: when it answered last, and how often, or -1 once it has ended."""
    scale_takes: float = 0.0
    """Seconds until a request to scale away arrives."""
    scalings: list[tuple[float, Change, bool]] = field(default_factory=list)
    """What is on its way: when it arrives, for which entry of the undo log, and whether it puts back."""

    loop: DrillLoop = field(init=False)

    def __post_init__(self) -> None:
        """Start the first process."""
        self._start()

    def _start(self) -> None:
        self.loop = DrillLoop(self.record, self.now)
        self.loop.samples = Script(self.answers, lambda: self.now, {"partition": self.proof})

    def run(self, until: float = 400.0) -> None:
        """Run until the drill is over and tidied, or for ``until`` seconds."""
        end = self.now + until
        while self.now < end:
            if self.step():
                return
        raise AssertionError(f"the drill did not end: {self.record.phase}, {self.record.timeline[-3:]}")

    def restart(self) -> None:
        """A new process: it knows the record and the cluster, and reads the agents' logs from their beginning."""
        self.kill_at = None
        self.preflight = self.severed = None
        self._start()

    def idle(self, seconds: float) -> None:
        """Time passes with no operator alive."""
        end = self.now + seconds
        while self.now < end:
            self._advance()

    def step(self) -> bool:
        """One look at the world: decide, save, act, then time passes; whether the drill is over and tidied."""
        self.cluster.controllers(self.now)
        if self.meddle is not None:
            self.meddle(self)
        work = self.loop.look(self.plan, self.seen(), self.now)
        self._act(work.start)
        if work.save is not None:
            self.record = work.save.record
            work = self.loop.saved(self.now)
            self._act(work.start)
        self._advance()
        return work.over

    def _act(self, commands: tuple[do.Command, ...]) -> None:
        for command in commands:
            self._effect(command)
            late = isinstance(command, do.Apply | do.Revert) and any(
                change.name == command.change.name for _, change, _ in self.scalings
            )
            self.loop.answered(command, self.now, "no answer in time" if late else "", answer=not late)

    def _advance(self) -> None:
        self.now += TICK
        self.cluster.controllers(self.now)
        self._scale()
        for role in ("witness-0", "control-0"):
            if role in self.cluster.pods and self.now > self.cluster.pods[role]:
                cut = self.cluster.redis_down or (self._hits(role) and self.cluster.is_cut(self.now))
                error = "timeout" if cut else None
                self.proof.take(Sample(role, 0, "target", self.now, self.now, not cut, error, type=LineType.DIAL))
                self._hold(role, silent=cut and (self.ends_open or self.cluster.redis_down))

    def _hits(self, role: str) -> bool:
        return role == "witness-0" or not self.spares_controls

    def _hold(self, role: str, *, silent: bool) -> None:
        """A twin's open connection: it is asked at each tick, and has ended once it was silent for long enough."""
        known = self.open.setdefault(role, [self.now, 0])
        if (silent and self.now < known[0] + held.SILENT) or known[1] < 0:
            return
        answered = int(known[1]) + (not silent)
        values = {held.CONNECTION: 1, held.ANSWERED: answered, held.LOCAL: False}
        error = held.TIMEOUT if silent else None
        line = Sample(role, 0, "target", self.now, self.now, not silent, error, values, type=LineType.HELD)
        self.open[role] = [self.now, -1 if silent else answered]
        self.proof.take(line)

    def _effect(self, command: do.Command) -> None:
        self.effects += 1
        if self.effects == self.kill_at and not self.kill_after_effect:
            raise Killed
        self._do(command)
        if self.effects == self.kill_at:
            raise Killed

    def _do(self, command: do.Command) -> None:
        world, cluster = self.seen(), self.cluster
        match command:
            case do.TakeLock():
                cluster.lock, cluster.finalizer = "drill", True
            case do.CheckPreflight():
                self.preflight = Preflight()
            case do.StartAgents():
                for name in world.agents_wanted:
                    cluster.pods.setdefault(name, self.now + 1)
            case do.ArmFuse(change):
                assert self.record.change(change.name) is not None, "no change before its undo is recorded"
                length = budgets.fuse_of_faults(self.plan)
                step = change.name not in {fault.name for fault in self.plan.outage.faults}
                if step and self.plan.rollback is not None:
                    length = budgets.fuse_of_scale(self.plan.rollback)
                if change.before is not None:
                    cluster.acting.add(change.fuse_name)
                cluster.fuses.setdefault(change.fuse_name, Fuse(cluster.uid(), armed=True, deadline=self.now + length))
            case do.Apply(change) if change.before is not None:
                self.scalings.append((self.now + self.scale_takes, change, False))
                self._scale()
            case do.Apply(change):
                self._inject(change)
            case do.Sever():
                self.severed = self.severed or Severed(
                    self.killed,
                    0,
                    at=self.now + self.sever_takes,
                    unseen=self.unseen or (0 if self.open_connections or self.killed else 1),
                    example="pod api-7 (10.0.0.7)",
                )
            case do.EndSevering():
                raise AssertionError("the pod that ends connections is never seen here")
            case do.Revert(change) if change.before is not None:
                self.scalings.append((self.now, change, True))
                self._scale()
            case do.Revert(change):
                if cluster.policies.pop(change.name, None) is not None:
                    cluster.lifted_at = self.now
            case do.Read():
                pass
            case do.Run(step):
                assert step not in cluster.jobs, "an irreversible step is never repeated"
                cluster.jobs[step] = RunState.DONE
            case do.RemoveFuse(change):
                cluster.fuses.pop(change.fuse_name, None)
            case do.StopAgents():
                cluster.pods.clear()
            case do.FreeLock():
                cluster.lock = None
            case do.UpdateGameDay():
                cluster.shown = True
            case do.LetGo():
                assert cluster.shown, "the finalizer is not off before the GameDay shows the drill"
                cluster.finalizer = False

    def _scale(self) -> None:
        for due in [scaling for scaling in self.scalings if scaling[0] <= self.now]:
            self.scalings.remove(due)
            _, change, undoes = due
            assert change.before is not None
            assert change.wanted is not None
            replicas = (change.before if undoes else change.wanted)["replicas"]
            if undoes and self.cluster.workers != change.wanted["replicas"]:
                continue
            assert undoes or change.fuse_name in self.cluster.fuses, "no change without an armed fuse"
            self.cluster.workers = replicas

    def _inject(self, change: Change) -> None:
        saved = self.record.change(change.name)
        assert saved is not None, "no change before its undo is recorded"
        assert saved.touched, "no change before its request is recorded"
        fuse = self.cluster.fuses.get(change.fuse_name)
        assert fuse is not None, "no change without a fuse"
        assert fuse.uid == change.fuse_uid, "no change without the armed fuse"
        if change.name not in self.cluster.policies:
            self.cluster.injections += 1
            self.cluster.policies[change.name] = Policy(self.cluster.uid(), fuse.uid or "", self.now)

    def world(self) -> World:
        """What the loop of this process would make of what is seen now."""
        return self.loop.told(self.seen(), self.now)

    def seen(self) -> World:
        """What a runner would see now."""
        wanted = frozenset({"observer", "witness-0", "control-0", *(["counter"] if self.severs else [])})
        lives = {name: (Life.RUNNING if self.now >= at else Life.STARTING) for name, at in self.cluster.pods.items()}
        policies = {fault.name: self.cluster.policies.get(fault.name) for fault in self.plan.outage.faults}
        changes = {name: cut("drill", name, policy.uid if policy else None) for name, policy in policies.items()}
        there = Workers(self.cluster.workers, self.cluster.workers, self.cluster.workers, "any")
        changes |= scaled(self.plan, there, self.record.changes, self.loop.answers.read)
        return World(
            drill="drill",
            planned=Planned.FROZEN,
            start_before=1300.0,
            halt=self.halt,
            ruling=self.ruling,
            abort=self.abort_at is not None and self.now >= self.abort_at,
            deleted=self.deleted_at is not None and self.now >= self.deleted_at,
            preflight=self.preflight,
            agents_wanted=wanted,
            agents=lives,
            fuses=dict(self.cluster.fuses),
            changes=changes,
            runs=runs(self.plan, self.cluster.jobs),
            severs=frozenset({"partition"} if self.severs else ()),
            severed={"partition": self.severed} if self.severed is not None and self.severed.at <= self.now else {},
            counted={"partition": self.counted} if self.counted is not None else {},
            finalizer=self.cluster.finalizer,
        )


def finished(simulation: Simulation) -> Record:
    """Run it and give its record."""
    simulation.run()
    return simulation.record
