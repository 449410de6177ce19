"""Other Services that lead to pods that are cut: cut and dialled where they lead to no others, else told."""

from dataclasses import replace

import pytest

from gameday.actions.network_partition.action import cuts_of
from gameday.actions.network_partition.checks import suspected_bypass
from gameday.actions.network_partition.dials import dials
from gameday.actions.preflight import check
from gameday.cluster.resources import Object
from gameday.model.plan import Bystander, ServiceRef, Via
from gameday.preflight.cut_destination import cut_destination
from gameday.preflight.findings import Finding, Severity
from gameday.preflight.snapshot import NamespaceSnapshot
from unit.preflight.things import API, a_snapshot, partition, plan, pod, service

APP = {"app": "valkey"}
POD = "statefulset.kubernetes.io/pod-name"
PRIMARY = APP | {POD: "valkey-0"}
PORT: Object = {"port": 6379}
OWN = "10.96.0.7"
READ = service("valkey-read", [PORT], "10.96.0.8", selector=APP)
TO = ServiceRef("redis")


def replica(number: int) -> Object:
    return pod(f"valkey-{number}", APP | {POD: f"valkey-{number}"}, ip=f"10.0.0.{3 + number}")


def at(number: int, address: str = "", namespace: str = "shop") -> Object:
    """The endpoint of a pod."""
    ref = {"kind": "Pod", "namespace": namespace, "name": f"valkey-{number}"}
    return {"addresses": [address or f"10.0.0.{3 + number}"], "targetRef": ref}


def seen(*others: Object, replicas: int = 3, cilium: bool = False) -> NamespaceSnapshot:
    """A chart's valkey: the Service that is cut leads to the primary, whatever the others lead to."""
    there = a_snapshot(cilium=cilium, pods=(pod("api-1", API), *map(replica, range(replicas))))
    there.service = service("redis", [PORT], OWN, selector=PRIMARY)
    there.neighbours = there.things["services"] = (there.service, *others)
    there.endpoints = ({"endpoints": [at(0)], "ports": [{"name": "", "port": 6379}]},)
    return there


def elsewhere(other: Object, *behind: Object) -> NamespaceSnapshot:
    """The same in another namespace, whose pods are not read: its EndpointSlices are."""
    there = seen()
    there.things["pods"] = (pod("api-1", API),)
    there.neighbours = tuple(
        one | {"metadata": one["metadata"] | {"namespace": "data"}} for one in (there.service or {}, other)
    )
    there.service = there.neighbours[0]
    there.endpoints = ({"endpoints": [at(0, namespace="data")], "ports": [{"name": "", "port": 6379}]},)
    there.slices = {other["metadata"]["name"]: ({"endpoints": list(behind)},)}
    return there


def taken(there: NamespaceSnapshot, to: ServiceRef = TO) -> list[str]:
    """The Services' addresses that are cut; every one of them is dialled, and no other."""
    cut = partition(to, via=Via.NETWORK_POLICY)
    wanted = plan(cut)
    dialled = [dial.host for dial in dials(there, wanted, cuts_of(wanted)[0][1])]
    services = list(cut_destination(there, cut.dependency).services)
    assert dialled == services
    return services


def partly(there: NamespaceSnapshot, to: ServiceRef = TO, via: Via = Via.AUTO) -> list[Finding]:
    return [finding for finding in check(there, plan(partition(to, via=via))) if finding.code == "PartlyCut"]


def test_a_service_of_all_replicas_is_neither_cut_nor_dialled_with_the_primarys() -> None:
    there = seen(READ)
    assert taken(there) == [OWN]
    (finding,) = partly(there)
    assert finding.severity is Severity.WARN
    assert finding.path == "spec.dependencies[redis].redis.service"
    assert "Service valkey-read leads to pods that are cut and may lead to others" in finding.message
    assert "name valkey-read in spec.dependencies[redis].redis.service" in finding.remedy
    assert "via: CiliumNetworkPolicy" in finding.remedy


def test_cilium_decides_by_the_pods_so_there_is_nothing_to_say() -> None:
    assert taken(seen(READ, cilium=True)) == [OWN]
    assert partly(seen(READ, cilium=True)) == []
    assert len(partly(seen(READ, cilium=True), via=Via.NETWORK_POLICY)) == 1


