"""Drills of one rule of the engine: the bare simulation, with answers of a table in place of judged samples.

The world is the one of ``simulation/bare``; a test says what its network does, and meddles with it at each tick. The
operator is killed at one of its commands, before it is sent or after it. What the bare simulation notes as a broken
promise fails the test at once.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from gameday.actions.job import RunJob
from gameday.actions.network_partition.action import NetworkPartition, OpenConnections
from gameday.actions.scale.kind import Scale
from gameday.actions.scale.restore import Restore
from gameday.engine.drill import commands as do
from gameday.engine.drill.command_outcomes import CommandOutcomes
from gameday.engine.drill.loop import DrillLoop
from gameday.engine.evidence.addresses import addresses_of
from gameday.engine.evidence.proof import Proof
from gameday.model.change import RunState
from gameday.model.names import job
from gameday.model.observation import ConnectionsClosed, Observation
from gameday.model.plan import (
    Dependency,
    Expectation,
    Fault,
    Mode,
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
from gameday.model.record import DrillRecord, Phase, ResultState
from gameday.probes.http.kind import HttpProbe
from simulation.bare.api import AGENTS, DRILL, SECOND_PAIR
from simulation.bare.failures import inject_failure
from simulation.bare.process import Process
from simulation.bare.world import Bare
from simulation.invariants import Rule
from simulation.namespace import SECOND
from simulation.scenario import Connections, Failure, Pairs, Scenario, Trial, What
from unit.engine.script import Script
from workloads import deployment

TICK = 0.25
"""Seconds between two times that a test may meddle, and that a step takes."""


PARTITION = Fault("partition", NetworkPartition(Selector({"app": "api"}), Dependency("redis", ServiceRef("redis"))))
OTHER_CUT = Fault(
    SECOND,
    NetworkPartition(Selector({"app": "batch"}), Dependency("cache", ServiceRef("cache")), OpenConnections.KEEP),
)
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


class Killed(Exception):
    """The operator died here."""


class Operator(Process):
    """A process whose samples say what a table says, and which dies at one of its commands."""

    world: "Simulation"

    def prepare(self, loop: DrillLoop) -> None:
        """Have the table say what the samples come to."""
        cuts = [fault.name for fault in self.world.plan.outage.faults if fault.action.WITNESSED]
        proofs = {
            name: Proof(range(number, number + 1), addresses=addresses_of(self.world.plan, name))
            for number, name in enumerate(cuts)
        }
        loop.samples = Script(self.world.answers, lambda: self.now, proofs)

    def give(self, loop: DrillLoop, command: do.Command) -> None:
        """Start a command, unless this is where the process dies."""
        world = self.world
        if self.dead:
            return
        world.given.append(command)
        dies = len(world.given) == world.kill_at
        if not dies or world.kill_after_effect:
            world.admit(command)
            super().give(loop, command)
        if dies:
            self.kill()

    def kill(self) -> None:
        """SIGKILL; only a test starts another."""
        self.world.restart_after = float("inf")
        super().kill()

    def _seen_world(self, outcomes: CommandOutcomes) -> Observation:
        return replace(super()._seen_world(outcomes), **self.world.facts)


class Simulation(Bare):
    """One drill from its creation to its end. ``facts`` are fields of the engine's world that the bare one lacks."""

    def __init__(
        self,
        plan: Plan,
        answers: Mapping[str, ResultState] | None = None,
        *,
        kill_at: int | None = None,
        kill_after_effect: bool = False,
        meddle: Callable[["Simulation"], None] = lambda _: None,
        close_connections: bool = True,
        ends_open: bool = False,
        spares_controls: bool = True,
        enforced: bool = True,
        connections_closed: ConnectionsClosed | None = None,
        closing_takes: float = 0.0,
        **facts: Any,
    ) -> None:
        """``kill_at`` counts commands. ``close_connections`` is whether somebody ends the targets' connections.

        ``ends_open`` is whether the network ends open connections under a cut, ``spares_controls`` whether it knows the
        label by which a cut spares controls.
        """
        ways = Connections.ENDED if ends_open else Connections.SEEN
        trial = Trial(connections=ways, pairs=Pairs.SPARED if spares_controls else Pairs.NOT_SPARED)
        super().__init__(Scenario(0, (trial,)), plan)
        self.answers = answers or {}
        self.kill_at, self.kill_after_effect = kill_at, kill_after_effect
        self.enforced = enforced
        self.agents = AGENTS | ({"counter"} if close_connections else frozenset())
        self.agents |= SECOND_PAIR if OTHER_CUT in plan.outage.faults else frozenset()
        self.facts, self.closing_takes, self.found = facts, closing_takes, connections_closed or ConnectionsClosed(2, 0)
        self.given: list[do.Command] = []
        self.meddle = meddle
        self._tick()
        self.start()

    def _tick(self) -> None:
        self.meddle(self)
        self.clock.after(TICK, self._tick)

    @property
    def now(self) -> float:
        """Unix seconds."""
        return self.clock.now

    @property
    def record(self) -> DrillRecord:
        """The record that was saved last."""
        return self.api.record or DrillRecord()

    @property
    def effects(self) -> int:
        """How many commands were given."""
        return len(self.given)

    @property
    def workers(self) -> int:
        """The workers' number."""
        number: int = self.get(("workload", "worker")).replicas
        return number

    def there(self, kind: str) -> list[str]:
        """Names of what there is of a kind: ``policy``, ``fuse``, ``pod``, ``job``."""
        return [name for which, name in self.api.facts if which == kind]

    # What happens

    def start(self) -> None:
        """Start a process."""
        self.processes.append(Operator(self))

    def restart(self) -> None:
        """A new process: it knows the record and the cluster, and reads the agents' logs from their beginning."""
        self.kill_at, self.leader = None, None
        for process in list(self.processes):
            process.kill()
        self.start()

    def idle(self, seconds: float) -> None:
        """Time passes with no operator alive."""
        for process in list(self.processes):
            process.kill()
        self.clock.run(self.now + seconds, lambda: False)

    def step(self) -> None:
        """A moment passes."""
        self.clock.run(self.now + TICK, lambda: False)

    def finish(self, within: float = 400.0) -> DrillRecord:
        """Run until the drill is over and tidied, or the operator dies; its record."""
        ended = self.clock.run(self.now + within, lambda: all(process.over for process in self.processes))
        if not self.processes:
            raise Killed
        assert ended, f"the drill did not end: {self.record.phase}, {self.record.timeline[-3:]}"
        return self.record

    def inject(self, what: What, count: int = 0) -> None:
        """Somebody does something."""
        inject_failure(self, Failure(what, 0.0, count=count))

    def show(self, **facts: Any) -> None:
        """Change what the bare world lacks."""
        self.facts |= facts
        for process in self.processes:
            process.relist()
            process.wake()

    # What is to hold

    def note(self, rule: Rule, detail: str) -> None:
        """Fail at once."""
        raise AssertionError(f"{rule.value}: {detail}")

    def admit(self, command: do.Command) -> None:
        """Hold a command against what no answer, late or lost, explains here."""
        match command:
            case do.Run(step):
                there = self.get(("job", job(DRILL, step)))
                assert there in {None, RunState.NEXT}, "an irreversible step is never repeated"
            case do.RemoveFinalizer():
                assert self.shown, "the finalizer is not off before the GameDay shows the drill"
            case _:
                pass

    def saved(self, record: DrillRecord) -> None:
        """A record is in the status; its verdict follows from the table, and not from the world."""
        if record.phase is Phase.FINISHED and record.verdict is not None:
            self.verdict = record.verdict.value

    def close_connections(self) -> None:
        """The closer pod ends the targets' connections, or finds none."""
        self.clock.after(self.closing_takes, self._connections_closed)

    def _connections_closed(self) -> None:
        self.connections_closed = replace(self.found, at=self.now)
        for process in self.processes:
            process.connections_closed = self.connections_closed
        self.show()


def finished(simulation: Simulation) -> DrillRecord:
    """Run it and give its record."""
    return simulation.finish()
