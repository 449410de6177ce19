"""Drills on a schedule, on a real API server: slots, their reasons, kills, and rollouts that are waited for."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from e2e.dialling import until
from e2e.stage import Stage, condition, kubectl, ready, small
from gameday.api.lines import events_of
from gameday.api.record import moment
from gameday.cluster.kinds import DRILLS, GAMEDAYS, Object
from gameday.engine.schedule import calendar as engine

pytestmark = pytest.mark.e2e

MINUTELY = {"cron": "* * * * *", "timeZone": "Europe/Berlin", "startingDeadline": "50s"}


def scheduled(schedule: Object, **changes: Any) -> Object:
    """The small GameDay, which refuses at once in a namespace that has not opted in: cheap slots."""
    gameday = small(**changes)
    gameday["spec"]["schedule"] = dict(schedule)
    return gameday


async def gameday(town: Stage, name: str = "small") -> Object:
    found = await town.admin.get(GAMEDAYS, town.namespace, name)
    assert found is not None
    return found


async def drills(town: Stage) -> dict[str, Object]:
    items, _ = await town.admin.list(DRILLS, town.namespace)
    return {item["metadata"]["name"]: item for item in items}


async def slot(town: Stage, decision: str, patience: float = 80) -> Object:
    """The newest slot that was decided like this, once there is one."""

    async def ask() -> Object:
        slots = (await gameday(town)).get("status", {}).get("slots", ())
        return next((one for one in reversed(slots) if one["decision"] == decision), {})

    found: Object = await until(ask, f"a slot is {decision}", patience)
    return found


async def test_a_slot_starts_one_drill_on_time_and_its_end_shows(town: Stage) -> None:
    town.apply(scheduled(MINUTELY))
    first = await town.operator()
    second = await town.operator()
    started = await slot(town, "Started")
    at = moment(started["at"])
    name = f"small-{int(at) // 60}"
    made = (await drills(town))[name]
    assert moment(made["metadata"]["creationTimestamp"]) - at <= 5
    assert moment(made["spec"]["startBefore"]) - at == 50
    status = await town.finishes(name)
    assert status["reason"] == "PreflightFailed"
    thing = await gameday(town)
    assert any("f:spec" in entry["fieldsV1"] for entry in thing["metadata"]["managedFields"]), "its author stays noted"
    assert thing["metadata"]["annotations"], "what kubectl noted stays"
    shown = thing["status"]
    assert shown["nextRun"] == shown["next"][0]
    assert len(shown["next"]) == 5
    assert shown["next"][0].split()[-1] in {"CET", "CEST"}
    for operator in (first, second):
        assert "internal error" not in operator.says()


async def test_what_does_not_run_says_why_and_changes_start_nothing_past(town: Stage) -> None:
    town.apply(scheduled(MINUTELY | {"suspend": True}))
    await town.operator()
    await slot(town, "Suspended")
    shown = (await gameday(town))["status"]
    assert (shown["nextRun"], shown.get("next", [])) == ("suspended", [])
    table = kubectl("-n", town.namespace, "get", "gamedays").stdout
    assert "* * * * *" in table
    assert "suspended" in table
    blackout = {"name": "office hours", "when": "Mon-Sun 00:00-24:00 Europe/Berlin"}
    town.apply(scheduled(MINUTELY | {"blackouts": [blackout]}))
    await slot(town, "Blackout")
    assert await drills(town) == {}
    events = json.loads(kubectl("-n", town.namespace, "get", "events", "-o", "json").stdout)["items"]
    told = {event["reason"]: event["message"] for event in events}
    assert "spec.schedule.suspend is true" in told["Suspended"]
    assert "office hours" in told["Blackout"]


async def test_killed_between_the_record_and_the_drill_still_one_run(town: Stage) -> None:
    """The worst moment, made by hand: the decision is recorded, its Drill is not there, nobody is alive."""
    town.apply(scheduled(MINUTELY | {"startingDeadline": "5m"}))
    operator = await town.operator()
    await until(lambda: _has_calendar(town), "the calendar is begun", 20)
    await operator.kill()
    seen = await gameday(town)
    minute = datetime.now(UTC).timestamp() // 60 * 60
    at = datetime.fromtimestamp(minute, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    seen["status"] |= {"slots": [{"at": at, "decision": "Starting"}], "lastDecidedSlot": at}
    await town.admin.replace_status(GAMEDAYS, town.namespace, "small", seen)
    await town.operator()
    name = f"small-{int(minute) // 60}"
    await until(lambda: _is_there(town, name), "its Drill is created", 20)
    await town.finishes(name)
    settled = next(one for one in (await gameday(town))["status"]["slots"] if moment(one["at"]) == minute)
    assert settled["decision"] == "Started"
    kubectl("-n", town.namespace, "delete", "drill", name)
    again = await town.operator(identity="another")
    await asyncio.to_thread(kubectl, "-n", town.namespace, "wait", "gameday/small", "--for=condition=Ready")
    await slot(town, "Started")
    assert name not in await drills(town)
    assert again.process.returncode is None


async def ahead(town: Stage) -> float:
    """A slot that is scheduled and leaves time to act: its time."""

    async def ask() -> float:
        slots = (await gameday(town)).get("status", {}).get("slots", ())
        now = datetime.now(UTC).timestamp()
        return max(
            (moment(s["at"]) for s in slots if s["decision"] == "Scheduled" and moment(s["at"]) > now + 10), default=0
        )

    found: float = await until(ask, "a slot is scheduled", 80)
    return found


async def test_killed_while_a_slot_is_scheduled_still_one_run(town: Stage) -> None:
    town.apply(scheduled(MINUTELY))
    operator = await town.operator()
    at = await ahead(town)
    name = f"small-{int(at) // 60}"
    seen = await gameday(town)
    assert moment(seen["status"]["lastDecidedSlot"]) == at
    assert seen["status"]["nextRun"] == engine.local(at, "Europe/Berlin")
    await operator.kill()
    assert name not in await drills(town)
    await town.operator()
    await until(lambda: _is_there(town, name), "its Drill is created", 60)
    await town.finishes(name)
    settled = next(one for one in (await gameday(town))["status"]["slots"] if moment(one["at"]) == at)
    assert settled["decision"] == "Started"
    assert settled["drillUID"] == (await drills(town))[name]["metadata"]["uid"]


async def test_a_slot_that_is_suspended_while_it_is_scheduled_does_not_run(town: Stage) -> None:
    town.apply(scheduled(MINUTELY))
    await town.operator()
    at = await ahead(town)
    town.apply(scheduled(MINUTELY | {"suspend": True}))
    assert moment((await slot(town, "Suspended"))["at"]) == at
    assert f"small-{int(at) // 60}" not in await drills(town)


async def _is_there(town: Stage, name: str) -> bool:
    return name in await drills(town)


async def _has_calendar(town: Stage) -> bool:
    return "schedule" in (await gameday(town)).get("status", {})


async def test_a_wrong_schedule_says_where_and_starts_nothing(town: Stage) -> None:
    town.apply(scheduled(MINUTELY | {"timeZone": "Berlin", "cron": "0 25 * * *"}))
    await town.operator()
    said = await ready(town, "small")
    assert said["status"] == "False"
    assert "spec.schedule.timeZone: 'Berlin' is not an IANA time zone" in said["message"]
    wrong = scheduled(MINUTELY)
    del wrong["spec"]["schedule"]["timeZone"]
    wrong["metadata"]["namespace"] = town.namespace
    refused = kubectl("apply", "-f", "-", stdin=json.dumps(wrong), ok=False)
    assert "spec.schedule.timeZone: Required value" in refused.stderr


async def test_a_rollout_is_waited_for_and_then_drilled(town: Stage) -> None:
    town.opt_in()
    await town.shop(parts=("api", "redis"), replicas=1)
    api = json.loads(kubectl("-n", town.namespace, "get", "deployment", "api", "-o", "json").stdout)
    image = api["spec"]["template"]["spec"]["containers"][0]["image"]
    _set_image(town, "localhost/no-such-image:ever")
    await town.operator()
    await town.start(small(), startBefore=_in(90))
    waiting = await town.reaches(lambda s: _noted(s, "RolloutInProgress"), "the rollout is seen", 30)
    assert waiting["phase"] == "Preflight"
    assert any("Deployment api" in line["message"] for line in events_of(waiting))
    _set_image(town, image)
    status = await town.finishes()
    assert status["verdict"] == "Passed", status["message"]
    await town.nothing_is_left()


async def test_a_rollout_that_does_not_end_is_no_subject_for_a_drill(town: Stage) -> None:
    town.opt_in()
    await town.shop(parts=("api", "redis"), replicas=1)
    _set_image(town, "localhost/no-such-image:ever")
    await town.operator()
    await town.start(small(), startBefore=_in(15))
    status = await town.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "RolloutInProgress")
    assert condition(status, "Passed")["status"] == "Unknown"
    await town.nothing_is_left()


def _set_image(town: Stage, image: str) -> None:
    kubectl("-n", town.namespace, "set", "image", "deployment/api", f"*={image}")


def _in(seconds: float) -> str:
    return datetime.fromtimestamp(datetime.now(UTC).timestamp() + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _noted(status: Object, reason: str) -> bool:
    return any(line["reason"] == reason for line in events_of(status))


async def _early_in_a_minute() -> None:
    """Wait, at most 30 s, until at least 30 s remain of the minute: no slot of ``MINUTELY`` comes in that time."""
    if (into := datetime.now(UTC).timestamp() % 60) > 30:
        await asyncio.sleep(60 - into)


async def test_of_120_slots_missed_in_a_downtime_the_newest_runs_and_the_rest_are_told(town: Stage) -> None:
    await _early_in_a_minute()  # The first operator must not start a drill: the record of it is taken away below.
    town.apply(scheduled(MINUTELY))
    operator = await town.operator()
    await until(lambda: _has_calendar(town), "the calendar is begun", 20)
    await operator.kill()
    now = datetime.now(UTC).timestamp()
    seen, minute = await gameday(town), now // 60 * 60
    past = datetime.fromtimestamp(minute - 121 * 60, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    seen["status"]["schedule"]["since"] = seen["status"]["lastDecidedSlot"] = past
    seen["status"].pop("slots", None)
    await town.admin.replace_status(GAMEDAYS, town.namespace, "small", seen)
    await town.operator()
    await slot(town, "Started", 30)
    missed, newest, *_ = (await gameday(town))["status"]["slots"]
    at = moment(newest["at"])
    assert newest["decision"] == "Started"
    assert missed["decision"] == "TooLate"
    assert moment(missed["at"]) == at - 60
    # A minute may have turned while the operator started: then one more was missed.
    assert 120 <= missed["count"] == (at - minute) // 60 + 120
    assert f"small-{int(at) // 60}" in await drills(town)


async def test_history_prunes_what_has_ended_but_for_the_last_failure(town: Stage) -> None:
    gameday = scheduled(MINUTELY | {"cron": "0 0 1 1 *"})
    gameday["spec"]["history"] = {"keep": 2}
    for number, verdict in enumerate(["Failed", "Failed", "Passed", "Passed", "Passed"]):
        labels = {"gameday.dev/gameday": "small", "gameday.dev/slot": str(60 * number)}
        town.apply(_ended(f"small-{number}", labels))
        await _end(town, f"small-{number}", verdict, number)
    town.apply(_ended("by-hand", {}))
    await _end(town, "by-hand", "Passed", 0)
    town.apply(gameday)
    await town.operator()

    async def pruned() -> bool:
        return set(await drills(town)) == {"small-1", "small-3", "small-4", "by-hand"}

    await until(pruned, "what is one too many is gone", 20)


def _ended(name: str, labels: dict[str, str]) -> Object:
    body = {"apiVersion": DRILLS.api_version, "kind": "Drill", "metadata": {"name": name, "labels": labels}}
    return body | {"spec": {"gameDay": "small"}}


async def _end(town: Stage, name: str, verdict: str, second: int) -> None:
    drill = await town.drill(name)
    finished = {"phase": "Finished", "verdict": verdict, "finishedAt": f"2026-01-01T00:00:0{second}Z"}
    await town.admin.replace_status(DRILLS, town.namespace, name, drill | {"status": finished})
