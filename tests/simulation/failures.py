"""How each trouble of a scenario is brought about."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, assert_never

from gameday.api.packing import packed, unpacked
from gameday.cluster.resources import CONFIG_MAPS, DRILLS, GAMEDAYS, JOBS, NETWORK_POLICIES, SERVICE_ACCOUNTS, Object
from gameday.model.labels import ROLE
from simulation.namespace import SimulatedNamespace
from simulation.process import OWN
from simulation.scenario import CHANGING, FREEZING, Failure, What
from simulation.store import PERSON

if TYPE_CHECKING:
    from simulation.running import Simulation


def inject_failure(sim: "Simulation", failure: Failure) -> None:
    """Bring a trouble about, and have it end after its time."""
    store, tally = sim.server.store, sim.world.tally
    version = store.version
    tally.injected.append(failure)
    undo = _begin(sim, failure, sim.namespaces[failure.drill])
    if failure.what in CHANGING and store.version != version:
        tally.took_effect(failure.what)
    if undo is not None:
        sim.world.after(failure.seconds, undo)


def _begin(sim: "Simulation", failure: Failure, ns: SimulatedNamespace) -> Callable[[], None] | None:
    match failure.what:
        case What.CRASH | What.CRASH_AT_CALL | What.FREEZE | What.FREEZE_AT_CALL | What.CLOCK_STEP:
            _process(sim, failure)
        case What.API_DOWN | What.API_HANGS:
            return _outage(sim, hangs=failure.what is What.API_HANGS)
        case What.REFUSE | What.LOSE | What.DELAY | What.SCALE_LATE:
            _calls(sim, failure)
        case What.WATCH_DROPS | What.WATCH_LATE | What.WATCH_BREAKS:
            return _watches(sim, failure.what)
        case What.HALT:
            return _halt(sim)
        case What.REDIS_DOWN | What.LIE | What.LAG | What.STOP | What.CURTAIL | What.FLAP | What.REPEAT | What.SKIP:
            return _samples(sim, failure, ns)
        case What.DEAF | What.NO_CLOSING | What.SLOW_PODS | What.AGENT_DIES | What.JOB_FAILS:
            return _town(sim, failure, ns)
        case _:
            return _people(sim, failure, ns)
    return None


def _process(sim: "Simulation", failure: Failure) -> None:
    acting = sim.acting()
    if acting is None:
        return
    if failure.what is What.CLOCK_STEP:
        before = acting.operator.clock()
        sim.step_clocks(failure.seconds)
        # By the operator's own clock: the one that it was given.
        if acting.operator.clock() - before == failure.seconds:
            sim.world.tally.took_effect(failure.what)
    elif failure.what not in FREEZING:
        sim.restart_after = failure.seconds
    acting.inject(failure, sim.world.now)


def _outage(sim: "Simulation", *, hangs: bool) -> Callable[[], None]:
    server = sim.server
    if hangs:
        server.hangs = True
    else:
        server.down = True
        server.break_streams()
        for ns in sim.namespaces:
            for source in ns.sources.values():
                source.tell()

    def over() -> None:
        server.down = server.hangs = False
        server.up_since = sim.world.now
        waiting, server.waiting = server.waiting, []
        for request in waiting:
            request()

    return over


def _calls(sim: "Simulation", failure: Failure) -> None:
    match failure.what:
        case What.REFUSE:
            sim.server.refusing += [failure.detail] * failure.count
        case What.LOSE:
            sim.server.losing += failure.count
        case What.SCALE_LATE:
            sim.server.scale_takes = failure.seconds
        case _:
            sim.server.delays += [failure.seconds] * failure.count


def _watches(sim: "Simulation", what: What) -> Callable[[], None]:
    server = sim.server
    server.dropping = server.dropping or what is What.WATCH_DROPS
    server.late = server.late or what is What.WATCH_LATE
    if what is What.WATCH_BREAKS:
        if server.store.streams:
            sim.world.tally.took_effect(what)
        server.break_streams()

    def over() -> None:
        if what is What.WATCH_DROPS:
            server.dropping = False
            server.break_streams()
        elif what is What.WATCH_LATE:
            server.late = False

    return over


def _halt(sim: "Simulation") -> Callable[[], None]:
    store = sim.server.store
    if store.get(CONFIG_MAPS, OWN, "gameday-halt") is None:
        store.create(PERSON, CONFIG_MAPS, OWN, {"metadata": {"name": "gameday-halt"}, "data": {"reason": "a launch"}})
    return lambda: store.remove(PERSON, CONFIG_MAPS, OWN, "gameday-halt")


def _samples(sim: "Simulation", failure: Failure, ns: SimulatedNamespace) -> Callable[[], None] | None:
    until = sim.world.now + failure.seconds
    match failure.what:
        case What.REDIS_DOWN:
            ns.set_redis(True)
            return lambda: ns.set_redis(False)
        case What.LIE:
            ns.lies_until = until
        case What.CURTAIL:
            ns.curtailed_until = until
        case What.FLAP:
            ns.flaps_until = until
        case What.STOP:
            ns.silent_until = until
        case What.LAG:
            ns.lag = failure.seconds
            return lambda: setattr(ns, "lag", 0.0)
        case What.REPEAT:
            for source in list(ns.sources.values()):
                if source.end_streams():
                    sim.world.tally.took_effect(failure.what)
        case _:
            for agent in ns.agents.values():
                if agent.name == "observer":
                    agent.number += failure.count
                    sim.world.tally.took_effect(failure.what)
    return None


def _town(sim: "Simulation", failure: Failure, ns: SimulatedNamespace) -> Callable[[], None] | None:
    match failure.what:
        case What.DEAF:
            ns.enforced = False
            ns.follow()
        case What.NO_CLOSING:
            ns.closing_works = False
        case What.SLOW_PODS:
            before = sim.controllers.pods_take
            sim.controllers.pods_take = before + failure.seconds
            return lambda: setattr(sim.controllers, "pods_take", before)
        case What.JOB_FAILS:
            sim.controllers.job_fails.add(ns.namespace)
        case _:
            idle = ("fuse", "closer", "counter")
            living = [a for a in ns.agents.values() if not a.ended and not a.name.startswith(idle)]
            if living:
                ns.dies(sim.world.random.choice(living))
    return None


def _people(sim: "Simulation", failure: Failure, ns: SimulatedNamespace) -> Callable[[], None] | None:
    store, namespace, server = sim.server.store, ns.namespace, sim.server
    match failure.what:
        case What.POLICY_DELETED | What.POLICY_CHANGED:
            for policy in list(store.all_of(NETWORK_POLICIES, namespace)):
                name = policy["metadata"]["name"]
                if failure.what is What.POLICY_DELETED:
                    store.remove(PERSON, NETWORK_POLICIES, namespace, name)
                else:
                    store.edit(NETWORK_POLICIES, namespace, name, spec={"egress": [{}]})
        case What.FUSE_DELETED | What.FUSE_SUSPENDED:
            for job in list(store.all_of(JOBS, namespace)):
                if job["metadata"]["labels"].get(ROLE) == "fuse" and failure.what is What.FUSE_DELETED:
                    store.remove(PERSON, JOBS, namespace, job["metadata"]["name"])
                elif job["metadata"]["labels"].get(ROLE) == "fuse":
                    store.edit(JOBS, namespace, job["metadata"]["name"], spec={"suspend": True})
        case What.ABORT:
            store.edit(DRILLS, namespace, ns.drill_name, spec={"abort": True})
        case What.DRILL_DELETED | What.DRILL_FORCED | What.FINALIZER_TAKEN:
            _drill(failure.what, ns)
        case What.GAMEDAY_DELETED:
            store.remove(PERSON, GAMEDAYS, namespace, "plan")
        case What.OPT_OUT:
            account = store.get(SERVICE_ACCOUNTS, namespace, "gameday")
            if account is not None:
                store.remove(PERSON, SERVICE_ACCOUNTS, namespace, "gameday")
                body: Object = {"metadata": {"name": "gameday", "labels": account["metadata"]["labels"]}}
                return lambda: _again(sim, namespace, body)
        case What.RIGHTS_GONE:
            server.without_rights.add(namespace)
            return lambda: server.without_rights.discard(namespace)
        case What.STATUS_WRITTEN:
            _status(failure, ns)
        case What.SCALED_BY_OTHERS:
            store.edit_scale(namespace, "worker", failure.count)
        case What.FUSE_NODE_LOST:
            ns.loses_fuse = failure.seconds
        case What.OWNED:
            ns.owner = failure.seconds, failure.count
        case _:
            assert_never(failure.what)  # type: ignore[arg-type]  # the others are brought about elsewhere
    return None


def _again(sim: "Simulation", namespace: str, body: Object) -> None:
    store = sim.server.store
    if store.get(SERVICE_ACCOUNTS, namespace, "gameday") is None:
        store.create(PERSON, SERVICE_ACCOUNTS, namespace, body)


def _status(failure: Failure, ns: SimulatedNamespace) -> None:
    """Write a status, as somebody could who may write it."""
    store, drill = ns.server.store, ns.drill
    if drill is None or not drill.get("status", {}).get("state"):
        return
    status: Object = drill["status"]
    match failure.detail:
        case "emptied":
            status = {}
        case "from before":
            status = ns.statuses[max(0, len(ns.statuses) - 1 - failure.count)]
        case "without its changes":
            status = status | {"state": _edited(status, holds=[]), "undo": []}
        case "damaged":
            status = status | {"state": status["state"][:-9]}
        case _:
            status = status | {"state": _edited(status, baseline={"health.latency": 1.0})}
    store.replace_status(PERSON, DRILLS, ns.namespace, ns.drill_name, drill | {"status": status})


def _edited(status: Object, **fields: Any) -> str:
    state = unpacked(status["state"])
    return packed(json.dumps(state | {"engine": state["engine"] | fields}), state["version"])


def _drill(what: What, ns: SimulatedNamespace) -> None:
    store, drill = ns.server.store, ns.drill
    if drill is None:
        return
    if what is not What.DRILL_DELETED:
        store.edit(DRILLS, ns.namespace, ns.drill_name, metadata={"finalizers": []})
    if what is not What.FINALIZER_TAKEN and ns.drill is not None:
        store.delete(PERSON, DRILLS, ns.namespace, ns.drill_name)
