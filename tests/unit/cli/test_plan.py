"""``gameday plan`` as a process: what it shows, its exit code, and that whatever it created is deleted."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gameday.cli import plan as planning
from gameday.cli.asking import NotDone
from gameday.cluster.client import Cluster
from gameday.cluster.resources import Object
from unit.api_server import ApiServer
from unit.cli.test_run import READY, ROOT, Running, environment

EXAMPLE = ROOT / "manifests" / "examples" / "redis-failover.yaml"
FOUND = {
    "warnings": ["nobody else uses it"],
    "targets": ["cut (networkPartition): Deployment api, 1 pod: api-0"],
    "limits": ["limits.maxPods: 1 of at most 3"],
    "policies": ["cut: NetworkPolicy shop/redis decides who may reach what the fault cuts off"],
    "rights": ["pods: list, watch, create, delete", "jobs.batch: get, create; missing: create"],
    "probes": ["health: ok after 12 ms; status 200"],
    "expectations": ['SteadyState "healthy": true: always health.ok'],
}
PLANNED = {"phase": "Finished", "reason": "Planned", "message": "nothing refuses a drill now", "dryRun": FOUND}


def known(server: ApiServer, **spec: Any) -> None:
    server.put("gamedays", "shop", {"metadata": {"name": "redis"}, "spec": spec, "status": {"conditions": [READY]}})


@contextlib.asynccontextmanager
async def planned(server: ApiServer, folder: Path, *arguments: str) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gameday.cli.main", "plan", *arguments,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=environment(server, folder),
    )  # fmt: skip
    try:
        yield Running(server, process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def drills(server: ApiServer) -> list[Object]:
    return [thing for (plural, _, _), thing in server.objects.items() if plural == "drills"]


def example(folder: Path, **metadata: Any) -> Path:
    """The example with a schedule, as a file of a team's repository."""
    body = yaml.safe_load(EXAMPLE.read_text())
    body["metadata"] = {"name": "redis-failover", "labels": {"argocd.argoproj.io/instance": "shop"}} | metadata
    body["spec"]["schedule"] = {"cron": "0 10 * * 2", "timeZone": "Europe/Berlin"}
    path = folder / "gameday.yaml"
    path.write_text(yaml.safe_dump(body))
    return path


async def test_it_shows_what_the_dry_run_found_and_deletes_it(api_server: ApiServer, tmp_path: Path) -> None:
    known(api_server, schedule={"cron": "0 10 * * 2", "timeZone": "Europe/Berlin"})
    async with planned(api_server, tmp_path, "redis") as one:
        drill = await one.drill()
        await one.become(**PLANNED)
        code, out, err = await one.ends()
    assert (code, err) == (0, "")
    assert drill["spec"] == {"gameDay": "redis", "dryRun": True}
    assert drill["metadata"]["labels"] == {"gameday.dev/plan": "true"}
    assert drill["metadata"]["name"].startswith("redis-plan-")
    assert out.startswith(
        "Dry run of GameDay redis in namespace shop: Planned\nNothing refuses a drill now.\n\nWarnings\n  nobody else"
    )
    for line in (line for lines in FOUND.values() for line in lines):
        assert f"\n  {line}\n" in out
    assert out.count("10:00 CE") == 3
    assert drills(api_server) == []


async def test_what_its_pods_wait_for_is_shown_while_they_do(api_server: ApiServer, tmp_path: Path) -> None:
    known(api_server)
    line = "2026-11-24T12:00:15.000Z AgentsWaiting: these agents do not run yet: observer: ErrImagePull: not found"
    async with planned(api_server, tmp_path, "redis") as one:
        await one.become(phase="SteadyState", timeline=[line], dryRun={})
        assert one.process.stderr is not None
        async with asyncio.timeout(30):
            shown = (await one.process.stderr.readline()).decode()
        await one.become(**PLANNED)
        code, _, err = await one.ends()
    assert shown == "these agents do not run yet: observer: ErrImagePull: not found\n"
    assert (code, err) == (0, "")


