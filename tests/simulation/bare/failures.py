"""How each trouble of a scenario is brought about in a bare world."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from gameday.model.halt import CLEAR, Halt, HaltState
from gameday.model.names import fault_fuse
from gameday.model.observation import Life, Planned
from simulation.bare.api import DRILL
from simulation.namespace import PARTITION
from simulation.scenario import CHANGING, FREEZING, Failure, What

if TYPE_CHECKING:
    from simulation.bare.world import Bare


def inject_failure(world: "Bare", failure: Failure) -> None:
    """Bring a trouble about, and have it end after its time."""
    version = world.api.version
    world.clock.tally.injected.append(failure)
    undo = _begin(world, failure)
    if failure.what in CHANGING and world.api.version != version:
        world.clock.tally.took_effect(failure.what)
    if undo is not None:
        world.clock.after(failure.seconds, undo)


def _begin(world: "Bare", failure: Failure) -> Callable[[], None] | None:
    what, api, until = failure.what, world.api, world.clock.now + failure.seconds
    match what:
        case What.CRASH | What.CRASH_AT_CALL | What.FREEZE | What.FREEZE_AT_CALL | What.CLOCK_STEP:
            _process(world, failure)
        case What.SCALE_LATE:
            api.scale_takes = failure.seconds
        case What.API_DOWN | What.API_HANGS:
            return _outage(world, hangs=what is What.API_HANGS)
        case What.REFUSE:
            api.refusing += [failure.detail] * failure.count
        case What.LOSE:
            api.losing += failure.count
        case What.DELAY:
            api.delays += [failure.seconds] * failure.count
        case What.WATCH_DROPS | What.WATCH_LATE | What.WATCH_BREAKS:
            return _watches(world, what)
        case What.HALT:
            world.set(("halt", ""), Halt(HaltState.HALTED, "a launch"))
            return lambda: world.set(("halt", ""), CLEAR)
        case What.REDIS_DOWN:
            world.redis_down = True
            world.turned()
            return lambda: _redis_back(world)
        case What.LIE:
            world.lies_until = until
        case What.CURTAIL:
            world.curtailed_until = until
        case What.FLAP:
            world.flaps_until = until
        case What.STOP:
            world.silent_until = until
        case What.LAG:
            world.lag = failure.seconds
            return lambda: setattr(world, "lag", 0.0)
        case What.REPEAT:
            for process in world.processes:
                for sample in [sample for log in world.logs.values() for sample in log]:
                    process.receive(sample)
                    world.clock.tally.took_effect(what)
        case What.SKIP:
            world.numbers["observer"] += failure.count
            if world.get(("pod", "observer")) is Life.RUNNING:
                world.clock.tally.took_effect(what)
        case What.DEAF:
            world.enforced = False
            world.follow()
        case What.NO_CLOSING:
            world.closing_works = False
        case What.SLOW_PODS:
            world.pods_take += failure.seconds
        case What.JOB_FAILS:
            world.job_fails = True
        case _:
            return _people(world, failure)
    return None


def _process(world: "Bare", failure: Failure) -> None:
    acting = world.leader if world.leader in world.processes else next(iter(world.processes), None)
    if failure.what is What.CLOCK_STEP:
        world.skew += failure.seconds
    elif acting is not None:
        if failure.what not in FREEZING:
            world.restart_after = failure.seconds
        acting.inject(failure, world.clock.now)


def _outage(world: "Bare", *, hangs: bool) -> Callable[[], None]:
    api = world.api
    api.hangs, api.down = api.hangs or hangs, api.down or not hangs

    def over() -> None:
        api.down = api.hangs = False
        api.up_since = world.clock.now
        waiting, api.waiting = api.waiting, []
        for request in waiting:
            request()
        for process in world.processes:
            if process.started:
                process.relist()
                process.wake()

    return over


def _watches(world: "Bare", what: What) -> Callable[[], None]:
    world.dropping = world.dropping or what is What.WATCH_DROPS
    world.late = world.late or what is What.WATCH_LATE

    def over() -> None:
        world.dropping, world.late = world.dropping and what is not What.WATCH_DROPS, False
        for process in world.processes:
            if process.started and what is not What.WATCH_LATE:
                if what is What.WATCH_BREAKS:
                    world.clock.tally.took_effect(what)
                process.relist()
                process.wake()

    return over


def _redis_back(world: "Bare") -> None:
    world.redis_down = False
    world.turned()


def _people(world: "Bare", failure: Failure) -> Callable[[], None] | None:
    facts = list(world.api.facts.items())
    match failure.what:
        case What.POLICY_DELETED:
            for (kind, name), _ in facts:
                if kind == "policy":
                    world.unpolicy(name)
        case What.POLICY_CHANGED:
            for key, thing in facts:
                if key[0] == "policy":
                    world.set(key, replace(thing, changed=True))
        case What.FUSE_DELETED | What.FUSE_SUSPENDED:
            name = fault_fuse(DRILL, PARTITION, alone=len(world.plan.outage.faults) == 1)
            fuse = world.get(("fuse", name))
            if fuse is not None and failure.what is What.FUSE_DELETED:
                world.set(("fuse", name), None)
                world.clock.after(0.03, world.when_up, world.collect)
            elif fuse is not None:
                world.set(("fuse", name), replace(fuse, armed=False, dead="it was suspended, which stops its clock"))
        case What.AGENT_DIES:
            running = sorted(n for (k, n), life in facts if k == "pod" and life is Life.RUNNING)
            living = [name for name in running if name not in {"closer", "counter"}]
            if living:
                world.set(("pod", world.clock.random.choice(living)), Life.ENDED)
        case What.ABORT:
            world.set(("drill", "abort"), True)
        case What.DRILL_DELETED | What.DRILL_FORCED:
            _deleted(world, forced=failure.what is What.DRILL_FORCED)
        case What.FINALIZER_TAKEN:
            world.set(("drill", "finalizer"), False)
        case What.GAMEDAY_DELETED:
            world.set(("drill", "planned"), Planned.DELETED)
        case What.OPT_OUT:
            world.set(("account", ""), False)
            return lambda: world.set(("account", ""), True)
        case What.RIGHTS_GONE:
            world.api.no_rights = True
            return lambda: setattr(world.api, "no_rights", False)
        case What.SCALED_BY_OTHERS:
            world.scaled(failure.count)
        case What.FUSE_NODE_LOST:
            world.loses_fuse = failure.seconds
        case What.OWNED:
            world.owner = failure.seconds, failure.count
        case _:
            pass
    return None


def _deleted(world: "Bare", *, forced: bool) -> None:
    world.set(("drill", "deleted"), True)
    if forced:
        world.set(("drill", "finalizer"), False)
    if not world.get(("drill", "finalizer")):
        world.end()
