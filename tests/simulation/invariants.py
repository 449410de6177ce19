"""What must hold in every world, whatever goes wrong in it. Each rule is a promise of the README."""

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gameday.api import samples
from gameday.api.conditions import SAMPLES_KEPT
from gameday.api.record import moment
from gameday.cluster.resources import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    DRILLS,
    GAMEDAYS,
    JOBS,
    LEASES,
    NETWORK_POLICIES,
    PODS,
    Object,
)
from gameday.controller.drill.samples import NOTHING_READ
from gameday.fuses.pod import pods_of
from gameday.model.labels import DRILL, ROLE
from gameday.model.names import call, object_name, samples_of
from gameday.model.names import job as job_of
from gameday.model.record import Phase, Reason, Verdict
from gameday.schema.bounds import json_bytes
from simulation.calling import RESTART, SEEN_WITHIN, SUSPEND, SimulatedPlatform
from simulation.client import Server
from simulation.controllers import begins
from simulation.mitigating import STEPS, acted, ahead, cured, uncredited
from simulation.namespace import OUTAGE, WORKERS, SimulatedNamespace, engine_of, is_ready, is_worker
from simulation.scenario import FREEZING, Defect, Faults, Mitigates, Pairs, Scenario, Trial, What
from simulation.store import PERSON, Change
from simulation.system import System
from simulation.truths import (
    LYING,
    REMOVING,
    blamed,
    misnamed,
    not_cut_off,
    touched_in_vain,
    unfounded,
    untold,
    vanished,
)

SEEN = 4.0
"""Seconds from a call until its effect is proven at the latest, where nothing goes wrong."""
TRIES = 8.0
"""Seconds that a platform may need to answer a call, and to carry it out."""
LATE = 5.0
"""Seconds of a working API server that anything may outlive its fuse's deadline."""
UNARMED = 1.0
"""Seconds that a policy may live whose fuse is dead: a late write of a process that was overtaken."""
REPORTED = 0.5
"""Seconds after which a process has counted a drill that its GameDay shows: a save, and a read if the Drill is gone."""
UNHEARD = 12.0
"""Seconds for which a process waits at most for an answer that gets lost."""
NOTICED = 0.1
"""Seconds after which a process must have noticed that the workers' number was changed, and start no step."""
SCALING = frozenset({What.SCALED_BY_OTHERS, What.OWNED})
"""Troubles in which somebody else sets the workers' number."""
ON_THE_WAY = frozenset({What.DELAY, What.API_HANGS, *FREEZING})
"""Troubles in which a call is carried out long after it was sent: it can be called back no more."""
BLINK = 3.0
"""Seconds before the end of an outage in which a gap of the cut can go unseen: three dials make a state."""
OF_WORKERS = frozenset({*SCALING, What.FUSE_NODE_LOST})
"""Troubles that concern a drill only where it scales the workers."""
HARMLESS = frozenset({What.REPEAT, What.WATCH_BREAKS, *OF_WORKERS})
"""Troubles that must change no verdict; those of workers may where a fault or mitigation scales them."""


DEADLY = frozenset({What.CRASH, What.CRASH_AT_CALL, *FREEZING, What.API_DOWN, What.API_HANGS})
"""Troubles in which there may be no process for a while."""


class Rule(enum.Enum):
    """A promise."""

    RESTORED = "the cluster is as it was before, except what others changed"
    ONCE = "one injection"
    CALLED_ONCE = "what nothing takes back is called once, and the status says before that it may have been"
    AT_ITS_NUMBER = (
        "no irreversible step starts before what a step scaled is at its number and its other pods have ended"
    )
    MITIGATED = "a mitigation acts once, when faults are proven and the status says it; what it helped to meet says so"
    ONE_BY_ONE = "a restart evicts the pods that are recorded and no others, each once the one before it is replaced"
    WRITTEN_AHEAD = "no change before its undo is recorded"
    FUSED = "no injection without an armed fuse"
    IN_TIME = "nothing is held longer than its fuse's deadline plus 5 s of a working API server"
    HONEST_PASS = "never Passed when the cut was not proven, anything was unknown, or an undo failed"
    HONEST_FAIL = "never Failed for a reason of ours"
    DECIDED = "without trouble a good system passes and a bad one fails"
    ALL_DECIDED = "each expectation of the plan ends decided, and is counted"
    CUT_OFF = "nothing passes, fails, holds or is missed under a cut where targets were not shown to be cut off"
    NAMED = "what the network does to our own pods is not said of the dependency"
    BLAMED = "what the operator does itself is not said of somebody else"
    UNTOUCHED = "what is not steady, cannot be judged or is true without the fault touches nothing"
    BY_HOW_MUCH = "a miss says by how much"
    ENDS = "every drill ends"
    SHOWN = "a GameDay shows its last drill"
    COUNTED = "a finished drill is counted once, whoever dies"
    TOLD = "each line of the timeline is told once"
    KEPT = "samples of a drill that measured are kept, whole and before it is over, or it says why not"
    DRY = "a dry run changes nothing, says no verdict, and counts as no drill"
    SOUND = "no error of ours"
    FITS = "what the operator writes is what the CRDs admit"


