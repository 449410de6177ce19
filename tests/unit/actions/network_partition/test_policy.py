"""How a cut's policy stands: as written, outgrown by its endpoints, or changed by somebody else."""

from dataclasses import replace
from typing import Any

import pytest

from gameday.actions.network_partition import policy
from gameday.cluster.client import Cluster
from gameday.cluster.resources import Object
from gameday.model.change import Presence
from gameday.model.labels import ROLES, WITNESS, Role, ownership_labels
from gameday.model.plan import Selector, Via
from gameday.model.setup import Cut, CutDestination, CutPort, Pair
from gameday.preflight.policies.selectors import selects
from unit.api_server import ApiServer
from unit.preflight.things import partition

REDIS = CutDestination("shop", {"app": "redis"}, ("10.0.0.3",), ("10.96.0.7",), (), (CutPort(6379, 6379),))
BACKENDS = [Via.NETWORK_POLICY, Via.CILIUM]


def wanted(backend: Via = Via.NETWORK_POLICY, destination: CutDestination = REDIS, fuse_uid: str = "job-uid") -> Object:
    cut = Cut("partition", backend, destination)
    return policy.build("first", "first-partition", partition(), cut, "first-fuse", fuse_uid)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "selector",
    [
        Selector({"app": "api"}),
        Selector({}, (("app", "In", ("api",)),)),
        Selector({}, (("app", "NotIn", ("payments",)),)),
        Selector({}, (("app", "Exists", ()),)),
        Selector({}, (("app", "DoesNotExist", ()),)),
    ],
    ids=lambda selector: "matchLabels" if selector.match_labels else selector.expressions[0][1],
)
def test_of_a_drills_own_pods_it_selects_the_witnesses_alone(selector: Selector, role: Role, backend: Via) -> None:
    absent = any(operator == "DoesNotExist" for _, operator, _ in selector.expressions)
    labels: dict[str, str] = {} if absent else {"app": "gameday-agent"}
    cut = Cut("partition", backend, REDIS, (Pair("node-a", labels),))
    spec = policy.build("first", "first-partition", partition(selector=selector), cut, "first-fuse", "uid")["spec"]
    selected = spec["endpointSelector" if backend is Via.CILIUM else "podSelector"]
    assert selects(selected, labels | ownership_labels("first", role, role)) is (role == WITNESS)
    if role != WITNESS:
        # Observers, fuses, callers and notifiers have no labels of targets.
        assert not selects(selected, ownership_labels("first", role, role))


def kept(backend: Via = Via.NETWORK_POLICY, destination: CutDestination = REDIS, **metadata: Any) -> Object:
    """The policy as the API server keeps it."""
    body = wanted(backend, destination)
    return body | {"metadata": body["metadata"] | {"uid": "policy-uid", "resourceVersion": "7"} | metadata}


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_was_written_is_as_intended(backend: Via) -> None:
    seen = policy.observed(kept(backend), wanted(backend))
    assert (seen.presence, seen.uid, seen.detail) == (Presence.PRESENT, "policy-uid", "")


def test_an_absent_policy_cuts_nothing() -> None:
    assert policy.observed(None, wanted()).presence is Presence.ABSENT


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_fuse_owns_it(backend: Via) -> None:
    (owner,) = wanted(backend)["metadata"]["ownerReferences"]
    assert owner == {"apiVersion": "batch/v1", "kind": "Job", "name": "first-fuse", "uid": "job-uid"}


def test_new_endpoints_outgrow_it_and_lost_ones_do_not() -> None:
    more = replace(REDIS, addresses=("10.0.0.3", "10.0.0.8"))
    other = replace(REDIS, addresses=("10.0.0.8",))
    assert policy.observed(kept(), wanted(destination=more)).presence is Presence.DRIFTED
    assert policy.observed(kept(), wanted(destination=other)).presence is Presence.DRIFTED
    assert policy.observed(kept(destination=more), wanted()).presence is Presence.PRESENT


def test_growing_keeps_what_was_cut_before() -> None:
    now = replace(REDIS, addresses=("10.0.0.8",), ports=(CutPort(6379, 6380),))
    grown = policy.grown(kept(), now)
    assert grown.addresses == ("10.0.0.3", "10.0.0.8")
    assert grown.ports == (CutPort(6379, 6379), CutPort(6379, 6380))
    assert policy.grown(None, now) == now


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"spec": kept()["spec"] | {"egress": [{}]}}, "its spec differs from what the drill wrote"),
        ({"spec": kept()["spec"] | {"podSelector": {}}}, "its spec differs from what the drill wrote"),
        ({"metadata": kept(annotations={})["metadata"]}, "its annotations were removed"),
        ({"metadata": kept(ownerReferences=[])["metadata"]}, "its owner reference to the fuse was removed"),
        ({"metadata": kept(labels={})["metadata"]}, "it does not belong to this drill"),
        ({"metadata": kept(deletionTimestamp="2026-11-23T20:00:00Z")["metadata"]}, "it is being deleted"),
    ],
)
def test_a_change_by_hand_is_told(change: Object, difference: str) -> None:
    seen = policy.observed(kept() | change, wanted(destination=replace(REDIS, addresses=("10.0.0.99",))))
    assert (seen.presence, seen.detail) == (Presence.TAMPERED, difference)


@pytest.mark.parametrize(
    ("generation", "change", "admission"),
    [
        (1, {"spec": kept()["spec"] | {"egress": [{}]}}, True),
        (2, {"spec": kept()["spec"] | {"egress": [{}]}}, False),
        (1, {}, False),
        (1, {"annotations": {}}, False),
        (1, {"labels": {}}, False),
    ],
    ids=["as created", "edited", "its owner", "its annotations", "its labels"],
)
def test_admission_is_blamed_for_a_spec_that_nobody_wrote_since(
    generation: int, change: Object, admission: bool
) -> None:
    metadata: Any = {"generation": generation, "ownerReferences": []} | {k: v for k, v in change.items() if k != "spec"}
    body = kept(**metadata) | {key: value for key, value in change.items() if key == "spec"}
    seen = policy.observed(body, wanted())
    assert (seen.presence, seen.by_admission) == (Presence.TAMPERED, admission)


@pytest.mark.parametrize("backend", BACKENDS)
async def test_one_call_reverts_a_cut_that_is_known(backend: Via, api_server: ApiServer, cluster: Cluster) -> None:
    plural = policy.kind_of(backend).plural
    uid = api_server.put(plural, "shop", wanted(backend))["metadata"]["uid"]
    await policy.revert(cluster, "shop", "first", "first-partition", uid, backend)
    assert (plural, "shop", "first-partition") not in api_server.objects
    assert dict(cluster.requests) == {("delete", plural): 1}
