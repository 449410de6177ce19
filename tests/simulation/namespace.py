"""One namespace: the system under test with its defect, what packets do there, and our agents, whose logs tell it."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import yaml

from gameday.api.packing import unpacked
from gameday.api.record import moment, timestamp
from gameday.cluster.resources import (
    CRON_JOBS,
    DEPLOYMENTS,
    DRILLS,
    ENDPOINT_SLICES,
    GAMEDAYS,
    JOBS,
    NETWORK_POLICIES,
    PODS,
    REPLICA_SETS,
    SERVICE_ACCOUNTS,
    SERVICES,
    Object,
    Resource,
)
from gameday.errors import GameDayError
from gameday.model.agent import CallFuseConfig, FuseConfig, WaitingFuseConfig, read_config
from gameday.model.agent_configs import CONFIGS
from gameday.model.labels import AGENT, DRILL, ROLE
from gameday.model.names import policy
from gameday.model.record import Phase
from gameday.model.redis_user import UserFuseConfig
from gameday.model.sample import LineType, Sample, Unknown
from gameday.model.wire import encode, parse_line
from simulation.calling import GOOD, HOST_PROBE, SimulatedPlatform, by_call, by_platform, is_caller
from simulation.calling import WORKERS as HOSTED
from simulation.client import LogSource, Server
from simulation.holding import Hold
from simulation.mitigating import with_mitigation
from simulation.scenario import Connections, Faults, Hand, Pairs, Trial, What
from simulation.store import PERSON, SYSTEM, Change
from simulation.switching import LOGIN, by_acl, of_pod, undo_of
from simulation.system import System

PARTITION = "partition"
"""The fault that cuts the system off from its dependency."""
SECOND = "second"
"""The other cut of a drill of two."""
LOOKS_AFTER = 30.0
"""Seconds until a person who is asked to end something has looked whether it is over."""
EFFECT = 0.1
"""Seconds from a change of policies until packets follow."""
EVERY = 1.0
"""Seconds between two samples of an agent."""
FAILS_AFTER = 0.3
"""Seconds that a dial into a cut takes to fail."""
STARTS_WITHIN = 100.0
"""Seconds after its creation until which a Drill may start."""
CURTAILED: tuple[Unknown, ...] = ((("body",), "body too long"),)
"""What the observer says of an answer whose body it cannot read."""
NOTHING_UNKNOWN: tuple[Unknown, ...] = ()
WORKERS = 3
STEADY = 2.0
"""Seconds that the steady state of the plan lasts."""
OUTAGE = 6.0
"""Seconds that the outage of the plan lasts."""
WITHIN = 4.0
"""Seconds within which the system must report the outage."""

PROBES = '- {name: health, interval: 1s, timeout: 1s, http: {url: "http://api/healthz"}}'
REDIS_PROBE = "- {name: redis, interval: 1s, timeout: 1s, redis: {dependency: redis}}"
PLAN = """
dependencies: [{name: redis, %s: {service: {name: redis}}}, {name: cache, tcp: {service: {name: cache}}}]
probes: [%s]
steadyState:
  duration: %ds
  expect: [{name: healthy, always: "health.body.redis == 'ok'"}]
outage:
  duration: %ds
  faults:
  - name: partition
    networkPartition: {podSelector: {matchLabels: {app: api}}, to: [redis], openConnections: %s}
  expect:
  - {name: reported, becomes: "health.body.redis != 'ok'", within: %ds, measures: timeToDetect}
  - {name: team is told, becomes: "increase(health.body.alerts) >= 1", within: 4s}
  - {name: stays up, always: "health.status == 200", tolerates: 2s, guardrail: true}
recovery:
  within: 8s
  expect: [{name: healthy again, eventually: "health.body.redis == 'ok'", for: 2s, measures: timeToRecover}]
"""
OTHER_CUT = """
name: second
networkPartition: {podSelector: {matchLabels: {app: batch}}, to: [cache], openConnections: Keep}
"""
NO_WORKERS = """
name: no-workers
scale: {deployment: worker, replicas: 0}
"""
ROLLBACK = """
ifMissed: [healthy again]
within: 30s
steps:
- {name: stop workers, scale: {deployment: worker, replicas: 0}}
- {name: clear state, job: {fromCronJob: clear-stalled}, irreversible: true}
- {name: clear more, job: {fromCronJob: clear-stalled}, irreversible: true}
- {name: start workers, restore: {deployment: worker}}
"""


BY_HAND = """
name: by-hand
manual:
  do: switch the store off on its dashboard
  undo: switch it on again
  seen: "!store.body.up"
  undone: "store.body.up"
  within: 30s
  withoutFuse: true
