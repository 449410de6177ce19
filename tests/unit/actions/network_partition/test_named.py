"""Cuts of names: who looks them up, how their policy grows, and that none is made while nothing is known."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from gameday.actions.kind import ActionContext, DryRunContext, PreflightContext
from gameday.actions.network_partition.named import STAND_IN
from gameday.actions.network_partition.partition import Partition
from gameday.actions.preflight import check, needed
from gameday.cluster.client import Cluster
from gameday.cluster.resources import CILIUM_NETWORK_POLICIES, NETWORK_POLICIES, Object, Resource
from gameday.errors import Rejected
from gameday.model.change import Change, ChangeState, Presence
from gameday.model.places import redis_at
from gameday.model.plan import HostTarget, Plan, Via
from gameday.model.setup import Cut, Setup
from gameday.preflight.findings import Severity
from gameday.preflight.snapshot import NamespaceSnapshot
from unit.actions.watched import Watched
from unit.api_server import ApiServer
from unit.preflight.things import a_snapshot, partition, plan, pod

NAME = "eu1.redis.test"
A, B, C = "203.0.113.7", "203.0.113.8", "2001:db8::9"
KIND = Partition()
KINDS: Mapping[Via, Resource] = {Via.CILIUM: CILIUM_NETWORK_POLICIES, Via.NETWORK_POLICY: NETWORK_POLICIES}


def named(*cidrs: str, via: Via = Via.AUTO) -> Plan:
    cut = partition(HostTarget(NAME, (6379,), cidrs), redis=redis_at(host=NAME), via=via)
    return plan(cut, probes=())


def prepared(there: NamespaceSnapshot, wanted: Plan) -> Cut:
    fault = wanted.outage.faults[0]
    cut = KIND.prepare(fault.action, PreflightContext(there, wanted, fault.name, "path"))  # type: ignore[arg-type]  # it is one
    assert cut is not None
    return cut


def found(there: NamespaceSnapshot, wanted: Plan) -> list[tuple[str, str]]:
    refusals = [one for one in check(there, wanted) if one.severity is Severity.REFUSE]
    return [(one.code, one.path) for one in refusals]


HOST = "spec.dependencies[redis].redis.host"
OWN_DNS: dict[str, Any] = {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["10.0.0.53"]}}


@pytest.mark.parametrize(
    ("pods", "codes"),
    [
        ((pod("api-1"), pod("api-2", dnsPolicy="ClusterFirst")), []),
        ((pod("api-1", **OWN_DNS), pod("api-2", **OWN_DNS)), []),
        ((pod("api-1"), pod("api-2", dnsPolicy="Default")), [("DnsDiffers", HOST)]),
        ((pod("api-1", **OWN_DNS), pod("api-2", dnsPolicy="None", dnsConfig={})), [("DnsDiffers", HOST)]),
        ((pod("api-1"), pod("db-1", {"app": "db"}, dnsPolicy="Default")), []),
        ((pod("api-1", hostAliases=[{"ip": A, "hostnames": ["x", NAME.upper()]}]),), [("HostAlias", HOST)]),
        ((pod("api-1", hostAliases=[{"ip": A, "hostnames": ["another.test"]}]),), []),
    ],
    ids=[
        "the default",
        "the same",
        "another policy",
        "another config",
        "no target",
        "hosts file",
        "another name there",
    ],
)
def test_witnesses_must_find_what_every_target_uses(pods: tuple[Object, ...], codes: list[tuple[str, str]]) -> None:
    there = a_snapshot(pods=pods)
    assert found(there, named()) == codes
    assert found(there, named("203.0.113.0/24")) == [], "ranges are cut whoever finds what"


def test_witnesses_ask_dns_as_the_targets_do_and_only_where_a_name_is_cut() -> None:
    there = a_snapshot(pods=(pod("api-1", **OWN_DNS),))
    placement = prepared(there, named()).placement
    assert (placement.dns_policy, placement.dns_config) == ("None", '{"nameservers": ["10.0.0.53"]}')
    by_address = plan(partition(HostTarget(A, (6379,)), redis=redis_at(host=A)), probes=())
    assert prepared(there, by_address).placement.dns_policy == ""


def test_the_name_itself_is_dialled() -> None:
    (dial,) = prepared(a_snapshot(), named("203.0.113.0/24")).dials
    assert (dial.name, dial.host, dial.port) == (f"target:{NAME}:6379", NAME, 6379)


@pytest.mark.parametrize(("wanted", "update"), [(named(), True), (named("203.0.113.0/24"), True), (plan(), False)])
def test_a_policy_that_may_grow_must_be_one_that_may_be_changed(wanted: Plan, update: bool) -> None:
    rights = [right for right in needed(a_snapshot(), wanted) if right.resource is CILIUM_NETWORK_POLICIES]
    assert any("update" in right.verbs for right in rights) is update


def grown(cut: Cut, *addresses: str) -> Cut:
    return KIND.grown(ActionContext(None, "shop", "first", "uid", Watched(addresses={"partition": addresses})), cut)  # type: ignore[arg-type]  # not asked


def test_a_cut_grows_with_what_is_found_and_never_shrinks() -> None:
    first = prepared(a_snapshot(), named())
    assert grown(first) is first
    both = grown(first, A, C)
    assert both.destination.cidrs == (f"{A}/32", f"{C}/128")
    assert grown(both, A, C) is both
    assert grown(both, B).destination.cidrs == (f"{A}/32", f"{B}/32", f"{C}/128")
    ranges = prepared(a_snapshot(), named("198.51.100.0/24"))
    assert grown(ranges, A).destination.cidrs == ("198.51.100.0/24", f"{A}/32")


def change(via: Via) -> Change:
    return Change(
        "partition", "networkPartition", KINDS[via].kind, "first-partition", "first-fuse", ChangeState.REQUESTED,
        fuse_uid="job-uid",
    )  # fmt: skip


def scene(cluster: Cluster, cut: Cut, seen: Watched) -> ActionContext:
    return ActionContext(cluster, "shop", "first", "drill-uid", seen, Setup((cut,)))


@pytest.mark.parametrize("via", [Via.CILIUM, Via.NETWORK_POLICY])
async def test_no_policy_is_made_while_no_address_is_known(via: Via, api_server: ApiServer, cluster: Cluster) -> None:
    """One that names nothing may cut everything off: ``toCIDR: []``, or an isolation without an exception."""
    wanted = named(via=via)
    cut, action = prepared(a_snapshot(), wanted), wanted.outage.faults[0].action
    with pytest.raises(Rejected, match="no address of the dependency of partition is known"):
        await KIND.apply(scene(cluster, cut, Watched()), action, change(via), "")
    assert not api_server.objects
    ctx = DryRunContext(a_snapshot(), Setup((cut,)), "first", "uid", "partition", "first-fuse")
    ((_, tried),) = KIND.creates(action, ctx)  # type: ignore[arg-type]  # it is one
    assert STAND_IN in str(tried["spec"]), "the API server tries one of the same form"


@pytest.mark.parametrize("via", [Via.CILIUM, Via.NETWORK_POLICY])
async def test_a_policy_keeps_what_it_covers_while_it_grows(via: Via, api_server: ApiServer, cluster: Cluster) -> None:
    """Also in a process that has not read yet who found the first ones."""
    wanted, seen = named(via=via), Watched()
    action, empty = wanted.outage.faults[0].action, prepared(a_snapshot(), wanted)
    one = grown(empty, A, B)
    await KIND.apply(scene(cluster, one, seen), action, change(via), "")
    made = api_server.objects[KINDS[via].plural, "shop", "first-partition"]
    active = replace(change(via), object_uid=made["metadata"]["uid"], state=ChangeState.ACTIVE)
    other = scene(cluster, grown(empty, C), seen)
    assert KIND.observe(other, "partition", action, active).presence is Presence.DRIFTED
    await KIND.apply(other, action, active, "")
    policy = api_server.objects[KINDS[via].plural, "shop", "first-partition"]
    assert policy["metadata"]["uid"] == made["metadata"]["uid"]
    assert all(f"'{one}" in str(policy["spec"]) for one in (A, B, C))
    assert KIND.observe(other, "partition", action, active).presence is Presence.PRESENT
    assert KIND.observe(scene(cluster, one, seen), "partition", action, active).presence is Presence.PRESENT
