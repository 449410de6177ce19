"""The endpoints of a Service that is cut cannot be listed: nothing is cut on what is outdated, and all else goes on."""

from dataclasses import replace

import pytest

from gameday.actions.kind import ActionContext
from gameday.actions.network_partition.partition import Partition
from gameday.cluster.client import Cluster
from gameday.cluster.resources import ENDPOINT_SLICES, NETWORK_POLICIES, Object
from gameday.controller.gameday.gamedays import read
from gameday.model.change import Change, ChangeState, Presence
from gameday.model.setup import Setup
from unit.actions.watched import Watched
from unit.controller.process.test_operator import GAMEDAY
from unit.controller.test_halted_drill import THE_CUT, the_policy

KIND = Partition()
PLAN = read(GAMEDAY)[0]
ACTION = PLAN.outage.faults[0].action
ARMED = Change(
    "partition", "networkPartition", "NetworkPolicy", "first-partition", "first-fuse", ChangeState.ARMED, fuse_uid="job"
)
ACTIVE = replace(ARMED, state=ChangeState.ACTIVE, requested_at=1.0, object_uid="policy")


def scene(cluster: Cluster, *policies: Object, endpoints: bool = False) -> ActionContext:
    unlisted = "" if endpoints else f"{ENDPOINT_SLICES.plural}/{ARMED.name}"
    seen = Watched.of({NETWORK_POLICIES.plural: policies}, unlisted=unlisted)
    return ActionContext(cluster, "shop", "first", "drill-uid", seen, Setup((THE_CUT,)))


def test_the_policies_alone_keep_the_rest_of_a_drill_waiting(cluster: Cluster) -> None:
    watches = {watch.resource: watch.blocks for watch in KIND.watches(scene(cluster), "partition", ACTION, None)}
    assert watches == {NETWORK_POLICIES: True, ENDPOINT_SLICES: False}


@pytest.mark.parametrize("change", [None, ARMED], ids=["not registered", "not requested"])
def test_a_cut_is_unknown_before_it_is_known_what_it_covers(change: Change | None, cluster: Cluster) -> None:
    assert KIND.observe(scene(cluster), "partition", ACTION, change).presence is Presence.UNKNOWN
    known = KIND.observe(scene(cluster, endpoints=True), "partition", ACTION, change)
    assert known.presence is Presence.ABSENT


def test_a_cut_that_is_there_is_seen_as_it_is(cluster: Cluster) -> None:
    made = the_policy(PLAN, "job")
    there = made | {"metadata": made["metadata"] | {"uid": "policy"}}
    assert KIND.observe(scene(cluster, there), "partition", ACTION, ACTIVE).presence is Presence.PRESENT
    assert KIND.observe(scene(cluster), "partition", ACTION, ACTIVE).presence is Presence.ABSENT