"""
STORE_PROBE = {"name": "store", "interval": "1s", "timeout": "1s", "http": {"url": "http://store/"}}
RESTART = """
ifMissed: [healthy again]
within: 30s
steps:
- {name: restart workers, restart: {deployment: worker}, irreversible: true}
"""
WORKER_SET = "worker-1"
"""The ReplicaSet that controls the workers' pods, where there are any."""

SLIP = {"name": "compares a number with text", "becomes": "health.status == '503'"}


def _spec(close_connections: bool, rollback: bool, slip: bool, closes: bool, faults: Faults) -> Object:
    kind = "redis" if closes else "tcp"
    probes = [PROBES.removeprefix("- "), *([REDIS_PROBE.removeprefix("- ")] if closes else [])]
    spec: Object = yaml.safe_load(
        PLAN % (kind, ", ".join(probes), STEADY, OUTAGE, "Close" if close_connections else "Keep", WITHIN)
    )
    if faults is Faults.TWO_CUTS:
        spec["outage"]["faults"].append(yaml.safe_load(OTHER_CUT))
    elif faults.scales:
        spec["outage"]["faults"].insert(int(faults is Faults.CUT_AND_SCALE), yaml.safe_load(NO_WORKERS))
    if slip:
        spec["outage"]["expect"].append(SLIP)
    return spec | ({"rollback": yaml.safe_load(ROLLBACK)} if rollback else {})


SPECS = {
    kind: _spec(*kind) for kind in itertools.product((False, True), (False, True), (False, True), (False, True), Faults)
}
"""The plans, by whether open connections are to end, whether there is a rollback, whether one comparison is a slip,
whether somebody ends connections at the dependency, and what is broken."""


@dataclass(slots=True)
class Agent:
    """One of our pods, as long as its container runs. ``lag`` is how many seconds its lines come late."""

    pod: Object
    source: LogSource
    since: float
    number: int = 0
    ended: bool = False
    lag: float = 0.0

    @property
    def name(self) -> str:
        """Its name within the drill."""
        labels: dict[str, str] = self.pod["metadata"]["labels"]
        return labels[AGENT]


