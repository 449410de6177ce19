"""A process that stood still writes nothing more: another one may have undone meanwhile what it was doing."""

import asyncio

import pytest

from gameday.api.drill import FINALIZER, is_over
from gameday.cluster.client import Cluster
from gameday.cluster.lease import (
    GIVE_UP_AFTER,
    LEASE_SECONDS,
    LOCK,
    LeaderElector,
    LeaseLost,
    lock_namespace,
    unlock_namespace,
)
from gameday.cluster.resources import CONFIG_MAPS, LEASES, Object
from gameday.errors import Conflict, NotLeading
from unit.api_server import ApiServer

NOW = 1_800_000_000.0
"""Unix seconds."""


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def locks(cluster: Cluster, drill: str, uid: str, undoing: str = "") -> str | None:
    """Have a drill lock the namespace; ``undoing`` is the UID of another one that this process still runs."""
    return await lock_namespace(cluster, "shop", drill, uid, "own/operator", lambda other: other == undoing, is_over)


async def one_that_stood_still(cluster: Cluster) -> LeaderElector:
    """A leader whose last renewal is so old that another one may lead."""
    clock = Clock()
    elector = LeaderElector(cluster, "own", "operator", "me", lambda: NOW, clock)
    await elector.acquire()
    clock.now += GIVE_UP_AFTER + 0.1
    return elector


async def test_nothing_is_written_before_the_lease_is_won_nor_once_it_may_be_anothers(
    api_server: ApiServer, cluster: Cluster
) -> None:
    clock = Clock()
    elector = LeaderElector(cluster, "own", "operator", "me", lambda: NOW, clock)
    acting = cluster.with_write_fence(elector.is_leading)
    thing = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "thing"}}
    with pytest.raises(NotLeading, match="create configmaps: not sent"):
        await acting.create(CONFIG_MAPS, "shop", thing)
    await elector.acquire()
    await acting.create(CONFIG_MAPS, "shop", thing)
    clock.now += GIVE_UP_AFTER + 0.1
    for view in (acting, acting.as_account("shop")):
        with pytest.raises(NotLeading):
            await view.delete(CONFIG_MAPS, "shop", "thing")
    assert await acting.get(CONFIG_MAPS, "shop", "thing") is not None
    assert GIVE_UP_AFTER < LEASE_SECONDS


async def test_one_that_stood_still_does_not_renew_although_nobody_holds_the_lease(
    api_server: ApiServer, cluster: Cluster
) -> None:
    elector = await one_that_stood_still(cluster)
    other = LeaderElector(cluster, "own", "operator", "you", lambda: NOW, lambda: 1000.0)
    lease = api_server.objects["leases", "own", "operator"]
    api_server.put("leases", "own", lease | {"spec": lease["spec"] | {"holderIdentity": ""}})
    await other.acquire()
    await other.release()
    before = await cluster.get(LEASES, "own", "operator")
    with pytest.raises(LeaseLost, match="held by another"):
        await elector.renew()
    assert await cluster.get(LEASES, "own", "operator") == before
    assert not elector.is_leading()


async def test_one_that_stood_still_goes_on_where_nobody_held_the_lease_meanwhile(
    api_server: ApiServer, cluster: Cluster
) -> None:
    elector = await one_that_stood_still(cluster)
    assert not elector.is_leading()
    keeping = asyncio.create_task(elector.renew())
    async with asyncio.timeout(10):
        while not elector.is_leading():  # noqa: ASYNC110  a renewal has no event
            await asyncio.sleep(0.05)
    assert not keeping.done()
    keeping.cancel()


async def test_a_lease_tells_the_time_of_the_clock_that_it_was_given(api_server: ApiServer, cluster: Cluster) -> None:
    await LeaderElector(cluster, "own", "operator", "me", lambda: NOW, lambda: 100.0).acquire()
    spec = api_server.objects["leases", "own", "operator"]["spec"]
    assert (spec["acquireTime"], spec["renewTime"]) == ("2027-01-15T08:00:00.000000Z",) * 2


async def test_a_lease_is_given_up_by_its_holder_and_by_nobody_else(api_server: ApiServer, cluster: Cluster) -> None:
    elector = LeaderElector(cluster, "own", "operator", "me", lambda: NOW, lambda: 100.0)
    await elector.acquire()
    other = LeaderElector(cluster, "own", "operator", "you", lambda: NOW, lambda: 100.0)
    await other.release()
    assert api_server.objects["leases", "own", "operator"]["spec"]["holderIdentity"] == "me"
    await elector.release()
    assert api_server.objects["leases", "own", "operator"]["spec"]["holderIdentity"] == ""
    api_server.drop("leases", "own", "operator")
    await elector.release()
    assert ("leases", "own", "operator") not in api_server.objects


async def test_a_lease_is_taken_from_a_holder_that_was_silent_for_its_length_and_not_before(
    api_server: ApiServer, cluster: Cluster
) -> None:
    clock = Clock()
    await LeaderElector(cluster, "own", "operator", "me", lambda: NOW, clock).acquire()
    other = LeaderElector(cluster, "own", "operator", "you", lambda: NOW, clock)
    assert not await other._try(), "seen for the first time"
    clock.now += LEASE_SECONDS
    assert not await other._try(), "not yet longer than its length"
    clock.now += 0.1
    assert await other._try()
    spec = api_server.objects["leases", "own", "operator"]["spec"]
    assert (spec["holderIdentity"], spec["leaseTransitions"]) == ("you", 2)


