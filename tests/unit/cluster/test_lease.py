"""A process that stood still writes nothing more: another one may have undone meanwhile what it was doing."""

import pytest

from gameday.cluster.client import Cluster
from gameday.cluster.kinds import CONFIG_MAPS, LEASES
from gameday.cluster.lease import GIVE_UP_AFTER, LEASE_SECONDS, Election, LeaseLost
from gameday.errors import NotLeading
from unit.api_server import ApiServer


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_nothing_is_written_before_the_lease_is_won_nor_once_it_may_be_anothers(
    api_server: ApiServer, cluster: Cluster
) -> None:
    clock = Clock()
    election = Election(cluster, "own", "operator", "me", clock)
    acting = cluster.fenced(election.fresh)
    thing = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "thing"}}
    with pytest.raises(NotLeading, match="create configmaps: not sent"):
        await acting.create(CONFIG_MAPS, "shop", thing)
    await election.win()
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
    clock = Clock()
    election = Election(cluster, "own", "operator", "me", clock)
    await election.win()
    clock.now += GIVE_UP_AFTER + 0.1
    before = await cluster.get(LEASES, "own", "operator")
    with pytest.raises(LeaseLost, match="was not renewed"):
        await election.keep()
    assert await cluster.get(LEASES, "own", "operator") == before
