"""``gameday watch``: which drill, what is drawn of it, and what is shown where a right or a terminal is missing."""

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from gameday.api.conditions import conditions_of, dated
from gameday.api.parse import canonical, plan_of
from gameday.api.record import moment, status_of
from gameday.cli.asking import NotDone
from gameday.cli.watching.measured import KEPT, Measured
from gameday.cli.watching.picture import awaited, curve, picture
from gameday.cli.watching.watch import chosen, watch
from gameday.cluster.client import Cluster
from gameday.cluster.resources import DRILLS, Object
from gameday.model.change import Change, ChangeState
from gameday.model.plan import Stage
from gameday.model.record import DrillRecord, MitigationEntry, Phase, Result, ResultState, TimelineEntry
from gameday.model.sample import Sample
from gameday.model.wire import encode
from specs import BASE
from unit.api_server import ApiServer
from unit.cli.asked import CommandLine

BEGAN = moment("2026-11-24T12:00:00Z")
PLAN = plan_of("redis", BASE)
SCALED = Change(
    "scale", "scale", "Deployment", "worker", "first-fuse-scale", ChangeState.ACTIVE, before={"replicas": 3},
    wanted={"replicas": 0}, object_uid="u", fuse_uid="f", fuse_deadline=BEGAN + 600, registered_at=BEGAN + 4,
    requested_at=BEGAN + 5,
)  # fmt: skip
MET = Result(Stage.OUTAGE, "noticed", ResultState.MET, BEGAN + 7, seconds=1.402)


def sample(n: int, latency: float = 0.01, *, ok: bool = True, name: str = "health", **values: Any) -> Sample:
    error = None if ok else "refused"
    return Sample("observer", n, name, BEGAN + n, BEGAN + n + latency, ok, error, values)


def under_way(phase: Phase = Phase.OUTAGE, **fields: Any) -> tuple[Object, DrillRecord]:
    known: dict[str, Any] = {"phase": phase, "started_at": BEGAN, "outage_started_at": BEGAN + 5, "results": (MET,)}
    record = DrillRecord(**(known | fields))
    status = status_of(record, 1, None, canonical(BASE)[0])
    return {"metadata": {"name": "first", "namespace": "shop"}, "spec": {"gameDay": "redis"}, "status": status}, record


def drawn(thing: Any) -> str:
    out = io.StringIO()
    Console(file=out, width=140, no_color=True).print(thing)
    return out.getvalue()


def test_each_expectation_of_the_plan_is_there_with_the_time_to_its_deadline() -> None:
    drill, record = under_way()
    rows = {one.name: one for one in awaited(drill, PLAN, record, BEGAN + 8)}
    assert list(rows) == ["healthy", "noticed", "up", "healthy again", "drained"]
    assert (rows["noticed"].state, rows["noticed"].left, rows["noticed"].found) == ("Met", None, "after 1.4 s")
    # An always can be violated until its stage ends, at zero + 8 s.
    assert (rows["up"].state, rows["up"].left) == ("waits", 5.0)
    assert (rows["healthy again"].state, rows["healthy again"].left) == ("waits", None)
    drill, record = under_way(results=())
    assert next(one.left for one in awaited(drill, PLAN, record, BEGAN + 8) if one.name == "noticed") == 3.0
    drill, record = under_way(Phase.RECOVERY, recovery_started_at=BEGAN + 20)
    rows = {one.name: one for one in awaited(drill, PLAN, record, BEGAN + 25)}
    assert rows["drained"].left == 15.0
    assert (rows["up"].state, rows["up"].left) == ("waits", None), "the outage is over"


def test_mitigations_are_there_once_they_have_begun() -> None:
    drill, record = under_way(
        mitigations=(MitigationEntry("restart consumers", BEGAN + 6, acted_at=BEGAN + 7),),
        results=(MET, replace(MET, name="up", by="restart consumers")),
    )
    text = drawn(picture(drill, (PLAN, record), {}, "", BEGAN + 17))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "restart consumers Acting 10.0s ago" in lines
    assert "Outage up Met after 1.4 s by mitigation restart consumers" in lines
    assert "MITIGATION" not in drawn(picture(*under_way()[:1], (PLAN, None), {}, "", BEGAN))