@dataclass(slots=True)
class SimulatedNamespace:
    """A namespace and its truth. What is wrong at the moment stands in the fields that troubles set."""

    server: Server
    number: int
    trial: Trial
    redis_down: bool = False
    enforced: bool = True
    closing_works: bool = True
    lies_until: float = 0.0
    flaps_until: float = 0.0
    silent_until: float = 0.0
    curtailed_until: float = 0.0
    lag: float = 0.0
    owner: tuple[float, int] | None = None
    """Who owns the workers' number: after how many seconds at 0 they set which."""
    loses_fuse: float | None = None
    """Seconds after the workers are scaled away until the node of their fuse is lost."""
    cut: bool = False
    second: bool = False
    """Whether the second cut is there."""
    truth: list[tuple[float, bool]] = field(default_factory=list)
    """Since when packets to the dependency were dropped, or not."""
    agents: dict[str, Agent] = field(default_factory=dict)
    sources: dict[str, LogSource] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    """The connections that pairs hold, by their pod's name."""
    fires: dict[str, float] = field(default_factory=dict)
    """When each fuse of a scale fires, by its Job's name."""
    first_workers: frozenset[str] = frozenset()
    """UIDs of the workers' pods that were there from the beginning."""
    read: set[str] = field(default_factory=set)
    """What the person has read of what the drill asks for."""
    acts_at: float = 0.0
    """When the person acts next, or did last."""
    acted: list[tuple[float, bool]] = field(default_factory=list)
    """When the person broke the dependency (True), and put it back."""
    statuses: list[Object] = field(default_factory=list)
    """All that its Drill's status ever was."""
    samples: int = 0
    system: System = field(init=False)
    platform: SimulatedPlatform | None = None
    """The platform whose API suspends the dependency, if a call does that."""
    host: SimulatedPlatform | None = None
    """The platform that hosts the workers, if one does."""
    _changed_at: float = 0.0

    def __post_init__(self) -> None:
        """Have the system that the trial is about."""
        if self.trial.call is not None:
            self.platform = SimulatedPlatform(self, self.trial.call, turned=lambda _: self.turned())
        if self.trial.hosted is not None:
            self.host = SimulatedPlatform(
                self, self.trial.hosted, HOSTED, turned=lambda down: self.system.restarted(0 if down else WORKERS)
            )
        self.system = System(self.trial.defect, self.trial.phase, self.trial.connections.unnoticed)

    @property
    def namespace(self) -> str:
        """Its name."""
        return f"town-{self.number}"

    @property
    def drill_name(self) -> str:
        """Name of its one Drill."""
        return f"drill-{self.number}"

    @property
    def drill(self) -> Object | None:
        """The Drill, as the API server has it."""
        return self.server.store.get(DRILLS, self.namespace, self.drill_name)

    def planned(self) -> Object:
        """The plan's spec."""
        spec = SPECS[self.trial.kind]
        if self.trial.hand is not None:
            spec = by_hand(spec, sees=self.trial.hand.sees)
        if self.trial.call is not None:
            call = self.trial.call
            spec = by_acl(spec) if call.acl else by_call(spec, STORE_PROBE, call)
        if self.trial.restarts:
            spec = spec | {"rollback": yaml.safe_load(RESTART)}
        spec = with_mitigation(spec, self.trial)
        return spec if self.trial.hosted is None else _by_platform(spec, sees=self.trial.hosted.sees)

    @property
    def platforms(self) -> tuple[SimulatedPlatform, ...]:
        """The platforms whose APIs the drill may call."""
        return tuple(one for one in (self.platform, self.host) if one is not None)

    def platform_of(self, url: str) -> SimulatedPlatform | None:
        """The platform that answers at a URL."""
        return next((one for one in self.platforms if one.hosts(url)), None)

    @property
    def away(self) -> bool:
        """Whether the dependency itself is gone."""
        return self.redis_down or (self.platform is not None and self.platform.down)

    @property
    def by_hand_down(self) -> bool:
        """Whether a person broke the dependency for the drill, and has not put it back."""
        return "ActByHand" in self.read and bool(self.acted) and self.acted[-1][1]

    def create(self) -> None:
        """Make all that a team has there."""
        for resource, body in self._things():
            self.server.store.create(PERSON, resource, self.namespace, body)
        if self.trial.has_workers:
            self._start_workers()
        self.server.store.listeners.append(self._hear)
        self.server.store.world.after(self.trial.starts, self._begin)

    def _begin(self) -> None:
        if not self.server.works:
            self.server.store.world.after(1.0, self._begin)
            return
        before = timestamp(self.server.store.world.now + STARTS_WITHIN)
        spec = {"gameDay": "plan", "startBefore": before, "dryRun": self.trial.dry_run}
        body = {"metadata": {"name": self.drill_name}, "spec": spec}
        self.server.store.create(PERSON, DRILLS, self.namespace, body)

    def _things(self) -> list[tuple[Resource, Object]]:
        labels = {"gameday.dev/opt-in": "true"}
        running = {"phase": "Running", "podIPs": [{"ip": f"10.0.{self.number}.9"}]}
        api: Object = {"metadata": {"name": "api-0", "labels": {"app": "api"}}, "spec": {"nodeName": "node"}}
        batch: Object = {"metadata": {"name": "batch-0", "labels": {"app": "batch"}}, "spec": {"nodeName": "node"}}
        elsewhere = {"phase": "Running", "podIPs": [{"ip": f"10.1.{self.number}.9"}]}
        cache = {"selector": {"app": "cache"}, "clusterIPs": [f"10.97.0.{self.number}"], "ports": [{"port": 80}]}
        behind: Object = {
            "metadata": {"name": "cache-1", "labels": {"kubernetes.io/service-name": "cache"}},
            "endpoints": [{"addresses": [f"10.1.{self.number}.3"]}],
            "ports": [{"port": 80}],
        }
        service = {"selector": {"app": "redis"}, "clusterIPs": [f"10.96.0.{self.number}"], "ports": [{"port": 6379}]}
        slices: Object = {
            "metadata": {"name": "redis-1", "labels": {"kubernetes.io/service-name": "redis"}},
            "endpoints": [{"addresses": [f"10.0.{self.number}.3"]}],
            "ports": [{"port": 6379}],
        }
        spec = self.planned()
        clears = {"spec": {"containers": [{"name": "clear", "image": "shop"}], "restartPolicy": "Never"}}
        return [
            (SERVICE_ACCOUNTS, {"metadata": {"name": "gameday", "labels": labels}}),
            (GAMEDAYS, {"metadata": {"name": "plan"}, "spec": spec}),
            (PODS, api | {"status": running}),
            (PODS, batch | {"status": elsewhere}),
            (SERVICES, {"metadata": {"name": "cache"}, "spec": cache}),
            (ENDPOINT_SLICES, behind),
            (SERVICES, {"metadata": {"name": "redis"}, "spec": service}),
            (ENDPOINT_SLICES, slices),
            (DEPLOYMENTS, self._worker()),
            (
                CRON_JOBS,
                {"metadata": {"name": "clear-stalled"}, "spec": {"jobTemplate": {"spec": {"template": clears}}}},
            ),
        ]

    def _start_workers(self) -> None:
        """Make the workers' pods, and what controls them."""
        store = self.server.store
        controller = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "worker", "controller": True}
        deployment = store.need(DEPLOYMENTS, self.namespace, "worker")
        controller |= {"uid": deployment["metadata"]["uid"]}
        by = store.create(PERSON, REPLICA_SETS, self.namespace, {
            "metadata": {"name": WORKER_SET, "ownerReferences": [controller]}, "spec": {},
        })  # fmt: skip
        for number in range(WORKERS):
            store.create(PERSON, PODS, self.namespace, worker_pod(f"{WORKER_SET}-{number}", by))
        self.first_workers = frozenset(pod["metadata"]["uid"] for pod in self.workers())

    def workers(self) -> list[Object]:
        """The workers' pods that are there."""
        return [pod for pod in self.server.store.all_of(PODS, self.namespace) if is_worker(pod)]

    def _worker(self) -> Object:
        template = {"metadata": {"labels": {"app": "worker"}}}
        counts = dict.fromkeys(("replicas", "readyReplicas", "updatedReplicas", "availableReplicas"), WORKERS)
        return {
            "metadata": {"name": "worker"},
            "spec": {"replicas": WORKERS, "template": template},
            "status": counts | {"observedGeneration": 1},
        }

    # Packets

    def _hear(self, change: Change) -> None:
        if change.thing["metadata"]["namespace"] != self.namespace:
            return
        if change.resource is NETWORK_POLICIES and (change.before is None or change.after is None):
            self.server.store.world.after(EFFECT, self.follow)
        elif change.resource is DRILLS and change.verb == "status" and change.after is not None:
            self.statuses.append(change.after["status"])
            if self.trial.hand is not None:
                self._asked(self.trial.hand, change.after["status"].get("timeline", ()))
            elif any("UndoByHand: " in line for line in change.after["status"].get("timeline", ())):
                self._asked_to_end()
        elif change.resource is DEPLOYMENTS and change.verb == "status" and change.after is not None:
            if ready := change.after["status"].get("readyReplicas", 0):
                self.system.restarted(ready)
        elif change.resource is DEPLOYMENTS and change.after is not None and change.after["spec"]["replicas"] == 0:
            self._owned()
        elif change.resource is PODS and self.first_workers and is_worker(change.thing):
            self._renewed()
        elif change.resource is JOBS and change.after is not None and change.before is not None:
            lit = "startTime" in change.after.get("status", {}) and "startTime" not in change.before.get("status", {})
            if lit and not self.cut:
                self.system.fuse_armed(self.server.store.world.now)

    def _renewed(self) -> None:
        """A worker's pod came or went: once all are new and ready, the workers have started anew."""
        workers = self.workers()
        if not workers:
            self.system.restarted(0)
        new = not self.first_workers & {pod["metadata"]["uid"] for pod in workers}
        if new and len(workers) == WORKERS and all(is_ready(pod) for pod in workers):
            self.system.restarted(0)
            self.system.restarted(WORKERS)

    def _asked(self, hand: Hand, lines: Iterable[str]) -> None:
        """The person reads what the drill asks for, once each."""
        world = self.server.store.world
        for word, after, down in (("ActByHand", hand.acts_after, True), ("UndoByHand", hand.undoes_after, False)):
            if word not in self.read and any(f"{word}: " in line for line in lines):
                self.read.add(word)
                if after is not None:
                    # Who is about to act does so although the undo was asked for meanwhile, and then undoes it.
                    self.acts_at = max(world.now, self.acts_at) + after
                    world.at(self.acts_at, self.act, down, hand)

    def _asked_to_end(self) -> None:
        """The person is asked to end what a call started: where no probe tells, they look and say that it is over."""
        if "UndoByHand" not in self.read:
            self.read.add("UndoByHand")
            self.server.store.world.after(LOOKS_AFTER, self._look_at_platform)

    def _look_at_platform(self) -> None:
        drill, observer = self.drill, self.agents.get(f"{self.drill_name}-observer")
        if drill is None or drill["status"].get("phase") == Phase.FINISHED.value:
            return
        if (observer is None or observer.ended) and not any(platform.down for platform in self.platforms):
            said = {"confirm.gameday.dev/suspend": "undone"}
            self.server.store.edit(DRILLS, self.namespace, self.drill_name, metadata={"annotations": said})
        else:
            self.server.store.world.after(LOOKS_AFTER, self._look_at_platform)

    def act(self, down: bool, hand: Hand) -> None:
        """The person breaks the dependency, or puts it back, and says so."""
        self.set_redis(down=down)
        self.acted.append((self.server.store.world.now, down))
        drill = self.drill
        if hand.confirms and drill is not None:
            said = {"confirm.gameday.dev/by-hand": "done" if down else "undone"}
            self.server.store.edit(DRILLS, self.namespace, self.drill_name, metadata={"annotations": said})

    def follow(self) -> None:
        """Have packets go as policies say now."""
        store = self.server.store
        there = {
            one["metadata"]["name"]
            for one in store.all_of(NETWORK_POLICIES, self.namespace)
            if DRILL in one["metadata"]["labels"]
        }
        cut = self.enforced and policy(self.drill_name, PARTITION) in there
        self.second = self.enforced and policy(self.drill_name, SECOND) in there
        if there and not self.enforced:
            store.world.tally.took_effect(What.DEAF)
        if cut != self.cut:
            self.cut = cut
            self.system.cut_off |= cut and self.trial.connections is Connections.ENDED
            self.truth.append((store.world.now, cut))
            self.turned()

    def set_redis(self, down: bool) -> None:
        """Have the dependency itself go, or come back."""
        self.redis_down = down
        self.turned()

    def _owned(self) -> None:
        """The workers were scaled away: who owns their number notices, or a node is lost."""
        if self.loses_fuse is not None:
            self.server.store.world.after(self.loses_fuse, self._fuse_lost)
        if self.owner is not None:
            self.server.store.world.after(self.owner[0], self._owner_scales, self.owner[1])

    def _fuse_lost(self) -> None:
        store = self.server.store
        for pod in list(store.all_of(PODS, self.namespace)):
            if pod["metadata"]["labels"].get(ROLE) == "fuse" and self.server.works:
                agent = self.agents.get(pod["metadata"]["name"])
                if agent is not None:
                    self.end(agent)
                store.remove(SYSTEM, PODS, self.namespace, pod["metadata"]["name"])
                store.world.tally.took_effect(What.FUSE_NODE_LOST)

    def _owner_scales(self, replicas: int) -> None:
        store = self.server.store
        worker = store.get(DEPLOYMENTS, self.namespace, "worker")
        if worker is None or worker["spec"]["replicas"] != 0:
            return
        if self.server.works:
            store.edit_scale(self.namespace, "worker", replicas)
            store.world.tally.took_effect(What.OWNED)
        else:
            store.world.after(0.5, self._owner_scales, replicas)

    # The system

    def turned(self) -> None:
        """The dependency went, or came back."""
        self._changed_at = self.server.store.world.now
        self.server.store.world.after(self.system.notices, self._notice, self._changed_at)

    def _notice(self, changed_at: float) -> None:
        if changed_at == self._changed_at:
            self.system.notice(lost=(self.cut and not self.system.hidden) or self.away)

    # Our agents

    def pod_runs(self, pod: Object) -> None:
        """A container of ours has started."""
        agent = Agent(pod, self.source(pod["metadata"]["name"]), self.server.store.world.now)
        agent.source.started, agent.source.gone, agent.source.ended = True, False, False
        self.agents[pod["metadata"]["name"]] = agent
        config = read_config(pod["spec"]["containers"][0]["env"][0]["value"], *CONFIGS)
        self.server.store.world.after(config.ends_after, self._ends_itself, agent)
        self._say(agent, "hello", ok=True, kind=LineType.STARTED)
        if agent.name.startswith("fuse"):
            self._fuse(agent, LineType.ARMED)
        elif is_caller(pod):
            if (platform := self.platform_of(of_pod(pod).request.url)) is not None:
                platform.runs(agent)
        elif agent.name == "closer":
            self.server.store.world.after(0.2, self._close_connections, agent)
        elif agent.name.startswith("counter"):
            counted = self.trial.connections.counted
            values: dict[str, Any] = {"count": counted.most, "direct": counted.direct, "unseen": counted.unseen}
            values |= {"example": counted.example} if counted.example else {}
            self._say(agent, "connections", ok=True, values=values, kind=LineType.CONNECTIONS)
        else:
            self._tick(agent)

    def pod_ends(self, pod: Object) -> float:
        """A pod of ours is to end: seconds until it has."""
        agent = self.agents.get(pod["metadata"]["name"])
        if agent is None or agent.ended:
            return 0.05
        self.end(agent)
        return 0.1

    def pod_gone(self, pod: Object) -> None:
        """A pod of ours is no more; its log goes with it."""
        source = self.source(pod["metadata"]["name"])
        source.ended = source.gone = True
        source.tell()
        self.agents.pop(pod["metadata"]["name"], None)

    def source(self, pod: str) -> LogSource:
        """A pod's log."""
        return self.sources.setdefault(pod, LogSource())

    def last_samples(self, until: float) -> dict[str, float]:
        """When the last sample of each probe was sent that an agent has told of by a Unix second."""
        lines = (line for source in self.sources.values() for line in source.lines)
        told = (sample for sample in (parse_line("", line) for line in lines) if sample.type is LineType.SAMPLE)
        last: dict[str, float] = {}
        for sample in told:
            if sample.received <= until:
                last[sample.name] = max(sample.sent, last.get(sample.name, 0.0))
        return last

    def dies(self, agent: Agent) -> None:
        """Its container ends although nobody asked for it."""
        self.end(agent)
        metadata = agent.pod["metadata"]
        self.server.store.status(PODS, self.namespace, metadata["name"], metadata["uid"], phase="Failed")

    def _ends_itself(self, agent: Agent) -> None:
        """The drill's last deadline has passed; the kubelet says so once the API server hears it."""
        if not agent.ended:
            self.end(agent)
            self._say_ended(agent)

    def _say_ended(self, agent: Agent) -> None:
        metadata = agent.pod["metadata"]
        if self.server.works:
            self.server.store.status(PODS, self.namespace, metadata["name"], metadata["uid"], phase="Succeeded")
        else:
            self.server.store.world.after(1.0, self._say_ended, agent)

    def end(self, agent: Agent) -> None:
        """A container of the drill's has ended."""
        agent.ended = agent.source.ended = True
        agent.source.tell()

    def _tick(self, agent: Agent) -> None:
        if agent.ended:
            return
        world = self.server.store.world
        if agent.name == "observer":
            if world.now >= self.silent_until:
                answer = self.system.answer(world.now, flip=self._flips(agent.number))
                values, unknown = answer.values, NOTHING_UNKNOWN
                if world.now < self.curtailed_until and "body" in values:
                    world.tally.took_effect(What.CURTAIL)
                    values, unknown = {"status": values["status"]}, CURTAILED
                self._say(agent, "health", ok=answer.ok, values=values, unknown=unknown)
                if self.trial.hand is not None or (self.platform is not None and not self.platform.call.acl):
                    up = not (self.redis_down if self.platform is None else self.platform.down)
                    self._say(agent, "store", ok=True, values={"status": 200, "body": {"up": up}})
                if self.host is not None:
                    self._say(agent, "host", ok=True, values={"status": 200, "body": {"up": not self.host.down}})
            else:
                world.tally.took_effect(What.STOP)
        elif agent.name == "client" and self.platform is not None and self.platform.call.acl:
            off = self.platform.down
            values = {"refused": off, "held": not off}
            self._say(agent, LOGIN, ok=not off, error="auth" if off else None, values=values)
        else:
            dropped = self._drops(agent.name)
            name = "redis" if agent.name == "client" else "target-0"
            world.after(FAILS_AFTER if dropped else 0.0, self._dialled, agent, name, world.now, not dropped)
            if agent.name in {"witness-0", "control-0"}:
                self._hold(agent)
        world.after(EVERY, self._tick, agent)

    def _drops(self, agent: str) -> bool:
        """Whether what one of our clients or pairs sends to a dependency is dropped."""
        if agent.endswith("-1"):
            return second_dropped_for(self.trial.pairs, agent, cut=self.second)
        if self.redis_down:
            self.server.store.world.tally.took_effect(What.REDIS_DOWN)
        return self.away or dropped_for(self.trial.pairs, agent, cut=self.cut)

    def _flips(self, number: int) -> bool:
        """Whether the observer says the opposite."""
        world = self.server.store.world
        lies, flaps = world.now < self.lies_until, world.now < self.flaps_until and number % 2 == 0
        if lies:
            world.tally.took_effect(What.LIE)
        if flaps:
            world.tally.took_effect(What.FLAP)
        return lies or flaps

    def _dialled(self, agent: Agent, name: str, sent: float, ok: bool) -> None:
        if not agent.ended:
            kind = LineType.SAMPLE if agent.name == "client" else LineType.DIAL
            self._say(agent, name, ok=ok, sent=sent, kind=kind)

    def _hold(self, agent: Agent) -> None:
        """The connection that a witness or control holds is asked."""
        hold = self.holds.setdefault(agent.pod["metadata"]["name"], Hold(self.trial.connections))
        witness, now = agent.name.startswith("witness"), self.server.store.world.now
        down = self.away or self.trial.pairs is Pairs.NOT_ADMITTED
        told = hold.tick(now, cut=self.cut, down=down, witness=witness or self.trial.pairs is Pairs.NOT_SPARED)
        if told is not None:
            how, values = told
            self._say(agent, "target-0", ok=how is None, error=how, values=values, kind=LineType.HELD)

    def _say(
        self,
        agent: Agent,
        name: str,
        *,
        ok: bool,
        sent: float | None = None,
        error: str | None = None,
        values: dict[str, Any] | None = None,
        unknown: tuple[Unknown, ...] = (),
        kind: LineType = LineType.SAMPLE,
    ) -> None:
        world = self.server.store.world
        agent.number += 1
        self.samples += 1
        began = world.now if sent is None else sent
        error = None if ok else error or "timeout"
        line = encode(Sample("", agent.number, name, began, world.now, ok, error, values or {}, unknown, type=kind))
        if self.lag or agent.lag > world.now:
            # Lines of one log come in the order in which they were written.
            agent.lag = max(agent.lag, world.now + self.lag)
            world.tally.took_effect(What.LAG)
            world.at(agent.lag, agent.source.write, line.encode())
        else:
            agent.source.write(line.encode())

    def _close_connections(self, agent: Agent) -> None:
        if agent.ended:
            return
        seen = self.trial.connections is Connections.SEEN
        left = 0 if self.closing_works or not seen else 2
        if left:
            self.server.store.world.tally.took_effect(What.NO_CLOSING)
        self.system.cut_off |= seen and not left and self.cut
        kind = LineType.CONNECTIONS_CLOSED
        some = self.trial.connections is Connections.PARTLY
        unseen = self.trial.connections.counted.unseen
        values = {"killed": 2 * seen + some, "left": left, "unseen": unseen, "example": "pod b" if unseen else ""}
        self._say(agent, kind.value, ok=left == 0, values=values, kind=kind)
        self.end(agent)

    def _fuse(self, agent: Agent, step: LineType) -> None:
        if agent.ended:
            return
        world, server = self.server.store.world, self.server
        env = agent.pod["spec"]["containers"][0]["env"][0]["value"]
        config = read_config(env, FuseConfig, CallFuseConfig, UserFuseConfig)
        if self.namespace in server.without_rights or not server.works:
            world.after(1.0, self._fuse, agent, step)
            return
        job = server.store.get(JOBS, self.namespace, config.job)
        if job is None or "startTime" not in job.get("status", {}):
            world.after(1.0, self._fuse, agent, step)
            return
        fires = self.fires[config.job] = moment(job["status"]["startTime"]) + config.lasts
        if step is LineType.FIRED and world.now < fires:
            world.at(fires, self._fuse, agent, step)
            return
        if not isinstance(config, FuseConfig):
            self._call_fuse(agent, step, config)
            return
        patch = {"metadata": {"uid": config.uid}, "spec": {"replicas": config.replicas}}
        try:
            there = server.store.need(DEPLOYMENTS, self.namespace, config.workload)
            ours = config.uid == there["metadata"]["uid"]
            if ours and (step is LineType.ARMED or there["spec"]["replicas"] == config.wanted):
                dry = step is LineType.ARMED
                server.store.patch("fuse", DEPLOYMENTS, self.namespace, config.workload, patch, dry_run=dry)
        except GameDayError:
            world.after(1.0, self._fuse, agent, step)
            return
        self._say(agent, step.value, ok=True, values={"deadline": fires}, kind=step)
        if step is LineType.ARMED:
            self._fuse(agent, LineType.FIRED)
        else:
            self.end(agent)
            metadata = agent.pod["metadata"]
            server.store.status(PODS, self.namespace, metadata["name"], metadata["uid"], phase="Succeeded")

    def _call_fuse(self, agent: Agent, step: LineType, config: WaitingFuseConfig) -> None:
        """The fuse of a call does its dry run, or sends its request."""
        fires = {"deadline": self.fires[config.job]}
        if step is LineType.ARMED and self.platform is not None and self.platform.call.unready:
            self._say(agent, step.value, ok=False, error=self.platform.call.unready, values=fires, kind=step)
            self.server.store.world.after(1.0, self._fuse, agent, step)
            return
        if step is LineType.ARMED:
            self._say(agent, step.value, ok=True, values=fires, kind=step)
            self._fuse(agent, LineType.FIRED)
            return
        undo = undo_of(config)
        platform = self.platform_of(undo.request.url) if undo is not None else None
        if platform is None or undo is None or not platform.fires(undo):
            self.server.store.world.after(1.0, self._fuse, agent, step)
        else:
            self._say(agent, step.value, ok=True, values=fires, kind=step)
            self.end(agent)
            platform.leaves(agent, good=True, text=GOOD)


