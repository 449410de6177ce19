"""What the operator's hands do, each command as one effect at the API server."""

from typing import TYPE_CHECKING

from gameday.engine.drill import budgets
from gameday.engine.drill import commands as do
from gameday.model.names import job
from gameday.model.record import Hold, HoldKind
from gameday.model.world import Fuse, JobState, Life, Workload
from simulation.bare.api import DRILL, Failed, Policy
from simulation.controllers import POD_RUNS
from simulation.scenario import What
from simulation.town import EFFECT

if TYPE_CHECKING:
    from simulation.bare.process import Process
    from simulation.bare.world import Bare


def carry_out(process: "Process", command: do.Command, missing: tuple[str, ...]) -> None:
    """What the hands do, as one effect at the API server; ``missing`` names the agents that were not there before.

    Raises:
        Failed: when the API server refuses it.

    """
    world, facts = process.world, process.world.api.facts
    if world.api.no_rights and not isinstance(command, do.TakeLock | do.FreeLock | do.LetGo):
        world.clock.tally.bites(What.RIGHTS_GONE)
        raise Failed("forbidden")
    match command:
        case do.TakeLock():
            if world.get(("drill", "deleted")) is not True:
                world.api.lock = DRILL
                world.set(("drill", "finalizer"), True)
        case do.CheckPreflight() | do.ReadWorkload():
            pass
        case do.StartAgents():
            for name in missing:
                if ("pod", name) not in facts:
                    start_pod(world, name)
        case do.ArmFuse(hold):
            arm(world, hold)
        case do.Inject(hold):
            if ("policy", hold.object_name) not in facts:
                world.set(("policy", hold.object_name), Policy(world.uid(), hold.fuse_uid or "", world.clock.now))
                world.clock.after(EFFECT, world.follow)
                world.injected(hold.object_name, hold)
        case do.Sever():
            if ("pod", "closer") not in facts:
                start_pod(world, "closer")
        case do.EndSevering():
            if ("pod", "closer") in facts:
                world.set(("pod", "closer"), Life.ENDED)
        case do.Lift(hold):
            if ("policy", hold.object_name) in facts:
                world.unpolicy(hold.object_name)
        case do.ScaleTo(hold, replicas, version):
            scale(world, hold, replicas, version)
        case do.StartJob(step, _):
            name = job(DRILL, step)
            if ("job", name) not in facts:
                start_job(world, name)
        case do.RemoveFuse(hold):
            world.set(("fuse", hold.fuse_name), None)
            world.collect()
        case do.StopAgents():
            for kind, name in list(facts):
                if kind == "pod":
                    world.set((kind, name), None)
        case do.FreeLock():
            world.api.lock = ""
        case do.UpdateGameDay():
            world.shown = True
        case do.LetGo():
            let_go(world)


def let_go(world: "Bare") -> None:
    """Our finalizer goes, and with it a Drill that was deleted."""
    world.set(("drill", "finalizer"), False)
    if world.get(("drill", "deleted")):
        world.end()


def start_pod(world: "Bare", name: str) -> None:
    """Create a pod, which runs after a while."""
    world.set(("pod", name), Life.STARTING)
    world.clock.after(world.pods_take, world.when_up, world.run_pod, name)
    if world.pods_take > POD_RUNS:
        world.clock.tally.bites(What.SLOW_PODS)


def start_job(world: "Bare", name: str) -> None:
    """Create a step's Job, which ends after a while."""
    world.stepped(name)
    world.set(("job", name), JobState.RUNNING)
    ends = JobState.FAILED if world.job_fails else JobState.DONE
    world.clock.after(1.0, world.when_up, world.set, ("job", name), ends)
    if world.job_fails:
        world.clock.tally.bites(What.JOB_FAILS)


def scale(world: "Bare", hold: Hold, replicas: int, version: str) -> None:
    """Scale the workers; with a ``version`` only on that.

    Raises:
        Failed: when they were changed since.

    """
    there: Workload = world.get(("workload", "worker"))
    if version not in {"", there.version}:
        raise Failed("conflict")
    back = replicas == hold.before
    if there.replicas != replicas and (there.replicas == hold.wanted or not back):
        if replicas == 0:
            world.zeroed(hold)
        world.scaled(replicas)


def arm(world: "Bare", hold: Hold) -> None:
    """Light a fuse; its clock starts a moment later."""
    if ("fuse", hold.fuse_name) in world.api.facts:
        return
    uid = world.uid()
    world.set(("fuse", hold.fuse_name), Fuse(uid))
    if hold.kind is HoldKind.NETWORK_PARTITION:
        seconds, delay = budgets.fuse_of_cut(world.plan), 0.2
    else:
        assert world.plan.rollback is not None
        seconds, delay = budgets.fuse_of_scale(world.plan.rollback), 1.0
    world.clock.after(delay, world.when_up, world.light, hold.fuse_name, uid, seconds)
