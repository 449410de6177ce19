"""How each trouble of a scenario is brought about."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, assert_never

from gameday.api.packing import packed, unpacked
from gameday.cluster.kinds import CONFIG_MAPS, DRILLS, GAMEDAYS, JOBS, NETWORK_POLICIES, SERVICE_ACCOUNTS, Object
from gameday.model.labels import ROLE
from simulation.process import OWN
from simulation.scenario import CHANGING, FREEZING, Trouble, What
from simulation.store import PERSON
from simulation.town import Town

if TYPE_CHECKING:
    from simulation.running import Site


def befall(site: "Site", trouble: Trouble) -> None:
    """Bring a trouble about, and have it end after its time."""
    store, tally = site.server.store, site.world.tally
    version = store.version
    tally.came.append(trouble)
    undo = _begin(site, trouble, site.towns[trouble.drill])
    if trouble.what in CHANGING and store.version != version:
        tally.bites(trouble.what)
    if undo is not None:
        site.world.after(trouble.seconds, undo)


def _begin(site: "Site", trouble: Trouble, town: Town) -> Callable[[], None] | None:
    match trouble.what:
        case What.CRASH | What.CRASH_AT_CALL | What.FREEZE | What.FREEZE_AT_CALL | What.CLOCK_STEP:
            _process(site, trouble)
        case What.API_DOWN | What.API_HANGS:
            return _outage(site, hangs=trouble.what is What.API_HANGS)
        case What.REFUSE | What.LOSE | What.DELAY | What.SCALE_LATE:
            _calls(site, trouble)
        case What.WATCH_DROPS | What.WATCH_LATE | What.WATCH_BREAKS:
            return _watches(site, trouble.what)
        case What.HALT:
            return _halt(site)
        case What.REDIS_DOWN | What.LIE | What.LAG | What.STOP | What.CURTAIL | What.FLAP | What.REPEAT | What.SKIP:
            return _samples(site, trouble, town)
        case What.DEAF | What.NO_SEVER | What.SLOW_PODS | What.AGENT_DIES | What.JOB_FAILS:
            return _town(site, trouble, town)
        case _:
            return _people(site, trouble, town)
    return None


def _process(site: "Site", trouble: Trouble) -> None:
    acting = site.acting()
    if acting is None:
        return
    if trouble.what is What.CLOCK_STEP:
        before = acting.operator.clock()
        site.step_clocks(trouble.seconds)
        # By the operator's own clock: the one that it was given.
        if acting.operator.clock() - before == trouble.seconds:
            site.world.tally.bites(trouble.what)
    elif trouble.what not in FREEZING:
        site.restart_after = trouble.seconds
    acting.suffer(trouble, site.world.now)


def _outage(site: "Site", *, hangs: bool) -> Callable[[], None]:
    server = site.server
    if hangs:
        server.hangs = True
    else:
        server.down = True
        server.break_streams()
        for town in site.towns:
            for source in town.sources.values():
                source.tell()

    def over() -> None:
        server.down = server.hangs = False
        server.up_since = site.world.now
        waiting, server.waiting = server.waiting, []
        for request in waiting:
            request()

    return over


def _calls(site: "Site", trouble: Trouble) -> None:
    match trouble.what:
        case What.REFUSE:
            site.server.refusing += [trouble.detail] * trouble.count
        case What.LOSE:
            site.server.losing += trouble.count
        case What.SCALE_LATE:
            site.server.scale_takes = trouble.seconds
        case _:
            site.server.delays += [trouble.seconds] * trouble.count


def _watches(site: "Site", what: What) -> Callable[[], None]:
    server = site.server
    server.dropping = server.dropping or what is What.WATCH_DROPS
    server.late = server.late or what is What.WATCH_LATE
    if what is What.WATCH_BREAKS:
        if server.store.streams:
            site.world.tally.bites(what)
        server.break_streams()

    def over() -> None:
        if what is What.WATCH_DROPS:
            server.dropping = False
            server.break_streams()
        elif what is What.WATCH_LATE:
            server.late = False

    return over


def _halt(site: "Site") -> Callable[[], None]:
    store = site.server.store
    if store.get(CONFIG_MAPS, OWN, "gameday-halt") is None:
        store.create(PERSON, CONFIG_MAPS, OWN, {"metadata": {"name": "gameday-halt"}, "data": {"reason": "a launch"}})
    return lambda: store.remove(PERSON, CONFIG_MAPS, OWN, "gameday-halt")


def _samples(site: "Site", trouble: Trouble, town: Town) -> Callable[[], None] | None:
    until = site.world.now + trouble.seconds
    match trouble.what:
        case What.REDIS_DOWN:
            town.set_redis(True)
            return lambda: town.set_redis(False)
        case What.LIE:
            town.lies_until = until
        case What.CURTAIL:
            town.curtailed_until = until
        case What.FLAP:
            town.flaps_until = until
        case What.STOP:
            town.silent_until = until
        case What.LAG:
            town.lag = trouble.seconds
            return lambda: setattr(town, "lag", 0.0)
        case What.REPEAT:
            for agent in town.agents.values():
                for line in list(agent.source.lines):
                    agent.source.write(line)
                    site.world.tally.bites(trouble.what)
        case _:
            for agent in town.agents.values():
                if agent.name == "observer":
                    agent.number += trouble.count
                    site.world.tally.bites(trouble.what)
    return None


def _town(site: "Site", trouble: Trouble, town: Town) -> Callable[[], None] | None:
    match trouble.what:
        case What.DEAF:
            town.enforced = False
            town.follow()
        case What.NO_SEVER:
            town.severable = False
        case What.SLOW_PODS:
            before = site.controllers.pods_take
            site.controllers.pods_take = before + trouble.seconds
            return lambda: setattr(site.controllers, "pods_take", before)
        case What.JOB_FAILS:
            site.controllers.job_fails.add(town.namespace)
        case _:
            idle = ("fuse", "closer", "counter")
            living = [a for a in town.agents.values() if not a.ended and not a.name.startswith(idle)]
            if living:
                town.dies(site.world.random.choice(living))
    return None


def _people(site: "Site", trouble: Trouble, town: Town) -> Callable[[], None] | None:
    store, namespace, server = site.server.store, town.namespace, site.server
    match trouble.what:
        case What.POLICY_DELETED | What.POLICY_CHANGED:
            for policy in list(store.all_of(NETWORK_POLICIES, namespace)):
                name = policy["metadata"]["name"]
                if trouble.what is What.POLICY_DELETED:
                    store.remove(PERSON, NETWORK_POLICIES, namespace, name)
                else:
                    store.edit(NETWORK_POLICIES, namespace, name, spec={"egress": [{}]})
        case What.FUSE_DELETED | What.FUSE_SUSPENDED:
            for job in list(store.all_of(JOBS, namespace)):
                if job["metadata"]["labels"].get(ROLE) == "fuse" and trouble.what is What.FUSE_DELETED:
                    store.remove(PERSON, JOBS, namespace, job["metadata"]["name"])
                elif job["metadata"]["labels"].get(ROLE) == "fuse":
                    store.edit(JOBS, namespace, job["metadata"]["name"], spec={"suspend": True})
        case What.ABORT:
            store.edit(DRILLS, namespace, town.drill_name, spec={"abort": True})
        case What.DRILL_DELETED | What.DRILL_FORCED | What.FINALIZER_TAKEN:
            _drill(trouble.what, town)
        case What.GAMEDAY_DELETED:
            store.remove(PERSON, GAMEDAYS, namespace, "plan")
        case What.OPT_OUT:
            account = store.get(SERVICE_ACCOUNTS, namespace, "gameday")
            if account is not None:
                store.remove(PERSON, SERVICE_ACCOUNTS, namespace, "gameday")
                body: Object = {"metadata": {"name": "gameday", "labels": account["metadata"]["labels"]}}
                return lambda: _again(site, namespace, body)
        case What.RIGHTS_GONE:
            server.without_rights.add(namespace)
            return lambda: server.without_rights.discard(namespace)
        case What.STATUS_WRITTEN:
            _status(trouble, town)
        case What.SCALED_BY_OTHERS:
            store.edit_scale(namespace, "worker", trouble.count)
        case What.FUSE_NODE_LOST:
            town.loses_fuse = trouble.seconds
        case What.OWNED:
            town.owner = trouble.seconds, trouble.count
        case _:
            assert_never(trouble.what)  # type: ignore[arg-type]  # the others are brought about elsewhere
    return None


def _again(site: "Site", namespace: str, body: Object) -> None:
    store = site.server.store
    if store.get(SERVICE_ACCOUNTS, namespace, "gameday") is None:
        store.create(PERSON, SERVICE_ACCOUNTS, namespace, body)


def _status(trouble: Trouble, town: Town) -> None:
    """Write a status, as somebody could who may write it."""
    store, drill = town.server.store, town.drill
    if drill is None or not drill.get("status", {}).get("state"):
        return
    status: Object = drill["status"]
    match trouble.detail:
        case "emptied":
            status = {}
        case "from before":
            status = town.statuses[max(0, len(town.statuses) - 1 - trouble.count)]
        case "without its changes":
            status = status | {"state": _edited(status, holds=[]), "undo": []}
        case "damaged":
            status = status | {"state": status["state"][:-9]}
        case _:
            status = status | {"state": _edited(status, baseline={"health.latency": 1.0})}
    store.replace_status(PERSON, DRILLS, town.namespace, town.drill_name, drill | {"status": status})


def _edited(status: Object, **fields: Any) -> str:
    state = unpacked(status["state"])
    return packed(json.dumps(state | {"engine": state["engine"] | fields}), state["version"])


def _drill(what: What, town: Town) -> None:
    store, drill = town.server.store, town.drill
    if drill is None:
        return
    if what is not What.DRILL_DELETED:
        store.edit(DRILLS, town.namespace, town.drill_name, metadata={"finalizers": []})
    if what is not What.FINALIZER_TAKEN and town.drill is not None:
        store.delete(PERSON, DRILLS, town.namespace, town.drill_name)
