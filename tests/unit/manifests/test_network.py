"""With a component of ``components/cni`` the operator reaches the API server only; only its metrics are reached."""

from pathlib import Path

import pytest

from gameday.cluster.resources import Object
from unit.manifests.reading import MANIFESTS, only, overlay, written

CNI = MANIFESTS / "components" / "cni"
API_SERVER = [("443", "TCP"), ("6443", "TCP")]


def policy(kind: str) -> Object:
    spec: Object = only((body for _, body in written(CNI)), kind)["spec"]
    return spec


def ports(listed: list[Object]) -> list[tuple[str, str]]:
    return sorted((str(port["port"]), port["protocol"]) for port in listed)


def test_cilium_leaves_the_api_server_only() -> None:
    (api_server,) = policy("CiliumNetworkPolicy")["egress"]
    assert set(api_server) == {"toEntities", "toPorts"}
    assert api_server["toEntities"] == ["kube-apiserver"]
    assert [ports(rule["ports"]) for rule in api_server["toPorts"]] == [API_SERVER]


def test_a_network_policy_leaves_one_address_only() -> None:
    spec = policy("NetworkPolicy")
    assert sorted(spec["policyTypes"]) == ["Egress", "Ingress"]
    (api_server,) = spec["egress"]
    (peer,) = api_server["to"]
    assert peer["ipBlock"]["cidr"].endswith("/32"), "a wide block would leave the operator much of the network"
    assert ports(api_server["ports"]) == API_SERVER


def test_only_the_metrics_port_is_reached() -> None:
    (cilium,) = policy("CiliumNetworkPolicy")["ingress"]
    assert [ports(rule["ports"]) for rule in cilium["toPorts"]] == [[("8080", "TCP")]]
    (plain,) = policy("NetworkPolicy")["ingress"]
    assert ports(plain["ports"]) == [("8080", "TCP")]


@pytest.mark.parametrize(("component", "kind"), [("cilium", "CiliumNetworkPolicy"), ("networkpolicy", "NetworkPolicy")])
def test_the_documented_overlay_adds_the_policy_beside_the_operator(component: str, kind: str, tmp_path: Path) -> None:
    bodies = overlay(tmp_path, f"components/cni/{component}")
    assert only(bodies, kind)["metadata"]["namespace"] == only(bodies, "Deployment")["metadata"]["namespace"]


def test_the_documented_overlay_sets_the_address_of_the_api_server_alone(tmp_path: Path) -> None:
    (api_server,) = only(overlay(tmp_path, "components/cni/networkpolicy"), "NetworkPolicy")["spec"]["egress"]
    assert [peer["ipBlock"]["cidr"] for peer in api_server["to"]] == ["10.0.0.5/32", "10.96.0.1/32"]
    assert ports(api_server["ports"]) == API_SERVER