def by_hand(spec: Object, *, sees: bool) -> Object:
    """The same plan, but that a person breaks the dependency."""
    fault = yaml.safe_load(BY_HAND)
    if not sees:
        del fault["manual"]["seen"]
    return spec | {"outage": spec["outage"] | {"faults": [fault]}, "probes": [*spec["probes"], STORE_PROBE]}


def _by_platform(spec: Object, *, sees: bool) -> Object:
    """The same plan, but that a platform hosts the workers, and steps call it."""
    made = spec | {"probes": [*spec["probes"], HOST_PROBE]}
    if "rollback" in spec:
        made["rollback"] = spec["rollback"] | {"steps": by_platform(spec["rollback"]["steps"], sees=sees)}
    if "mitigations" in spec:
        lists = [one | {"steps": by_platform(one["steps"], sees=sees)} for one in spec["mitigations"]]
        made["mitigations"] = lists
    return made


def worker_pod(name: str, controller: Object, *, ready: bool = True) -> Object:
    """One of the workers' pods."""
    metadata = controller["metadata"]
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "controller": True, "name": metadata["name"]}
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": str(ready)}]} if ready else {}
    return {
        "metadata": {
            "name": name, "labels": {"app": "worker"}, "ownerReferences": [owner | {"uid": metadata["uid"]}],
        },
        "spec": {"nodeName": "node"},
        "status": status,
    }  # fmt: skip


def is_worker(pod: Object) -> bool:
    """Whether a pod is one of the workers'."""
    return bool((pod["metadata"].get("labels") or {}).get("app") == "worker")


def is_ready(pod: Object) -> bool:
    """Whether a pod is ready, and not about to end."""
    conditions = pod.get("status", {}).get("conditions", ())
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


def dropped_for(pairs: Pairs, agent: str, *, cut: bool) -> bool:
    """Whether what a client, witness or control sends to the dependency is dropped."""
    if pairs is Pairs.NOT_ADMITTED and agent != "client":
        return True
    return cut and (agent.startswith("witness") or pairs is Pairs.NOT_SPARED)


def second_dropped_for(pairs: Pairs, agent: str, *, cut: bool) -> bool:
    """The same of the second cut's dependency, which admits everybody."""
    return cut and (agent.startswith("witness") or pairs is Pairs.NOT_SPARED)


def engine_of(drill: Object) -> dict[str, Any]:
    """The engine's memory, as it stands in a Drill's status; fields with their default are left out."""
    text = drill.get("status", {}).get("state")
    memory: dict[str, Any] = unpacked(text)["engine"] if text else {}
    return memory
