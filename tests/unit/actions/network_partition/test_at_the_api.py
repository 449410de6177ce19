"""Cuts and fuses are made once, grown, and taken away, and what is somebody else's is left alone."""

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest

from gameday.actions.network_partition import cilium, network_policy, policy
from gameday.cluster.client import Cluster
from gameday.cluster.resources import Object, Resource
from gameday.errors import ChangedByAdmission, Conflict, Forbidden, Rejected
from gameday.fuses import job as fuse
from gameday.fuses.owner import FuseOwner
from gameday.model.plan import Via
from gameday.model.setup import Cut, CutDestination, CutPort
from unit.api_server import ApiServer
from unit.preflight.things import partition

REDIS = CutDestination("shop", {"app": "redis"}, ("10.0.0.3",), ("10.96.0.7",), (), (CutPort(6379, 6379),))
PLURALS = {Via.NETWORK_POLICY: "networkpolicies", Via.CILIUM: "ciliumnetworkpolicies"}
NAME = "first-partition"
FUSE = fuse.build("first", "drill-uid", "first-fuse", 90.0, "gameday:test")
OWNER = FuseOwner("drill-uid")


def cut(via: Via, destination: CutDestination = REDIS, fuse_uid: str = "job-uid", drill: str = "first") -> Object:
    return policy.build(drill, NAME, partition(), Cut("partition", via, destination), "first-fuse", fuse_uid)


@pytest.fixture(params=list(PLURALS), ids=lambda via: str(via.value))
def via(request: pytest.FixtureRequest) -> Via:
    found: Via = request.param
    return found


async def test_a_cut_is_made_once(via: Via, api_server: ApiServer, cluster: Cluster) -> None:
    made = await policy.apply(cluster, "shop", via, cut(via))
    assert await policy.apply(cluster, "shop", via, cut(via)) == made
    assert api_server.objects[PLURALS[via], "shop", NAME] == made


async def test_a_cut_grows_with_its_destination(via: Via, api_server: ApiServer, cluster: Cluster) -> None:
    made = await policy.apply(cluster, "shop", via, cut(via))
    more = replace(REDIS, addresses=("10.0.0.3", "10.0.0.8"), ports=(*REDIS.ports, CutPort(7000, 7000)))
    grown = await policy.apply(cluster, "shop", via, cut(via, more))
    assert grown["metadata"]["uid"] == made["metadata"]["uid"]
    assert grown["spec"] == cut(via, more)["spec"] != made["spec"]
    assert grown["metadata"]["annotations"] == cut(via, more)["metadata"]["annotations"]
    assert policy.observed(grown, cut(via, more)).detail == ""


async def test_another_drills_policy_is_refused_and_stays(via: Via, api_server: ApiServer, cluster: Cluster) -> None:
    api_server.put(PLURALS[via], "shop", cut(via, drill="second"))
    before = api_server.objects[PLURALS[via], "shop", NAME]
    with pytest.raises(Rejected, match="does not belong to this drill"):
        await policy.apply(cluster, "shop", via, cut(via))
    await policy.revert(cluster, "shop", "first", NAME, backend=via)
    await policy.revert(cluster, "shop", "first", NAME)
    assert api_server.objects[PLURALS[via], "shop", NAME] == before


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"spec": {"podSelector": {}}}, "its spec differs from what the drill wrote"),
        ({"metadata": cut(Via.CILIUM, fuse_uid="another")["metadata"]}, "its owner reference to the fuse was removed"),
    ],
)
async def test_a_policy_that_somebody_changed_is_not_written_over(
    change: Object, says: str, api_server: ApiServer, cluster: Cluster
) -> None:
    api_server.put("ciliumnetworkpolicies", "shop", cut(Via.CILIUM) | change)
    before = api_server.objects["ciliumnetworkpolicies", "shop", NAME]
    with pytest.raises(Conflict, match=says):
        await policy.apply(cluster, "shop", Via.CILIUM, cut(Via.CILIUM))
    assert api_server.objects["ciliumnetworkpolicies", "shop", NAME] == before


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
async def test_a_cut_is_reverted_whichever_kind_made_it_and_twice_is_once(
    known: bool, via: Via, api_server: ApiServer, cluster: Cluster
) -> None:
    made = await policy.apply(cluster, "shop", via, cut(via))
    for _ in range(2):
        await policy.revert(
            cluster, "shop", "first", NAME, made["metadata"]["uid"] if known else None, via if known else None
        )
        assert (PLURALS[via], "shop", NAME) not in api_server.objects


