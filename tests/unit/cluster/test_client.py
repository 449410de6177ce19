"""Calls carry what makes them safe: which object is meant, on which version, and for which objects is asked."""

import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gameday.cluster.client import Cluster
from gameday.cluster.connections import _abortive
from gameday.cluster.resources import CONFIG_MAPS, LEASES, PODS, Object
from gameday.errors import ClusterUnreachable, Conflict, OutcomeUnknown, Rejected
from unit.api_server import ApiServer
from unit.ports import free_port


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
    there = await cluster.get(CONFIG_MAPS, "shop", "one")
    assert there is not None
    version = there["metadata"]["resourceVersion"]
    await cluster.patch(CONFIG_MAPS, "shop", "one", {"metadata": {"labels": {"changed": "since"}}})
    with pytest.raises(Conflict):
        await cluster.delete(CONFIG_MAPS, "shop", "one", version=version)
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


async def test_kinds_are_found_by_how_their_plurals_end(api_server: ApiServer, cluster: Cluster) -> None:
    api_server.groups = {
        "a.example.com": {"v2": ["zonenetworkpolicies", "networkpolicysets"], "v1": ["zonenetworkpolicies"]},
        "b.example.com": {"v1": ["networkpolicies"], "v1beta1": None},
    }
    api_server.of_cluster = {"zonenetworkpolicies"}
    found = await cluster.kinds_ending("networkpolicies")
    assert [(kind.api_version, kind.plural, namespaced) for kind, namespaced in found.items()] == [
        ("a.example.com/v2", "zonenetworkpolicies", False),
        ("a.example.com/v1", "zonenetworkpolicies", False),
        ("b.example.com/v1", "networkpolicies", True),
    ]
    api_server.aggregates = False
    with pytest.raises(Rejected, match="does not list all kinds at once"):
        await cluster.kinds_ending("networkpolicies")


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


Call = Callable[[Cluster], Awaitable[Any]]
WRITES: dict[str, Call] = {
    "create": lambda cluster: cluster.create(CONFIG_MAPS, "shop", thing("one")),
    "replace": lambda cluster: cluster.replace(LEASES, "shop", "gameday", thing("gameday")),
    "patch": lambda cluster: cluster.patch(CONFIG_MAPS, "shop", "one", {"data": {}}),
    "delete": lambda cluster: cluster.delete(CONFIG_MAPS, "shop", "one"),
    "evict": lambda cluster: cluster.evict("shop", "api-0", uid="uid"),
}
READS: dict[str, Call] = {
    "get": lambda cluster: cluster.get(CONFIG_MAPS, "shop", "one"),
    "list": lambda cluster: cluster.list(PODS, "shop"),
}


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_a_write_that_failed_in_the_server_may_have_been_done_and_a_read_may_not(
    api_server: ApiServer, cluster: Cluster, status: int
) -> None:
    for call in WRITES.values():
        api_server.busy = [(status, "")]
        with pytest.raises(OutcomeUnknown):
            await call(cluster)
    for call in READS.values():
        api_server.busy = [(status, "")]
        with pytest.raises(ClusterUnreachable) as failed:
            await call(cluster)
        assert not isinstance(failed.value, OutcomeUnknown)


@pytest.mark.parametrize("call", WRITES.values(), ids=WRITES)
async def test_a_write_that_the_api_server_did_not_take_was_not_done(
    api_server: ApiServer, cluster: Cluster, tmp_path: Path, call: Call
) -> None:
    api_server.down = True
    with pytest.raises(ClusterUnreachable) as unavailable:
        await call(cluster)
    assert not isinstance(unavailable.value, OutcomeUnknown)
    nobody = ApiServer()
    nobody.port = free_port()
    refused = await nobody.connect(tmp_path)
    with pytest.raises(ClusterUnreachable) as unheard:
        await call(refused)
    await refused.close()
    assert not isinstance(unheard.value, OutcomeUnknown)
