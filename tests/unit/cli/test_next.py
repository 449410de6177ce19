"""``gameday next``: each GameDay's next runs in its own time zone, and why one has none."""

import json
from typing import Any

import pytest
import yaml

from gameday.cli.runs import about
from unit.cli.asked import CommandLine

READY = [{"type": "Ready", "status": "True", "reason": "PlanValid"}]


def put(line: CommandLine, name: str, schedule: Any, conditions: Any = READY, namespace: str = "shop") -> None:
    spec = {"schedule": schedule} if schedule is not None else {}
    line.server.put(
        "gamedays", namespace, {"metadata": {"name": name}, "spec": spec, "status": {"conditions": conditions}}
    )


def cron(text: str, zone: str = "Europe/Berlin", **fields: Any) -> dict[str, Any]:
    return {"cron": text, "timeZone": zone, **fields}


async def test_the_soonest_comes_first_each_in_its_own_zone(command_line: CommandLine) -> None:
    put(command_line, "weekly", cron("0 10 * * 2"))
    put(command_line, "daily", cron("30 18 * * *", "Asia/Tokyo"))
    put(command_line, "by-hand", None)
    done = await command_line.run("next", "--count", "2")
    assert done.exit_code == 0, done.output
    header, *rows = [line.split() for line in done.stdout.splitlines()]
    assert header == ["NAME", "NEXT", "IN", "NOTE"]
    assert rows == [
        ["weekly", "Tue", "2026-12-01", "10:00", "CET", "21h0m"],
        ["daily", "Tue", "2026-12-01", "18:30", "JST", "21h30m"],
        ["daily", "Wed", "2026-12-02", "18:30", "JST", "1d21h"],
        ["weekly", "Tue", "2026-12-08", "10:00", "CET", "7d21h"],
    ]


@pytest.mark.parametrize(
    ("schedule", "conditions", "note"),
    [
        (cron("0 10 * * 2", suspend=True), READY, "suspended"),
        (cron("0 10 * * 2", "Mars/Olympus"), READY, "spec.schedule.timeZone"),
        (cron("0 10 * * 2"), [*READY, {"type": "Halted", "status": "True"}], "`gameday resume`"),
        (
            cron("0 10 * * 2"),
            [{"type": "Ready", "status": "False", "reason": "GameDayInvalid"}],
            "not ready (GameDayInv",
        ),
        (cron("0 10 * * 2"), [], "no operator has seen it yet"),
        (
            cron("0 10 * * 2", blackouts=[{"name": "x", "when": "Mon-Sun 00:00-24:00 Etc/UTC"}]),
            READY,
            "every coming time",
        ),
        (None, READY, "no schedule"),
    ],
)
async def test_what_keeps_it_from_running_stands_beside_it(
    command_line: CommandLine, schedule: Any, conditions: Any, note: str
) -> None:
    put(command_line, "one", schedule, conditions)
    done = await command_line.run("next", "one")
    assert done.exit_code == 0, done.output
    assert note in done.stdout


async def test_programs_get_moments(command_line: CommandLine) -> None:
    put(command_line, "weekly", cron("0 10 * * 2"))
    done = await command_line.run("next", "-o", "json", "--count", "1")
    wanted = {"namespace": "shop", "name": "weekly", "at": "2026-12-01T09:00:00.000Z"}
    assert json.loads(done.stdout) == [wanted | {"local": "Tue 2026-12-01 10:00 CET", "timeZone": "Europe/Berlin"}]
    assert yaml.safe_load((await command_line.run("next", "-o", "yaml", "--count", "1")).stdout)[0]["name"] == "weekly"
    assert (await command_line.run("next", "-o", "name")).stdout == "gameday.gameday.dev/weekly\n"


async def test_the_namespace_is_the_contexts_unless_one_is_named(command_line: CommandLine) -> None:
    put(command_line, "near", cron("0 10 * * 2"))
    put(command_line, "far", cron("0 10 * * 2"), namespace="other")
    assert "far" not in (await command_line.run("next")).stdout
    assert "near" not in (await command_line.run("next", "-n", "other")).stdout
    every = (await command_line.run("next", "-A", "--count", "1")).stdout.splitlines()
    assert [row.split()[:2] for row in every] == [["NAMESPACE", "NAME"], ["other", "far"], ["shop", "near"]]


async def test_a_name_that_is_not_there_is_said(command_line: CommandLine) -> None:
    done = await command_line.run("next", "none")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "there is no GameDay none in namespace shop" in done.stderr


async def test_who_may_not_look_reads_which_right_is_missing(command_line: CommandLine) -> None:
    command_line.server.forbidden.add("list gamedays")
    done = await command_line.run("next")
    assert done.exit_code == 1
    assert "user jane may not list gamedays.gameday.dev in namespace shop" in done.stderr
    assert "kubectl -n shop create role gameday-look" in done.stderr


async def test_a_cluster_without_the_operator_is_said(command_line: CommandLine) -> None:
    command_line.server.unserved.add("gamedays")
    done = await command_line.run("next")
    assert done.exit_code == 1
    assert "`kubectl apply -k manifests/operator` installs it" in done.stderr


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59.9, "59s"), (60, "1m0s"), (3600, "1h0m"), (90_000, "1d1h"), (-5, "0s")]
)
def test_a_length_of_time_has_two_units(seconds: float, text: str) -> None:
    assert about(seconds) == text
