"""Executes the engine's commands for one drill; executing a command twice has the effect of executing it once.

The operator writes Leases, the finalizer and the status as itself. Everything else in the namespace is done as the
namespace's ServiceAccount.
"""

from collections.abc import Callable
from typing import Any, Final, assert_never

from gameday.actions.kind import ActionKind, Asked
from gameday.actions.preflight import not_opted_in, refusals, warnings
from gameday.actions.reach import reach
from gameday.actions.registry import KINDS
from gameday.api.drill import FINALIZER
from gameday.cluster.client import Cluster
from gameday.cluster.kinds import DRILLS, LEASES, PODS, Kind, Object
from gameday.cluster.lease import LOCK, lock_namespace, unlock_namespace
from gameday.controller.drill import agents, rehearsal
from gameday.controller.drill.freed import Freed
from gameday.controller.drill.memory import Memory
from gameday.controller.drill.samples import SampleKeeper
from gameday.controller.drill.scale_fuses import scale_fuse
from gameday.controller.drill.setup_size import too_large
from gameday.controller.drill.turns import Turns
from gameday.controller.drill.view import View, acts, life_of
from gameday.controller.gameday.gamedays import last_drill, show_last_drill
from gameday.controller.settings import Settings
from gameday.engine.drill import budgets, connections, limits
from gameday.engine.drill import commands as do
from gameday.engine.drill.commands import Command
from gameday.engine.drill.phases.rollback import taken_over
from gameday.errors import Absent, AlreadyExists, NamespaceBusy, Refused
from gameday.fuses import job as fuse
from gameday.fuses import pod as fuse_of_scale
from gameday.model.change import Change, ChangeState
from gameday.model.limits import Reach, RulingState
from gameday.model.names import derived
from gameday.model.plan import Plan
from gameday.model.setup import Cut, Setup
from gameday.model.world import Life, Lock, Preflight
from gameday.preflight.findings import Severity
from gameday.preflight.placement import placement_of
from gameday.preflight.snapshot import Sight, look

TOLD: Final = 5
"""Most drills that a message names."""