async def test_what_refuses_a_drill_comes_first_and_is_the_exit_code(api_server: ApiServer, tmp_path: Path) -> None:
    known(api_server)
    async with planned(api_server, tmp_path, "redis") as one:
        await one.become(**PLANNED | {"reason": "Refused", "dryRun": FOUND | {"refusals": ["no pod: start one"]}})
        code, out, _ = await one.ends()
    assert code == 1
    assert out.splitlines()[:4] == [
        "Dry run of GameDay redis in namespace shop: Refused", "", "Refused by", "  no pod: start one",
    ]  # fmt: skip
    assert drills(api_server) == []


async def test_programs_get_it_whole(api_server: ApiServer, tmp_path: Path) -> None:
    known(api_server)
    async with planned(api_server, tmp_path, "redis", "-o", "json") as one:
        await one.become(**PLANNED)
        code, out, _ = await one.ends()
    assert code == 0
    assert json.loads(out) == {
        "gameDay": "redis", "namespace": "shop", "reason": "Planned", "message": "nothing refuses a drill now",
        "refusals": [], **FOUND, "nextRuns": [],
    }  # fmt: skip


async def test_a_file_is_planned_under_a_name_of_its_own(api_server: ApiServer, tmp_path: Path) -> None:
    async with planned(api_server, tmp_path, str(example(tmp_path)), "-o", "json") as one:
        drill = await one.drill()
        name = drill["metadata"]["name"]
        async with asyncio.timeout(30):
            while ("gamedays", "shop", name) not in api_server.objects:  # noqa: ASYNC110  it has no event
                await asyncio.sleep(0.01)
        gameday = api_server.objects["gamedays", "shop", name]
        await one.become(**PLANNED)
        code, out, _ = await one.ends()
    assert code == 0
    assert name.startswith("redis-failover-plan-")
    assert len(name) <= 40
    assert drill["spec"]["gameDay"] == name
    assert "schedule" not in gameday["spec"]
    assert gameday["metadata"]["labels"] == {"gameday.dev/plan": "true"}, "no GitOps tool takes it for its own"
    (owner,) = gameday["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("Drill", name, drill["metadata"]["uid"])
    told = json.loads(out)
    assert told["gameDay"] == "redis-failover"
    assert len(told["nextRuns"]) == 3
    assert not any("note" in run for run in told["nextRuns"]), "no operator has seen it"
    assert drills(api_server) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_deletes_what_was_created(api_server: ApiServer, tmp_path: Path, number: signal.Signals) -> None:
    async with planned(api_server, tmp_path, str(example(tmp_path))) as one:
        await one.drill()
        os.kill(one.process.pid, number)
        code, out, _ = await one.ends()
    assert (code, out) == (128 + number, "")
    assert drills(api_server) == []


async def test_where_the_gameday_cannot_be_created_the_drill_goes(api_server: ApiServer, tmp_path: Path) -> None:
    api_server.forbidden = {"create gamedays"}
    async with planned(api_server, tmp_path, str(example(tmp_path))) as one:
        code, _, err = await one.ends()
    assert code == 2
    assert "user jane may not create gamedays.gameday.dev in namespace shop" in err
    assert "kubectl -n shop create role gameday-planner" in err
    assert drills(api_server) == []


async def test_a_missing_right_is_named_before_anything_is_created(api_server: ApiServer, tmp_path: Path) -> None:
    known(api_server)
    api_server.forbidden = {"create drills"}
    async with planned(api_server, tmp_path, "redis") as one:
        code, _, err = await one.ends()
    assert code == 2
    assert "user jane may not create drills.gameday.dev in namespace shop" in err
    assert "kubectl -n shop create role gameday-drill-runner" in err


async def test_what_may_not_be_deleted_is_said_and_the_result_shown(api_server: ApiServer, tmp_path: Path) -> None:
    known(api_server)
    api_server.forbidden = {"delete drills"}
    async with planned(api_server, tmp_path, "redis") as one:
        await one.become(**PLANNED)
        code, out, err = await one.ends()
    assert code == 0
    assert out.startswith("Dry run of GameDay redis")
    assert "was not deleted: user jane may not delete drills.gameday.dev" in err
    assert "The operator deletes it 15m0s after its creation." in err


async def test_a_cluster_that_drops_the_field_never_starts_a_drill(api_server: ApiServer, tmp_path: Path) -> None:
    known(api_server)

    def prune(plural: str, body: Object) -> Object:
        return body | {"spec": {"gameDay": "redis"}} if plural == "drills" else body

    api_server.admission = prune
    async with planned(api_server, tmp_path, "redis") as one:
        code, _, err = await one.ends()
    assert code == 2
    assert "the cluster's resources know no dry run: upgrade them" in err
    assert drills(api_server) == []


async def test_an_operator_that_knows_no_dry_run_is_stopped_before_its_first_change(
    api_server: ApiServer, tmp_path: Path
) -> None:
    known(api_server)
    api_server.forbidden = {"delete drills"}
    async with planned(api_server, tmp_path, "redis") as one:
        await one.become(phase="SteadyState")
        code, _, err = await one.ends()
    assert code == 2
    assert "the operator knows no dry run" in err
    (drill,) = drills(api_server)
    assert drill["spec"]["abort"] is True


async def test_who_ends_a_dry_run_is_named(api_server: ApiServer, tmp_path: Path) -> None:
    known(api_server)
    async with planned(api_server, tmp_path, "redis") as one:
        await one.become(**PLANNED | {"reason": "Aborted", "message": "spec.abort was set to true"})
        code, out, _ = await one.ends()
    assert code == 4
    assert out.startswith("Dry run of GameDay redis in namespace shop: Aborted\nSpec.abort was set to true.")


async def test_a_dry_run_that_no_operator_takes_is_given_up(
    api_server: ApiServer, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(api_server)
    monkeypatch.setattr(planning, "UNTAKEN", 0.3)
    with pytest.raises(NotDone, match="no operator has started drill redis-plan-"):
        await planning.plan(cluster, "shop", "redis", None, 0.0, given=False)
    assert drills(api_server) == []


async def test_a_file_that_is_refused_asks_no_cluster(api_server: ApiServer, tmp_path: Path) -> None:
    path = example(tmp_path)
    path.write_text(path.read_text().replace("duration: 5m", "duratoin: 5m"))
    async with planned(api_server, tmp_path, str(path)) as one:
        code, out, err = await one.ends()
    assert (code, out) == (2, "")
    assert "nothing was planned, because the file is refused" in err
    assert "spec.outage.duratoin: unknown field: did you mean duration?" in err
    assert drills(api_server) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must hold one GameDay, and those in it are: none"),
        ("{a", "it is not YAML"),
        ("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n", "those in it are: none"),
    ],
    ids=["empty", "no YAML", "nothing of ours"],
)
def test_a_file_without_one_gameday_is_no_plan(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(NotDone, match=said):
        planning.gameday_of(str(path))


def test_a_file_with_two_names_both(tmp_path: Path) -> None:
    path = example(tmp_path)
    path.write_text(path.read_text() + "---\n" + path.read_text().replace("name: redis-failover", "name: other", 1))
    with pytest.raises(NotDone, match="those in it are: redis-failover, other"):
        planning.gameday_of(str(path))


async def test_the_files_namespace_counts_unless_the_command_line_names_another(
    api_server: ApiServer, tmp_path: Path
) -> None:
    path = str(example(tmp_path, namespace="cellar"))
    async with planned(api_server, tmp_path, path, "-n", "shop") as one:
        code, _, err = await one.ends()
    assert code == 2
    assert "the file names namespace cellar, and -n names shop" in err
    async with planned(api_server, tmp_path, path) as one:
        assert (await one.drill())["metadata"]["namespace"] == "cellar"


def test_files_and_names_are_told_apart() -> None:
    assert [planning.is_file(one) for one in ("-", "a/b", "x.yaml", "x.yml", "x.json", "redis-failover", "a.b")] == [
        True, True, True, True, True, False, False,
    ]  # fmt: skip


async def test_a_gameday_that_is_not_there_is_said_with_those_that_are(api_server: ApiServer, tmp_path: Path) -> None:
    known(api_server)
    async with planned(api_server, tmp_path, "redsi") as one:
        code, _, err = await one.ends()
    assert code == 2
    assert "there is no GameDay redsi in namespace shop; those that are there: redis" in err
