"""One world, from its beginning until every drill has ended and nothing is left of it."""

from collections import Counter

from gameday.cluster.resources import CONFIG_MAPS, LEASES, PODS, Object
from gameday.errors import GameDayError
from gameday.model.labels import AGENT
from simulation.client import LogSource, Server
from simulation.controllers import Controllers
from simulation.failures import inject_failure
from simulation.invariants import DEADLY, Monitor, Rule
from simulation.namespace import SimulatedNamespace
from simulation.outcome import Outcome
from simulation.process import OPERATORS, OWN, RESTART_AFTER, Process
from simulation.scenario import Scenario, What
from simulation.store import PERSON, Store
from simulation.world import START, HotLoop, World

LIMITS: Object = {
    "metadata": {"name": "gameday-limits"},
    "data": {"limits.yaml": "allowedFaults: [http, httpOnce, redisAcl]"},
}
"""What the administrator of each installation allows."""
PATIENCE = 250.0
"""Seconds after the last trouble within which every drill must have ended."""


class Simulation:
    """A world with its cluster, its towns and its operators."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.world = World(scenario.seed)
        self.server = Server(Store(self.world), up_since=START)
        self.server.store.tell = self.server.tell
        self.server.logs = self._log
        self.controllers = Controllers(self.server)
        self.namespaces = tuple(
            SimulatedNamespace(self.server, number, trial) for number, trial in enumerate(scenario.trials)
        )
        self.monitor = Monitor(self.server, scenario, self.namespaces)
        self.controllers.runs = lambda pod: self._of(pod).pod_runs(pod)
        self.controllers.ends = lambda pod: self._of(pod).pod_ends(pod)
        self.controllers.gone = lambda pod: self._of(pod).pod_gone(pod) if _ours(pod) else None
        self.restart_after = RESTART_AFTER
        self._skew = 0.0
        self.everyone: list[Process] = []
        self.alive: list[Process] = []
        self._looked = (-1, 0.0)

    def run(self) -> Outcome:
        """Run it."""
        for namespace in OPERATORS[: self.scenario.operators]:
            self.server.store.create(PERSON, CONFIG_MAPS, namespace, LIMITS)
        for ns in self.namespaces:
            ns.create()
        for _ in range(self.scenario.replicas):
            for namespace in OPERATORS[: self.scenario.operators]:
                self.start(namespace)
        last = 0.0
        for failure in self.scenario.failures:
            self.world.at(START + failure.at, inject_failure, self, failure)
            last = max(last, failure.at + failure.seconds * max(1, failure.count if failure.what is What.DELAY else 1))
        last = max(last, *(trial.starts for trial in self.scenario.trials))
        try:
            calm = self.world.run(START + last + PATIENCE, self._over)
        except HotLoop as error:
            self.monitor.note(Rule.SOUND, str(error))
            calm = True
        if not calm:
            for ns in self.namespaces:
                if not self.monitor.over(ns):
                    self.monitor.note(Rule.ENDS, f"{ns.namespace}: {(ns.drill or {}).get('status', {}).get('phase')}")
            self.monitor.close()
        for ns in self.namespaces:
            times = sum(process.counted(ns.namespace) for process in self.everyone)
            self.monitor.counted(ns, times, {p.name: p.ended_at for p in self.everyone if p.dead})
        for process in self.everyone:
            self._sound(process)
            process.shut_down()
        return self._outcome()

    def _over(self) -> bool:
        """Whether there is nothing more to see: a world that broke a promise needs no end."""
        if self.monitor.broken:
            return True
        if self.server.under_way:
            return False
        # The end depends on what is stored, and on the time only by whole seconds.
        version, at = self._looked
        if self.server.store.version == version and self.world.now < at + 1.0:
            return False
        self._looked = self.server.store.version, self.world.now
        return not any(process.frozen_until > self.world.now for process in self.alive) and self.monitor.quiet()

    def _outcome(self) -> Outcome:
        return Outcome(
            self.scenario,
            tuple(self.monitor.broken),
            Counter(self.monitor.verdicts.values()),
            sum(ns.samples for ns in self.namespaces),
            self.world.elapsed,
            self.server.store.version,
            self.world.tally.missed(self.scenario.failures, self.world.elapsed),
            self.world.tally.effective,
        )

    def start(self, namespace: str = OWN) -> None:
        """Start a process of the operator that is installed in this namespace."""
        process = Process(self.world, self.server, f"operator-{len(self.everyone)}", self._skew, namespace)
        process.ended = self._ended
        self.everyone.append(process)
        self.alive.append(process)
        self.world.processes.append(process)

    def step_clocks(self, seconds: float) -> None:
        """Have the clock of the operators' machine jump."""
        self._skew += seconds
        for process in self.alive:
            process.skew += seconds

    def acting(self) -> Process | None:
        """The process that holds the Lease, or any that lives."""
        lease = self.server.store.get(LEASES, OWN, "gameday-operator")
        holder = lease["spec"].get("holderIdentity") if lease is not None else None
        named = [process for process in self.alive if process.name == holder]
        return next(iter(named or self.alive), None)

    def _ended(self, process: Process) -> None:
        self.alive.remove(process)
        self.world.processes.remove(process)
        self.world.after(self.restart_after, self.start, process.namespace)
        self.restart_after = RESTART_AFTER

    def _of(self, pod: Object) -> SimulatedNamespace:
        return self.namespaces[int(pod["metadata"]["namespace"].removeprefix("town-"))]

    def _log(self, namespace: str, pod: str) -> LogSource:
        ns = self.namespaces[int(namespace.removeprefix("town-"))]
        there = self.server.store.get(PODS, namespace, pod)
        source = ns.source(pod)
        if there is not None and source.gone:
            return LogSource(gone=False)
        return source

    def _sound(self, process: Process) -> None:
        broken = process.operator.metrics.registry.get_sample_value("gameday_internal_errors_total")
        if broken:
            self.monitor.note(Rule.SOUND, f"{process.name} had {broken:.0f} internal errors")
        error = process.error
        whats = {failure.what for failure in self.scenario.failures}
        alone = self.scenario.replicas == 1 and not (DEADLY | {What.STATUS_WRITTEN}) & whats
        if alone and process.operator.conflicts.count:
            self.monitor.note(Rule.SOUND, f"{process.name} took its own record for another's")
        if isinstance(error, BaseExceptionGroup):
            error = error.subgroup(lambda e: not isinstance(e, GameDayError | BaseExceptionGroup))
        if error is not None and "Lease" not in type(error).__name__:
            self.monitor.note(Rule.SOUND, f"{process.name} ended: {error!r}")


def _ours(pod: Object) -> bool:
    return AGENT in (pod["metadata"].get("labels") or {})


def run(scenario: Scenario) -> Outcome:
    """What comes of a scenario."""
    return Simulation(scenario).run()
