"""Calls carry what makes them safe: which object is meant, on which version, and for which objects is asked."""

import socket

import pytest

from gameday.cluster.client import Cluster
from gameday.cluster.connections import _abortive
from gameday.cluster.resources import CONFIG_MAPS, Object
from gameday.errors import Conflict
from unit.api_server import ApiServer


def thing(name: str, **labels: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}}


async def test_a_collection_is_only_of_what_the_selectors_select(api_server: ApiServer, cluster: Cluster) -> None:
    for one in (thing("ours", of="first"), thing("others", of="second")):
        api_server.put("configmaps", "shop", one)
    by_label, _ = await cluster.list(CONFIG_MAPS, "shop", labels="of=first")
    by_name, _ = await cluster.list(CONFIG_MAPS, "shop", fields="metadata.name=others")
    every, version = await cluster.list(CONFIG_MAPS, "shop")
    assert [[one["metadata"]["name"] for one in found] for found in (by_label, by_name)] == [["ours"], ["others"]]
    assert len(every) == 2
    api_server.put("configmaps", "shop", thing("theirs", of="second"))
    api_server.put("configmaps", "shop", thing("newer", of="first"))
    async for event in cluster.watch(CONFIG_MAPS, "shop", version, labels="of=first"):
        assert event["object"]["metadata"]["name"] == "newer"
        break


async def test_another_object_of_the_name_is_not_deleted(api_server: ApiServer, cluster: Cluster) -> None:
    before = api_server.put("configmaps", "shop", thing("one"))["metadata"]["uid"]
    assert await cluster.delete(CONFIG_MAPS, "shop", "one", uid=before)
    after = api_server.put("configmaps", "shop", thing("one"))["metadata"]["uid"]
    assert after != before
    with pytest.raises(Conflict):
        await cluster.delete(CONFIG_MAPS, "shop", "one", uid=before)
    assert await cluster.get(CONFIG_MAPS, "shop", "one") is not None
    assert await cluster.delete(CONFIG_MAPS, "shop", "one", uid=after)
    assert not await cluster.delete(CONFIG_MAPS, "shop", "one", uid=after), "it was not there any more"


async def test_a_patch_on_an_older_version_changes_nothing(api_server: ApiServer, cluster: Cluster) -> None:
    read = api_server.put("configmaps", "shop", thing("one"))["metadata"]["resourceVersion"]
    await cluster.patch(CONFIG_MAPS, "shop", "one", {"data": {"a": "theirs"}})
    late = {"metadata": {"resourceVersion": read}, "data": {"a": "ours"}}
    with pytest.raises(Conflict):
        await cluster.patch(CONFIG_MAPS, "shop", "one", late)
    there = await cluster.get(CONFIG_MAPS, "shop", "one")
    assert there is not None
    assert there["data"] == {"a": "theirs"}


async def test_a_dry_run_makes_nothing(api_server: ApiServer, cluster: Cluster) -> None:
    await cluster.create(CONFIG_MAPS, "shop", thing("one"), dry_run=True)
    assert await cluster.get(CONFIG_MAPS, "shop", "one") is None


def test_a_connection_whose_peer_is_lost_without_a_word_breaks_soon() -> None:
    """A log on which nothing is sent would wait for ever: nothing else asks the other end."""
    with _abortive((socket.AF_INET, socket.SOCK_STREAM, 0)) as made:
        assert made.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        idle, every, times = (
            made.getsockopt(socket.IPPROTO_TCP, option)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        )
        assert idle + every * times <= 11
        assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 11_000