@dataclass(frozen=True, slots=True)
class Broken:
    """A promise that was broken, when and how."""

    rule: Rule
    at: float
    detail: str

    def __str__(self) -> str:
        return f"{self.at:8.2f} s  {self.rule.name}: {self.rule.value}: {self.detail}"


@dataclass(slots=True)
class Monitor:
    """Watches a world, and collects the promises that were broken."""

    server: Server
    scenario: Scenario
    namespaces: tuple[SimulatedNamespace, ...]
    broken: list[Broken] = field(default_factory=list)
    verdicts: dict[str, str] = field(default_factory=dict)
    reported: dict[str, tuple[float, str]] = field(default_factory=dict)
    """When each drill's status said first that its GameDay shows it, in the world's seconds, and who wrote that."""
    _shown_at: dict[str, float] = field(default_factory=dict)
    """When each drill was first shown by its GameDay, in the world's seconds."""
    _injected: dict[str, int] = field(default_factory=dict)
    _ever_armed: set[str] = field(default_factory=set)
    _last: dict[str, Object] = field(default_factory=dict)
    """Each drill with the newest status that an operator wrote."""
    _numbered: dict[str, float] = field(default_factory=dict)
    """When the workers' number was set last, in each town."""

    _once: dict[tuple[str, str], int] = field(default_factory=dict)
    """How often each step that is called once was called, in each town."""
    _held: dict[str, int] = field(default_factory=dict)
    """How often a mitigation scaled the workers away, in each town."""

    def __post_init__(self) -> None:
        """Begin to listen."""
        self.server.store.listeners.append(self._hear)
        for ns in self.namespaces:
            for platform in ns.platforms:
                platform.heard = partial(self._called, ns, platform)
        self.server.store.refused = lambda actor, error: self.note(Rule.FITS, f"refused to the {actor}: {error}")

    def note(self, rule: Rule, detail: str) -> None:
        """Note a promise that was broken."""
        self.broken.append(Broken(rule, self.server.store.world.elapsed, detail))

    def _hear(self, change: Change) -> None:
        self._dry(change)
        match change.resource.plural:
            case "networkpolicies" if change.verb == "create" and change.actor == "account":
                self._policy(change.thing)
            case "deployments" if change.verb == "update":
                self._scaled(change)
            case "pods" if change.verb == "delete" and change.actor == "account" and is_worker(change.thing):
                self._evicted(change.thing)
            case "jobs" if begins(change) and change.thing["metadata"]["labels"].get(ROLE) == "step":
                self._stepped(change.thing)
            case "jobs" if change.after is not None and "startTime" in change.after.get("status", {}):
                self._ever_armed.add(change.after["metadata"]["uid"])
            case "drills" if change.verb == "status" and change.after is not None and change.actor != PERSON:
                self._status(change.actor, change.after)
            case "gamedays" if change.verb == "status" and change.after is not None:
                shown = change.after["status"].get("lastDrill", "")
                self._shown_at.setdefault(shown, self.server.store.world.elapsed)

    def _dry(self, change: Change) -> None:
        """Hold what an account changes against the promise of a dry run: its own pods are all that it may make."""
        if change.actor != "account" or (change.resource is PODS and not is_worker(change.thing)):
            return
        if self._namespace(change.thing).trial.dry_run:
            name = change.thing["metadata"]["name"]
            self.note(Rule.DRY, f"{change.verb} of {change.resource.kind} {name}")

    def _namespace(self, thing: Object) -> SimulatedNamespace:
        return self.namespaces[int(thing["metadata"]["namespace"].removeprefix("town-"))]

    def _armed(self, policy: Object) -> Object | None:
        """The fuse that owns a policy, if its clock runs."""
        owner = policy["metadata"]["ownerReferences"][0]
        job = self.server.store.get(JOBS, policy["metadata"]["namespace"], owner["name"])
        if job is None or job["metadata"]["uid"] != owner["uid"] or "startTime" not in job.get("status", {}):
            return None
        return job

    def _entry(self, ns: SimulatedNamespace, name: str) -> dict[str, Any]:
        """The undo log's entry of an object, as it is recorded, or was when the Drill was removed by force."""
        drill = ns.drill or self._last.get(ns.drill_name)
        changes = engine_of(drill).get("changes", ()) if drill is not None else ()
        return next((change for change in changes if change["object_name"] == name), {})

    # Changes

    def _policy(self, policy: Object) -> None:
        ns, name = self._namespace(policy), policy["metadata"]["name"]
        world = self.server.store.world
        job = self._armed(policy)
        if policy["metadata"]["ownerReferences"][0]["uid"] not in self._ever_armed:
            self.note(Rule.FUSED, f"{name} was made, and its fuse never burnt")
        if job is None:
            world.after(UNARMED, self._collected, policy)
            return
        if self._entry(ns, name).get("requested_at") is None:
            self.note(Rule.WRITTEN_AHEAD, f"{name} was made, and the status does not say how it is undone")
        self._injected[name] = self._injected.get(name, 0) + 1
        if self._injected[name] > 1:
            self.note(Rule.ONCE, f"{name} was made {self._injected[name]} times")
        deadline = moment(job["status"]["startTime"]) + job["spec"]["activeDeadlineSeconds"]
        if What.FUSE_SUSPENDED not in self.scenario.concerning(ns.number):
            world.at(deadline + LATE, self._reverted, policy)

    def _there(self, policy: Object) -> bool:
        metadata = policy["metadata"]
        found = self.server.store.get(NETWORK_POLICIES, metadata["namespace"], metadata["name"])
        return found is not None and found["metadata"]["uid"] == metadata["uid"]

    def _working_for(self) -> float:
        return self.server.store.world.now - self.server.up_since if self.server.works else 0.0

    def _collected(self, policy: Object) -> None:
        if not self._there(policy):
            return
        if self._working_for() < UNARMED:
            self.server.store.world.after(UNARMED, self._collected, policy)
            return
        self.note(Rule.FUSED, f"{policy['metadata']['name']} was made without an armed fuse, and stays")

    def _reverted(self, policy: Object) -> None:
        if not self._there(policy):
            return
        if self._working_for() < LATE:
            self.server.store.world.after(LATE, self._reverted, policy)
            return
        self.note(Rule.IN_TIME, f"{policy['metadata']['name']} outlives its fuse")

    def _scaled(self, change: Change) -> None:
        assert change.before is not None
        if change.after is None or change.before["spec"]["replicas"] == change.after["spec"]["replicas"]:
            return
        ns, store = self._namespace(change.after), self.server.store
        self._numbered[ns.namespace] = store.world.now
        if change.after["spec"]["replicas"] != 0 or change.actor != "account":
            return
        entry = self._entry(ns, "worker")
        if entry.get("name") in STEPS:
            self._mitigated(ns, entry["name"])
            self._held[ns.namespace] = self._held.get(ns.namespace, 0) + 1
            if self._held[ns.namespace] > 1 and not may_scale_again(self.scenario.concerning(ns.number)):
                self.note(Rule.MITIGATED, f"{entry['name']} scaled the workers {self._held[ns.namespace]} times")
        if entry.get("requested_at") is None or entry.get("before") != {"replicas": change.before["spec"]["replicas"]}:
            self.note(Rule.WRITTEN_AHEAD, "worker was scaled, and the status does not say to what it goes back")
        fuse = store.get(JOBS, ns.namespace, entry.get("fuse_name", ""))
        pods = pods_of(fuse, store.all_of(PODS, ns.namespace)) if fuse is not None else ()
        lines = [line for pod in pods for line in ns.source(pod["metadata"]["name"]).lines]
        if fuse is None and What.FUSE_DELETED in self.scenario.concerning(ns.number):
            # Somebody took it away while the scaling was on its way: the operator puts it back, which the end shows.
            return
        if fuse is None or not any(b'"armed"' in line for line in lines):
            self.note(Rule.FUSED, "worker was scaled without an armed fuse")
            return
        store.world.at(ns.fires[fuse["metadata"]["name"]] + LATE, self._back, ns)

    def _called(self, ns: SimulatedNamespace, platform: SimulatedPlatform, agent: str, verb: str) -> None:
        """A call is carried out."""
        plan = ns.planned()
        lists = {"": [*plan["outage"]["faults"], *plan.get("rollback", {}).get("steps", ())]}
        lists |= {one["name"]: one["steps"] for one in plan.get("mitigations", ())}
        named = [(by, one) for by, steps in lists.items() for one in steps if call(one["name"]) == agent]
        for by, step in named:
            if by:
                self._mitigated(ns, step["name"])
            if "httpOnce" in step:
                self._called_once(ns, step["name"])
        if verb == SUSPEND:
            self._suspended(ns, platform, agent)
        if verb == RESTART:
            self._restarted(ns, agent)

    def _called_once(self, ns: SimulatedNamespace, step: str) -> None:
        """A call that nothing takes back is carried out: once, and the status says beforehand that it may be."""
        memory = engine_of(ns.drill or self._last.get(ns.drill_name, {}))
        if not any(one["name"] == step for one in memory.get("steps", ())):
            self.note(Rule.WRITTEN_AHEAD, f"{step} was called, and the status does not say that it may have been")
        times = self._once[ns.namespace, step] = self._once.get((ns.namespace, step), 0) + 1
        if times > 1:
            self.note(Rule.CALLED_ONCE, f"{step} was called {times} times")

    def _restarted(self, ns: SimulatedNamespace, agent: str) -> None:
        """A call that nothing takes back makes the fault."""
        if self._entry(ns, object_name(ns.drill_name, agent)).get("requested_at") is None:
            self.note(Rule.WRITTEN_AHEAD, f"{agent} called, and the status does not say that it may have")
        times = self._once[ns.namespace, agent] = self._once.get((ns.namespace, agent), 0) + 1
        if times > 1:
            self.note(Rule.CALLED_ONCE, f"{agent} called {times} times")

    def _suspended(self, ns: SimulatedNamespace, platform: SimulatedPlatform, agent: str) -> None:
        """A call that is to be taken back is carried out."""
        store, made = self.server.store, object_name(ns.drill_name, agent)
        entry = self._entry(ns, made)
        if entry.get("requested_at") is None or not {"undo", "redis"} & set(entry.get("wanted") or {}):
            self.note(Rule.WRITTEN_AHEAD, "the call was made, and the status does not say how it is taken back")
        fuse = store.get(JOBS, ns.namespace, entry.get("fuse_name", ""))
        concerning = self.scenario.concerning(ns.number)
        if fuse is None and What.FUSE_DELETED in concerning:
            return
        if fuse is not None and fuse["spec"].get("suspend") and What.FUSE_SUSPENDED in concerning:
            return
        pods = pods_of(fuse, store.all_of(PODS, ns.namespace)) if fuse is not None else ()
        lines = [line for pod in pods for line in ns.source(pod["metadata"]["name"]).lines]
        if fuse is None or not any(b'"armed"' in line for line in lines):
            self.note(Rule.FUSED, "the call was made without an armed fuse")
            return
        store.world.at(ns.fires[fuse["metadata"]["name"]] + LATE + TRIES, self._resumed, ns, platform)

    def _resumed(self, ns: SimulatedNamespace, platform: SimulatedPlatform) -> None:
        if not platform.down:
            return
        if self._working_for() < LATE or ns.namespace in self.server.without_rights:
            self.server.store.world.after(LATE, self._resumed, ns, platform)
        elif not self.scenario.concerning(ns.number) & {What.FUSE_DELETED, What.FUSE_SUSPENDED}:
            self.note(Rule.IN_TIME, f"{platform.service} is still suspended after its fuse's deadline")

    def _evicted(self, pod: Object) -> None:
        """A worker's pod is evicted: the status says so, and all others are ready."""
        ns, name = self._namespace(pod), pod["metadata"]["name"]
        memory = engine_of(ns.drill) if ns.drill is not None else {}
        noted = {uid for step in memory.get("steps", ()) for uid in (step.get("notes") or {}).get("pods", {}).values()}
        if ns.trial.mitigates is Mitigates.EVICTS and not ns.trial.restarts:
            self._mitigated(ns, name)
        elif memory.get("phase") != Phase.ROLLBACK.value:
            self.note(Rule.ONE_BY_ONE, f"{name} is evicted in phase {memory.get('phase')}")
        if pod["metadata"]["uid"] not in noted:
            self.note(Rule.ONE_BY_ONE, f"{name} is evicted, and the status does not say so")
        others = sum(is_ready(one) for one in ns.workers())
        worker = self.server.store.need(DEPLOYMENTS, ns.namespace, "worker")
        if others < min(WORKERS, worker["spec"]["replicas"]) - 1:
            self.note(Rule.ONE_BY_ONE, f"{name} is evicted, and {others} others are ready")

    def _stepped(self, job: Object) -> None:
        """A step's Job begins to run."""
        ns, world = self._namespace(job), self.server.store.world
        if job["metadata"]["name"] in {job_of(ns.drill_name, step) for step in STEPS}:
            self._mitigated(ns, job["metadata"]["name"])
        faults = {fault["name"] for fault in ns.planned()["outage"]["faults"]}
        changes = engine_of(ns.drill or self._last.get(ns.drill_name, {})).get("changes", ())
        if not any(one["name"] not in faults for one in changes):
            # No step has scaled the workers.
            return
        worker = self.server.store.get(DEPLOYMENTS, ns.namespace, "worker")
        number = worker["spec"]["replicas"] if worker is not None else None
        since = world.now - self._numbered.get(ns.namespace, 0.0)
        concerning = self.scenario.concerning(ns.number)
        # Who else sets the number may do so while the request that starts the Job is on its way.
        unknown = bool(concerning & ON_THE_WAY and concerning & SCALING)
        if number != 0 and since > NOTICED and not unknown:
            self.note(Rule.AT_ITS_NUMBER, f"{job['metadata']['name']} runs, worker is at {number} since {since:.1f} s")
        left = len(ns.workers())
        if number == 0 and left and not self.scenario.concerning(ns.number) & set(SCALING):
            self.note(Rule.AT_ITS_NUMBER, f"{job['metadata']['name']} runs, and {left} workers have not ended")

    def _mitigated(self, ns: SimulatedNamespace, what: str) -> None:
        """A step of a mitigation is carried out."""
        drill = ns.drill or self._last.get(ns.drill_name)
        if why := ahead(engine_of(drill) if drill is not None else {}):
            self.note(Rule.MITIGATED, f"{what}: {why}")

    def _back(self, ns: SimulatedNamespace) -> None:
        store = self.server.store
        worker = store.get(DEPLOYMENTS, ns.namespace, "worker")
        if worker is None or worker["spec"]["replicas"] != 0:
            return
        concerning = self.scenario.concerning(ns.number)
        if self._working_for() < LATE or ns.namespace in self.server.without_rights:
            store.world.after(LATE, self._back, ns)
        elif What.AGENT_DIES not in concerning:
            self.note(Rule.IN_TIME, "worker is still at 0 after its fuse's deadline")

    # The end of a drill

    def _status(self, actor: str, drill: Object) -> None:
        status, name = drill["status"], drill["metadata"]["name"]
        self._last[name] = drill
        if name in self.verdicts and not status.get("unreported") and name not in self.reported:
            self.reported[name] = self.server.store.world.elapsed, actor
            if "deletionTimestamp" not in drill["metadata"]:
                for why in self._unkept(drill):
                    self.note(Rule.KEPT, f"{name}: {why}")
        if status.get("phase") != Phase.FINISHED.value or name in self.verdicts:
            return
        self.verdicts[name] = status.get("verdict", "")
        if self._namespace(drill).by_hand_down:
            self.note(Rule.RESTORED, f"{name} has ended, and what a person broke for it is still broken")
        for platform in self._namespace(drill).platforms:
            # An answer that nobody can hold against anything is believed: the platform may still be at work.
            blind = What.AGENT_DIES in self.scenario.concerning(self._namespace(drill).number)
            if platform.down and ((platform.call.sees and not blind) or not platform.resuming):
                self.note(Rule.RESTORED, f"{name} has ended, and {platform.service} is still suspended")
        ns, memory = self._namespace(drill), engine_of(drill)
        concerning = self.scenario.concerning(ns.number)
        if ns.trial.dry_run:
            self.verdicts[name] = status["reason"]
            for why in dry_run_broken(ns.trial, status, concerning):
                self.note(Rule.DRY, f"{name}: {why}")
            return
        if status.get("verdict") == Verdict.PASSED.value:
            for why in self._dishonest(ns, memory):
                self.note(Rule.HONEST_PASS, f"{name}: {why}")
        for rule, why in judged(ns.trial, ns.system, memory, status, concerning):
            self.note(rule, f"{name}: {why}")

    def _unkept(self, drill: Object) -> Iterator[str]:
        """What is wrong with the samples of a drill that is over."""
        memory, ns = engine_of(drill), self._namespace(drill)
        if memory.get("steady_from") is None or not memory.get("results"):
            return
        said = next((c for c in drill["status"]["conditions"] if c["type"] == SAMPLES_KEPT), None)
        there = self.server.store.get(CONFIG_MAPS, ns.namespace, samples_of(drill["metadata"]["name"]))
        kept = drill["status"].get("samples") == samples_of(drill["metadata"]["name"])
        if said is None and not kept:
            yield "nothing says what became of its samples"
        elif said is not None and said["message"] == NOTHING_READ and ns.last_samples(memory["finished_at"] - 1.0):
            yield "it says that there were no logs of its agents, and there are"
        elif kept and there is None:
            yield "it says that its samples were kept, and there are none"
        elif kept and there is not None:
            strips = {strip.probe: strip for strip in samples.read(there).strips}
            if json_bytes(there) > samples.OBJECT_BYTES + 1024:
                yield f"its samples take {json_bytes(there)} bytes"
            # Where the network is slow, the newest lines are still on their way when the drill is over.
            late = What.LAG in self.scenario.concerning(ns.number)
            for probe, last in ns.last_samples(memory["finished_at"] - 1.0).items() if not late else ():
                until = strips[probe].at[-1] if probe in strips and strips[probe].at else 0.0
                if until < last - 0.01:
                    yield f"samples of {probe} that its agent has told of are not among those that were kept"

    def _dishonest(self, ns: SimulatedNamespace, memory: dict[str, Any]) -> Iterator[str]:
        zero, asked = memory.get("outage_started_at"), memory.get("undo_requested_at")
        if memory.get("proven_at") is None or zero is None or asked is None:
            yield "the cut was never proven"
            return
        # What comes of the cut after its time does not count, and a revert may come late.
        ends = min(asked, zero + OUTAGE) - BLINK
        for result in memory.get("results", ()):
            if result["state"] not in {"Met", "AlwaysTrue"} and not result.get("again"):
                yield f"{result['name']} is {result['state']}"
        faults = {fault["name"] for fault in ns.planned()["outage"]["faults"]}
        proven = {one["name"] for one in memory.get("changes", ()) if one.get("proven_at") is not None}
        if unproven := sorted(faults - proven):
            yield f"{unproven[0]} was never proven"
        if memory.get("doubts"):
            yield f"there is a doubt: {memory['doubts'][0]['cause']}"
        if any(change.get("state") != "Undone" for change in memory.get("changes", ())) or not memory.get(
            "faults_cleared"
        ):
            yield "not everything was undone"
        if any(DRILL in p["metadata"]["labels"] for p in self.server.store.all_of(NETWORK_POLICIES, ns.namespace)):
            yield "its policy is still there"
        cut = False
        for at, now_cut in (*ns.truth, (ends, False)):
            if cut is False and now_cut is False and zero < at < ends:
                yield f"packets passed {at - zero:.1f} s into the outage"
            if at < ends and at > zero + 1 and not now_cut:
                yield f"the cut ended {at - zero:.1f} s into the outage"
            cut = now_cut

    # The end of the world

    def close(self) -> None:
        """Look at what is left."""
        for ns in self.namespaces:
            left = list(self._left(ns))
            if left:
                self.note(Rule.RESTORED, f"{ns.namespace}: {', '.join(left)}")
            if self._unshown(ns):
                self.note(Rule.SHOWN, f"{ns.namespace}: {ns.drill_name} has ended")

    def quiet(self) -> bool:
        """Whether every drill has ended, nothing is left of it, and its GameDay shows it."""
        now = self.server.store.world.elapsed
        return all(
            self.over(ns)
            and not any(self._left(ns))
            and not self._unshown(ns)
            and now > self._shown_at.get(ns.drill_name, 0.0) + REPORTED
            and now > self.reported.get(ns.drill_name, (0.0,))[0] + REPORTED
            for ns in self.namespaces
        )

    def _unshown(self, ns: SimulatedNamespace) -> bool:
        """Whether a drill has ended and its GameDay does not show it."""
        gameday = self.server.store.get(GAMEDAYS, ns.namespace, "plan")
        if ns.trial.dry_run:
            return False
        shown = gameday is None or gameday.get("status", {}).get("lastDrill") == ns.drill_name
        return ns.drill_name in self.verdicts and not shown and not self.abandoned(ns)

    def abandoned(self, ns: SimulatedNamespace) -> bool:
        """Whether a Drill was removed by force while there may have been no process: nobody can know of it any more."""
        concerning = self.scenario.concerning(ns.number)
        forced = What.DRILL_FORCED in concerning or {What.DRILL_DELETED, What.FINALIZER_TAKEN} <= concerning
        return forced and bool(concerning & DEADLY)

    def counted(self, ns: SimulatedNamespace, times: int, ended_at: Mapping[str, float]) -> None:
        """Hold how often a drill was counted, in all processes together, against the promise.

        ``ended_at`` is when processes ended, by name. One that ends before it hears that its last save of a drill was
        carried out has not counted that drill, and the next process cannot tell it from one that has.
        """
        name = ns.drill_name
        if ns.trial.dry_run:
            if times or name in self._shown_at:
                self.note(Rule.DRY, f"{ns.namespace}: {name} was counted {times} times, or shown as the last drill")
            return
        since, by = self.reported.get(name, (0.0, ""))
        unheard = ended_at.get(by, float("inf")) <= since + UNHEARD
        gone = self.server.store.get(GAMEDAYS, ns.namespace, "plan") is None
        least = 0 if name not in self.verdicts or gone or unheard or self.abandoned(ns) else 1
        if not least <= times <= 1:
            self.note(Rule.COUNTED, f"{ns.namespace}: {name} was counted {times} times")

    def over(self, ns: SimulatedNamespace) -> bool:
        """Whether a drill has ended, or is gone."""
        drill = ns.drill
        if drill is None:
            return self.server.store.world.elapsed > ns.trial.starts + 1
        status = drill.get("status", {})
        return bool(status.get("phase") == Phase.FINISHED.value and not status.get("unreported"))

    def _expires(self, ns: SimulatedNamespace, thing: Object) -> bool:
        """Whether a fuse has acted, of a Drill of which nobody knows any more: Kubernetes deletes it with its pod."""
        if not self.abandoned(ns):
            return False
        owners = [owner["name"] for owner in thing["metadata"].get("ownerReferences", ()) if owner["kind"] == JOBS.kind]
        job = self.server.store.get(JOBS, ns.namespace, owners[0]) if owners else thing
        if job is None or "ttlSecondsAfterFinished" not in job["spec"]:
            return False
        return any(condition["type"] == "Complete" for condition in job.get("status", {}).get("conditions", ()))

    def _left(self, ns: SimulatedNamespace) -> Iterator[str]:
        store = self.server.store
        for resource in (NETWORK_POLICIES, JOBS, PODS):
            for thing in store.all_of(resource, ns.namespace):
                labels = thing["metadata"].get("labels") or {}
                step = resource is JOBS and labels.get(ROLE) == "step"
                if DRILL in labels and not step and not self._expires(ns, thing):
                    yield f"{resource.kind} {thing['metadata']['name']}"
        # The lock of a Drill that was removed by force while no process ran is taken by the namespace's next drill.
        if store.get(LEASES, ns.namespace, "gameday") is not None and not self.abandoned(ns):
            yield "the namespace's lock"
        drill = store.get(DRILLS, ns.namespace, ns.drill_name)
        if drill is not None and drill["metadata"].get("finalizers"):
            yield "the finalizer"
        yield from (f"{platform.service} is suspended" for platform in ns.platforms if platform.down)
        worker = store.get(DEPLOYMENTS, ns.namespace, "worker")
        others = {t.count for t in self.scenario.failures if t.what in SCALING and t.drill == ns.number}
        if worker is not None and worker["spec"]["replicas"] not in {WORKERS, *others}:
            yield f"worker at {worker['spec']['replicas']}"