def test_without_the_plan_what_was_decided_is_shown() -> None:
    drill, _ = under_way()
    assert [(one.name, one.state) for one in awaited(drill, None, None, BEGAN)] == [("noticed", "Met")]


def test_a_curve_is_as_high_as_its_largest_and_shows_what_failed() -> None:
    every = [sample(1, 0.0), sample(2, 0.05), sample(3, 0.1), sample(4, 2.0, ok=False)]
    assert curve(every).plain == "▁▅█×"
    assert curve([sample(1, 0.0, ok=False)]).plain == "×"


def test_the_picture_has_phase_clock_deadlines_curves_and_what_is_missing() -> None:
    drill, record = under_way()
    curves = {"health": [sample(1, status=200, body={"redis": "ok"}), sample(2, ok=False)]}
    text = drawn(picture(drill, (PLAN, record), curves, "Only the status is shown", BEGAN + 65))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[0] == "shop/first Outage 1m5s"
    assert "Outage noticed Met after 1.4 s" in lines
    assert "Outage up waits 52.0s ago" in lines
    assert "health █× 10.0 ms refused" in lines
    assert lines[-1] == "Only the status is shown"
    good = drawn(picture(drill, (PLAN, record), {"health": curves["health"][:1]}, "", BEGAN))
    assert "status=200, body.redis=ok" in good


class Pods:
    """Pods of a drill whose logs the server has."""

    def __init__(self, server: ApiServer) -> None:
        self.server = server

    def add(self, agent: str, *lines: str) -> None:
        labels = {"gameday.dev/drill": "first", "gameday.dev/agent": agent}
        self.server.logs[f"first-{agent}"] = {"agent": "".join(f"{line}\n" for line in lines)}
        self.server.put("pods", "shop", {"metadata": {"name": f"first-{agent}", "labels": labels}})


@pytest.fixture
async def measured(cluster: Cluster) -> AsyncIterator[Measured]:
    one = Measured(cluster, "shop", "first")
    running = asyncio.create_task(one.run())
    yield one
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def until(look: Any) -> None:
    async with asyncio.timeout(20):
        while not look():  # noqa: ASYNC110  a curve tells nobody that it grew
            await asyncio.sleep(0.01)


async def test_the_logs_of_what_probes_are_read_and_no_others(api_server: ApiServer, measured: Measured) -> None:
    pods = Pods(api_server)
    pods.add("witness-0", encode(sample(1, name="not-a-probe")))
    pods.add("observer", "no JSON at all", *(encode(sample(n)) for n in range(1, KEPT + 11)), encode(sample(3)))
    pods.add("client", encode(sample(1, name="inside")))
    await until(lambda: {"health", "inside"} <= set(measured.curves))
    await until(lambda: measured.curves["health"].newest == {"observer": KEPT + 10})
    assert set(measured.curves) == {"health", "inside"}
    assert [one.n for one in measured.curves["health"].samples] == list(range(11, KEPT + 11))
    assert measured.refused is None