class Hands:
    """Executes the commands of one drill; ``undoing`` says, by UID, which drills this process still runs."""

    def __init__(
        self,
        operator: Cluster,
        memory: Memory,
        view: View,
        settings: Settings,
        clock: Callable[[], float],
        undoing: Callable[[str], bool],
        turns: Turns,
        freed: Freed,
        samples: SampleKeeper,
    ) -> None:
        self.operator = operator
        self.memory = memory
        self.view = view
        self.settings = settings
        self.clock = clock
        self.undoing = undoing
        self.freed = freed
        self.turns = turns
        self.samples = samples
        self.namespace = memory.namespace
        self.account = operator.as_account(memory.namespace)

    async def do(self, command: Command) -> None:
        """Carry one command out.

        Raises:
            GameDayError: when the API server refuses or does not answer; the engine asks again.

        """
        match command:
            case do.TakeLock():
                await self._take_lock()
            case do.CheckPreflight():
                await self._check_preflight()
            case do.StartAgents():
                await self._start_agents()
            case do.ArmFuse(change):
                await self._arm(change)
            case do.Apply(change, version):
                await self._apply(change, version)
            case do.Sever(fault):
                await self._sever(fault)
            case do.EndSevering(fault):
                await self._end_severing(fault)
            case do.Revert(change):
                await self._kind(change).revert(self.view.scene, change)
            case do.Read(name):
                self.view.open_change(name)
            case do.Run(step):
                await self._run(step)
            case do.RemoveFuse(change):
                await self._remove_fuse(change)
            case do.KeepSamples():
                self.view.answers.keeping = await self.samples.keep()
            case do.StopAgents():
                await self._stop_agents()
            case do.FreeLock():
                await unlock_namespace(self.operator, self.namespace, self.memory.uid)
                self.freed.given_back(self.namespace)
                self.turns.give_back(self.memory.uid)
            case do.UpdateGameDay():
                await self._update_gameday()
            case do.LetGo():
                await self._finalizer(on=False)
            case _:
                assert_never(command)

    def _name(self, agent: str) -> str:
        return derived(self.memory.name, agent)

    def _ready(self) -> tuple[Plan, Setup]:
        if self.memory.plan is None or self.memory.setup is None:
            raise Refused(f"drill {self.memory.name} has no plan or no setup: somebody else changed its status")
        return self.memory.plan, self.memory.setup

    async def _ask_administrator(self) -> None:
        """Ask the administrator once more at the moment that matters: a watch may be behind, or dead.

        Raises:
            Refused: when drills are halted.
            GameDayError: when that is unknown; nothing is started then.

        """
        await self.view.administrator.look()
        if self.view.administrator.halt.halted:
            raise Refused(str(self.view.administrator.halt))

    async def _take_lock(self) -> None:
        await self._ask_administrator()
        self._take_turn()
        name, uid, installation = self.memory.name, self.memory.uid, self.settings.installation
        holder = await lock_namespace(self.operator, self.namespace, name, uid, installation, self.undoing)
        if holder != self.memory.name:
            self.turns.give_back(self.memory.uid)
            self.view.answers.lock, self.view.answers.locked_by = Lock.BUSY, holder
            raise NamespaceBusy(
                f"drill {holder} holds namespace {self.namespace}; only one drill may run in it at a time"
            )
        await self._finalizer(on=True)

    def _take_turn(self) -> None:
        most = self.view.administrator.ruling.limits.max_concurrent_drills
        running = self.turns.take(self.memory.uid, f"{self.namespace}/{self.memory.name}", most)
        if running:
            text = f"limits.maxConcurrentDrills is {most}, and {len(running)} already run ({', '.join(running[:TOLD])})"
            text += ": wait until one has ended, or ask the administrator"
            self.view.answers.lock, self.view.answers.locked_by = Lock.FULL, text
            raise Refused(text)

    async def _update_gameday(self) -> None:
        name = self.memory.drill["spec"]["gameDay"]
        fields = last_drill(self.memory.name, self.memory.record, self.memory.measurements)
        self.view.is_last = await show_last_drill(self.operator, self.namespace, name, fields)

    async def _finalizer(self, *, on: bool) -> None:
        """Put our finalizer on or off; on the version that was read, so that no other one is lost."""
        drill = await self.operator.get(DRILLS, self.namespace, self.memory.name)
        if drill is None or drill["metadata"]["uid"] != self.memory.uid:
            return
        others = [name for name in drill["metadata"].get("finalizers", ()) if name != FINALIZER]
        body: Object = {
            "metadata": {
                "resourceVersion": drill["metadata"]["resourceVersion"],
                "finalizers": [*others, FINALIZER] if on else others,
            }
        }
        changed = await self.operator.patch(DRILLS, self.namespace, self.memory.name, body)
        self.memory.hear(changed)
        if on:
            self.view.learn("drill", changed)

    async def _check_preflight(self) -> None:
        plan = self.memory.plan
        if plan is None:
            return
        ruling = self.view.administrator.ruling
        if ruling.state is not RulingState.KNOWN:
            raise Refused(ruling.why)
        if not self.view.opted_in:
            exceeded = limits.refusals(ruling.limits, plan, Reach(), self.clock())
            self.view.preflight = Preflight((not_opted_in(self.namespace), *exceeded))
            return
        sight = await self._look(plan)
        faults = plan.outage.faults
        rolling = tuple(dict.fromkeys(one for f in faults for one in KINDS.of(f.action).rolling(f.action, sight)))
        # A rollout has more pods for a while; once it is over they are counted.
        hit = Reach() if rolling else reach(sight, plan)
        found = (*refusals(sight, plan), *limits.refusals(ruling.limits, plan, hit, self.clock()))
        notes = () if rolling else warnings(sight, plan)
        if not found and not rolling:
            setup = setup_of(sight, plan, self.view.only("account"))
            found = too_large(setup)
            if not found:
                found, noted = await self._rehearse(plan, setup, sight)
                notes = (*notes, *noted)
                self.memory.setup = setup
            self.view.likely_leaks = _leaks(plan, setup, sight)
            self.view.gates = {
                fault.name: kind.gates(fault.action, sight.at(fault.name))
                for fault in plan.outage.faults
                if (kind := KINDS.changes.get(fault.action.KIND)) is not None
            }
        self.view.preflight = Preflight(found, notes, rolling)

    async def namespace_ends(self) -> bool:
        """Whether the namespace is being deleted, and with it everything that we could undo there.

        Raises:
            GameDayError: when that is unknown.

        """
        lock = {"apiVersion": LEASES.api_version, "kind": LEASES.name, "metadata": {"name": LOCK}, "spec": {}}
        try:
            await self.operator.create(LEASES, self.namespace, lock, dry_run=True)
        except Absent:
            return True
        except AlreadyExists:
            pass
        return False

    async def find_leak(self) -> None:
        """Look again for what lets traffic through: it may have come after the preflight, or under another process.

        Raises:
            GameDayError: when the namespace cannot be read now.

        """
        plan, setup = self._ready()
        self.view.likely_leaks = _leaks(plan, setup, await self._look(plan))

    async def _look(self, plan: Plan) -> Sight:
        assumed = self.view.administrator.ruling.limits.assume_not_isolated_by
        return await look(self.account, self.operator, self.namespace, plan, KINDS.reads(plan), assumed)

    async def _rehearse(self, plan: Plan, setup: Setup, sight: Sight) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Have the API server try every object that the drill may create; what refuses it, and what is to be known."""
        tried = tuple(rehearsal.parts(plan, setup, self._place(setup), sight))
        answered = await rehearsal.rehearse(self.account, self.namespace, tried)
        said = tuple(rehearsal.findings(plan, answered, sight))
        refused = (*answered.refused, *(str(one) for one in said if one.severity is Severity.REFUSE))
        return tuple(dict.fromkeys(refused)), tuple(str(one) for one in said if one.severity is Severity.WARN)

    def _place(self, setup: Setup) -> agents.Place:
        told = self.settings
        return agents.Place(
            self.namespace, self.memory.name, self.memory.uid, told.image, told.image_pull_policy, setup.placement,
            told.agents,
        )  # fmt: skip

    async def _start_agents(self) -> None:
        plan, setup = self._ready()
        self.view.open_namespace(plan)
        there = self.view.objects("pods")
        if all(self._name(agent) in there for agent in agents.wanted(plan, setup)):
            return
        for body in agents.pods(plan, setup, self._place(setup)):
            if body["metadata"]["name"] not in there:
                await self._create("pods", PODS, body)

    async def _create(self, mirror: str, kind: Kind, body: Object) -> None:
        try:
            self.view.learn(mirror, await self.account.create(kind, self.namespace, body))
        except AlreadyExists:
            return

    async def _arm(self, change: Change) -> None:
        plan, setup = self._ready()
        if change.fuse_name in self.view.objects("jobs"):
            return
        seconds = budgets.fuse_of(plan, change.name)
        if acts(change):
            body = scale_fuse(self._place(setup), seconds, change)
            self.view.learn("jobs", await fuse_of_scale.do(self.account, self.namespace, body))
        else:
            body = fuse.build(self.memory.name, self.memory.uid, change.fuse_name, seconds, self.settings.image)
            self.view.learn("jobs", await fuse.do(self.account, self.namespace, body))

    def _kind(self, change: Change) -> ActionKind[Any, Any]:
        kind = KINDS.changes.get(change.kind)
        if kind is None:
            raise Refused(
                f"{change.name} is a {change.kind}, which this operator does not know: run the version that wrote it"
            )
        return kind

    async def _apply(self, change: Change, version: str) -> None:
        plan, _ = self._ready()
        action = next((action for name, action in plan.actions() if name == change.name), None)
        if action is None:
            raise Refused(f"the plan has no fault or step {change.name}: somebody else changed the Drill's status")
        if change.name in {fault.name for fault in plan.outage.faults}:
            await self._ask_administrator()
        await self._kind(change).apply(self.view.scene, action, change, version)

    async def _run(self, step: str) -> None:
        """Run an irreversible step, once what steps before it changed was seen to be so still: a watch may be late.

        Raises:
            Refused: when somebody else has changed it.

        """
        record = self.memory.record
        for change in record.changes:
            if change.state is ChangeState.ACTIVE:
                seen = await self._kind(change).look(self.view.scene, self.view.action(change.name), change)
                if why := taken_over(record, change, seen):
                    raise Refused(why)
        action = self.view.action(step)
        if action is None:
            raise Refused(f"the plan has no step {step}: somebody else changed the Drill's status")
        noted = next((entry.notes for entry in record.steps if entry.name == step), None)
        await KINDS.runs[action.KIND].run(self.view.scene, step, action, noted)

    async def _sever(self, fault: str) -> None:
        """Have the connections ended that a fault's targets of this moment hold, at the servers of this moment."""
        plan, setup = self._ready()
        until = connections.until(self.memory.record, plan, fault)
        agent, cut = agents.closers(setup).get(fault), setup.cut(fault)
        if agent is None or cut is None or until is None or self._name(agent) in self.view.objects("pods"):
            return
        action = next((one.action for one in plan.outage.faults if one.name == fault), None)
        if action is None:
            raise Refused(f"the plan has no fault {fault}: somebody else changed the Drill's status")
        found = await KINDS.changes[action.KIND].closing(self.view.scene, action, cut)
        closing = agents.Closing(found, until, self.view.feed.seen.get(agents.counters(setup)[fault], ()))
        await self._create("pods", PODS, agents.closer(plan, setup, cut, self._place(setup), closing))

    async def _end_severing(self, fault: str) -> None:
        """Have no more connections ended: once the cut is gone, targets have good ones again."""
        _, setup = self._ready()
        agent = agents.closers(setup).get(fault, "")
        pod = self.view.objects("pods").get(self._name(agent)) if agent else None
        if pod is not None and life_of(pod) is not Life.ENDED:
            await self.account.delete(PODS, self.namespace, self._name(agent), uid=pod["metadata"]["uid"])

    async def _remove_fuse(self, change: Change) -> None:
        await fuse.undo(self.account, self.namespace, change.fuse_name)
        self.view.forget("jobs", change.fuse_name)

    async def _stop_agents(self) -> None:
        for pod in self.view.logging_pods().values():
            if "deletionTimestamp" not in pod["metadata"] or life_of(pod) is not Life.ENDED:
                name = pod["metadata"]["name"]
                there = await self.account.delete(PODS, self.namespace, name, uid=pod["metadata"]["uid"])
                if not there:
                    self.view.forget("pods", name)


def setup_of(sight: Sight, plan: Plan, account: Object | None) -> Setup:
    """How this plan is carried out in this namespace; ``account`` is its ServiceAccount."""
    cuts: list[Cut] = []
    hit: list[Object] = []
    for fault in plan.outage.faults:
        kind = KINDS.of(fault.action)
        path = f"spec.outage.faults[{fault.name}].{kind.name}"
        if (cut := kind.prepare(fault.action, Asked(sight, plan, fault.name, path, account))) is not None:
            cuts.append(cut)
        hit += kind.hits(fault.action, sight)[1]
    placement = cuts[0].placement if cuts else placement_of(hit, account)
    return Setup(tuple(cuts), dns=sight.dns, placement=placement)


def _leaks(plan: Plan, setup: Setup, sight: Sight) -> dict[str, str]:
    """What most likely lets traffic through each cut."""
    actions = {fault.name: fault.action for fault in plan.outage.faults}
    return {
        cut.fault: KINDS.changes[action.KIND].leak(action, sight, cut)
        for cut in setup.cuts
        if (action := actions.get(cut.fault)) is not None and action.KIND in KINDS.changes
    }
