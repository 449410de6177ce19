"""A cut takes away the far end's ports and nothing else, however selectors, pods and namespaces fall."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameday.actions.network_partition import cilium, network_policy
from gameday.model.plan import Selector
from gameday.model.setup import CutDestination, CutPort
from unit.preflight.network import Packet, Pod, Reads, allowed_by, denied_by_cilium

TARGETS = Selector({"app": "api"})
API = {"app": "api", "tier": "web"}
SERVICE = "10.96.7.7"
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
    """A far end, and pods of which some are behind it."""
    selector = draw(st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), min_size=1, max_size=3))
    namespace = draw(st.sampled_from(["shop", "data"]))
    drawn = draw(st.lists(st.tuples(st.sampled_from(["shop", "data", "kube-system"]), LABELS), max_size=8))
    # Whoever shares all labels but one with the far end must not be taken for it.
    drawn += [(namespace, {k: v for k, v in selector.items() if k != missing} | draw(LABELS)) for missing in selector]
    drawn.append((namespace, draw(LABELS) | selector))
    pods = [Pod(where, labels, f"10.0.0.{number}") for number, (where, labels) in enumerate(drawn, start=1)]
    behind = tuple(pod.ip for pod in pods if is_behind(pod, namespace, selector))
    return CutDestination(namespace, selector, behind, (SERVICE,), (), draw(PORTS)), pods


def is_behind(pod: Pod, namespace: str, selector: dict[str, str]) -> bool:
    return pod.namespace == namespace and selector.items() <= pod.labels.items()


def to_pods(pods: list[Pod]) -> list[Packet]:
    return [Packet(pod.ip, port, protocol, pod) for pod in pods for port in NUMBERS for protocol in ("TCP", "UDP")]


@pytest.mark.parametrize("reads", Reads, ids=lambda reads: reads.name)
@given(cluster=clusters())
def test_a_network_policy_cuts_the_far_end_and_no_other_pod(
    cluster: tuple[CutDestination, list[Pod]], reads: Reads
) -> None:
    destination, pods = cluster
    spec = network_policy.spec(TARGETS, destination)
    cut = {(port.protocol, port.target) for port in destination.ports}
    for packet in to_pods(pods):
        is_cut = packet.address in destination.addresses and (packet.protocol, packet.port) in cut
        assert allowed_by(spec, API, packet, reads) is not is_cut, packet


@given(clusters())
def test_a_cilium_policy_cuts_the_far_end_and_no_other_pod(cluster: tuple[CutDestination, list[Pod]]) -> None:
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
        assert allowed_by(spec, API, Packet(SERVICE, port), Reads.BEFORE_SERVICE) is not is_cut
        assert allowed_by(spec, API, Packet("10.96.0.10", port), Reads.BEFORE_SERVICE)
        assert allowed_by(spec, API, Packet("10.96.0.10", port, "UDP"), Reads.BEFORE_SERVICE)


@given(clusters(), st.sampled_from(Reads), st.sampled_from(["1.1.1.1", "192.168.7.9", "2001:db8::1"]))
def test_the_world_stays(cluster: tuple[CutDestination, list[Pod]], reads: Reads, address: str) -> None:
    destination, _ = cluster
    for port in NUMBERS:
        assert allowed_by(network_policy.spec(TARGETS, destination), API, Packet(address, port), reads)
        assert not denied_by_cilium(cilium.spec(TARGETS, destination), API, Packet(address, port))


@given(
    st.lists(st.sampled_from(["203.0.113.7/24", "198.51.100.4/32", "2001:db8::/48", "0.0.0.0/0"]), min_size=1), PORTS
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
        ("198.51.100.5", "0.0.0.0/0"),
    ):
        everything = "0.0.0.0/0" in cidrs and "." in address
        for number in NUMBERS:
            is_cut = (by in cidrs or everything) and number in {port.target for port in ports}
            packet = Packet(address, number)
            assert allowed_by(spec, API, packet, Reads.BY_IDENTITY) is not is_cut
            assert allowed_by(spec, API, packet, Reads.BY_ADDRESS) is not is_cut
            assert denied_by_cilium(deny, API, packet) is is_cut
    for pod in (Pod("shop", {}, "10.0.0.1"), Pod("kube-system", {"k8s-app": "kube-dns"}, "10.0.0.2")):
        assert allowed_by(spec, API, Packet(pod.ip, 6379, pod=pod), Reads.BY_IDENTITY)
        assert not denied_by_cilium(deny, API, Packet(pod.ip, 6379, pod=pod))


def test_a_far_end_on_the_hosts_network_is_cut_on_its_port_and_the_node_stays_reachable() -> None:
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


def test_a_far_end_without_ports_is_cut_whole() -> None:
    redis = Pod("shop", {"app": "redis"}, "10.0.0.1")
    destination = CutDestination("shop", {"app": "redis"}, (redis.ip,), (SERVICE,))
    for reads in Reads:
        assert not allowed_by(network_policy.spec(TARGETS, destination), API, Packet(redis.ip, 80, pod=redis), reads)
    assert denied_by_cilium(cilium.spec(TARGETS, destination), API, Packet(redis.ip, 80, "UDP", redis))
