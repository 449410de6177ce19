"""Drills on a schedule, on a real API server: slots, their reasons, kills, and rollouts that are waited for."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from e2e.dialling import until
from e2e.namespaces import TeamNamespace, condition, kubectl, ready, small
from gameday.api.lines import events_of
from gameday.api.record import moment
from gameday.cluster.resources import DRILLS, GAMEDAYS, Object
from gameday.engine.schedule import schedule_state as engine

pytestmark = pytest.mark.e2e

MINUTELY = {"cron": "* * * * *", "timeZone": "Europe/Berlin", "startingDeadline": "50s"}


def scheduled(schedule: Object, **changes: Any) -> Object:
    """The small GameDay, which refuses at once in a namespace that has not opted in: cheap slots."""
    gameday = small(**changes)
    gameday["spec"]["schedule"] = dict(schedule)
    return gameday


async def gameday(ns: TeamNamespace, name: str = "small") -> Object:
    found = await ns.admin.get(GAMEDAYS, ns.namespace, name)
    assert found is not None
    return found


async def drills(ns: TeamNamespace) -> dict[str, Object]:
    items, _ = await ns.admin.list(DRILLS, ns.namespace)
    return {item["metadata"]["name"]: item for item in items}


async def slot(ns: TeamNamespace, decision: str, patience: float = 80) -> Object:
    """The newest slot that was decided like this, once there is one."""

    async def ask() -> Object:
        slots = (await gameday(ns)).get("status", {}).get("slots", ())
        return next((one for one in reversed(slots) if one["decision"] == decision), {})

    found: Object = await until(ask, f"a slot is {decision}", patience)
    return found


async def test_a_slot_starts_one_drill_on_time_and_its_end_shows(ns: TeamNamespace) -> None:
    ns.apply(scheduled(MINUTELY))
    first = await ns.operator()
    second = await ns.operator()
    started = await slot(ns, "Started")
    at = moment(started["at"])
    name = f"small-{int(at) // 60}"
    made = (await drills(ns))[name]
    assert moment(made["metadata"]["creationTimestamp"]) - at <= 5
    assert moment(made["spec"]["startBefore"]) - at == 50
    status = await ns.finishes(name)
    assert status["reason"] == "PreflightFailed"
    thing = await gameday(ns)
    assert any("f:spec" in entry["fieldsV1"] for entry in thing["metadata"]["managedFields"]), "its author stays noted"
    assert thing["metadata"]["annotations"], "what kubectl noted stays"
    shown = thing["status"]
    assert shown["nextRun"] == shown["next"][0]
    assert len(shown["next"]) == 5
    assert shown["next"][0].split()[-1] in {"CET", "CEST"}
    for operator in (first, second):
        assert "internal error" not in operator.says()


@pytest.mark.slow
async def test_what_does_not_run_says_why_and_changes_start_nothing_past(ns: TeamNamespace) -> None:
    ns.apply(scheduled(MINUTELY | {"suspend": True}))
    await ns.operator()
    await slot(ns, "Suspended")
    shown = (await gameday(ns))["status"]
    assert (shown["nextRun"], shown.get("next", [])) == ("suspended", [])
    table = kubectl("-n", ns.namespace, "get", "gamedays").stdout
    assert "* * * * *" in table
    assert "suspended" in table
    blackout = {"name": "office hours", "when": "Mon-Sun 00:00-24:00 Europe/Berlin"}
    ns.apply(scheduled(MINUTELY | {"blackouts": [blackout]}))
    await slot(ns, "Blackout")
    assert await drills(ns) == {}
    events = json.loads(kubectl("-n", ns.namespace, "get", "events", "-o", "json").stdout)["items"]
    told = {event["reason"]: event["message"] for event in events}
    assert "spec.schedule.suspend is true" in told["Suspended"]
    assert "office hours" in told["Blackout"]


async def test_killed_between_the_record_and_the_drill_still_one_run(ns: TeamNamespace) -> None:
    """The worst moment, made by hand: the decision is recorded, its Drill is not there, nobody is alive."""
    ns.apply(scheduled(MINUTELY | {"startingDeadline": "5m"}))
    operator = await ns.operator()
    await until(lambda: _has_calendar(ns), "the calendar is begun", 20)
    await operator.kill()
    seen = await gameday(ns)
    minute = datetime.now(UTC).timestamp() // 60 * 60
    at = datetime.fromtimestamp(minute, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    seen["status"] |= {"slots": [{"at": at, "decision": "Starting"}], "lastDecidedSlot": at}
    await ns.admin.replace_status(GAMEDAYS, ns.namespace, "small", seen)
    await ns.operator()
    name = f"small-{int(minute) // 60}"
    await until(lambda: _is_there(ns, name), "its Drill is created", 20)
    await ns.finishes(name)
    settled = next(one for one in (await gameday(ns))["status"]["slots"] if moment(one["at"]) == minute)
    assert settled["decision"] == "Started"
    kubectl("-n", ns.namespace, "delete", "drill", name)
    again = await ns.operator(identity="another")
    await asyncio.to_thread(kubectl, "-n", ns.namespace, "wait", "gameday/small", "--for=condition=Ready")
    await slot(ns, "Started")
    assert name not in await drills(ns)
    assert again.process.returncode is None


async def ahead(ns: TeamNamespace) -> float:
    """A slot that is scheduled and leaves time to act: its time."""

    async def ask() -> float:
        slots = (await gameday(ns)).get("status", {}).get("slots", ())
        now = datetime.now(UTC).timestamp()
        return max(
            (moment(s["at"]) for s in slots if s["decision"] == "Scheduled" and moment(s["at"]) > now + 10), default=0
        )

    found: float = await until(ask, "a slot is scheduled", 80)
    return found


async def test_killed_while_a_slot_is_scheduled_still_one_run(ns: TeamNamespace) -> None:
    ns.apply(scheduled(MINUTELY))
    operator = await ns.operator()
    at = await ahead(ns)
    name = f"small-{int(at) // 60}"
    seen = await gameday(ns)
    assert moment(seen["status"]["lastDecidedSlot"]) == at
    assert seen["status"]["nextRun"] == engine.local(at, "Europe/Berlin")
    await operator.kill()
    assert name not in await drills(ns)
    await ns.operator()
    await until(lambda: _is_there(ns, name), "its Drill is created", 60)
    await ns.finishes(name)
    settled = next(one for one in (await gameday(ns))["status"]["slots"] if moment(one["at"]) == at)
    assert settled["decision"] == "Started"
    assert settled["drillUID"] == (await drills(ns))[name]["metadata"]["uid"]


@pytest.mark.slow
async def test_a_slot_that_is_suspended_while_it_is_scheduled_does_not_run(ns: TeamNamespace) -> None:
    ns.apply(scheduled(MINUTELY))
    await ns.operator()
    at = await ahead(ns)
    ns.apply(scheduled(MINUTELY | {"suspend": True}))
    assert moment((await slot(ns, "Suspended"))["at"]) == at
    assert f"small-{int(at) // 60}" not in await drills(ns)


async def _is_there(ns: TeamNamespace, name: str) -> bool:
    return name in await drills(ns)


async def _has_calendar(ns: TeamNamespace) -> bool:
    return "schedule" in (await gameday(ns)).get("status", {})


async def test_a_wrong_schedule_says_where_and_starts_nothing(ns: TeamNamespace) -> None:
    ns.apply(scheduled(MINUTELY | {"timeZone": "Berlin", "cron": "0 25 * * *"}))
    await ns.operator()
    said = await ready(ns, "small")
    assert said["status"] == "False"
    assert "spec.schedule.timeZone: 'Berlin' is not an IANA time zone" in said["message"]
    wrong = scheduled(MINUTELY)
    del wrong["spec"]["schedule"]["timeZone"]
    wrong["metadata"]["namespace"] = ns.namespace
    refused = kubectl("apply", "-f", "-", stdin=json.dumps(wrong), ok=False)
    assert "spec.schedule.timeZone: Required value" in refused.stderr


async def test_a_rollout_is_waited_for_and_then_drilled(ns: TeamNamespace) -> None:
    ns.opt_in()
    await ns.shop(parts=("api", "redis"), replicas=1)
    api = json.loads(kubectl("-n", ns.namespace, "get", "deployment", "api", "-o", "json").stdout)
    image = api["spec"]["template"]["spec"]["containers"][0]["image"]
    _set_image(ns, "localhost/no-such-image:ever")
    await ns.operator()
    await ns.start(small(), startBefore=_in(90))
    waiting = await ns.reaches(lambda s: _noted(s, "RolloutInProgress"), "the rollout is seen", 30)
    assert waiting["phase"] == "Preflight"
    assert any("Deployment api" in line["message"] for line in events_of(waiting))
    _set_image(ns, image)
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    await ns.nothing_is_left()


async def test_a_rollout_that_does_not_end_is_no_subject_for_a_drill(ns: TeamNamespace) -> None:
    ns.opt_in()
    await ns.shop(parts=("api", "redis"), replicas=1)
    _set_image(ns, "localhost/no-such-image:ever")
    await ns.operator()
    await ns.start(small(), startBefore=_in(15))
    status = await ns.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "RolloutInProgress")
    assert condition(status, "Passed")["status"] == "Unknown"
    await ns.nothing_is_left()


def _set_image(ns: TeamNamespace, image: str) -> None:
    kubectl("-n", ns.namespace, "set", "image", "deployment/api", f"*={image}")


def _in(seconds: float) -> str:
    return datetime.fromtimestamp(datetime.now(UTC).timestamp() + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _noted(status: Object, reason: str) -> bool:
    return any(line["reason"] == reason for line in events_of(status))


async def _early_in_a_minute() -> None:
    """Wait, at most 30 s, until at least 30 s remain of the minute: no slot of ``MINUTELY`` comes in that time."""
    if (into := datetime.now(UTC).timestamp() % 60) > 30:
        await asyncio.sleep(60 - into)


async def test_of_120_slots_missed_in_a_downtime_the_newest_runs_and_the_rest_are_told(ns: TeamNamespace) -> None:
    await _early_in_a_minute()  # The first operator must not start a drill: the record of it is taken away below.
    ns.apply(scheduled(MINUTELY))
    operator = await ns.operator()
    await until(lambda: _has_calendar(ns), "the calendar is begun", 20)
    await operator.kill()
    now = datetime.now(UTC).timestamp()
    seen, minute = await gameday(ns), now // 60 * 60
    past = datetime.fromtimestamp(minute - 121 * 60, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    seen["status"]["schedule"]["since"] = seen["status"]["lastDecidedSlot"] = past
    seen["status"].pop("slots", None)
    await ns.admin.replace_status(GAMEDAYS, ns.namespace, "small", seen)
    await ns.operator()
    await slot(ns, "Started", 30)
    missed, newest, *_ = (await gameday(ns))["status"]["slots"]
    at = moment(newest["at"])
    assert newest["decision"] == "Started"
    assert missed["decision"] == "TooLate"
    assert moment(missed["at"]) == at - 60
    # A minute may have turned while the operator started: then one more was missed.
    assert 120 <= missed["count"] == (at - minute) // 60 + 120
    assert f"small-{int(at) // 60}" in await drills(ns)


async def test_history_prunes_what_has_ended_but_for_the_last_failure(ns: TeamNamespace) -> None:
    gameday = scheduled(MINUTELY | {"cron": "0 0 1 1 *"})
    gameday["spec"]["history"] = {"keep": 2}
    for number, verdict in enumerate(["Failed", "Failed", "Passed", "Passed", "Passed"]):
        labels = {"gameday.dev/gameday": "small", "gameday.dev/slot": str(60 * number)}
        ns.apply(_ended(f"small-{number}", labels))
        await _end(ns, f"small-{number}", verdict, number)
    ns.apply(_ended("by-hand", {}))
    await _end(ns, "by-hand", "Passed", 0)
    ns.apply(gameday)
    await ns.operator()

    async def pruned() -> bool:
        return set(await drills(ns)) == {"small-1", "small-3", "small-4", "by-hand"}

    await until(pruned, "what is one too many is gone", 20)


def _ended(name: str, labels: dict[str, str]) -> Object:
    body = {"apiVersion": DRILLS.api_version, "kind": "Drill", "metadata": {"name": name, "labels": labels}}
    return body | {"spec": {"gameDay": "small"}}


async def _end(ns: TeamNamespace, name: str, verdict: str, second: int) -> None:
    drill = await ns.drill(name)
    finished = {"phase": "Finished", "verdict": verdict, "finishedAt": f"2026-01-01T00:00:0{second}Z"}
    await ns.admin.replace_status(DRILLS, ns.namespace, name, drill | {"status": finished})
