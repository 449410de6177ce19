"""Who is cut off from what: targets, pairs' labels and places, and the destination of a Service."""

import pytest

from gameday.actions.network_partition.targets import addresses, described, pairs, targets
from gameday.cluster.resources import Object
from gameday.model.plan import CidrTarget, HostTarget, Selector, ServiceRef
from gameday.model.setup import MOST_PAIRS, CutDestination, CutPort
from gameday.preflight.cut_destination import cut_destination
from unit.preflight.things import API, a_snapshot, endpoints, isolating_policy, partition, pod, service

SELECTOR = Selector({"app": "api"})


def test_targets_run_and_are_not_ours() -> None:
    ending = pod("api-3")
    ending["metadata"]["deletionTimestamp"] = "2026-11-23T20:00:00Z"
    done = pod("api-4")
    done["status"]["phase"] = "Succeeded"
    ours = pod("first-witness-0", API | {"gameday.dev/drill": "first"})
    there = a_snapshot(pods=(pod("api-1"), pod("redis-1", {"app": "redis"}), ending, done, ours))
    assert [found["metadata"]["name"] for found in targets(there, SELECTOR)] == ["api-1"]


@pytest.mark.parametrize("key", ["k8s.acme.com/zone", "any.acme.com/zone"])
def test_a_label_that_begins_like_a_source_of_ciliums_finds_targets(key: str) -> None:
    there = a_snapshot(pods=(pod("api-1", {key: "a"}), pod("api-2", {"acme.com/zone": "a"})))
    chosen = Selector({}, ((key, "In", ("a",)),))
    for selector in (Selector({key: "a"}), chosen):
        assert [found["metadata"]["name"] for found in targets(there, selector)] == ["api-1"]


def test_addresses_are_those_of_both_families() -> None:
    one = pod("api-1")
    one["status"]["podIPs"] = [{"ip": "10.0.0.9"}, {"ip": "fd00::9"}]
    assert addresses((one, pod("api-2", ip="10.0.0.10"))) == ("10.0.0.10", "10.0.0.9", "fd00::9")


def test_connections_end_of_the_targets_of_this_moment_and_never_of_a_nodes_address() -> None:
    ending = pod("api-2", ip="10.0.0.2")
    ending["metadata"]["deletionTimestamp"] = "2026-11-23T20:00:00Z"
    both = pod("api-1", ip="10.0.0.1")
    both["status"]["podIPs"].append({"ip": "fd00::1"})
    done, waits = pod("api-3", ip="10.0.0.3"), pod("api-4")
    done["status"]["phase"], waits["status"] = "Failed", {"phase": "Pending"}
    on_node = pod("api-5", ip="192.0.2.5", hostNetwork=True)
    as_node = pod("api-6", ip="192.0.2.6")
    as_node["status"]["hostIPs"] = [{"ip": "192.0.2.6"}]
    ours = pod("first-witness-0", API | {"gameday.dev/drill": "first"}, ip="10.0.0.7")
    found = described((both, ending, done, waits, on_node, as_node, ours, pod("redis-0", {"app": "redis"})), SELECTOR)
    assert found == (
        ("pod api-1 (10.0.0.1)", "10.0.0.1", "fd00::1"),
        ("pod api-2 (10.0.0.2)", "10.0.0.2"),
        ("pod api-5, which uses the host's network,",),
        ("pod api-6, which uses the host's network,",),
    )


def test_where_no_target_runs_something_stands_for_what_nobody_saw() -> None:
    assert described((), SELECTOR) == (("any target (none was running)",),)


def test_one_pair_a_node_and_kind_and_every_kind_before_a_second_node() -> None:
    peers = [{"podSelector": {"matchLabels": {"tier": tier}}} for tier in ("web", "job")]
    policies = (isolating_policy("by tier", {"app": "redis"}, ingress=[{"from": peers}]),)
    web, job = {"app": "api", "tier": "web"}, {"app": "api", "tier": "job"}
    there = a_snapshot(
        networkpolicies=policies,
        pods=(*(pod(f"web-{n}", web, node=f"node-{n % 5}") for n in range(9)), pod("job-1", job, node="node-0")),
    )
    found = pairs(there, SELECTOR)
    assert len(found) == MOST_PAIRS
    assert [dict(pair.labels)["tier"] for pair in found] == ["job", "web", "web", "web"]
    assert len({pair.node for pair in found[1:]}) == 3


