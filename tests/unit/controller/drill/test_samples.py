"""A drill's samples in a ConfigMap: written once, the oldest taken away, and a refusal is told and not raised."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import pytest

from gameday.api import samples
from gameday.api.record import timestamp
from gameday.cluster.client import Cluster
from gameday.cluster.resources import CONFIG_MAPS, Object
from gameday.controller.administrator import Administrator
from gameday.controller.drill.informers import DrillInformers
from gameday.controller.drill.log_follower import LogFollower
from gameday.controller.drill.persisted_drill import PersistedDrill
from gameday.controller.drill.samples import GONE_IN_A_ROW, NOTHING_READ, SampleKeeper
from gameday.controller.gameday.gamedays import read
from gameday.controller.task_set import TaskSet
from gameday.controller.telemetry import Metrics
from gameday.engine.drill.command_outcomes import CommandOutcomes
from gameday.engine.evidence.evidence import Evidence
from gameday.errors import ClusterUnreachable
from gameday.model.record import DrillRecord, Keeping, Phase
from gameday.model.sample import Sample
from unit.api_server import ApiServer
from unit.controller.process.test_operator import GAMEDAY, a_drill, becomes

OWN = "gameday-system"
MINE = ("configmaps", "shop", "first-samples")


def ended(name: str, at: float, *, kept: bool = True) -> Object:
    """A drill that ended at a Unix second."""
    status = {"phase": "Finished", "finishedAt": timestamp(at)} | ({"samples": f"{name}-samples"} if kept else {})
    drill = a_drill(name) | {"status": status}
    return drill | {"metadata": drill["metadata"] | {"uid": f"uid-of-{name}"}}


def its_samples(server: ApiServer, name: str) -> None:
    owner = {"apiVersion": "v1", "kind": "Drill", "name": name, "uid": f"uid-of-{name}"}
    server.put("configmaps", "shop", {"metadata": {"name": f"{name}-samples", "ownerReferences": [owner]}})


@asynccontextmanager
async def keeping(
    server: ApiServer, cluster: Cluster, drills: Iterable[Object] = (), *, wanted: int = 10, lines: int = 5
) -> AsyncIterator[SampleKeeper]:
    """What keeps the samples of the drill ``first``, which has ended and measured."""
    gameday = GAMEDAY | {"spec": GAMEDAY["spec"] | {"history": {"samples": wanted}}}
    server.put("gamedays", "shop", gameday)
    drill = server.put("drills", "shop", a_drill("first"))
    persisted = PersistedDrill(cluster, drill, lambda _: None, lambda _, __: None, time.time)
    persisted.freeze(*read(gameday))
    persisted.record = DrillRecord(Phase.FINISHED, steady_from=1000.0, undo_requested_at=1002.0, finished_at=1010.0)
    follower = LogFollower(cluster, "shop", "first", Metrics(cluster.requests), time.time)
    assert persisted.plan is not None
    follower.evidence = Evidence(persisted.plan)
    for n in range(1, lines + 1):
        follower.take(Sample("observer", n, "health", 1000.0 + n, 1000.1 + n, ok=n != 3))
    informers = DrillInformers(
        cluster, persisted, follower, Administrator(cluster, OWN, lambda: None), CommandOutcomes()
    )
    async with asyncio.TaskGroup() as group:
        tasks = TaskSet(group)
        informers.open(tasks, lambda: None)
        await becomes(lambda: informers.single("gameday") is not None)
        yield SampleKeeper(informers.account, persisted, informers, lambda: tuple(drills))
        informers.close()
        tasks.cancel()


def left(server: ApiServer) -> set[str]:
    return {name for plural, _, name in server.objects if plural == "configmaps"}


async def test_they_are_written_once_and_belong_to_the_drill(api_server: ApiServer, cluster: Cluster) -> None:
    async with keeping(api_server, cluster) as keeper:
        assert await keeper.keep() == Keeping(kept=True)
        there = api_server.objects[MINE]
        assert await keeper.keep() == Keeping(kept=True)
        assert api_server.objects[MINE] == there
        uid = api_server.objects["drills", "shop", "first"]["metadata"]["uid"]
        assert [owner["uid"] for owner in there["metadata"]["ownerReferences"]] == [uid]
        assert there["metadata"]["labels"]["gameday.dev/gameday"] == "small"
        kept = samples.read(there)
        assert [curve.path for curve in kept.strips[0].curves] == ["health.latency", "health.ok"]
        (truth,) = kept.truths
        assert [value for _, value in truth.changes] == [True, False, True]


async def test_those_that_another_process_kept_are_found_although_nothing_can_be_read_any_more(
    api_server: ApiServer, cluster: Cluster
) -> None:
    async with keeping(api_server, cluster) as keeper:
        assert await keeper.keep() == Keeping(kept=True)
        assert keeper.persisted.plan is not None
        keeper.informers.follower.evidence = Evidence(keeper.persisted.plan)
        assert await keeper.keep() == Keeping(kept=True)
        await cluster.delete(CONFIG_MAPS, "shop", MINE[2], uid=api_server.objects[MINE]["metadata"]["uid"])
        assert await keeper.keep() == Keeping(kept=False, why=NOTHING_READ)


async def test_the_samples_of_older_drills_go_and_those_of_the_newest_stay(
    api_server: ApiServer, cluster: Cluster
) -> None:
    drills = [ended(f"old-{n}", 100.0 * n) for n in range(1, 6)]
    for n in range(1, 6):
        its_samples(api_server, f"old-{n}")
    async with keeping(api_server, cluster, drills, wanted=3) as keeper:
        assert await keeper.keep() == Keeping(kept=True)
    assert left(api_server) == {"first-samples", "old-5-samples", "old-4-samples"}


async def test_of_a_thousand_older_drills_few_are_asked_for(api_server: ApiServer, cluster: Cluster) -> None:
    drills = [ended(f"old-{n}", 10.0 * n) for n in range(1, 1000)]
    for n in range(990, 1000):
        its_samples(api_server, f"old-{n}")
    async with keeping(api_server, cluster, drills) as keeper:
        assert await keeper.keep() == Keeping(kept=True)
    assert left(api_server) == {"first-samples"} | {f"old-{n}-samples" for n in range(991, 1000)}
    calls = {verb: count for (verb, plural), count in cluster.requests.items() if plural == "configmaps"}
    assert calls["create"] == 1
    assert calls["delete"] == 1
    assert calls["get"] == 1 + GONE_IN_A_ROW


async def test_drills_whose_samples_were_not_kept_do_not_count(api_server: ApiServer, cluster: Cluster) -> None:
    drills = [ended("old-1", 100.0), *(ended(f"refused-{n}", 200.0 + n, kept=False) for n in range(5))]
    its_samples(api_server, "old-1")
    async with keeping(api_server, cluster, drills, wanted=2) as keeper:
        await keeper.keep()
    assert left(api_server) == {"first-samples", "old-1-samples"}


async def test_what_has_the_name_and_is_somebody_elses_is_left_alone(api_server: ApiServer, cluster: Cluster) -> None:
    for name in ("first-samples", "old-1-samples"):
        api_server.put("configmaps", "shop", {"metadata": {"name": name}, "data": {"mine": "1"}})
    async with keeping(api_server, cluster, [ended("old-1", 100.0)], wanted=1) as keeper:
        found = await keeper.keep()
    assert not found.kept
    assert "ConfigMap first-samples exists and does not belong to this drill: delete it" in found.why
    assert api_server.objects[MINE]["data"] == {"mine": "1"}
    assert left(api_server) == {"first-samples", "old-1-samples"}


@pytest.mark.parametrize("forbidden", ["create configmaps", "delete configmaps"])
async def test_a_missing_right_is_told_with_what_grants_it(
    forbidden: str, api_server: ApiServer, cluster: Cluster
) -> None:
    api_server.forbidden = {forbidden}
    its_samples(api_server, "old-1")
    async with keeping(api_server, cluster, [ended("old-1", 100.0)], wanted=1) as keeper:
        found = await keeper.keep()
    assert found.kept is (forbidden != "create configmaps")
    assert "kubectl apply -n shop -k manifests/namespace" in found.why


async def test_an_api_server_that_does_not_answer_is_asked_again(api_server: ApiServer, cluster: Cluster) -> None:
    async with keeping(api_server, cluster) as keeper:
        api_server.down = True
        with pytest.raises(ClusterUnreachable):
            await keeper.keep()
        api_server.down = False
        assert await keeper.keep() == Keeping(kept=True)


@pytest.mark.parametrize(("wanted", "lines", "said"), [(0, 5, ""), (10, 0, "the logs of its agents were gone")])
async def test_nothing_is_written_where_nothing_is_wanted_or_known(
    wanted: int, lines: int, said: str, api_server: ApiServer, cluster: Cluster
) -> None:
    async with keeping(api_server, cluster, wanted=wanted, lines=lines) as keeper:
        found = await keeper.keep()
    assert (found.kept, found.why[: len(said)]) == (False, said)
    assert left(api_server) == set()