def dry_run_broken(trial: Trial, status: Mapping[str, Any], concerning: frozenset[What]) -> Iterator[str]:
    """What is wrong with the status of a dry run that has ended."""
    if "verdict" in status or status["changed"] or status["undo"] or status["expectations"]:
        yield f"it says what a drill says: {status.get('verdict')}, changed {status['changed']}, {status['undo']}"
    told = f"{status['reason']}: {status['message']}"
    # What a single sample cannot show, a drill finds in its steady state.
    if not concerning and not trial.undecidable and trial.pairs is Pairs.SPARED and trial.defect is not Defect.EARLY:
        if status["reason"] != Reason.PLANNED.value:
            yield f"nothing is wrong, and it says {told}"
        elif not all(status["dryRun"].get(name) for name in ("targets", "rights", "probes", "expectations")):
            yield f"its findings are not all there: {sorted(status['dryRun'])}"
    if trial.slip and status["reason"] == Reason.PLANNED.value:
        yield f"its plan compares a number with text, and it says {told}"


def may_scale_again(concerning: frozenset[What]) -> bool:
    """Whether who takes over may not know of a scaling that was carried out: somebody else has taken it back since."""
    return What.OWNED in concerning and bool(concerning & DEADLY)


def wanted_of(trial: Trial) -> Verdict:
    """What a drill says where nothing goes wrong: a miss over connections that may have survived counts for nobody."""
    if not trial.shown or trial.pairs is not Pairs.SPARED:
        return Verdict.INCONCLUSIVE
    if trial.defect is Defect.STUCK and trial.mitigates.restarts and not trial.unaided:
        return Verdict.PASSED
    acts = trial.defect is not Defect.BLIND and not trial.connections.unnoticed
    if trial.unaided and acts and trial.mitigates is not Mitigates.LATE:
        return Verdict.FAILED
    if not trial.defect.misses:
        return Verdict.PASSED
    return Verdict.FAILED


