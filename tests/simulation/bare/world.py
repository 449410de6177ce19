"""One drill in a bare world: its facts, what Kubernetes does by itself, packets, the system, and our agents."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from gameday.engine.drill.timeouts import READ_AGAIN, longest
from gameday.engine.evidence.evidence import Evidence
from gameday.model.change import Change
from gameday.model.halt import CLEAR
from gameday.model.names import job, policy
from gameday.model.observation import ConnectionsClosed, Fuse, Life, Planned
from gameday.model.plan import Plan
from gameday.model.record import DrillRecord, Phase, TimelineEntry
from gameday.model.sample import LineType, Sample, Unknown
from simulation.bare.api import AGENTS, DRILL, LAG, SECOND_PAIR, Api, Key, Policy, plan_of
from simulation.bare.failures import inject_failure
from simulation.bare.judging import judge_world, memory_of
from simulation.bare.process import Process
from simulation.controllers import POD_ENDS, POD_RUNS, REPLACED
from simulation.holding import Hold as Held
from simulation.invariants import DEADLY, NOTICED, ON_THE_WAY, SCALING, Broken, Rule, may_scale_again
from simulation.mitigating import STEPS, ahead
from simulation.namespace import (
    CURTAILED,
    EFFECT,
    EVERY,
    FAILS_AFTER,
    NOTHING_UNKNOWN,
    PARTITION,
    SECOND,
    WORKERS,
    dropped_for,
    second_dropped_for,
)
from simulation.observing import Workers
from simulation.outcome import Outcome
from simulation.scenario import Connections, Faults, Pairs, Scenario, Trial, What
from simulation.system import System
from simulation.world import START, HotLoop, World

PATIENCE = 250.0
"""Seconds after the last trouble within which the drill must have ended."""


class Bare:
    """One drill in a bare world."""

    def __init__(self, scenario: Scenario, plan: Plan | None = None) -> None:
        self.scenario = scenario
        self.trial: Trial = scenario.trials[0]
        self.plan = plan or plan_of(self.trial)
        self.clock = World(scenario.seed)
        self.api = Api()
        self.broken: list[Broken] = []
        self.logs: dict[str, list[Sample]] = {}
        self.numbers: Counter[str] = Counter()
        self.processes: list[Process] = []
        self.samples = 0
        self.injections: Counter[str] = Counter()
        self.saves = 0
        self.acting: set[str] = set()
        """Names of the fuses that put the workers back."""
        self.told: set[TimelineEntry] = set()
        """Lines of the timeline that a process has told."""
        self.verdict = ""
        self.concerning = scenario.concerning(0)
        way = self.trial.connections
        self.system = System(self.trial.defect, self.trial.phase, way.unnoticed)
        self.holds = {agent: Held(way) for agent in ("witness-0", "control-0")}
        self.cut = self.second = self.redis_down = False
        self.enforced = self.closing_works = True
        self.dropping = self.late = False
        self.lies_until = self.flaps_until = self.silent_until = self.curtailed_until = 0.0
        self.lag, self.pods_take, self.job_fails = 0.0, POD_RUNS, False
        self.every = EVERY
        """Seconds between two samples of an agent."""
        self.truth: list[tuple[float, bool]] = []
        self._turned_at, self._uids, self._logged_until = 0.0, 0, 0.0
        self.owner: tuple[float, int] | None = None
        """Who owns the workers' number: after how many seconds at 0 they set which."""
        self.loses_fuse: float | None = None
        """Seconds after the workers are scaled away until the node of their fuse is lost."""
        self._numbered_at, self._active, self._ending = 0.0, WORKERS, 0
        self.restart_after = 2.0
        self.leader: Process | None = None
        self.skew = 0.0
        """Seconds by which the wall clock of operators is wrong; our agents' is right."""
        self.connections_closed: ConnectionsClosed | None = None
        self.shown = False
        """Whether the GameDay shows the drill."""
        self.kept = False
        """Whether the samples are in a ConfigMap."""
        self.ever_armed: set[str] = set()
        self.lease_until = 0.0
        self.agents = AGENTS | ({"counter", "client"} if self.trial.closes else frozenset())
        self.agents |= SECOND_PAIR if self.trial.faults is Faults.TWO_CUTS else frozenset()
        for key, value in {
            ("drill", "planned"): Planned.FROZEN, ("drill", "abort"): False, ("drill", "deleted"): False,
            ("drill", "finalizer"): False, ("account", ""): True, ("halt", ""): CLEAR,
            ("workload", "worker"): Workers(WORKERS, WORKERS, WORKERS, "first"),
        }.items():  # fmt: skip
            self.api.facts[key] = value

    # Facts

    def set(self, key: Key, value: Any) -> None:
        """Change a fact; every process will see it, unless something is wrong with watches."""
        if value is None:
            self.api.facts.pop(key, None)
        else:
            self.api.facts[key] = value
        for process in self.processes:
            if self.dropping and self.clock.random.random() < 0.5:
                self.clock.tally.took_effect(What.WATCH_DROPS)
                continue
            lag = LAG
            if self.late:
                lag = self.clock.random.uniform(0, 2)
                self.clock.tally.took_effect(What.WATCH_LATE)
            self.clock.after(lag, process.see, key, value, self.api.version)
        self.api.version += 1

    def get(self, key: Key) -> Any:
        """A fact as it is."""
        return self.api.facts.get(key)

    def uid(self) -> str:
        """A name that was never given before."""
        self._uids += 1
        return f"uid-{self._uids}"

    def note(self, rule: Rule, detail: str) -> None:
        """Note a promise that was broken."""
        self.broken.append(Broken(rule, self.clock.elapsed, detail))

    def when_up(self, what: Callable[..., None], *args: Any) -> None:
        """Have a controller act, once the API server works."""
        if self.api.works:
            what(*args)
        else:
            self.clock.after(0.5, self.when_up, what, *args)

    # Kubernetes

    def start(self) -> None:
        """Start a process of the operator."""
        self.processes.append(Process(self))

    def close_connections(self) -> None:
        """The closer pod has done its work, unless it was ended before."""
        if self.get(("pod", "closer")) is not Life.RUNNING:
            return
        self.set(("pod", "closer"), Life.ENDED)
        now = self.clock.now
        seen = self.trial.connections is Connections.SEEN
        if seen and not self.closing_works:
            self.clock.tally.took_effect(What.NO_CLOSING)
            self.connections_closed = found = ConnectionsClosed(2, 2, "connections are still open", now)
        else:
            some = self.trial.connections is Connections.PARTLY
            self.connections_closed = found = ConnectionsClosed(
                2 * seen + some, 0, at=now, unseen=self.trial.connections.counted.unseen
            )
            self.system.cut_off |= seen and self.cut
        for process in self.processes:
            process.connections_closed, process._observed = found, None
            process.wake()

    def light(self, name: str, uid: str, seconds: float) -> None:
        """A fuse's clock starts."""
        fuse = self.get(("fuse", name))
        if fuse is not None and fuse.uid == uid:
            self.ever_armed.add(uid)
            if name not in self.acting and not self.cut:
                self.system.fuse_armed(self.clock.now)
            self.set(("fuse", name), replace(fuse, armed=True, deadline=self.clock.now + seconds))
            self.clock.after(seconds, self.when_up, self.burn, name, uid)

    def run_pod(self, name: str) -> None:
        """The kubelet starts a pod."""
        if self.get(("pod", name)) is Life.STARTING:
            self.set(("pod", name), Life.RUNNING)
            self.clock.after(longest(self.plan), self._ends_itself, name)
            if name == "closer":
                self.clock.after(0.2, self.close_connections)
            elif name != "counter":
                self.tick(name)

    def _ends_itself(self, name: str) -> None:
        """The drill's last deadline has passed."""
        if self.get(("pod", name)) is Life.RUNNING:
            self.set(("pod", name), Life.ENDED)

    def burn(self, name: str, uid: str) -> None:
        """A fuse's deadline has passed."""
        fuse = self.get(("fuse", name))
        if fuse is None or fuse.uid != uid or fuse.dead:
            return
        if name in self.acting and not fuse.armed:
            self.clock.after(1.0, self.when_up, self.burn, name, uid)
            return
        self.set(("fuse", name), None)
        if name not in self.acting:
            self.clock.after(0.03, self.when_up, self.collect)
        elif self.api.no_rights:
            self.set(("fuse", name), fuse)
            self.clock.after(1.0, self.when_up, self.burn, name, uid)
        elif self.get(("workload", "worker")).replicas == 0:
            self.scaled(WORKERS)

    def collect(self) -> None:
        """Garbage collection takes policies that have lost their owner."""
        alive = {fuse.uid for (kind, _), fuse in self.api.facts.items() if kind == "fuse"}
        for (kind, name), thing in list(self.api.facts.items()):
            if kind == "policy" and thing.fuse_uid not in alive:
                self.unpolicy(name)

    def end(self) -> None:
        """The Drill goes, and garbage collection takes what it owns."""
        self.api.gone = True
        for (kind, name), _ in list(self.api.facts.items()):
            if kind == "pod" or (kind == "fuse" and name not in self.acting):
                self.set((kind, name), None)
        self.clock.after(0.03, self.when_up, self.collect)

    def unpolicy(self, name: str) -> None:
        """A policy goes."""
        self.set(("policy", name), None)
        self.clock.after(EFFECT, self.follow)

    def scaled(self, replicas: int) -> None:
        """The workers' number changes, and their pods follow: ``_active`` ones stay, ``_ending`` ones still run."""
        self._numbered_at = self.clock.now
        self._workers(replicas, -1)
        self.clock.after(0.5, self._settled, replicas)
        if replicas == 0 and self.owner is not None:
            self.clock.after(self.owner[0], self.when_up, self._owner_scales, self.owner[1])

        if replicas == 0 and self.loses_fuse is not None:
            self.clock.after(self.loses_fuse, self.when_up, self._fuse_moves)

    def _fuse_moves(self) -> None:
        """The node of a scale's fuse is lost; its Job makes another pod."""
        for (kind, name), fuse in list(self.api.facts.items()):
            if kind == "fuse" and name in self.acting and fuse.armed:
                self.set((kind, name), replace(fuse, armed=False))
                self.clock.after(REPLACED, self.when_up, self._fuse_moved, name, fuse)
                self.clock.tally.took_effect(What.FUSE_NODE_LOST)

    def _fuse_moved(self, name: str, before: Fuse) -> None:
        fuse = self.get(("fuse", name))
        if fuse is not None and fuse.uid == before.uid:
            self.set(("fuse", name), before)

    def _owner_scales(self, replicas: int) -> None:
        if self.get(("workload", "worker")).replicas == 0:
            self.scaled(replicas)
            self.clock.tally.took_effect(What.OWNED)

    def _workers(self, replicas: int, pods: int) -> None:
        self.set(("workload", "worker"), Workers(replicas, pods, pods, str(self.api.version), self._ending))

    def _settled(self, replicas: int) -> None:
        known: Workers = self.get(("workload", "worker"))
        if known.replicas == replicas:
            going = max(0, self._active - replicas)
            self._active, self._ending = replicas, self._ending + going
            self._workers(replicas, replicas)
            if going:
                self.clock.after(POD_ENDS, self._ended, going)
            if replicas:
                self.system.restarted(replicas)

    def _ended(self, pods: int) -> None:
        """So many of the workers' pods have had their grace period, and are gone."""
        self._ending -= pods
        self.set(("workload", "worker"), replace(self.get(("workload", "worker")), ending=self._ending))
        if self._active == self._ending == 0:
            self.system.restarted(0)

    # Packets, the system, our agents

    def follow(self) -> None:
        """Packets go as policies say now."""
        there = {name for kind, name in self.api.facts if kind == "policy"}
        cut = self.enforced and policy(DRILL, PARTITION) in there
        self.second = self.enforced and policy(DRILL, SECOND) in there
        if there and not self.enforced:
            self.clock.tally.took_effect(What.DEAF)
        if cut != self.cut:
            self.cut = cut
            self.system.cut_off |= cut and self.trial.connections is Connections.ENDED
            self.truth.append((self.clock.now, cut))
            self.turned()

    def turned(self) -> None:
        """What the system depends on went, or came back."""
        self._turned_at = self.clock.now
        self.clock.after(self.system.notices, self._notice, self._turned_at)

    def _notice(self, turned_at: float) -> None:
        if turned_at == self._turned_at:
            self.system.notice(lost=(self.cut and not self.system.hidden) or self.redis_down)

    def tick(self, agent: str) -> None:
        """One sample of an agent, and the next one in a while."""
        if self.get(("pod", agent)) is not Life.RUNNING:
            return
        now = self.clock.now
        if agent != "observer":
            dropped = self._drops(agent)
            name = "redis" if agent == "client" else "target-0"
            self.clock.after(FAILS_AFTER if dropped else 0.0, self.say, agent, name, now, not dropped, {})
            if agent in self.holds:
                self._hold(agent)
        elif now >= self.silent_until:
            answer = self.system.answer(now, flip=self._flips(now, self.numbers[agent]))
            values, unknown = answer.values, NOTHING_UNKNOWN
            if now < self.curtailed_until and "body" in values:
                self.clock.tally.took_effect(What.CURTAIL)
                values, unknown = {"status": values["status"]}, CURTAILED
            self.say(agent, "health", now, answer.ok, values, unknown)
        else:
            self.clock.tally.took_effect(What.STOP)
        self.clock.after(self.every, self.tick, agent)

    def _drops(self, agent: str) -> bool:
        """Whether what one of our clients or pairs sends to a dependency is dropped."""
        if agent in SECOND_PAIR:
            return second_dropped_for(self.trial.pairs, agent, cut=self.second)
        if self.redis_down:
            self.clock.tally.took_effect(What.REDIS_DOWN)
        return self.redis_down or dropped_for(self.trial.pairs, agent, cut=self.cut)

    def _flips(self, now: float, number: int) -> bool:
        """Whether the observer says the opposite."""
        lies, flaps = now < self.lies_until, now < self.flaps_until and number % 2 == 0
        if lies:
            self.clock.tally.took_effect(What.LIE)
        if flaps:
            self.clock.tally.took_effect(What.FLAP)
        return lies or flaps

    def _hold(self, agent: str) -> None:
        """The connection that a witness or control holds is asked."""
        now = self.clock.now
        pairs = self.trial.pairs
        down, witness = (
            self.redis_down or pairs is Pairs.NOT_ADMITTED,
            pairs is Pairs.NOT_SPARED or agent == "witness-0",
        )
        told = self.holds[agent].tick(now, cut=self.cut, down=down, witness=witness)
        if told is not None:
            how, values = told
            self.say(agent, "target-0", now, how is None, values, error=how, kind=LineType.HELD)

    def say(
        self,
        agent: str,
        name: str,
        sent: float,
        ok: bool,
        values: Mapping[str, Any],
        unknown: tuple[Unknown, ...] = (),
        error: str | None = None,
        kind: LineType | None = None,
    ) -> None:
        """A line of an agent's log."""
        self.numbers[agent] += 1
        self.samples += 1
        error = None if ok else error or "timeout"
        kind = kind or (LineType.SAMPLE if agent in {"observer", "client"} else LineType.DIAL)
        sample = Sample(agent, self.numbers[agent], name, sent, self.clock.now, ok, error, values, unknown, type=kind)
        self._logged_until = max(self._logged_until, self.clock.now + self.lag)
        if self.lag:
            self.clock.tally.took_effect(What.LAG)
        if self._logged_until > self.clock.now:
            self.clock.at(self._logged_until, self.write, sample)
        else:
            self.write(sample)

    def write(self, sample: Sample) -> None:
        """The line is there for whoever follows."""
        self.logs.setdefault(sample.agent, []).append(sample)
        for process in self.processes:
            process.receive(sample)

    # What is to hold

    def injected(self, name: str, change: Change) -> None:
        """A policy was made."""
        fuse = self.get(("fuse", change.fuse_name))
        if change.fuse_uid not in self.ever_armed:
            self.note(Rule.FUSED, f"{name} was made, and its fuse never burnt")
        if fuse is None or fuse.uid != change.fuse_uid or not fuse.armed:
            self.clock.after(0.03, self.when_up, self.collect)
            self.clock.after(1.0, self._collected, name, self.get(("policy", name)))
            return
        saved = self.api.record.change(change.name) if self.api.record is not None else None
        if saved is None or not saved.touched:
            self.note(Rule.WRITTEN_AHEAD, f"{name} was made, and the record does not say how it is undone")
        self.injections[name] += 1
        if self.injections[name] > 1:
            self.note(Rule.ONCE, f"{name} was made {self.injections[name]} times")
        if What.FUSE_SUSPENDED not in self.concerning and fuse.deadline is not None:
            self.clock.at(fuse.deadline + 5.0, self._reverted, name, self.get(("policy", name)))

    def _collected(self, name: str, made: Policy) -> None:
        if self.get(("policy", name)) is made:
            if not self.api.works or self.clock.now - self.api.up_since < 1.0:
                self.clock.after(1.0, self._collected, name, made)
            else:
                self.note(Rule.FUSED, f"{name} was made without an armed fuse, and stays")

    def _reverted(self, name: str, made: Policy) -> None:
        if self.get(("policy", name)) is made:
            if not self.api.works or self.clock.now - self.api.up_since < 5.0:
                self.clock.after(5.0, self._reverted, name, made)
            else:
                self.note(Rule.IN_TIME, f"{name} outlives its fuse")

    def zeroed(self, change: Change) -> None:
        """The workers were scaled away."""
        if change.name in STEPS:
            self.mitigated(change.name)
            self.injections[change.name] += 1
            if self.injections[change.name] > 1 and not may_scale_again(self.concerning):
                self.note(Rule.MITIGATED, f"{change.name} scaled the workers {self.injections[change.name]} times")
        saved = self.api.record.change(change.name) if self.api.record is not None else None
        if (
            saved is None
            or not saved.touched
            or saved.before != {"replicas": self.get(("workload", "worker")).replicas}
        ):
            self.note(Rule.WRITTEN_AHEAD, "worker was scaled, and the record does not say to what it goes back")
        fuse = self.get(("fuse", change.fuse_name))
        if fuse is None or not fuse.armed or fuse.deadline is None:
            self.note(Rule.FUSED, "worker was scaled without an armed fuse")
        else:
            self.clock.at(fuse.deadline + 5.0, self._back)

    def stepped(self, name: str) -> None:
        """A step's Job begins to run."""
        record = self.api.record or DrillRecord()
        if name in {job(DRILL, step) for step in STEPS}:
            self.mitigated(name)
        faults = {fault.name for fault in self.plan.outage.faults}
        if not any(change.name not in faults for change in record.changes):
            # No step has scaled the workers.
            return
        number, since = self.get(("workload", "worker")).replicas, self.clock.now - self._numbered_at
        # This world has no executor that looks once more before it starts a Job: a watch that is late is believed.
        unseen = {What.WATCH_DROPS, What.WATCH_LATE}
        unseen |= ON_THE_WAY if self.concerning & SCALING else set()
        if number != 0 and since > NOTICED and not self.concerning & unseen:
            self.note(Rule.AT_ITS_NUMBER, f"{name} runs, worker is at {number} since {since:.1f} s")
        if number == 0 and self._active + self._ending and not self.concerning & {*unseen, *SCALING}:
            self.note(Rule.AT_ITS_NUMBER, f"{name} runs, and {self._active + self._ending} workers have not ended")

    def mitigated(self, what: str) -> None:
        """A step of a mitigation is carried out."""
        if why := ahead(memory_of(self.api.record or DrillRecord())):
            self.note(Rule.MITIGATED, f"{what}: {why}")

    def _back(self) -> None:
        if self.get(("workload", "worker")).replicas != 0:
            return
        if not self.api.works or self.clock.now - self.api.up_since < 5.0 or self.api.no_rights:
            self.clock.after(5.0, self._back)
        else:
            self.note(Rule.IN_TIME, "worker is still at 0 after its fuse's deadline")

    def keep(self, process: Process) -> None:
        """The samples that a process knows are written; who writes them again finds the first."""
        record, known = self.api.record, process.loop.samples if process.loop is not None else None
        if self.kept or record is None or record.finished_at is None:
            return
        self.kept = True
        told = {s.name: s.received for log in self.logs.values() for s in log if s.received < record.finished_at - LAG}
        late = self.clock.now > process.loop.resumed_at + READ_AGAIN if process.loop is not None else False
        for probe in self.plan.probes:
            if isinstance(known, Evidence) and not late and probe.name in told:
                last = known.last(probe.name)
                if last is None or last.received < told[probe.name]:
                    self.note(Rule.KEPT, f"samples of {probe.name} that its agent has told of were not read")

    def saved(self, record: DrillRecord) -> None:
        """A record is in the status."""
        measured = record.steady_from is not None and not self.get(("drill", "deleted"))
        if record.reported and measured and not self.api.gone:
            if record.keeping is None:
                self.note(Rule.KEPT, "the drill is over, and nothing says what became of its samples")
            elif record.keeping.kept and not self.kept:
                self.note(Rule.KEPT, "the drill says that its samples were kept, and they were not")
        if record.phase is Phase.FINISHED and not self.verdict and record.verdict is not None:
            self.verdict = record.verdict.value
            judge_world(self, record)

    @property
    def alone(self) -> bool:
        """Whether one process carries the drill from its beginning to its end."""
        return self.scenario.replicas == 1 and not DEADLY & {failure.what for failure in self.scenario.failures}

    def _untold(self) -> None:
        """Who dies before the answer to a save tells nothing of it, nor who gets none before the Drill is gone."""
        record = self.api.answered if self.api.gone else self.api.record
        lines = record.timeline if record is not None and self.alone else ()
        for line in lines:
            if line not in self.told:
                self.note(Rule.TOLD, f"{line.reason} is not told")

    def superseded(self) -> None:
        """A process found a record that it did not write."""
        if self.alone:
            self.note(Rule.SOUND, "a process took its own record for another's")

    def left(self) -> list[str]:
        """What is left of the drill."""
        found = [f"{kind} {name}" for kind, name in self.api.facts if kind in {"policy", "fuse", "pod"}]
        # The lock of a Drill that was removed by force is taken by the namespace's next drill.
        if self.api.lock and not {What.DRILL_FORCED, What.FINALIZER_TAKEN} & self.concerning:
            found.append("the lock")
        if self.get(("drill", "finalizer")):
            found.append("the finalizer")
        # Whoever takes the Drill away by force takes away what the next process would know it by.
        forced = {What.DRILL_FORCED, What.FINALIZER_TAKEN} & self.concerning and self.concerning & DEADLY
        if self.verdict and not self.shown and not (forced and self.api.gone):
            found.append("a GameDay that does not show the drill")
        others = {t.count for t in self.scenario.failures if t.what in SCALING}
        if self.get(("workload", "worker")).replicas not in {WORKERS, *others}:
            found.append("the workers' number")
        return found

    def quiet(self) -> bool:
        """Whether the drill has ended, nothing is left of it, and nothing is still to come."""
        if (
            self.api.under_way
            or self.api.answers
            or any(process.frozen_until > self.clock.now for process in self.processes)
        ):
            return False
        return bool(self.verdict or self.api.gone) and not self.left()

    # Its course

    def run(self) -> Outcome:
        """Let it happen."""
        last = self.scenario.trials[0].starts
        for _ in range(self.scenario.replicas):
            self.start()
        for failure in self.scenario.failures:
            self.clock.at(START + failure.at, inject_failure, self, failure)
            last = max(last, failure.at + failure.seconds * max(1, failure.count if failure.what is What.DELAY else 1))
        try:
            calm = self.clock.run(START + last + PATIENCE, lambda: bool(self.broken) or self.quiet())
        except HotLoop as error:
            self.note(Rule.SOUND, str(error))
            calm = True
        if not calm:
            if not self.verdict and not self.api.gone:
                self.note(Rule.ENDS, f"phase {self.api.record.phase.value if self.api.record else 'none'}")
            if left := self.left():
                self.note(Rule.RESTORED, ", ".join(left))
        self._untold()
        verdicts = Counter([self.verdict]) if self.verdict else Counter()
        tally, elapsed = self.clock.tally, self.clock.elapsed
        missed = tally.missed(self.scenario.failures, elapsed)
        return Outcome(
            self.scenario,
            tuple(self.broken),
            verdicts,
            self.samples,
            elapsed,
            self.api.version,
            missed,
            tally.effective,
        )


def run(scenario: Scenario) -> Outcome:
    """What comes of a scenario's first drill; this world has no platform that could be called."""
    trials = tuple(replace(trial, call=None) for trial in scenario.trials)
    return Bare(replace(scenario, trials=trials)).run()
