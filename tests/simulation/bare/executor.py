"""What the operator's executor of commands does, each command as one effect at the API server."""

from typing import TYPE_CHECKING

from gameday.engine.drill import commands as do
from gameday.engine.drill import timeouts
from gameday.model.change import Change, RunState
from gameday.model.names import job
from gameday.model.observation import Fuse, Life
from simulation.bare.api import DRILL, Failed, Policy
from simulation.controllers import POD_RUNS
from simulation.namespace import EFFECT
from simulation.observing import Workers
from simulation.scenario import What

if TYPE_CHECKING:
    from simulation.bare.process import Process
    from simulation.bare.world import Bare


def carry_out(process: "Process", command: do.Command, missing: tuple[str, ...]) -> None:
    """Carry out a command, as one effect at the API server; ``missing`` names agents or a Job not seen before.

    Raises:
        Failed: when the API server refuses it.

    """
    world, facts = process.world, process.world.api.facts
    if world.api.no_rights and not isinstance(command, do.AcquireLock | do.ReleaseLock | do.RemoveFinalizer):
        world.clock.tally.took_effect(What.RIGHTS_GONE)
        raise Failed("forbidden")
    if isinstance(command, do.ArmFuse | do.Apply | do.Revert | do.RemoveFuse):
        change(world, command)
        return
    match command:
        case do.AcquireLock():
            if world.get(("drill", "deleted")) is not True:
                world.api.lock = DRILL
                world.set(("drill", "finalizer"), True)
        case do.CheckPreflight() | do.Read() | do.StopCallers():
            pass
        case do.StartAgents():
            for name in missing:
                if ("pod", name) not in facts:
                    start_pod(world, name)
        case do.CloseConnections():
            if ("pod", "closer") not in facts:
                start_pod(world, "closer")
        case do.StopClosing():
            if ("pod", "closer") in facts:
                world.set(("pod", "closer"), Life.ENDED)
        case do.Run(step):
            name = job(DRILL, step)
            if name not in missing:
                start_job(world, name)
            elif ("job", name) not in facts:
                world.set(("job", name), RunState.NEXT)
        case do.Discard(step):
            if facts.get(("job", job(DRILL, step))) is RunState.NEXT:
                world.set(("job", job(DRILL, step)), None)
        case do.KeepSamples():
            world.keep(process)
        case do.StopAgents():
            for kind, name in list(facts):
                if kind == "pod":
                    world.set((kind, name), None)
        case do.ReleaseLock():
            world.api.lock = ""
        case do.UpdateGameDay():
            world.shown = True
        case do.RemoveFinalizer():
            let_go(world)


def change(world: "Bare", command: do.ArmFuse | do.Apply | do.Revert | do.RemoveFuse) -> None:
    """What concerns one entry of the undo log.

    Raises:
        Failed: when what it changes was changed since.

    """
    facts = world.api.facts
    match command:
        case do.ArmFuse(change):
            arm(world, change)
        case do.Apply(change, version) if change.before is not None:
            scale(world, change, back=False, version=version)
        case do.Apply(change):
            if ("policy", change.object_name) not in facts:
                world.set(("policy", change.object_name), Policy(world.uid(), change.fuse_uid or "", world.clock.now))
                world.clock.after(EFFECT, world.follow)
                world.injected(change.object_name, change)
        case do.Revert(change) if change.before is not None:
            scale(world, change, back=True)
        case do.Revert(change):
            if ("policy", change.object_name) in facts:
                world.unpolicy(change.object_name)
        case do.RemoveFuse(change):
            world.set(("fuse", change.fuse_name), None)
            world.collect()


def let_go(world: "Bare") -> None:
    """Our finalizer goes, and with it a Drill that was deleted."""
    world.set(("drill", "finalizer"), False)
    if world.get(("drill", "deleted")):
        world.end()


def start_pod(world: "Bare", name: str) -> None:
    """Create a pod, which runs after a while; the garbage collector takes one whose Drill is gone."""
    if world.api.gone:
        return
    world.set(("pod", name), Life.STARTING)
    world.clock.after(world.pods_take, world.when_up, world.run_pod, name)
    if world.pods_take > POD_RUNS:
        world.clock.tally.took_effect(What.SLOW_PODS)


def start_job(world: "Bare", name: str) -> None:
    """Start a step's Job that is held, which ends after a while."""
    if world.get(("job", name)) is not RunState.NEXT:
        raise Failed("conflict")
    world.stepped(name)
    world.set(("job", name), RunState.RUNNING)
    ends = RunState.FAILED if world.job_fails else RunState.DONE
    world.clock.after(1.0, world.when_up, world.set, ("job", name), ends)
    if world.job_fails:
        world.clock.tally.took_effect(What.JOB_FAILS)


def scale(world: "Bare", change: Change, *, back: bool, version: str = "") -> None:
    """Scale the workers; with a ``version`` only on that.

    Raises:
        Failed: when they were changed since.

    """
    there: Workers = world.get(("workload", "worker"))
    before, wanted = (change.before or {})["replicas"], (change.wanted or {})["replicas"]
    replicas = before if back else wanted
    if version not in {"", there.version}:
        raise Failed("conflict")
    if there.replicas != replicas and (there.replicas == wanted or not back):
        if replicas == 0:
            world.zeroed(change)
        world.scaled(replicas)


def arm(world: "Bare", change: Change) -> None:
    """Light a fuse; its clock starts a moment later."""
    if ("fuse", change.fuse_name) in world.api.facts:
        return
    uid = world.uid()
    world.set(("fuse", change.fuse_name), Fuse(uid))
    seconds, delay = timeouts.fuse_of(world.plan, change.name), 0.2
    if change.before is not None:
        world.acting.add(change.fuse_name)
        delay = 1.0
    world.clock.after(delay, world.when_up, world.light, change.fuse_name, uid, seconds)
