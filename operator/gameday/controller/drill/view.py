"""What one drill sees of the cluster: mirrors of the few objects that concern it, and the World made of them."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from gameday.actions.kind import Scene, Watch
from gameday.actions.registry import KINDS
from gameday.api.drill import FINALIZER, confirmed_of, start_before
from gameday.api.state import setup_bytes
from gameday.cluster.client import ACCOUNT, CONTAINER, Cluster
from gameday.cluster.kinds import (
    DRILLS,
    GAMEDAYS,
    JOBS,
    PODS,
    SERVICE_ACCOUNTS,
    Kind,
    Object,
)
from gameday.cluster.streams import Mirror
from gameday.controller.administrator import Administrator
from gameday.controller.background import Background
from gameday.controller.drill import agents
from gameday.controller.drill.feed import Feed
from gameday.controller.drill.memory import Memory
from gameday.engine.drill import budgets
from gameday.engine.drill.answers import Answers
from gameday.fuses import job as fuse
from gameday.fuses import pod as fuse_of_scale
from gameday.fuses.pod import pods_of
from gameday.model.change import Change, Observed, Ran
from gameday.model.labels import DRILL
from gameday.model.names import derived, fuse_agent
from gameday.model.plan import Action, Plan
from gameday.model.record import Record
from gameday.model.setup import Pair, Setup
from gameday.model.world import Fuse, Life, Planned, Preflight, World
from gameday.schema.bounds import SETUP_BYTES

OPT_IN: Final = "gameday.dev/opt-in"


class View:
    """Mirrors of a drill's objects. What the hands learn from their own calls is noted here as well."""

    def __init__(
        self, operator: Cluster, memory: Memory, feed: Feed, administrator: Administrator, answers: Answers
    ) -> None:
        self.operator = operator
        self.administrator = administrator
        self.account = operator.as_account(memory.namespace)
        self.memory = memory
        self.feed = feed
        self.answers = answers
        self._scene = Scene(self.account, memory.namespace, memory.name, memory.uid, self)
        self.planned = Planned.ABSENT
        self.planned_why = ""
        self.preflight: Preflight | None = None
        self.likely_leaks: dict[str, str] = {}
        """What most likely lets traffic through each cut that shows no effect."""
        self.gates: dict[str, tuple[str, ...]] = {}
        """Policies that decide who may reach what each fault takes away."""
        self.too_many = ""
        """Why a cut cannot grow with what it cuts off any more, or ""."""
        self.is_last = False
        """Whether the GameDay shows this drill as its last one."""
        self._wake: Callable[[], None] = lambda: None
        self._mirrors: dict[str, Mirror] = {}
        self._wanted: tuple[Plan | None, Setup | None, frozenset[str]] = (None, None, frozenset())
        self._kinds: tuple[Setup | None, tuple[str, ...]] = (None, ())
        self._background: Background | None = None

    def open(self, background: Background, wake: Callable[[], None]) -> None:
        """Start the mirrors that every drill needs; ``wake`` is called at each change."""
        self._background, self._wake = background, wake
        self.administrator.listeners[wake] = None
        self._mirror("drill", self.operator, DRILLS, fields=f"metadata.name={self.memory.name}")
        name = self.memory.drill["spec"]["gameDay"]
        self._mirror("gameday", self.operator, GAMEDAYS, fields=f"metadata.name={name}")
        self._mirror("account", self.operator, SERVICE_ACCOUNTS, fields=f"metadata.name={ACCOUNT}")

    def close(self) -> None:
        """Listen to the administrator no more; the mirrors end with their tasks."""
        self.administrator.listeners.pop(self._wake, None)

    def open_namespace(self, plan: Plan) -> None:
        """Start the mirrors of what the drill itself creates and changes; once is enough."""
        ours = f"{DRILL}={self.memory.name}"
        self._mirror("pods", self.account, PODS, labels=ours)
        self._mirror("jobs", self.account, JOBS, labels=ours)
        for fault in plan.outage.faults:
            self.open_change(fault.name)
        for change in self.memory.record.changes:
            self.open_change(change.name)

    @property
    def scene(self) -> Scene:
        """What a kind of action works on: the drill with its setup of now."""
        self._scene.setup = self.memory.setup
        return self._scene

    def open_change(self, name: str) -> None:
        """Start the mirrors by which the change or the run of a fault or step is observed; once is enough."""
        action, change = self.action(name), self.memory.record.change(name)
        kind = KINDS.changes.get(change.kind if change is not None else action.KIND if action is not None else "")
        for watch in kind.watches(self.scene, name, action, change) if kind is not None else ():
            self._watch(watch)
        if action is not None and action.KIND in KINDS.runs:
            for watch in KINDS.runs[action.KIND].watches(self.scene, name, action):
                self._watch(watch)

    def _watch(self, watch: Watch) -> None:
        self._mirror(
            watch.name, self.account, watch.kind, labels=watch.labels, fields=watch.fields, namespace=watch.namespace
        )

    def action(self, name: str) -> Action | None:
        """The action of a fault or step, or None while the plan is unknown."""
        plan = self.memory.plan
        return next((action for known, action in plan.actions() if known == name), None) if plan is not None else None

    def listed(self, watch: str) -> bool:
        """Whether a mirror has listed its objects."""
        mirror = self._mirrors.get(watch)
        return mirror is not None and mirror.synced

    @property
    def synced(self) -> bool:
        """Whether all was listed, the administrator's words too: before, nothing may be concluded from absence."""
        return self.administrator.known and all(mirror.synced for mirror in self._mirrors.values())

    @property
    def blind(self) -> str:
        """The API server's error for a collection that could not be listed yet, or ""."""
        return next((mirror.error for mirror in self._mirrors.values() if not mirror.synced and mirror.error), "")

    def only(self, name: str) -> Object | None:
        """The object of a mirror that holds at most one."""
        mirror = self._mirrors.get(name)
        return next(iter(mirror.objects.values()), None) if mirror is not None else None

    def objects(self, name: str) -> dict[str, Object]:
        """The objects of a mirror by name."""
        mirror = self._mirrors.get(name)
        return mirror.objects if mirror is not None else {}

    def resolved(self, fault: str) -> tuple[str, ...]:
        """The addresses that witnesses and controls found for the name that a fault cuts off."""
        proof = self.feed.evidence.proofs.get(fault) if self.feed.evidence is not None else None
        return tuple(sorted(proof.addresses.first)) if proof is not None else ()

    def learn(self, name: str, thing: Object) -> None:
        """Store an object that one of our own calls returned."""
        mirror = self._mirrors.get(name)
        if mirror is not None:
            mirror.learn(thing)

    def forget(self, name: str, deleted: str) -> None:
        """Remove an object that one of our own calls deleted."""
        mirror = self._mirrors.get(name)
        if mirror is not None:
            mirror.forget(deleted)

    @property
    def opted_in(self) -> bool:
        """Whether the namespace's account is there, with its label."""
        account = self.only("account")
        return account is not None and (account["metadata"].get("labels") or {}).get(OPT_IN) == "true"

    def world(self) -> World:
        """The engine's observation, without what the loop knows from the results of its own commands."""
        record, plan, setup = self.memory.record, self.memory.plan, self.memory.setup
        drill = self.only("drill") or self.memory.drill
        gone = self.only("drill") is None or "deletionTimestamp" in drill["metadata"]
        world = World(
            drill=self.memory.name,
            planned=self.planned,
            planned_why=self.planned_why,
            start_before=start_before(drill),
            abort=bool(drill["spec"].get("abort")),
            deleted=gone,
            opted_in=self.opted_in,
            halt=self.administrator.halt,
            ruling=self.administrator.ruling,
            preflight=self.preflight,
            finalizer=FINALIZER in drill["metadata"].get("finalizers", ()) and self.only("drill") is not None,
            overwritten=self.memory.overwritten,
            likely_leaks=self.likely_leaks,
            gates=self.gates,
            skew=self.feed.skew,
            confirmed=confirmed_of(drill),
        )
        if plan is None or setup is None:
            return world
        if self.memory.unreadable:
            return self._remains(world, record, plan)
        wanted = self._agents_of(plan, setup)
        setup = self.setup_now(setup)
        closers, counters = agents.closers(setup), agents.counters(setup)
        closing = self.agent_pods(closers.values())
        return replace(
            world,
            agents_wanted=wanted,
            kinds=self._kinds_of(setup),
            agents={agent: life_of(pod) for agent, pod in self.agent_pods(wanted).items()},
            too_many=self.too_many,
            fuses={change.fuse_name: self._fuse(change, plan) for change in record.changes},
            changes=self._changes(record, plan),
            severs=frozenset(closers),
            severed={name: self.feed.severed[one] for name, one in closers.items() if one in self.feed.severed},
            closers={name: life_of(closing[one]) for name, one in closers.items() if one in closing},
            counted={name: self.feed.counted[one] for name, one in counters.items() if one in self.feed.counted},
            unusable_log=self.feed.unusable,
            runs=self._runs(record, plan),
        )

    def _remains(self, world: World, record: Record, plan: Plan) -> World:
        """The observation of a drill that only undoes: its agents' logs are ignored and its cuts are not compared."""
        return replace(
            world,
            agents=dict.fromkeys(self.agent_pods(agents.ALL), Life.ENDED),
            fuses={change.fuse_name: self._fuse(change, plan) for change in record.changes},
            changes=self._changes(record, plan),
        )

    def _changes(self, record: Record, plan: Plan) -> dict[str, Observed]:
        """The observed state of each change of this plan, and of each change of an earlier plan in the undo log."""
        actions = {name: action for name, action in plan.actions() if action.KIND in KINDS.changes}
        known = {change.name: change for change in record.changes}
        return {
            name: KINDS.changes[kind].observe(self.scene, name, actions.get(name), known.get(name))
            for name in (*actions, *(name for name in known if name not in actions))
            if (kind := known[name].kind if name in known else actions[name].KIND) in KINDS.changes
        }

    def _runs(self, record: Record, plan: Plan) -> dict[str, Ran]:
        """How far each irreversible step has come."""
        noted = {entry.name: entry.notes for entry in record.steps}
        return {
            name: KINDS.runs[action.KIND].ran(self.scene, name, action, noted.get(name))
            for name, action in plan.actions()
            if not action.REVERSIBLE
        }

    def logging_pods(self) -> dict[str, Object]:
        """The pods whose logs are followed, by the agent's name: the agents, and the fuses of scaled workloads."""
        plan, setup = self.memory.plan, self.memory.setup
        found: dict[str, Object] = {}
        if plan is not None and setup is not None:
            mine = agents.ALL if self.memory.unreadable else {*self._agents_of(plan, setup), *agents.CLOSERS}
            found = self.agent_pods(mine)
        fuses = {c.name: self._fuse_pods(c) for c in self.memory.record.changes if acts(c)}
        return found | {fuse_agent(name): pods[-1] for name, pods in fuses.items() if pods}

    def _agents_of(self, plan: Plan, setup: Setup) -> frozenset[str]:
        """The names of the drill's agents, cached per plan and setup because each turn of the loop needs them."""
        if self._wanted[0] is not plan or self._wanted[1] is not setup:
            self._wanted = plan, setup, agents.wanted(plan, setup)
        return self._wanted[2]

    def _kinds_of(self, setup: Setup) -> tuple[str, ...]:
        """Which targets each pair of witness and control represents, cached per setup."""
        if self._kinds[0] is not setup:
            self._kinds = setup, tuple(kind_of(pair) for _, _, pair in setup.numbered())
        return self._kinds[1]

    def _fuse_pods(self, change: Change) -> tuple[Object, ...]:
        """The pods of a scale's fuse, the newest last."""
        job = self.objects("jobs").get(change.fuse_name)
        return pods_of(job, self.objects("pods").values()) if job is not None else ()

    def agent_pods(self, wanted: Iterable[str]) -> dict[str, Object]:
        """The pods of agents, by the agent's name; other pods with the drill's label are ignored."""
        pods = self.objects("pods")
        names = {agent: derived(self.memory.name, agent) for agent in sorted(wanted)}
        return {agent: pods[name] for agent, name in names.items() if name in pods}

    def _fuse(self, change: Change, plan: Plan) -> Fuse:
        if not acts(change):
            return fuse.state_of(self.objects("jobs").get(change.fuse_name), budgets.fuse_of_faults(plan))
        runs = any(life_of(pod) is Life.RUNNING for pod in self._fuse_pods(change))
        agent = fuse_agent(change.name)
        deadline = self.feed.fuses_armed.get(agent)
        found = fuse_of_scale.state_of(self.objects("jobs").get(change.fuse_name), runs=runs, deadline=deadline)
        return replace(found, trouble=self.feed.fuse_troubles.get(agent, ""))

    def setup_now(self, setup: Setup) -> Setup:
        """The setup with the destinations that cuts cover by now; a cut does not shrink until it is lifted."""
        wider = setup
        for cut in setup.cuts:
            action = self.action(cut.fault)
            kind = KINDS.changes.get(action.KIND) if action is not None else None
            if kind is not None and (grown := kind.grown(self.scene, cut)) is not cut:
                wider = wider.with_cut(grown)
        if wider is setup:
            return setup
        if setup_bytes(wider) > SETUP_BYTES:
            most = max(len(cut.far_end.addresses) + len(cut.far_end.cidrs) for cut in wider.cuts)
            self.too_many = f"the dependency has or had {most} addresses since the drill began"
            return setup
        self.memory.setup = wider
        return wider

    def _mirror(
        self, name: str, cluster: Cluster, kind: Kind, *, labels: str = "", fields: str = "", namespace: str = ""
    ) -> None:
        if name in self._mirrors or self._background is None:
            return
        where = namespace or self.memory.namespace
        mirror = Mirror(cluster, kind, where, self._wake, labels=labels, fields=fields)
        self._mirrors[name] = mirror
        self._background.start(mirror.run())


def acts(change: Change) -> bool:
    """Whether the fuse of a change must act itself; False for an unknown kind of change."""
    kind = KINDS.changes.get(change.kind)
    return kind is not None and kind.fuse_acts


def kind_of(pair: Pair) -> str:
    """Which targets a pair of witness and control represents, in words."""
    labels = ",".join(f"{key}={value}" for key, value in sorted(pair.labels.items()))
    return f"pods with {labels or 'no label that a policy uses'} on node {pair.node}"


def life_of(pod: Object) -> Life:
    """The state of an agent's pod, by its agent's container.

    Readiness does not count, because witnesses and controls are never ready. Injected sidecars do not count either.
    """
    status = pod.get("status", {})
    if "deletionTimestamp" in pod["metadata"] or status.get("phase") in {"Succeeded", "Failed"}:
        return Life.ENDED
    state: Object = {}
    for listed in status.get("containerStatuses") or ():
        if listed.get("name") == CONTAINER:
            state = listed.get("state") or {}
    if "running" in state:
        return Life.RUNNING
    # A fuse of a scale is started again when its container dies; no other agent is.
    if "terminated" in state and pod["spec"].get("restartPolicy") == "Never":
        return Life.ENDED
    return Life.STARTING