def judged(
    trial: Trial, system: System, memory: Mapping[str, Any], said: Mapping[str, Any], concerning: frozenset[What]
) -> Iterator[tuple[Rule, str]]:
    """Promises about verdicts that a drill broke; ``said`` holds its verdict, reason and message."""
    verdict, told = said.get("verdict"), f"{said.get('verdict')}: {said.get('reason')}: {said.get('message')}"
    lies = bool(concerning & LYING)
    yield from ((Rule.ALL_DECIDED, why) for why in vanished(trial, memory, str(verdict), str(said.get("message"))))
    yield from ((Rule.CUT_OFF, f"{why}; {told}") for why in not_cut_off(trial, system, memory, str(verdict), lies=lies))
    brief = trial.call is not None and trial.call.ends is not None and trial.call.ends < OUTAGE + SEEN
    if (
        trial.hand is None
        and not brief
        and not concerning & (REMOVING | DEADLY | (OF_WORKERS if trial.faults.scales else frozenset()))
    ):
        yield from ((Rule.BLAMED, f"{why}; {told}") for why in blamed(memory))
    # Where a call makes the fault, no control tells that the dependency went down by itself.
    alone = trial.call is not None and What.REDIS_DOWN in concerning
    if verdict == Verdict.PASSED.value and not lies:
        # A slow system looks fast where its dependency had gone before the call.
        missed = trial.defect.misses and not cured(trial, memory) and not (alone and trial.defect is Defect.SLOW)
        if missed or trial.undecidable:
            yield (
                Rule.HONEST_PASS,
                f"its system is {trial.defect.value}, its plan {'slips' if trial.slip else 'is good'}",
            )
        if What.CLOCK_STEP not in concerning:
            yield from ((Rule.HONEST_PASS, why) for why in unfounded(system, memory))
    aided = trial.unaided and acted(memory) is not None
    honest = trial.defect.misses or trial.defect is Defect.SILENT or aided or alone
    if verdict == Verdict.FAILED.value and not lies and not honest:
        yield Rule.HONEST_FAIL, told
    if What.CLOCK_STEP not in concerning:
        yield from ((Rule.MITIGATED, f"{why}; {told}") for why in uncredited(trial, memory))
    if not lies and What.CLOCK_STEP not in concerning:
        yield from ((Rule.UNTOUCHED, f"{why}; {told}") for why in touched_in_vain(trial, system, memory))
    # A bare world scales the workers where a whole one evicts their pods.
    scales = trial.faults.scales or trial.mitigates.scales or trial.mitigates is Mitigates.EVICTS
    if not concerning - (HARMLESS - OF_WORKERS if scales else HARMLESS):
        yield from ((Rule.BY_HOW_MUCH, why) for why in untold(system, memory))
        yield from ((Rule.NAMED, f"{why}; {told}") for why in misnamed(trial, memory, str(said.get("reason"))))
        # Nobody can tell whether what was met right after a mitigation acted was met by it.
        close = aided and said.get("reason") == Reason.UNKNOWN_RESULT.value
        if not close and not allowed(trial, str(verdict)):
            yield Rule.DECIDED, f"{told}; wanted was {wanted_of(trial).value}"


