"""A mirror and an API server that goes away and comes back."""

import asyncio

import pytest

from gameday.cluster.client import Cluster
from gameday.cluster.informer import Informer, follow_log
from gameday.cluster.resources import GAMEDAYS, PODS
from unit.api_server import ApiServer


async def test_a_mirror_asks_again_every_two_seconds_however_long_the_api_server_is_away(
    api_server: ApiServer, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        api_server.down = len(pauses) < 12

    api_server.down = True
    monkeypatch.setattr("gameday.cluster.informer.asyncio.sleep", pause)
    synced = asyncio.Event()
    informer = Informer(cluster, PODS, "shop", lambda: synced.set() if informer.synced else None)
    task = asyncio.create_task(informer.run())
    async with asyncio.timeout(10):
        await synced.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(pauses) == 12
    assert max(pauses) <= 2


async def test_a_mirror_whose_watches_end_at_once_asks_no_more_often(
    api_server: ApiServer, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    enough = asyncio.Event()

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 6:
            enough.set()
            await asyncio.Event().wait()

    api_server.short = True
    monkeypatch.setattr("gameday.cluster.informer.asyncio.sleep", pause)
    task = asyncio.create_task(Informer(cluster, PODS, "shop", lambda: None, patience=1.0).run())
    async with asyncio.timeout(10):
        await enough.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert pauses == [0.2, 0.4, 0.8, 1.0, 1.0, 1.0]
    assert api_server.asked == 12, "one list and one watch a turn"


async def test_a_mirror_waits_as_long_as_the_api_server_asks(
    api_server: ApiServer, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    api_server.busy = [(429, "3"), (503, "4"), (503, "")]
    monkeypatch.setattr("gameday.cluster.informer.asyncio.sleep", pause)
    synced = asyncio.Event()
    informer = Informer(cluster, PODS, "shop", lambda: synced.set() if informer.synced else None)
    task = asyncio.create_task(informer.run())
    async with asyncio.timeout(10):
        await synced.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert pauses == [3.0, 4.0, 0.8]


async def test_a_kind_that_is_not_installed_has_no_objects_and_comes_with_its_installation(
    api_server: ApiServer, cluster: Cluster
) -> None:
    api_server.put("gamedays", "shop", {"metadata": {"name": "small"}})
    api_server.unserved = {"gamedays"}
    changed = asyncio.Event()
    informer = Informer(cluster, GAMEDAYS, "shop", changed.set)
    task = asyncio.create_task(informer.run())
    async with asyncio.timeout(5):
        await changed.wait()
        assert (informer.synced, informer.objects) == (True, {})
        assert "could not find" in informer.error
        api_server.unserved = set()
        while not informer.objects:  # noqa: ASYNC110  changed is set already
            await asyncio.sleep(0.05)
    assert informer.error == ""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_agents_log_is_read_whatever_else_runs_in_its_pod(api_server: ApiServer, cluster: Cluster) -> None:
    api_server.put("pods", "shop", {"metadata": {"name": "first-observer"}})
    api_server.logs["first-observer"] = {"linkerd-proxy": "time level\n", "agent": "one\ntwo\n"}
    assert [line async for line in follow_log(cluster, "shop", "first-observer")] == [b"one", b"two"]
