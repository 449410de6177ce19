"""A GameDay that runs every two minutes by itself, ten times, with an operator killed, a suspension and a blackout.

``make by-itself``, half an hour: what a team sees that leaves its drills to the calendar. Beside it stand four more
GameDays in three other zones, whose slots are far away. Exits 1 when anything did not go as it should.
"""

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from e2e.dialling import ROOT, until
from e2e.namespaces import OperatorProcess, TeamNamespace, cluster_output, kubectl, small, team_namespace
from gameday.api.record import moment, timestamp
from gameday.cluster.resources import DRILLS, GAMEDAYS, Object

RUNS = 10
BLACKOUT_AT, SUSPEND_AT, KILL_IN = 2, 5, 7
"""Which slot, counted from 0, falls into the blackout, which is suspended, and in which run the operator is killed."""
ELSEWHERE = {
    "cache-loss": ("0 10 * * mon-fri", "Europe/Berlin", False),
    "queue-loss": ("30 2 * * 0", "America/New_York", False),
    "payments-cut": ("0 15 * * tue#1", "Asia/Tokyo", False),
    "old-drill": ("0 9 * * *", "Europe/Berlin", True),
}
ZONE = "Asia/Kolkata"
"""Where the GameDay lives that runs every two minutes."""


def say(text: str) -> None:
    """Tell the person who waits."""
    print(f"{datetime.now(UTC):%H:%M:%S}  {text}", flush=True)


def plan(name: str, cron: str, zone: str, **more: Any) -> Object:
    """A small drill on a schedule."""
    gameday = small()
    gameday["metadata"]["name"] = name
    gameday["spec"]["schedule"] = {"cron": cron, "timeZone": zone, "startingDeadline": "90s", **more}
    return gameday


async def slots(ns: TeamNamespace) -> dict[float, Object]:
    """The decided slots of the GameDay, by their time."""
    found = await ns.admin.get(GAMEDAYS, ns.namespace, "redis-every-2m")
    return {moment(slot["at"]): slot for slot in (found or {}).get("status", {}).get("slots", ())}


async def watch(ns: TeamNamespace, first: float) -> dict[float, Object]:
    """See the calendar through; every slot that was decided, by its time."""
    decided: dict[float, Object] = {}
    (operator,) = ns.operators
    blackout = {
        "name": "change freeze",
        "from": timestamp(first + 120 * BLACKOUT_AT),
        "until": timestamp(first + 120 * BLACKOUT_AT + 60),
    }
    schedule: dict[str, Any] = {"cron": "*/2 * * * *", "zone": ZONE, "blackouts": [blackout]}
    ns.apply(plan("redis-every-2m", **schedule))
    for number in range(RUNS + 2):
        at = first + 120 * number
        if number == SUSPEND_AT:
            ns.apply(plan("redis-every-2m", **schedule, suspend=True))
            say("suspended")

        async def known(at: float = at) -> Object:
            found = (await slots(ns)).get(at, {})
            return {} if found.get("decision") in {"Scheduled", "Starting"} else found

        slot: Object = await until(known, f"slot {local(at)} is decided", 150)
        if number == KILL_IN:
            operator = await kill(ns, operator, f"redis-every-2m-{int(at) // 60}")
        if slot["decision"] == "Started":
            status = await ns.finishes(f"redis-every-2m-{int(at) // 60}", 110)
            slot = (await slots(ns))[at] | {"verdict": status["verdict"], "took": status["took"]}
        decided[at] = slot
        say(f"slot {local(at)}  {slot['decision']:10} {slot.get('verdict', ''):8} {slot.get('message', '')}")
        if number == SUSPEND_AT:
            ns.apply(plan("redis-every-2m", **schedule))
            say("resumed")
    return decided


async def kill(ns: TeamNamespace, operator: OperatorProcess, drill: str) -> OperatorProcess:
    """SIGKILL under the cut, and another operator after it."""
    await ns.in_phase("Outage", drill)
    await operator.kill()
    say(f"operator killed in the outage of {drill}")
    return await ns.operator()


def local(at: float) -> str:
    """A minute in the schedule's zone."""
    return datetime.fromtimestamp(at, ZoneInfo(ZONE)).strftime("%Y-%m-%dT%H:%M")


async def main() -> int:
    """The whole of it; the exit code."""
    os.environ["PATH"] = f"{cluster_output('path')}:{os.environ['PATH']}"
    kubectl("apply", "-k", str(ROOT / "crds"))
    async with team_namespace("by-itself") as ns:
        ns.opt_in()
        await ns.shop(parts=("api", "redis"), replicas=1)
        await ns.operator()
        for name, (cron, zone, suspend) in ELSEWHERE.items():
            ns.apply(plan(name, cron, zone, suspend=suspend))
        start = datetime.now(UTC) + timedelta(seconds=20)
        first = (start.timestamp() // 120 + 1) * 120
        decided = await watch(ns, first)
        await ns.nothing_is_left()
        print(kubectl("-n", ns.namespace, "get", "gamedays").stdout)
        print(kubectl("-n", ns.namespace, "get", "drills", "--sort-by=.metadata.creationTimestamp").stdout)
        drills, _ = await ns.admin.list(DRILLS, ns.namespace)
        return check(first, decided, drills)


def check(first: float, decided: dict[float, Object], drills: tuple[Object, ...]) -> int:
    """Say what is not as it should be."""
    wrong = []
    for number, (at, slot) in enumerate(sorted(decided.items())):
        wanted = {BLACKOUT_AT: "Blackout", SUSPEND_AT: "Suspended"}.get(number, "Started")
        if slot["decision"] != wanted:
            wrong.append(f"slot {local(at)} is {slot['decision']}, not {wanted}")
        # Whoever is killed under the cut may have missed what it was to see.
        right = {"Passed", "Inconclusive"} if number == KILL_IN else {"Passed"}
        if wanted == "Started" and slot.get("verdict") not in right:
            wrong.append(f"the drill of {local(at)} is {slot.get('verdict')}")
    runs = [drill for drill in drills if moment(drill["metadata"]["creationTimestamp"]) >= first]
    if len(runs) != RUNS:
        wrong.append(f"{len(runs)} drills, not {RUNS}")
    for line in wrong:
        print(f"wrong: {line}", file=sys.stderr)
    print(f"{RUNS} runs by itself, nothing left behind" if not wrong else "not as it should be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
