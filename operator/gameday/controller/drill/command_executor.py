"""Executes the engine's commands for one drill; executing a command twice has the effect of executing it once.

The operator writes Leases, the finalizer and the status as itself. Everything else in the namespace is done as the
namespace's ServiceAccount.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, assert_never

from gameday.actions import plan_findings
from gameday.actions.blast_radius import blast_radius
from gameday.actions.kind import ActionKind, AgentPod
from gameday.actions.preflight import not_opted_in, refusals, warnings
from gameday.actions.registry import KINDS
from gameday.actions.target_versions import target_versions
from gameday.api.drill import FINALIZER, is_over
from gameday.cluster.client import Cluster
from gameday.cluster.lease import lock_namespace, unlock_namespace
from gameday.cluster.resources import DRILLS, PODS, Object, Resource
from gameday.controller.drill import agents, dry_run, notifier_pods
from gameday.controller.drill.agent_pods import agent_pod
from gameday.controller.drill.concurrency_limit import DrillConcurrencyLimit
from gameday.controller.drill.connections_now import connections_now, targets_now
from gameday.controller.drill.informers import DrillInformers, fuse_acts
from gameday.controller.drill.lock_waiters import NamespaceLockWaiters
from gameday.controller.drill.persisted_drill import PersistedDrill
from gameday.controller.drill.pods import life_of, refuse_left
from gameday.controller.drill.samples import SampleKeeper
from gameday.controller.drill.setup_size import too_large
from gameday.controller.drill.setups import setup_of, suspected_bypasses
from gameday.controller.drill.waiting_fuses import waiting_fuse
from gameday.controller.gameday.gamedays import last_drill, show_last_drill
from gameday.controller.settings import Settings
from gameday.engine.drill import commands as do
from gameday.engine.drill import connections, limits, timeouts
from gameday.engine.drill.commands import Command
from gameday.engine.drill.steps import taken_over
from gameday.engine.drill.undo_log import of_steps
from gameday.errors import AlreadyExists, GameDayError, NamespaceBusy, Rejected
from gameday.fuses import job as fuse
from gameday.fuses import pod as acting_fuse
from gameday.model.change import Change, ChangeState
from gameday.model.limits import BlastRadius, LimitsValidity
from gameday.model.names import object_name
from gameday.model.observation import Life, Lock, Preflight
from gameday.model.plan import Plan
from gameday.model.setup import Setup
from gameday.preflight.findings import Severity
from gameday.preflight.snapshot import NamespaceSnapshot, take_snapshot

TOLD: Final = 5
"""Most drills that a message names."""


class CommandExecutor:
    """Executes the commands of one drill; ``undoing`` says, by UID, which drills this process still runs."""

    def __init__(
        self,
        operator: Cluster,
        persisted: PersistedDrill,
        informers: DrillInformers,
        settings: Settings,
        clock: Callable[[], float],
        undoing: Callable[[str], bool],
        concurrency: DrillConcurrencyLimit,
        lock_waiters: NamespaceLockWaiters,
        samples: SampleKeeper,
    ) -> None:
        self.operator = operator
        self.persisted = persisted
        self.informers = informers
        self.settings = settings
        self.clock = clock
        self.undoing = undoing
        self.lock_waiters = lock_waiters
        self.concurrency = concurrency
        self.samples = samples
        self.namespace = persisted.namespace
        self.account = operator.as_account(persisted.namespace)
        informers.context.agent_pod = self._agent_pod
        informers.context.clock = clock

    async def execute(self, command: Command) -> None:
        """Carry one command out.

        Raises:
            GameDayError: when the API server refuses or does not answer; the engine asks again.

        """
        match command:
            case do.AcquireLock():
                await self._acquire_lock()
            case do.CheckPreflight():
                await self._check_preflight()
            case do.StartAgents():
                await self._start_agents()
            case do.ArmFuse(change):
                await self._arm(change)
            case do.Apply(change, version):
                await self._apply(change, version)
            case do.CloseConnections(fault):
                await self._close_connections(fault)
            case do.StopClosing(fault):
                await self._stop_closing(fault)
            case do.Revert(change):
                await self._kind(change).revert(self.informers.context, change)
            case do.Read(name):
                self.informers.open_change(name)
            case do.Run(step):
                await self._run(step)
            case do.Discard(step):
                await self._discard(step)
            case do.RemoveFuse(change):
                await self._remove_fuse(change)
            case do.KeepSamples():
                self.informers.outcomes.keeping = await self.samples.keep()
            case do.StopAgents():
                await self._stop_agents()
            case do.StopCallers():
                await self._stop_callers()
            case do.ReleaseLock():
                await unlock_namespace(self.operator, self.namespace, self.persisted.uid)
                self.lock_waiters.wake(self.namespace)
                self.concurrency.release(self.persisted.uid)
            case do.UpdateGameDay():
                await self._update_gameday()
            case do.RemoveFinalizer():
                await self._finalizer(on=False)
            case _:
                assert_never(command)

    def _name(self, agent: str) -> str:
        return object_name(self.persisted.name, agent)

    def _ready(self) -> tuple[Plan, Setup]:
        if self.persisted.plan is None or self.persisted.setup is None:
            raise Rejected(f"drill {self.persisted.name} has no plan or no setup: somebody else changed its status")
        return self.persisted.plan, self.persisted.setup

    async def _ask_administrator(self) -> None:
        """Ask the administrator once more at the moment that matters: a watch may be behind, or dead.

        Raises:
            Rejected: when drills are halted.
            GameDayError: when that is unknown; nothing is started then.

        """
        await self.informers.administrator.look()
        if self.informers.administrator.halt.halted:
            raise Rejected(str(self.informers.administrator.halt))

    async def _acquire_lock(self) -> None:
        await self._ask_administrator()
        self._acquire_concurrency()
        name, uid, installation = self.persisted.name, self.persisted.uid, self.settings.installation
        try:
            holder = await lock_namespace(self.operator, self.namespace, name, uid, installation, self.undoing, is_over)
            if holder is None:
                await self._finalizer(on=True)
                return
        except GameDayError:
            # This drill may hold the Lease by now, whoever held it before: it gives it back if it ends here.
            self.informers.outcomes.lock = Lock.UNKNOWN
            raise
        self.concurrency.release(self.persisted.uid)
        self.informers.outcomes.lock, self.informers.outcomes.locked_by = Lock.BUSY, holder
        raise NamespaceBusy(f"drill {holder} holds namespace {self.namespace}; only one drill may run in it at a time")

    def _acquire_concurrency(self) -> None:
        most = self.informers.administrator.limits_state.limits.max_concurrent_drills
        uid, plan = self.persisted.uid, self.persisted.plan
        dry = plan is None or self.persisted.record.dry_run is not None
        if taken := self.concurrency.take(uid, () if dry or plan is None else plan.reaches_from(self.namespace)):
            self.informers.outcomes.lock, self.informers.outcomes.locked_by = Lock.TAKEN, taken
            raise Rejected(f"{taken}: wait until it has ended")
        running = self.concurrency.acquire(uid, f"{self.namespace}/{self.persisted.name}", most)
        if running:
            self.concurrency.release(uid)
            text = f"limits.maxConcurrentDrills is {most}, and {len(running)} already run ({', '.join(running[:TOLD])})"
            text += ": wait until one has ended, or ask the administrator"
            self.informers.outcomes.lock, self.informers.outcomes.locked_by = Lock.FULL, text
            raise Rejected(text)

    async def _update_gameday(self) -> None:
        name = self.persisted.drill["spec"]["gameDay"]
        fields = last_drill(self.persisted.name, self.persisted.record, self.persisted.measurements)
        self.informers.is_last = await show_last_drill(self.operator, self.namespace, name, fields)

    async def _finalizer(self, *, on: bool) -> None:
        """Put our finalizer on or off; on the version that was read, so that no other one is lost."""
        drill = await self.operator.get(DRILLS, self.namespace, self.persisted.name)
        if drill is None or drill["metadata"]["uid"] != self.persisted.uid:
            return
        others = [name for name in drill["metadata"].get("finalizers", ()) if name != FINALIZER]
        body: Object = {
            "metadata": {
                "resourceVersion": drill["metadata"]["resourceVersion"],
                "finalizers": [*others, FINALIZER] if on else others,
            }
        }
        changed = await self.operator.patch(DRILLS, self.namespace, self.persisted.name, body)
        self.persisted.update_cached(changed)
        if on:
            self.informers.upsert("drill", changed)

    async def _check_preflight(self) -> None:
        plan = self.persisted.plan
        if plan is None:
            return
        limits_state = self.informers.administrator.limits_state
        if limits_state.state is not LimitsValidity.KNOWN:
            raise Rejected(limits_state.why)
        if not self.informers.opted_in:
            exceeded = limits.refusals(limits_state.limits, plan, BlastRadius(), self.clock())
            self.informers.preflight = Preflight((not_opted_in(self.namespace), *exceeded))
            return
        snapshot = await self._take_snapshot(plan)
        faults = plan.outage.faults
        rolling = tuple(dict.fromkeys(one for f in faults for one in KINDS.of(f.action).rolling(f.action, snapshot)))
        # A rollout has more pods for a while; once it is over they are counted.
        radius = BlastRadius() if rolling else blast_radius(snapshot, plan)
        found = (*refusals(snapshot, plan), *limits.refusals(limits_state.limits, plan, radius, self.clock()))
        notes = () if rolling else warnings(snapshot, plan)
        if not found and not rolling:
            setup = setup_of(snapshot, plan, self.informers.single("account"))
            found = too_large(setup, plan)
            if not found:
                found, noted = await self._dry_run(plan, setup, snapshot)
                notes = (*notes, *noted)
                self.persisted.setup = setup if self.persisted.record.dry_run is None else setup.for_dry_run()
            self.informers.suspected_bypasses = suspected_bypasses(plan, setup, snapshot)
            self.informers.gates = {
                fault.name: kind.gates(fault.action, snapshot.at(fault.name))
                for fault in plan.outage.faults
                if (kind := KINDS.changes.get(fault.action.KIND)) is not None
            }
        preflight = Preflight(found, notes, rolling, targets=target_versions(snapshot, plan))
        if self.persisted.record.dry_run is not None:
            shown = plan_findings.findings(snapshot, plan, limits_state.limits, radius, preflight)
            preflight = replace(preflight, dry_run=shown)
        self.informers.preflight = preflight

    async def find_bypass(self) -> None:
        """Look again for what lets traffic through: it may have come after the preflight, or under another process.

        Raises:
            GameDayError: when the namespace cannot be read now.

        """
        plan, setup = self._ready()
        self.informers.suspected_bypasses = suspected_bypasses(plan, setup, await self._take_snapshot(plan))

    async def _take_snapshot(self, plan: Plan) -> NamespaceSnapshot:
        assumed = self.informers.administrator.limits_state.limits.assume_not_isolated_by
        return await take_snapshot(self.account, self.operator, self.namespace, plan, KINDS.reads(plan), assumed)

    async def _dry_run(
        self, plan: Plan, setup: Setup, snapshot: NamespaceSnapshot
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Have the API server try every object that the drill may create; what refuses it, and what is to be known."""
        ctx = self._pod_context(setup)
        drill, gameday = self.persisted.drill, self.informers.single("gameday")
        notifiers = notifier_pods.tried(ctx, drill, gameday)
        tried = (*dry_run.parts(plan, setup, ctx, snapshot), *notifiers)
        answered = await dry_run.dry_run(self.account, self.namespace, tried)
        shut_out = notifier_pods.shut_out(snapshot, drill, gameday)
        said = (*dry_run.findings(plan, setup, answered, snapshot), *shut_out)
        refused = (*answered.refused, *(str(one) for one in said if one.severity is Severity.REFUSE))
        warned = [str(one) for one in said if one.severity is Severity.WARN]
        if self.persisted.record.dry_run is not None:
            warned += dry_run.unchecked(tried, agents.pods(plan, setup.for_dry_run(), ctx))
        return tuple(dict.fromkeys(refused)), tuple(warned)

    def _pod_context(self, setup: Setup) -> agents.PodContext:
        drill, told = self.persisted, self.settings
        return agents.PodContext(
            self.namespace, drill.name, drill.uid, told.image, told.image_pull_policy, setup.placement, told.agents
        )

    def _agents_context(self, setup: Setup) -> agents.PodContext:
        """The context of agents that are really created: those of a dry run end soon."""
        ctx = self._pod_context(setup)
        return ctx if self.persisted.record.dry_run is None else replace(ctx, lasts=timeouts.of_dry_run())

    def _agent_pod(self, agent: str, wanted: AgentPod) -> Object:
        """The pod of an agent that a kind of action asks for."""
        return agent_pod(self._pod_context(self.persisted.setup or Setup()), agent, wanted)

    async def _start_agents(self) -> None:
        plan, setup = self._ready()
        self.informers.open_namespace(plan)
        there, wanted = self.informers.objects("pods"), agents.wanted(plan, setup)
        missing = wanted - self.informers.agent_pods(wanted).keys()
        refuse_left(self.namespace, {self._name(agent) for agent in missing} & there.keys())
        counted = await targets_now(self.informers.context, plan, setup, missing)
        for body in agents.pods(plan, setup, self._agents_context(setup), counted) if missing else ():
            if body["metadata"]["name"] not in there:
                await self._create("pods", PODS, body)

    async def _create(self, mirror: str, resource: Resource, body: Object) -> None:
        try:
            self.informers.upsert(mirror, await self.account.create(resource, self.namespace, body))
        except AlreadyExists:
            return

    async def _arm(self, change: Change) -> None:
        plan, setup = self._ready()
        if self.informers.fuse_job(change) is not None:
            return
        seconds = timeouts.fuse_of(plan, change.name)
        if fuse_acts(change):
            body, owner = waiting_fuse(self._pod_context(setup), seconds, change), self.informers.fuse_owner
            self.informers.upsert("jobs", await acting_fuse.create(self.account, self.namespace, body, owner))
        else:
            body = fuse.build(self.persisted.name, self.persisted.uid, change.fuse_name, seconds, self.settings.image)
            self.informers.upsert("jobs", await fuse.create(self.account, self.namespace, body))

    def _kind(self, change: Change) -> ActionKind[Any, Any]:
        kind = KINDS.changes.get(change.kind)
        if kind is None:
            raise Rejected(
                f"{change.name} is a {change.kind}, which this operator does not know: run the version that wrote it"
            )
        return kind

    async def _apply(self, change: Change, version: str) -> None:
        plan, _ = self._ready()
        action = next((action for name, action in plan.actions() if name == change.name), None)
        if action is None:
            raise Rejected(f"the plan has no fault or step {change.name}: somebody else changed the Drill's status")
        if change.name in {fault.name for fault in plan.outage.faults}:
            await self._ask_administrator()
        await self._kind(change).apply(self.informers.context, action, change, version)

    async def _run(self, step: str) -> None:
        """Run an irreversible step, once what steps before it changed was seen to be so still: a watch may be late.

        Raises:
            Rejected: when somebody else has changed it.

        """
        record, (plan, _) = self.persisted.record, self._ready()
        for change in of_steps(record, plan):
            if change.state is ChangeState.ACTIVE:
                seen = await self._kind(change).read(self.informers.context, self.informers.action(change.name), change)
                if why := taken_over(record, change, seen):
                    raise Rejected(why)
        action = self.informers.action(step)
        if action is None:
            raise Rejected(f"the plan has no step {step}: somebody else changed the Drill's status")
        if self.persisted.record.finishing:
            # It was given up while this looked: what its steps changed may be put back by now.
            return
        noted = next((entry.notes for entry in record.steps if entry.name == step), None)
        await KINDS.runs[action.KIND].run(self.informers.context, step, action, noted)

    async def _discard(self, step: str) -> None:
        action = self.informers.action(step)
        if action is not None:
            await KINDS.runs[action.KIND].discard(self.informers.context, step, action)

    async def _close_connections(self, fault: str) -> None:
        """Have the connections ended that a fault's targets of this moment hold, at the servers of this moment."""
        plan, setup = self._ready()
        until = connections.until(self.persisted.record, plan, fault)
        agent, cut = agents.closers(setup).get(fault), setup.cut(fault)
        if agent is None or cut is None or until is None or self.informers.agent_pods([agent]):
            return
        found = await connections_now(self.informers.context, plan, cut)
        closing = agents.Closing(found, until, self.informers.follower.seen.get(agents.counters(setup)[fault], ()))
        await self._create("pods", PODS, agents.closer(plan, setup, cut, self._pod_context(setup), closing))

    async def _stop_closing(self, fault: str) -> None:
        """Have no more connections ended: once the cut is gone, targets have good ones again."""
        agent = agents.closers(self._ready()[1]).get(fault, "")
        pod = self.informers.agent_pods([agent]).get(agent) if agent else None
        if pod is not None and life_of(pod) is not Life.ENDED:
            await self.account.delete(PODS, self.namespace, self._name(agent), uid=pod["metadata"]["uid"])

    async def _remove_fuse(self, change: Change) -> None:
        await fuse.delete(self.account, self.namespace, change.fuse_name, self.informers.fuse_owner)
        self.informers.evict("jobs", change.fuse_name)

    async def _stop_callers(self) -> None:
        for pod in self.informers.callers():
            if "deletionTimestamp" not in pod["metadata"]:
                name = pod["metadata"]["name"]
                if not await self.account.delete(PODS, self.namespace, name, uid=pod["metadata"]["uid"]):
                    self.informers.evict("pods", name)

    async def _stop_agents(self) -> None:
        for pod in self.informers.logging_pods().values():
            if "deletionTimestamp" not in pod["metadata"] or life_of(pod) is not Life.ENDED:
                name = pod["metadata"]["name"]
                if not await self.account.delete(PODS, self.namespace, name, uid=pod["metadata"]["uid"]):
                    self.informers.evict("pods", name)