PORT: Object = {"port": 6379}
ROWS: list[tuple[str, Object, Object, ServiceRef, tuple[CutPort, ...]]] = [
    ("same port", service("redis", [PORT]), endpoints("10.0.0.3"), ServiceRef("redis"), (CutPort(6379, 6379),)),
    (
        "another target port",
        service("redis", [PORT | {"targetPort": 7000}]),
        endpoints("10.0.0.3"),
        ServiceRef("redis"),
        (CutPort(6379, 7000),),
    ),
    (
        "a name that means two numbers",
        service("redis", [PORT | {"targetPort": "redis"}]),
        endpoints("10.0.0.3", ports={"": 7001}),
        ServiceRef("redis"),
        (CutPort(6379, 7001), CutPort(6379, 7002)),
    ),
    (
        "all ports",
        service("redis", [PORT | {"name": "redis"}, {"name": "metrics", "port": 9121, "protocol": "UDP"}]),
        endpoints("10.0.0.3"),
        ServiceRef("redis"),
        (CutPort(6379, 6379), CutPort(9121, 9121, "UDP")),
    ),
    (
        "one port by name",
        service("redis", [PORT | {"name": "redis"}, {"name": "metrics", "port": 9121}]),
        endpoints("10.0.0.3"),
        ServiceRef("redis", port="metrics"),
        (CutPort(9121, 9121),),
    ),
    (
        "one port by number",
        service("redis", [PORT | {"name": "redis"}, {"name": "metrics", "port": 9121}]),
        endpoints("10.0.0.3"),
        ServiceRef("redis", port=6379),
        (CutPort(6379, 6379),),
    ),
]


@pytest.mark.parametrize(("there", "piece", "ref", "ports"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_ports_of_a_service(there: Object, piece: Object, ref: ServiceRef, ports: tuple[CutPort, ...]) -> None:
    seen = a_snapshot()
    seen.service, seen.endpoints = there, (piece, endpoints("10.0.0.4", ports={"": 7002}))
    assert cut_destination(seen, partition(ref).dependency).ports == ports


def test_every_address_of_a_service_counts_ready_or_not() -> None:
    seen = a_snapshot()
    redis = service("redis", [PORT], externalIPs=["203.0.113.5"])
    redis["status"] = {"loadBalancer": {"ingress": [{"ip": "198.51.100.5"}, {"hostname": "lb.example.com"}]}}
    unready = endpoints("10.0.0.4")
    unready["endpoints"][0]["conditions"] = {"ready": False}
    seen.service, seen.endpoints = redis, (endpoints("10.0.0.3"), unready)
    end = cut_destination(seen, partition().dependency)
    assert end.addresses == ("10.0.0.3", "10.0.0.4")
    assert end.services == ("10.96.0.7", "203.0.113.5", "198.51.100.5")


def test_other_services_that_lead_to_the_same_pods_are_cut_as_well() -> None:
    seen = a_snapshot()
    seen.service = service("redis", [PORT])
    seen.neighbours = (
        seen.service,
        service("redis-headless", [PORT], ""),
        service(
            "redis-primary",
            [{"port": 7000, "targetPort": 6379}],
            "10.96.0.8",
            selector={"app": "redis", "role": "main"},
        ),
        service("redis-metrics", [{"port": 9121}], "10.96.0.9"),
        service("payments", [PORT], "10.96.0.10", selector={"app": "payments"}),
        service("outside", [PORT], "10.96.0.11", selector=None),
    )
    end = cut_destination(seen, partition().dependency)
    assert end.services == ("10.96.0.7", "10.96.0.8")
    assert end.ports == (CutPort(6379, 6379), CutPort(7000, 6379))


def test_addresses_outside_lose_their_host_bits() -> None:
    cidrs = CidrTarget(("203.0.113.7/24", "2001:db8::1/48"), (6379,))
    outside = cut_destination(a_snapshot(), partition(cidrs).dependency)
    assert outside == CutDestination(cidrs=("203.0.113.0/24", "2001:db8::/48"), ports=(CutPort(6379, 6379),))
    assert cut_destination(a_snapshot(), partition(HostTarget("203.0.113.7", (6379,))).dependency).cidrs == (
        "203.0.113.7/32",
    )
