"""``gameday history``: drills over time, and what differs at the first failure after a success."""

import json
from typing import Any

import pytest

from gameday.api.parse import canonical
from gameday.api.record import status_of
from gameday.cli.history import Past, plan_difference, rollouts, turned
from gameday.cluster.resources import Object
from gameday.model.record import DrillRecord
from specs import BASE
from unit.cli.asked import CommandLine


def drill(name: str, at: str, verdict: str = "", gameday: str = "redis", **status: Any) -> Object:
    told = {"startedAt": f"2026-11-{at}T12:00:00.000Z", "phase": "Finished" if verdict else "Outage", **status}
    if verdict:
        told |= {"verdict": verdict, "reason": "Why", "took": "1m10s"}
    return {"metadata": {"name": name}, "spec": {"gameDay": gameday}, "status": told}


def ran(spec: dict[str, Any]) -> dict[str, Any]:
    plan, digest = canonical(spec)
    return {"state": status_of(DrillRecord(), 1, None, plan)["state"], "planDigest": digest}


def replica_set(name: str, at: str, image: str, owner: str = "api") -> Object:
    owners = [{"kind": "Deployment", "name": owner}]
    containers = [{"name": "app", "image": image}]
    metadata = {"name": name, "creationTimestamp": f"2026-11-{at}T12:00:00Z", "ownerReferences": owners}
    return {"metadata": metadata, "spec": {"template": {"spec": {"containers": containers}}}}


async def test_the_drills_of_one_gameday_oldest_first_with_their_times(command_line: CommandLine) -> None:
    figures = {"timeToDetect": "1.402 seconds ± 1", "timeToRecover": "72 seconds"}
    for one in (
        drill("third", "23"),
        drill("first", "21", "Passed", measurements=figures),
        drill("other", "21", "Failed", gameday="else"),
        drill("second", "22", "Inconclusive"),
    ):
        command_line.server.put("drills", "shop", one)
    done = await command_line.run("history", "redis")
    assert done.exit_code == 0, done.output
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["DRILL", "STARTED", "(UTC)", "VERDICT", "REASON", "DETECT", "ALERT", "RECOVER", "TOOK"],
        ["first", "2026-11-21", "12:00", "Passed", "Why", "1.4s", "-", "1m12s", "1m10s"],
        ["second", "2026-11-22", "12:00", "Inconclusive", "Why", "-", "-", "-", "1m10s"],
        ["third", "2026-11-23", "12:00", "Outage", "-", "-", "-", "-", "-"],
    ]
    newest = await command_line.run("history", "redis", "--last", "1", "-o", "name")
    assert newest.stdout == "drill.gameday.dev/third\n"


async def test_at_the_first_failure_it_says_what_differs(command_line: CommandLine) -> None:
    other = BASE | {"description": "something else"}
    for one in (
        drill("good", "21", "Passed", **ran(BASE)),
        drill("open", "22", "Inconclusive"),
        drill("bad", "23", "Failed", **ran(other)),
        drill("worse", "24", "Failed", **ran(other)),
    ):
        command_line.server.put("drills", "shop", one)
    for one in (replica_set("api-1", "01", "shop:1"), replica_set("api-2", "22", "shop:2")):
        command_line.server.put("replicasets", "shop", one)
    done = await command_line.run("history", "redis")
    assert done.stdout.split("\n\n")[1].splitlines() == [
        "bad is the first that failed after good had passed. Between both:",
        "  the plan differs in spec.description",
        "  Deployment api rolled out other images (app: shop:1 to shop:2) at 2026-11-22T12:00:00Z",
    ]
    told = json.loads((await command_line.run("history", "redis", "-o", "json")).stdout)
    assert (told["turn"]["passed"], told["turn"]["failed"]) == ("good", "bad")
    assert [one["verdict"] for one in told["drills"]] == ["Passed", "Inconclusive", "Failed", "Failed"]
    command_line.server.forbidden.add("list replicasets")
    assert (
        "which images and pod templates ran is not known: user jane may not list replicasets.apps"
        in (await command_line.run("history", "redis")).stdout
    )


@pytest.mark.parametrize(
    ("verdicts", "turn"),
    [
        ("PF", (0, 1)),
        ("PPFF", (1, 2)),
        ("PIAF", (0, 3)),
        ("PFPF", (2, 3)),
        ("FP", None),
        ("FF", None),
        ("P", None),
        ("PFP", (0, 1)),
    ],
)
def test_a_turn_is_the_first_failure_after_a_success(verdicts: str, turn: tuple[int, int] | None) -> None:
    words = {"P": "Passed", "F": "Failed", "I": "Inconclusive", "A": "Aborted"}
    past = [Past(drill(str(number), "21", words[letter])) for number, letter in enumerate(verdicts)]
    found = turned(past)
    assert (found and (int(found[0].name), int(found[1].name))) == turn


def test_the_same_plan_is_said_to_be_the_same_and_an_unknown_one_is_not() -> None:
    same = Past(drill("a", "21", "Passed", **ran(BASE)))
    assert plan_difference(same, same) == "the plan is the same"
    assert plan_difference(same, Past(drill("b", "22", "Failed"))) == "whether the plan is the same is not recorded"
    gone = Past(drill("b", "22", "Failed", planDigest="sha256:0"))
    assert plan_difference(same, gone) == "the plan differs"


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        ([], "no Deployment got another pod template, as far as its ReplicaSets show (a roll back makes none)"),
        (
            [replica_set("a", "01", "x:1"), replica_set("b", "22", "x:1")],
            "Deployment api rolled out another pod template with the same images at 2026-11-22T12:00:00Z",
        ),
        (
            [replica_set("b", "22", "x:1")],
            "Deployment api got a new pod template at 2026-11-22T12:00:00Z; the one before is not there any more",
        ),
        (
            [replica_set("a", "01", "x:1"), replica_set("b", "24", "x:2")],
            "no Deployment got another pod template, as far as its ReplicaSets show (a roll back makes none)",
        ),
    ],
)
def test_only_what_was_rolled_out_between_both_counts(sets: list[Object], said: str) -> None:
    since, until = Past(drill("a", "21")).began, Past(drill("b", "23")).began
    assert list(rollouts(sets, since, until)) == [said]


async def test_a_gameday_without_drills_is_told_from_none(command_line: CommandLine) -> None:
    none = await command_line.run("history", "redis")
    assert none.exit_code == 1
    assert "there is no GameDay redis in namespace shop" in none.stderr
    command_line.server.put("gamedays", "shop", {"metadata": {"name": "redis"}, "spec": {}})
    assert "has no Drills" in (await command_line.run("history", "redis")).stderr


async def test_a_dry_run_is_no_drill_of_the_past(command_line: CommandLine) -> None:
    body = {"metadata": {"name": "dry"}, "spec": {"gameDay": "g", "dryRun": True}, "status": {"phase": "Finished"}}
    command_line.server.put("drills", "shop", body)
    done = await command_line.run("history", "g")
    assert done.exit_code == 1
    assert "there is no GameDay g in namespace shop" in done.stderr