def test_one_whose_pods_are_all_cut_is_cut_and_dialled() -> None:
    there = seen(READ, replicas=1)
    assert taken(there) == [OWN, "10.96.0.8"]
    assert partly(there) == []


@pytest.mark.parametrize("phase", ["Pending", "Running"])
def test_a_pod_that_has_no_address_yet_counts_and_one_that_has_ended_does_not(phase: str) -> None:
    there = seen(READ, replicas=1)
    coming, ended = replica(1) | {"status": {"phase": phase}}, replica(2) | {"status": {"phase": "Failed"}}
    there.things["pods"] += (ended,)
    assert taken(there) == [OWN, "10.96.0.8"]
    there.things["pods"] += (coming,)
    assert taken(there) == [OWN]


@pytest.mark.parametrize(
    ("behind", "alone"),
    [
        ((at(0, namespace="data"),), True),
        ((at(0, namespace="data"), at(0, "fd00:10::3", "data")), True),
        ((at(0, namespace="data"), at(1, namespace="data")), False),
        (({"addresses": ["10.0.0.3"]},), True),
        (({"addresses": ["10.0.0.3"]}, {"addresses": ["10.0.0.4"], "conditions": {"ready": False}}), False),
    ],
    ids=["its pod", "its pod by both families", "another pod", "its address", "another address that is not ready"],
)
def test_in_another_namespace_endpoints_say_whether_it_leads_to_others(behind: tuple[Object, ...], alone: bool) -> None:
    there, to = elsewhere(READ, *behind), ServiceRef("redis", "data")
    assert taken(there, to) == [OWN, *(["10.96.0.8"] if alone else [])]
    assert len(partly(there, to)) == (0 if alone else 1)


@pytest.mark.parametrize(
    ("selector", "told"),
    [
        ({POD: "valkey-0"}, 0),
        (APP | {"role": "master"}, 1),
        (None, 1),
        ({"app": "payments"}, 0),
    ],
    ids=["of fewer labels, the same pod", "of another label, which may move", "none, its addresses", "of other pods"],
)
def test_other_services_that_lead_there_are_told_where_they_may_lead_elsewhere(
    selector: dict[str, str] | None, told: int
) -> None:
    other = service("valkey-master", [PORT], "10.96.0.9", selector=selector)
    there = seen(other)
    there.things["pods"][1]["metadata"]["labels"]["role"] = "master"
    there.slices = {"valkey-master": ({"endpoints": [at(0)]},)} if selector is None else {}
    assert taken(there) == [OWN, *(["10.96.0.9"] if selector == {POD: "valkey-0"} else [])]
    assert len(partly(there)) == told


def test_one_without_an_address_or_with_other_ports_leads_around_nothing() -> None:
    headless = service("valkey-headless", [PORT], "", selector=APP)
    exporter = service("valkey-metrics", [{"port": 9121}], "10.96.0.9", selector=APP)
    named = service("valkey-name", [PORT], "", selector=PRIMARY, type="ExternalName")
    there = seen(headless, exporter, named | {"spec": named["spec"] | {"externalIPs": ["203.0.113.5"]}})
    assert taken(there) == [OWN]
    assert partly(there) == []


def test_what_is_partly_cut_cannot_stay_reachable() -> None:
    stays = (Bystander("reads", ServiceRef("valkey-read", port=6379)),)
    wanted = plan(replace(partition(via=Via.NETWORK_POLICY), must_remain_reachable=stays))
    (finding,) = [one for one in check(seen(READ), wanted) if one.severity is Severity.REFUSE]
    assert finding.code == "MustStayIsCut"
    assert "valkey-read leads to pods that are cut by this fault" in finding.message


def test_a_leak_through_one_that_has_got_other_pods_since_is_explained() -> None:
    alone, shared = seen(READ, replicas=1), seen(READ)
    assert "Service valkey-read, which selects more pods" in suspected_bypass(alone, partition(), Via.NETWORK_POLICY)
    assert "Service valkey-read, which selects more pods" in suspected_bypass(alone, partition(), Via.CILIUM)
    assert "valkey-read" not in suspected_bypass(shared, partition(), Via.NETWORK_POLICY)