def allowed(trial: Trial, verdict: str) -> bool:
    """Whether a drill may say so where nothing goes wrong."""
    if trial.slip or trial.defect is Defect.NOISY:
        return verdict == Verdict.INCONCLUSIVE.value
    if trial.hand is not None and (not trial.hand.sees or trial.hand.acts_after is None):
        return verdict == Verdict.INCONCLUSIVE.value
    if trial.call is not None and (not trial.call.sees or trial.call.takes > SEEN_WITHIN):
        return verdict == Verdict.INCONCLUSIVE.value
    if (
        verdict == Verdict.INCONCLUSIVE.value
        and trial.call is not None
        and trial.call.ends is not None
        and (trial.call.ends < OUTAGE + SEEN or trial.call.fails or trial.call.silent)
    ):
        # It may be over before the outage is; and it is sent once, with a good answer or without.
        return True
    if trial.pairs is not Pairs.SPARED and verdict != Verdict.INCONCLUSIVE.value:
        return False
    hosted = trial.hosted
    if hosted is not None and (hosted.fails or hosted.silent or hosted.takes > SEEN_WITHIN):
        # A call of a step that has no good answer, or no effect, ends the drill: after a miss that is Failed.
        return verdict in {Verdict.FAILED.value, Verdict.INCONCLUSIVE.value}
    decided = wanted_of(trial) is not Verdict.INCONCLUSIVE
    if hosted is not None and trial.mitigates is Mitigates.LATE and trial.defect is Defect.STUCK and decided:
        # Its calls may be answered too late for the recovery.
        return verdict in {Verdict.PASSED.value, Verdict.FAILED.value}
    if trial.defect is Defect.FRAGILE and trial.shown and (trial.close_connections or trial.faults is not Faults.CUT):
        # Its guardrail may trip before open connections are seen to be gone, or before the last fault is proven.
        return verdict in {Verdict.FAILED.value, Verdict.INCONCLUSIVE.value}
    if trial.mitigates is Mitigates.LATE and trial.unaided and trial.shown and verdict == Verdict.FAILED.value:
        # Under two cuts the report may last as long as the mitigation waits.
        return True
    # What they do to a drill hangs on when exactly they are asked; see ``truths`` for what must not come of it.
    return trial.defect in {Defect.SILENT, Defect.EARLY} or verdict == wanted_of(trial).value