async def test_a_namespace_is_given_back_by_the_drill_that_holds_it(api_server: ApiServer, cluster: Cluster) -> None:
    held = {"metadata": {"name": LOCK}, "spec": {"holderIdentity": "uid-1/first"}}
    api_server.put("leases", "shop", held)
    await unlock_namespace(cluster, "shop", "uid-2")
    assert ("leases", "shop", LOCK) in api_server.objects
    for _ in range(2):
        await unlock_namespace(cluster, "shop", "uid-1")
        assert ("leases", "shop", LOCK) not in api_server.objects


@pytest.mark.parametrize(
    ("uid", "other"), [("uid-2", "first"), ("uid-1", "first"), ("uid-1", "other")], ids=["uid", "prefix", "name"]
)
async def test_a_namespace_is_held_by_the_drill_of_one_uid_whatever_its_name(
    uid: str, other: str, api_server: ApiServer, cluster: Cluster
) -> None:
    """A Drill that is created anew waits until the earlier one of its name is undone."""
    held = api_server.put("leases", "shop", {"metadata": {"name": LOCK}, "spec": {"holderIdentity": f"uid-10/{other}"}})
    api_server.put("drills", "shop", {"metadata": {"name": "first", "uid": uid}})
    holder = await lock_namespace(
        cluster, "shop", "first", uid, "own/operator", lambda uid: uid == "uid-10", lambda _: False
    )
    earlier = " (an earlier Drill of this name, which was deleted and is still being undone)"
    assert holder == other + (earlier if other == "first" else "")
    await unlock_namespace(cluster, "shop", uid)
    assert api_server.objects["leases", "shop", LOCK] == held
    assert await locks(cluster, "first", uid) is None
    assert api_server.objects["leases", "shop", LOCK]["spec"]["holderIdentity"] == f"{uid}/first"


def held_by_first(server: ApiServer, phase: str = "Finished", *finalizers: str) -> None:
    """A namespace's lock of a Drill that is in this phase and has these finalizers."""
    server.put("leases", "shop", {"metadata": {"name": LOCK}, "spec": {"holderIdentity": "uid-1/first"}})
    drill: Object = {"metadata": {"name": "first", "uid": "uid-1", "finalizers": list(finalizers)}}
    server.put("drills", "shop", drill | ({"status": {"phase": phase}} if phase else {}))


@pytest.mark.parametrize("finalizers", [(), ("another/one",)], ids=["none", "another's"])
async def test_a_namespace_is_taken_from_a_drill_that_has_ended(
    finalizers: tuple[str, ...], api_server: ApiServer, cluster: Cluster
) -> None:
    """Its request for the Lease may have been carried out after it gave the namespace back."""
    held_by_first(api_server, "Finished", *finalizers)
    assert await locks(cluster, "second", "uid-2") is None
    assert api_server.objects["leases", "shop", LOCK]["spec"]["holderIdentity"] == "uid-2/second"


@pytest.mark.parametrize(
    ("phase", "finalizers", "undoing"),
    [
        ("Finished", (FINALIZER,), ""),
        ("Finished", (), "uid-1"),
        ("Outage", (FINALIZER,), ""),
        ("Pending", (), ""),
        ("", (), ""),
    ],
    ids=["tidies up", "is still run", "under its cut", "waits", "new"],
)
async def test_a_namespace_is_not_taken_from_a_drill_of_which_something_is_left(
    phase: str, finalizers: tuple[str, ...], undoing: str, api_server: ApiServer, cluster: Cluster
) -> None:
    held_by_first(api_server, phase, *finalizers)
    assert await locks(cluster, "second", "uid-2", undoing) == "first"
    assert api_server.objects["leases", "shop", LOCK]["spec"]["holderIdentity"] == "uid-1/first"


async def test_of_two_drills_that_take_a_namespace_from_one_that_has_ended_one_has_it(
    api_server: ApiServer, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    held_by_first(api_server)
    read = cluster.get

    async def slow(*about: str) -> Object | None:
        found = await read(*about)  # type: ignore[arg-type]
        await asyncio.sleep(0.05)
        return found

    monkeypatch.setattr(cluster, "get", slow)
    names = {"uid-2": "second", "uid-3": "third"}
    holders = await asyncio.gather(*(locks(cluster, name, uid) for uid, name in names.items()))
    assert sorted(map(str, holders)) == ["None", "another drill"]


async def test_a_drill_whose_own_earlier_request_comes_in_between_has_the_namespace(
    api_server: ApiServer, cluster: Cluster
) -> None:
    """The API server carries out a request late that was not answered, right before the next attempt's."""

    def late(plural: str, body: Object) -> Object:
        assert plural == "leases"
        api_server.put("leases", "shop", {"metadata": {"name": LOCK}, "spec": {"holderIdentity": "uid-1/first"}})
        return body

    api_server.admission = late
    assert await locks(cluster, "first", "uid-1") is None
    api_server.drop("leases", "shop", LOCK)
    assert await locks(cluster, "second", "uid-2") == "another drill"


async def test_a_namespace_that_another_drill_has_taken_meanwhile_is_not_given_back(
    api_server: ApiServer, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    held_by_first(api_server)
    read = cluster.get

    async def late(*about: str) -> Object | None:
        found = await read(*about)  # type: ignore[arg-type]
        monkeypatch.setattr(cluster, "get", read)
        assert await locks(cluster, "second", "uid-2") is None
        return found

    monkeypatch.setattr(cluster, "get", late)
    with pytest.raises(Conflict):
        await unlock_namespace(cluster, "shop", "uid-1")
    assert api_server.objects["leases", "shop", LOCK]["spec"]["holderIdentity"] == "uid-2/second"
