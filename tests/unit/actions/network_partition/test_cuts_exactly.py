"""A cut takes away the destination's ports and nothing else, however selectors, pods and namespaces fall."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameday.actions.network_partition import cilium, network_policy
from gameday.cluster.resources import PODS
from gameday.model.plan import Dependency, Selector, ServiceRef
from gameday.model.setup import CutDestination, CutPort
from gameday.preflight.cut_destination import cut_destination
from gameday.preflight.snapshot import NamespaceSnapshot
from unit.preflight import things
from unit.preflight.network import Packet, Pod, Reads, allowed_by, denied_by_cilium

TARGETS = Selector({"app": "api"})
API = {"app": "api", "tier": "web"}
SERVICE, SERVICE_SIX = "10.96.7.7", "fd00:96::7"
KEYS, VALUES = ("app", "role", "tier"), ("redis", "main", "x")
LABELS = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), max_size=3)
PORTS = st.lists(
    st.builds(CutPort, st.sampled_from([1, 6379, 7000, 65535]), st.sampled_from([1, 6378, 6379, 6380, 65535])),
    min_size=1,
    max_size=3,
).map(tuple)
NUMBERS = (1, 2, 53, 6377, 6378, 6379, 6380, 6381, 7000, 65534, 65535)


@st.composite
def clusters(draw: st.DrawFn) -> tuple[CutDestination, list[Pod]]:
    """A destination, and pods of which some are behind it; each pod, and the Service, has one family or both."""
    selector = draw(st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), min_size=1, max_size=3))
    namespace = draw(st.sampled_from(["shop", "data"]))
    drawn = draw(st.lists(st.tuples(st.sampled_from(["shop", "data", "kube-system"]), LABELS), max_size=8))
    # Whoever shares all labels but one with the destination must not be taken for it.
    drawn += [(namespace, {k: v for k, v in selector.items() if k != missing} | draw(LABELS)) for missing in selector]
    drawn.append((namespace, draw(LABELS) | selector))
    pods = []
    for number, (where, labels) in enumerate(drawn, start=1):
        first, *second = draw(st.permutations((f"10.0.0.{number}", f"fd00:10::{number:x}")))[: draw(st.integers(1, 2))]
        pods.append(Pod(where, labels, first, second="".join(second)))
    behind = tuple(ip for pod in pods if is_behind(pod, namespace, selector) for ip in pod.ips)
    services = draw(st.sampled_from([(SERVICE,), (SERVICE_SIX,), (SERVICE, SERVICE_SIX), (SERVICE_SIX, SERVICE)]))
    return CutDestination(namespace, selector, behind, services, (), draw(PORTS)), pods


def is_behind(pod: Pod, namespace: str, selector: dict[str, str]) -> bool:
    return pod.namespace == namespace and selector.items() <= pod.labels.items()


def to_pods(pods: list[Pod]) -> list[Packet]:
    return [
        Packet(ip, port, protocol, pod)
        for pod in pods
        for ip in pod.ips
        for port in NUMBERS
        for protocol in ("TCP", "UDP")
    ]


@pytest.mark.parametrize("reads", Reads, ids=lambda reads: reads.name)
@given(cluster=clusters())
def test_a_network_policy_cuts_the_destination_and_no_other_pod(
    cluster: tuple[CutDestination, list[Pod]], reads: Reads
) -> None:
    destination, pods = cluster
    spec = network_policy.spec(TARGETS, destination)
    cut = {(port.protocol, port.target) for port in destination.ports}
    for packet in to_pods(pods):
        is_cut = packet.address in destination.addresses and (packet.protocol, packet.port) in cut
        assert allowed_by(spec, API, packet, reads) is not is_cut, packet


@given(clusters())
def test_a_cilium_policy_cuts_the_destination_and_no_other_pod(cluster: tuple[CutDestination, list[Pod]]) -> None:
    destination, pods = cluster
    spec = cilium.spec(TARGETS, destination)
    cut = {(port.protocol, port.target) for port in destination.ports}
    for packet in to_pods(pods):
        is_cut = packet.address in destination.addresses and (packet.protocol, packet.port) in cut
        assert denied_by_cilium(spec, API, packet) is is_cut, packet


@given(clusters())
def test_where_services_are_seen_by_their_own_address_only_their_cut_ports_go(
    cluster: tuple[CutDestination, list[Pod]],
) -> None:
    destination, _ = cluster
    spec = network_policy.spec(TARGETS, destination)
    for port in NUMBERS:
        is_cut = port in {cut.port for cut in destination.ports}
        for address in (SERVICE, SERVICE_SIX):
            gone = is_cut and address in destination.services
            assert allowed_by(spec, API, Packet(address, port), Reads.BEFORE_SERVICE) is not gone
        for dns in ("10.96.0.10", "fd00:96::a"):
            assert allowed_by(spec, API, Packet(dns, port), Reads.BEFORE_SERVICE)
            assert allowed_by(spec, API, Packet(dns, port, "UDP"), Reads.BEFORE_SERVICE)


@given(clusters(), st.sampled_from(Reads), st.sampled_from(["1.1.1.1", "192.168.7.9", "2001:db8::1"]))
def test_the_world_stays(cluster: tuple[CutDestination, list[Pod]], reads: Reads, address: str) -> None:
    destination, _ = cluster
    for port in NUMBERS:
        assert allowed_by(network_policy.spec(TARGETS, destination), API, Packet(address, port), reads)
        assert not denied_by_cilium(cilium.spec(TARGETS, destination), API, Packet(address, port))


@given(
    st.lists(
        st.sampled_from(
            ["203.0.113.7/24", "198.51.100.4/32", "2001:db8::/48", "2001:db8:1::7/128", "0.0.0.0/0", "::/0"]
        ),
        min_size=1,
    ),
    PORTS,
)
def test_addresses_outside_are_cut_on_their_ports_and_pods_are_not(
    cidrs: list[str], ports: tuple[CutPort, ...]
) -> None:
    ports = tuple(CutPort(port.target, port.target) for port in ports)
    destination = CutDestination(cidrs=tuple(cidrs), ports=ports)
    spec, deny = network_policy.spec(TARGETS, destination), cilium.spec(TARGETS, destination)
    for address, by in (
        ("203.0.113.250", "203.0.113.7/24"),
        ("198.51.100.4", "198.51.100.4/32"),
        ("2001:db8::9", "2001:db8::/48"),
        ("2001:db8:1::7", "2001:db8:1::7/128"),
        ("2001:db8:1::8", "::/0"),
        ("198.51.100.5", "0.0.0.0/0"),
    ):
        everything = ("::/0" if ":" in address else "0.0.0.0/0") in cidrs
        for number in NUMBERS:
            is_cut = (by in cidrs or everything) and number in {port.target for port in ports}
            packet = Packet(address, number)
            assert allowed_by(spec, API, packet, Reads.BY_IDENTITY) is not is_cut
            assert allowed_by(spec, API, packet, Reads.BY_ADDRESS) is not is_cut
            assert denied_by_cilium(deny, API, packet) is is_cut
    for pod in (
        Pod("shop", {}, "10.0.0.1"),
        Pod("shop", {}, "fd00:10::1"),
        Pod("kube-system", {"k8s-app": "kube-dns"}, "10.0.0.2"),
    ):
        assert allowed_by(spec, API, Packet(pod.ip, 6379, pod=pod), Reads.BY_IDENTITY)
        assert not denied_by_cilium(deny, API, Packet(pod.ip, 6379, pod=pod))


@pytest.mark.parametrize("written", ["::ffff:203.0.113.7", "::FFFF:cb00:7107"])
def test_an_ipv4_mapped_address_is_cut_as_the_ipv4_address_that_its_packets_have(written: str) -> None:
    destination = CutDestination(cidrs=(written,), ports=(CutPort(6379, 6379),))
    packet = Packet("203.0.113.7", 6379)
    assert not allowed_by(network_policy.spec(TARGETS, destination), API, packet, Reads.BY_IDENTITY)
    assert denied_by_cilium(cilium.spec(TARGETS, destination), API, packet)


def test_a_destination_on_the_hosts_network_is_cut_on_its_port_and_the_node_stays_reachable() -> None:
    redis = Pod("shop", {"app": "redis"}, "192.168.1.5", host_network=True)
    destination = CutDestination("shop", {"app": "redis"}, (redis.ip,), (SERVICE,), (), (CutPort(6379, 6379),))
    spec = network_policy.spec(TARGETS, destination)
    assert not allowed_by(spec, API, Packet(redis.ip, 6379, pod=redis), Reads.BY_ADDRESS)
    assert allowed_by(spec, API, Packet(redis.ip, 6443, pod=redis), Reads.BY_ADDRESS)


def test_only_targets_are_cut_and_controls_among_them_are_spared() -> None:
    redis = Pod("shop", {"app": "redis"}, "10.0.0.1")
    destination = CutDestination("shop", {"app": "redis"}, (redis.ip,), (SERVICE,), (), (CutPort(6379, 6379),))
    packet = Packet(redis.ip, 6379, pod=redis)
    selector = Selector({"app": "api"}, (("tier", "In", ("web",)), ("canary", "DoesNotExist", ())))
    spec, deny = network_policy.spec(selector, destination), cilium.spec(selector, destination)
    for labels, is_cut in (
        ({"app": "api", "tier": "web"}, True),
        ({"app": "api", "tier": "web", "gameday.dev/role": "witness"}, True),
        ({"app": "api", "tier": "web", "gameday.dev/role": "control"}, False),
        ({"app": "api", "tier": "web", "canary": "yes"}, False),
        ({"app": "api"}, False),
        ({"app": "payments", "tier": "web"}, False),
    ):
        assert allowed_by(spec, labels, packet, Reads.BY_ADDRESS) is not is_cut
        assert denied_by_cilium(deny, labels, packet) is is_cut


def test_a_destination_without_ports_is_cut_whole() -> None:
    redis = Pod("shop", {"app": "redis"}, "10.0.0.1")
    destination = CutDestination("shop", {"app": "redis"}, (redis.ip,), (SERVICE,))
    for reads in Reads:
        assert not allowed_by(network_policy.spec(TARGETS, destination), API, Packet(redis.ip, 80, pod=redis), reads)
    assert denied_by_cilium(cilium.spec(TARGETS, destination), API, Packet(redis.ip, 80, "UDP", redis))


@st.composite
def namespaces(draw: st.DrawFn) -> NamespaceSnapshot:
    """A Service of one family or both, before pods of one family or both, and others beside them."""
    families = draw(st.sampled_from([("IPv4",), ("IPv6",), ("IPv4", "IPv6"), ("IPv6", "IPv4")]))
    pods = []
    for number in range(draw(st.integers(1, 4))):
        labels = {"app": "redis"} if not number or draw(st.booleans()) else {"app": "cache"}
        one = things.pod(f"pod-{number}", labels)
        # A pod behind the Service has an address of the Service's family, or the Service does not lead to it.
        has = draw(st.sampled_from([families[:1], ("IPv4", "IPv6"), ("IPv6", "IPv4")]))
        one["status"]["podIPs"] = [{"ip": f"10.0.0.{number}" if "4" in f else f"fd00:10::{number:x}"} for f in has]
        pods.append(one)
    service = things.service("redis", [{"port": 7000, "targetPort": 6379}])
    service["spec"] |= {
        "ipFamilies": list(families),
        "clusterIPs": [SERVICE if family == "IPv4" else SERVICE_SIX for family in families],
    }
    behind = [
        ip["ip"] for one in pods if one["metadata"]["labels"] == {"app": "redis"} for ip in one["status"]["podIPs"]
    ]
    slices = [
        things.endpoints(*(ip for ip in behind if (":" in ip) is (family == "IPv6"))) | {"addressType": family}
        for family in families
    ]
    seen = things.a_snapshot(pods=tuple(pods), services=(service,))
    seen.service, seen.endpoints = service, tuple(slices)
    return seen


@pytest.mark.parametrize("reads", Reads, ids=lambda reads: reads.name)
@given(seen=namespaces())
def test_pods_behind_a_service_of_one_family_are_cut_off_at_their_other_address_too(
    seen: NamespaceSnapshot, reads: Reads
) -> None:
    destination = cut_destination(seen, Dependency("redis", ServiceRef("redis")))
    spec, deny = network_policy.spec(TARGETS, destination), cilium.spec(TARGETS, destination)
    for one in seen.of(PODS):
        labels = one["metadata"]["labels"]
        first, *second = (entry["ip"] for entry in one["status"]["podIPs"])
        pod = Pod("shop", labels, first, second="".join(second))
        for packet in to_pods([pod]):
            is_cut = labels["app"] == "redis" and (packet.protocol, packet.port) == ("TCP", 6379)
            assert allowed_by(spec, API, packet, reads) is not is_cut, packet
            assert denied_by_cilium(deny, API, packet) is is_cut, packet