@pytest.mark.parametrize(
    ("owners", "stays"),
    [([{"kind": "Job", "uid": "another"}], True), ([{"kind": "Job", "uid": "job-uid"}], False), ([], False)],
    ids=["another's", "ours", "nobody's"],
)
async def test_the_cut_of_another_drill_of_the_same_name_is_not_reverted(
    owners: list[Object], stays: bool, via: Via, api_server: ApiServer, cluster: Cluster
) -> None:
    body = cut(via)
    made = api_server.put(PLURALS[via], "shop", body | {"metadata": body["metadata"] | {"ownerReferences": owners}})
    await policy.revert(cluster, "shop", "first", NAME, "reverted before", via, "job-uid")
    assert ((PLURALS[via], "shop", NAME) in api_server.objects) is stays
    assert policy.is_anothers(made, "reverted before", "job-uid") is stays
    assert not policy.is_anothers(made, made["metadata"]["uid"], "job-uid"), "whoever owns it now"


async def test_a_kind_that_may_not_be_read_holds_up_no_revert_unless_it_made_the_cut(
    api_server: ApiServer, cluster: Cluster
) -> None:
    await policy.apply(cluster, "shop", Via.NETWORK_POLICY, cut(Via.NETWORK_POLICY))
    api_server.forbidden = {"get ciliumnetworkpolicies", "delete ciliumnetworkpolicies"}
    await policy.revert(cluster, "shop", "first", NAME)
    assert ("networkpolicies", "shop", NAME) not in api_server.objects
    api_server.forbidden = {"get networkpolicies"}
    with pytest.raises(Forbidden):
        await policy.revert(cluster, "shop", "first", NAME)


async def test_a_fuse_is_lit_once(api_server: ApiServer, cluster: Cluster) -> None:
    made = await fuse.create(cluster, "shop", FUSE)
    assert await fuse.create(cluster, "shop", FUSE) == made
    assert api_server.objects["jobs", "shop", "first-fuse"] == made


async def test_a_job_of_its_name_that_is_not_its_drills_is_refused_and_stays(
    api_server: ApiServer, cluster: Cluster
) -> None:
    other = fuse.build("first", "another-uid", "first-fuse", 90.0, "gameday:test")
    before = api_server.put("jobs", "shop", other)
    with pytest.raises(Rejected, match="Job shop/first-fuse exists and does not belong to this drill"):
        await fuse.create(cluster, "shop", FUSE)
    assert api_server.objects["jobs", "shop", "first-fuse"] == before


async def test_a_fuse_is_removed_and_a_job_that_has_no_mark_of_ours_stays(
    api_server: ApiServer, cluster: Cluster
) -> None:
    await fuse.create(cluster, "shop", FUSE)
    for _ in range(2):
        await fuse.delete(cluster, "shop", "first-fuse", OWNER)
        assert ("jobs", "shop", "first-fuse") not in api_server.objects
    stranger = api_server.put("jobs", "shop", {"metadata": {"name": "first-fuse"}, "spec": {}})
    await fuse.delete(cluster, "shop", "first-fuse", OWNER)
    assert api_server.objects["jobs", "shop", "first-fuse"] == stranger


async def test_the_fuse_of_an_earlier_drill_of_the_same_name_is_not_removed(
    api_server: ApiServer, cluster: Cluster
) -> None:
    await fuse.create(cluster, "shop", FUSE)
    await fuse.delete(cluster, "shop", "first-fuse", FuseOwner("another-uid"))
    assert ("jobs", "shop", "first-fuse") in api_server.objects


def test_each_backend_writes_the_spec_of_its_own_kind() -> None:
    selector = partition().pod_selector
    assert cut(Via.CILIUM)["spec"] == cilium.spec(selector, REDIS)
    assert cut(Via.NETWORK_POLICY)["spec"] == network_policy.spec(selector, REDIS)
    assert cilium.spec(selector, REDIS) != network_policy.spec(selector, REDIS)