async def test_a_log_whose_stream_ends_under_a_running_pod_is_read_on(
    api_server: ApiServer, measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gameday.cli.watching.measured.RETRY_LAST", 0.01)
    pods = Pods(api_server)
    pods.add("observer", encode(sample(1)))
    await until(lambda: "health" in measured.curves)
    pods.add("observer", encode(sample(1)), encode(sample(2)))
    await until(lambda: measured.curves["health"].newest == {"observer": 2})
    assert [one.n for one in measured.curves["health"].samples] == [1, 2]


@pytest.mark.parametrize("right", ["list pods", "get pods"])
async def test_a_right_that_is_missing_is_kept_and_said(api_server: ApiServer, cluster: Cluster, right: str) -> None:
    api_server.forbidden.add(right)
    Pods(api_server).add("observer", encode(sample(1)))
    one = Measured(cluster, "shop", "first")
    async with asyncio.timeout(20):
        await one.run()
    assert one.refused is not None
    assert "cannot" in one.refused.answer
    assert one.curves == {}


async def ends(line: CommandLine) -> None:
    drill, _ = under_way(timeline=(TimelineEntry(BEGAN, "Preflight", "looking"),))
    line.server.put("drills", "shop", drill)
    await until(lambda: line.server.store.streams)
    one = line.server.objects["drills", "shop", "first"]
    done = {"phase": "Finished", "verdict": "Passed", "summary": "GameDay redis passed"}
    line.server.store.status(DRILLS, "shop", "first", one["metadata"]["uid"], **done)


async def test_without_a_terminal_it_prints_lines_until_the_end(command_line: CommandLine) -> None:
    ending = asyncio.create_task(ends(command_line))
    await asyncio.sleep(0)
    done = await command_line.run("watch")
    await ending
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        "    0.0 s  Preflight              looking",
        "    7.0 s  Met                    noticed after 1.4 s",
        "GameDay redis passed",
    ]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ((SCALED,), (), "drill first was deleted; when it was last seen, nothing of it was left in the cluster"),
        ((), (SCALED,), "it is not known whether all that it changed was undone"),
    ],
    ids=["nothing held", "scaled"],
)
async def test_a_drill_that_is_deleted_is_called_undone_only_if_that_was_seen(
    api_server: ApiServer,
    cluster: Cluster,
    capsys: pytest.CaptureFixture[str],
    before: tuple[Change, ...],
    after: tuple[Change, ...],
    said: str,
) -> None:
    out = ""

    def drill(changes: tuple[Change, ...], **fields: Any) -> Object:
        shown, record = under_way(changes=changes, **fields)
        shown["status"]["conditions"] = dated(conditions_of(record), (), "2026-11-24T12:00:00Z")
        return shown

    def shows(text: str) -> bool:
        nonlocal out
        out += capsys.readouterr().out
        return text in out

    api_server.put("drills", "shop", drill(before))
    watching = asyncio.create_task(watch(cluster, "shop", "first", lambda: BEGAN))
    await until(lambda: shows("noticed"))
    newer = drill(after, timeline=(TimelineEntry(BEGAN + 9, "ConnectionsClosed", "all"),))["status"]
    uid = api_server.objects["drills", "shop", "first"]["metadata"]["uid"]
    api_server.store.status(DRILLS, "shop", "first", uid, **newer)
    await until(lambda: shows("ConnectionsClosed"))
    api_server.drop("drills", "shop", "first")
    with pytest.raises(NotDone) as ended:
        await watching
    text = " ".join(str(ended.value).split())
    assert said in text
    assert ('scale (Active): Deployment worker, before: {"replicas": 3}' in text) == bool(after)


async def test_without_a_name_it_is_the_newest_that_is_under_way(command_line: CommandLine) -> None:
    for name, at, phase in (("old", "10", "Outage"), ("new", "11", "Outage"), ("done", "12", "Finished")):
        created = f"2026-11-24T{at}:00:00Z"
        about = {"name": name, "creationTimestamp": created}
        command_line.server.put("drills", "shop", {"metadata": about, "spec": {}, "status": {"phase": phase}})
    cluster = await command_line.server.connect(command_line.folder)
    assert (await chosen(cluster, "shop", ""))["metadata"]["name"] == "new"
    assert (await chosen(cluster, "shop", "done"))["metadata"]["name"] == "done"
    await cluster.close()


async def test_where_there_is_none_it_says_so(command_line: CommandLine) -> None:
    done = await command_line.run("watch")
    assert done.exit_code == 1
    assert "no drill is under way in namespace shop" in done.stderr
    assert "there is no Drill first in namespace shop" in (await command_line.run("watch", "first")).stderr
