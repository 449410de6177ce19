"""The informers of one drill: they watch the few objects that concern it, and make an ``Observation`` of them."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from gameday.actions.kind import ActionContext, Watch
from gameday.actions.registry import KINDS
from gameday.api.drill import FINALIZER, confirmed_of, start_before
from gameday.api.state import setup_bytes
from gameday.cluster import pod_status
from gameday.cluster.client import ACCOUNT, CONTAINER, Cluster
from gameday.cluster.informer import Informer, version_of
from gameday.cluster.pod_status import has_ended
from gameday.cluster.resources import (
    DRILLS,
    GAMEDAYS,
    JOBS,
    PODS,
    SERVICE_ACCOUNTS,
    Object,
)
from gameday.controller.administrator import Administrator
from gameday.controller.drill import agents
from gameday.controller.drill.log_follower import LogFollower
from gameday.controller.drill.persisted_drill import PersistedDrill
from gameday.controller.drill.pods import is_of, leaving, life_of, may_act, role_of
from gameday.controller.task_set import TaskSet
from gameday.engine.drill import timeouts
from gameday.engine.drill.command_outcomes import CommandOutcomes
from gameday.fuses import job as fuse
from gameday.fuses import pod as acting_fuse
from gameday.fuses.owner import FuseOwner
from gameday.fuses.pod import pods_of
from gameday.model.change import Change, Observed, Ran
from gameday.model.labels import DRILL, FUSE
from gameday.model.names import fuse_agent, object_name
from gameday.model.observation import Fuse, Life, Observation, Planned, Preflight
from gameday.model.plan import Action, Plan
from gameday.model.record import DrillRecord
from gameday.model.setup import Pair, Setup
from gameday.schema.bounds import SETUP_BYTES

OPT_IN: Final = "gameday.dev/opt-in"


class DrillInformers:
    """Watches a drill's objects. The executor also stores the objects that its own calls return here."""

    def __init__(
        self,
        operator: Cluster,
        persisted: PersistedDrill,
        follower: LogFollower,
        administrator: Administrator,
        outcomes: CommandOutcomes,
    ) -> None:
        self.operator = operator
        self.administrator = administrator
        self.account = operator.as_account(persisted.namespace)
        self.persisted = persisted
        self.follower = follower
        self.outcomes = outcomes
        self._context = ActionContext(self.account, persisted.namespace, persisted.name, persisted.uid, self)
        self.fuse_owner = FuseOwner.of(persisted.drill)
        self.planned = Planned.ABSENT
        self.planned_why = ""
        self.preflight: Preflight | None = None
        self.suspected_bypasses: dict[str, str] = {}
        """What most likely lets traffic through each cut that shows no effect."""
        self.gates: dict[str, tuple[str, ...]] = {}
        """Policies that decide who may reach what each fault takes away."""
        self.too_many_addresses = ""
        """Why a cut cannot grow with what it cuts off any more, or ""."""
        self.is_last = False
        """Whether the GameDay shows this drill as its last one."""
        self._wake: Callable[[], None] = lambda: None
        self._informers: dict[str, Informer] = {}
        self._blocking: set[str] = set()
        """The informers without whose objects nothing is decided."""
        self._wanted: tuple[Plan | None, Setup | None, frozenset[str]] = (None, None, frozenset())
        self._kinds: tuple[Setup | None, tuple[str, ...]] = (None, ())
        self._tasks: TaskSet | None = None

    def open(self, tasks: TaskSet, wake: Callable[[], None]) -> None:
        """Start the informers that every drill needs; ``wake`` is called at each change."""
        self._tasks, self._wake = tasks, wake
        self.administrator.listeners[wake] = None
        gameday = self.persisted.drill["spec"]["gameDay"]
        self._start(self.operator, Watch("drill", DRILLS, fields=f"metadata.name={self.persisted.name}"))
        self._start(self.operator, Watch("gameday", GAMEDAYS, fields=f"metadata.name={gameday}"))
        self._start(self.operator, Watch("account", SERVICE_ACCOUNTS, fields=f"metadata.name={ACCOUNT}"))

    def close(self) -> None:
        """Stop listening to the administrator; the informers end with their tasks."""
        self.administrator.listeners.pop(self._wake, None)

    def open_namespace(self, plan: Plan) -> None:
        """Start the informers of the objects that the drill creates and changes; a second call does nothing."""
        ours = f"{DRILL}={self.persisted.name}"
        self._start(self.account, Watch("pods", PODS, labels=ours))
        self._start(self.account, Watch("jobs", JOBS, labels=ours))
        for fault in plan.outage.faults:
            self.open_change(fault.name)
        for change in self.persisted.record.changes:
            self.open_change(change.name)

    @property
    def context(self) -> ActionContext:
        """What a kind of action works on: the drill with its setup of now."""
        self._context.setup = self.persisted.setup
        return self._context

    def open_change(self, name: str) -> None:
        """Start the mirrors by which the change or the run of a fault or step is observed; once is enough."""
        action, change = self.action(name), self.persisted.record.change(name)
        kind = KINDS.changes.get(change.kind if change is not None else action.KIND if action is not None else "")
        for watch in kind.watches(self.context, name, action, change) if kind is not None else ():
            self._start(self.account, watch)
        if action is not None and action.KIND in KINDS.runs:
            for watch in KINDS.runs[action.KIND].watches(self.context, name, action):
                self._start(self.account, watch)

    def action(self, name: str) -> Action | None:
        """The action of a fault or step, or None while the plan is unknown."""
        plan = self.persisted.plan
        return next((action for known, action in plan.actions() if known == name), None) if plan is not None else None

    def listed(self, watch: str) -> bool:
        """Whether an informer has listed its objects."""
        informer = self._informers.get(watch)
        return informer is not None and informer.synced

    @property
    def synced(self) -> bool:
        """Whether all is listed without which an absent object may exist: of the rest, kinds say that it is unknown."""
        return self.administrator.known and all(self.listed(name) for name in self._blocking)

    @property
    def list_error(self) -> str:
        """The API server's error for a collection that must be listed first, or ""."""
        late = (one for name, one in self._informers.items() if name in self._blocking and not one.synced)
        return next((one.error for one in late if one.error), "")

    @property
    def watch_error(self) -> str:
        """The API server's error for a collection that was listed before and cannot be listed now, or ""."""
        return next((informer.error for informer in self._informers.values() if informer.synced and informer.error), "")

    @property
    def unlisted(self) -> str:
        """Why a collection is not listed yet of which kinds of actions say that it is unknown, or ""."""
        late = [one for name, one in self._informers.items() if name not in self._blocking and not one.synced]
        error = next((one.error for one in late if one.error), "")
        return error or next((f"list {one.resource.plural}: no answer yet" for one in late), "")

    def single(self, name: str) -> Object | None:
        """The object of an informer that watches at most one, or None."""
        informer = self._informers.get(name)
        return next(iter(informer.objects.values()), None) if informer is not None else None

    def objects(self, name: str) -> dict[str, Object]:
        """The objects of an informer, by name."""
        informer = self._informers.get(name)
        return informer.objects if informer is not None else {}

    def resolved(self, fault: str) -> tuple[str, ...]:
        """The addresses that witnesses and controls found for the name that a fault cuts off."""
        proof = self.follower.evidence.proofs.get(fault) if self.follower.evidence is not None else None
        return tuple(sorted(proof.addresses.first)) if proof is not None else ()

    def upsert(self, name: str, thing: Object) -> None:
        """Store an object that one of our own calls returned."""
        informer = self._informers.get(name)
        if informer is not None:
            informer.upsert(thing)

    def evict(self, name: str, deleted: str) -> None:
        """Remove an object that one of our own calls deleted."""
        informer = self._informers.get(name)
        if informer is not None:
            informer.evict(deleted)

    def own_drill(self) -> Object | None:
        """The watched Drill, or None where it is gone: another one may have its name since."""
        drill = self.single("drill")
        return drill if drill is not None and drill["metadata"]["uid"] == self.persisted.uid else None

    def _newest_drill(self) -> Object:
        """The Drill as its watch or the last save has it: a save also brings what people wrote into its spec."""
        watched, saved = self.own_drill(), self.persisted.drill
        return saved if watched is None or version_of(saved) > version_of(watched) else watched

    @property
    def opted_in(self) -> bool:
        """Whether the namespace's account is there, with its label."""
        account = self.single("account")
        return account is not None and (account["metadata"].get("labels") or {}).get(OPT_IN) == "true"

    def observe(self) -> Observation:
        """The engine's observation, without what the loop knows from the results of its own commands."""
        record, plan, setup = self.persisted.record, self.persisted.plan, self.persisted.setup
        drill, there = self._newest_drill(), self.own_drill() is not None and not self.persisted.gone
        callers = self.callers()
        observed = Observation(
            drill=self.persisted.name,
            planned=self.planned,
            planned_why=self.planned_why,
            start_before=start_before(drill),
            abort=bool(drill["spec"].get("abort")),
            deleted=not there or "deletionTimestamp" in drill["metadata"],
            opted_in=self.opted_in,
            halt=self.administrator.halt,
            limits_state=self.administrator.limits_state,
            preflight=self.preflight,
            finalizer=FINALIZER in drill["metadata"].get("finalizers", ()) and there,
            overwritten=self.persisted.overwritten,
            suspected_bypasses=self.suspected_bypasses,
            gates=self.gates,
            skew=self.follower.skew,
            offset=self.follower.offset,
            callers=frozenset(pod["metadata"]["name"] for pod in callers),
            callers_leaving=leaving(pod for pod in callers if not has_ended(pod)),
            confirmed=confirmed_of(drill),
            unlisted=self.unlisted,
        )
        if plan is None or setup is None:
            return observed
        if self.persisted.unreadable:
            return self._observe_undo_only(observed, record, plan)
        wanted = self._agents_of(plan, setup)
        setup = self.setup_now(setup)
        closers, counters = agents.closers(setup), agents.counters(setup)
        closing = self.agent_pods(closers.values())
        pods = self.agent_pods(wanted)
        return replace(
            observed,
            agents_wanted=wanted,
            kinds=self._kinds_of(setup),
            agents={agent: life_of(pod) for agent, pod in pods.items()},
            agents_leaving=leaving((*pods.values(), *closing.values())),
            agent_troubles={agent: why for agent, pod in pods.items() if (why := pod_status.trouble(pod, CONTAINER))},
            too_many_addresses=self.too_many_addresses,
            fuses={change.fuse_name: self._fuse(change, plan) for change in record.changes},
            changes=self._changes(record, plan),
            closing_faults=frozenset(closers),
            connections_closed={
                name: self.follower.closed[one] for name, one in closers.items() if one in self.follower.closed
            },
            closers={name: life_of(closing[one]) for name, one in closers.items() if one in closing},
            connections_counted={
                name: self.follower.counted[one] for name, one in counters.items() if one in self.follower.counted
            },
            unusable_log=self.follower.unusable,
            runs=self._runs(record, plan),
        )

    def _observe_undo_only(self, observed: Observation, record: DrillRecord, plan: Plan) -> Observation:
        """The observation of a drill that only undoes: its agents' logs are ignored and its cuts are not compared."""
        pods = self.agent_pods(agents.ALL)
        return replace(
            observed,
            agents=dict.fromkeys(pods, Life.ENDED),
            agents_leaving=leaving(pods.values()),
            fuses={change.fuse_name: self._fuse(change, plan) for change in record.changes},
            changes=self._changes(record, plan),
        )

    def _changes(self, record: DrillRecord, plan: Plan) -> dict[str, Observed]:
        """The observed state of each change of this plan, and of each change of an earlier plan in the undo log."""
        actions = {name: action for name, action in plan.actions() if action.KIND in KINDS.changes}
        known = {change.name: change for change in record.changes}
        return {
            name: KINDS.changes[kind].observe(self.context, name, actions.get(name), known.get(name))
            for name in (*actions, *(name for name in known if name not in actions))
            if (kind := known[name].kind if name in known else actions[name].KIND) in KINDS.changes
        }

    def _runs(self, record: DrillRecord, plan: Plan) -> dict[str, Ran]:
        """How far each irreversible step has come."""
        noted = {entry.name: entry.notes for entry in record.steps}
        return {
            name: KINDS.runs[action.KIND].ran(self.context, name, action, noted.get(name))
            for name, action in plan.actions()
            if not action.REVERSIBLE
        }

    def logging_pods(self) -> dict[str, Object]:
        """The pods whose logs are followed, by the agent's name: the agents, and the fuses that act."""
        plan, setup = self.persisted.plan, self.persisted.setup
        found: dict[str, Object] = {}
        if plan is not None and setup is not None:
            mine = agents.ALL if self.persisted.unreadable else {*self._agents_of(plan, setup), *agents.CLOSERS}
            found = self.agent_pods(mine)
        fuses = {c.name: self._fuse_pods(c) for c in self.persisted.record.changes if fuse_acts(c)}
        return found | {fuse_agent(name): pods[-1] for name, pods in fuses.items() if pods}

    def callers(self) -> tuple[Object, ...]:
        """The pods that may still act: those that kinds of actions had made, and those of fuses whose Job is gone.

        Such a fuse is ended by garbage collection, but not on a node that is lost, where it may act at its deadline.
        """
        pods, jobs = self.objects("pods").values(), {job["metadata"]["uid"] for job in self.objects("jobs").values()}
        return tuple(pod for pod in pods if may_act(pod, jobs) and (role_of(pod) == FUSE or self._owns(pod)))

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

    def fuse_job(self, change: Change) -> Object | None:
        """The Job of a change's fuse; one that an earlier Drill of the same name has left is another's."""
        job = self.objects("jobs").get(change.fuse_name)
        return job if job is not None and self.fuse_owner.owns(job) else None

    def _fuse_pods(self, change: Change) -> tuple[Object, ...]:
        """The pods of a fuse that acts, the newest last."""
        job = self.fuse_job(change)
        return pods_of(job, self.objects("pods").values()) if job is not None else ()

    def agent_pods(self, wanted: Iterable[str]) -> dict[str, Object]:
        """The pods of agents, by the agent's name; other pods with the drill's label are ignored."""
        pods = self.objects("pods")
        names = {agent: object_name(self.persisted.name, agent) for agent in sorted(wanted)}
        return {agent: pods[name] for agent, name in names.items() if name in pods and self._owns(pods[name])}

    def _owns(self, pod: Object) -> bool:
        """Whether a pod is this Drill's or its fuses', and not that of another Drill of the same name."""
        return is_of(pod, {self.persisted.uid, *(change.fuse_uid for change in self.persisted.record.changes)})

    def _fuse(self, change: Change, plan: Plan) -> Fuse:
        if not fuse_acts(change):
            return fuse.state_of(self.fuse_job(change), timeouts.fuse_of_faults(plan), change.fuse_deadline)
        pods = self._fuse_pods(change)
        runs = any(life_of(pod) is Life.RUNNING for pod in pods)
        agent = fuse_agent(change.name)
        deadline = self.follower.fuses_armed.get(agent)
        found = acting_fuse.state_of(self.fuse_job(change), runs=runs, deadline=deadline)
        waits = pod_status.trouble(pods[-1], CONTAINER) if pods and not runs else ""
        return replace(found, trouble=self.follower.fuse_troubles.get(agent, ""), waits=waits)

    def setup_now(self, setup: Setup) -> Setup:
        """The setup with the destinations that cuts cover by now; a cut does not shrink until it is reverted."""
        wider = setup
        for cut in setup.cuts:
            action = self.action(cut.fault)
            kind = KINDS.changes.get(action.KIND) if action is not None else None
            if kind is not None and (grown := kind.grown(self.context, cut)) is not cut:
                wider = wider.with_cut(grown)
        if wider is setup:
            return setup
        if setup_bytes(wider) > SETUP_BYTES:
            most = max(len(cut.destination.addresses) + len(cut.destination.cidrs) for cut in wider.cuts)
            self.too_many_addresses = f"the dependency has or had {most} addresses since the drill began"
            return setup
        self.persisted.setup = wider
        return wider

    def _start(self, cluster: Cluster, watch: Watch) -> None:
        """Start an informer, unless one of its name runs."""
        if watch.name in self._informers or self._tasks is None:
            return
        where = watch.namespace or self.persisted.namespace
        informer = Informer(cluster, watch.resource, where, self._wake, labels=watch.labels, fields=watch.fields)
        self._informers[watch.name] = informer
        if watch.blocks:
            self._blocking.add(watch.name)
        self._tasks.start(informer.run())


def fuse_acts(change: Change) -> bool:
    """Whether the fuse of a change must act itself; False for an unknown kind of change."""
    kind = KINDS.changes.get(change.kind)
    return kind is not None and kind.fuse_acts and bool(change.fuse_name)


def kind_of(pair: Pair) -> str:
    """Which targets a pair of witness and control represents, in words."""
    labels = ",".join(f"{key}={value}" for key, value in sorted(pair.labels.items()))
    return f"pods with {labels or 'no label that a policy uses'} on node {pair.node}"