@pytest.mark.parametrize("annotation", [policy.DIGEST, policy.DESTINATION])
def test_a_policy_without_one_of_its_annotations_was_changed(annotation: str) -> None:
    kept = cut(Via.CILIUM)
    left = {key: value for key, value in kept["metadata"]["annotations"].items() if key != annotation}
    changed = kept | {"metadata": kept["metadata"] | {"uid": "policy-uid", "annotations": left}}
    assert policy.observed(changed, cut(Via.CILIUM)).detail == "its annotations were removed"


async def test_a_policy_that_is_deleted_while_it_is_made_is_made_again_later(
    api_server: ApiServer, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: object) -> None:
        return None

    await policy.apply(cluster, "shop", Via.CILIUM, cut(Via.CILIUM))
    monkeypatch.setattr(cluster, "get", gone)
    with pytest.raises(Conflict, match="was deleted while the drill created it"):
        await policy.apply(cluster, "shop", Via.CILIUM, cut(Via.CILIUM))


def dropping(field: str) -> Callable[[str, Object], Object]:
    """An admission that removes a field of a policy's spec; only a real request, as some webhooks have it."""

    def admit(plural: str, body: Object) -> Object:
        body = copy.deepcopy(body)
        if plural in PLURALS.values():
            body["spec"].pop(field, None)
        return body

    return admit


FIELDS = {Via.NETWORK_POLICY: "policyTypes", Via.CILIUM: "enableDefaultDeny"}


async def test_a_cut_that_admission_changes_is_reverted_at_once(
    via: Via, api_server: ApiServer, cluster: Cluster
) -> None:
    api_server.admission = dropping(FIELDS[via])
    with pytest.raises(ChangedByAdmission) as failed:
        await policy.apply(cluster, "shop", via, cut(via))
    assert (PLURALS[via], "shop", NAME) not in api_server.objects
    assert f"first-partition as it was written: spec.{FIELDS[via]} was removed, and it was deleted" in str(failed.value)
    assert "exclude policies with the label gameday.dev/drill" in str(failed.value)
    assert (failed.value.left, failed.value.retry) == (None, False)


async def test_a_cut_that_admission_changes_and_that_cannot_be_deleted_is_handed_on(
    via: Via, api_server: ApiServer, cluster: Cluster
) -> None:
    api_server.admission = dropping(FIELDS[via])
    api_server.forbidden = {f"delete {PLURALS[via]}"}
    with pytest.raises(ChangedByAdmission) as failed:
        await policy.apply(cluster, "shop", via, cut(via))
    assert failed.value.left == api_server.objects[PLURALS[via], "shop", NAME]


async def test_a_cut_that_admission_changes_as_it_grows_is_reverted_at_once(
    via: Via, api_server: ApiServer, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    await policy.apply(cluster, "shop", via, cut(via))
    replaced = cluster.replace

    async def admitted(resource: Resource, namespace: str, name: str, body: Object) -> Object:
        return await replaced(resource, namespace, name, dropping(FIELDS[via])(resource.plural, body))

    monkeypatch.setattr(cluster, "replace", admitted)
    more = replace(REDIS, addresses=("10.0.0.3", "10.0.0.8"), ports=(*REDIS.ports, CutPort(7000, 7000)))
    with pytest.raises(ChangedByAdmission, match="was removed"):
        await policy.apply(cluster, "shop", via, cut(via, more))
    assert (PLURALS[via], "shop", NAME) not in api_server.objects


async def test_a_field_of_a_cut_that_the_crd_does_not_know_any_more_makes_no_other_cut(
    api_server: ApiServer, cluster: Cluster
) -> None:
    api_server.unknown_fields["ciliumnetworkpolicies"] = {"enableDefaultDeny"}
    with pytest.raises(Rejected, match="unknown field"):
        await policy.apply(cluster, "shop", Via.CILIUM, cut(Via.CILIUM))
    assert ("ciliumnetworkpolicies", "shop", NAME) not in api_server.objects
