"""Services as people have them: headless, an exporter on the first port, an external address, another namespace."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from deploy import manifests as shop_manifests
from e2e.namespaces import TeamNamespace, kubectl, small
from e2e.policies import CILIUM, KUBERNETES, each_kind
from gameday.api.lines import events_of
from gameday.api.packing import unpacked
from gameday.cluster.resources import Object

pytestmark = pytest.mark.e2e

EXPORTER = """
name: exporter
image: localhost/gameday-shop:dev
imagePullPolicy: IfNotPresent
command: [python3, -m, http.server, "9121", --directory, /var/empty]
readinessProbe: {tcpSocket: {port: 9121}, periodSeconds: 1}
"""


def drill(via: str, **dependency: Any) -> Object:
    """A short drill by this kind of policy."""
    gameday = small(outage__duration="12s")
    gameday["spec"]["outage"]["faults"][0]["networkPartition"]["via"] = via
    gameday["spec"]["dependencies"][0]["redis"] |= dependency
    return gameday


def redis_service(**spec: Any) -> Object:
    ports = [{"name": "redis", "port": 6379, "targetPort": "redis"}]
    body = {"selector": {"app": "redis"}, "ports": ports, **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "redis"}, "spec": body}


def dialled(status: Object) -> set[tuple[str, int, str]]:
    """What the witnesses of the one cut dial."""
    (cut,) = unpacked(status["state"])["setup"]["cuts"]
    return {(one["host"], one["port"], one["protocol"]) for one in cut["dials"]}


def pod_address(ns: TeamNamespace, app: str) -> str:
    where = ("get", "pods", "-l", f"app={app}", "-o", "jsonpath={.items[0].status.podIP}")
    return kubectl("-n", ns.namespace, *where).stdout


async def passes(ns: TeamNamespace, gameday: Object, *, silent: str = "") -> Object:
    """Its status under the cut, of a drill that passes and leaves nothing; ``silent`` is what answers nobody."""
    await ns.operator()
    await ns.start(gameday)
    under = await ns.under_cut()
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    told = [line["message"] for line in events_of(status) if line["reason"] == "NothingAnswers"]
    assert len(told) == bool(silent), told
    assert all(silent in line for line in told)
    await ns.nothing_is_left()
    return under


@each_kind(KUBERNETES)
async def test_a_headless_service_is_cut_at_its_pods(ns: TeamNamespace, via: str) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    kubectl("-n", ns.namespace, "delete", "service", "redis")
    ns.apply(redis_service(clusterIP="None"))
    under = await passes(ns, drill(via))
    assert dialled(under) == {(pod_address(ns, "redis"), 6379, "redis")}


@each_kind(CILIUM)
async def test_an_exporter_before_redis_is_cut_and_dialled_in_its_own_way(ns: TeamNamespace, via: str) -> None:
    wanted = []
    for body in shop_manifests():
        if body["kind"] == "Deployment" and body["metadata"]["name"] not in {"api", "redis"}:
            continue
        if body["kind"] == "Deployment":
            body["spec"]["replicas"] = 1
        if (body["kind"], body["metadata"]["name"]) == ("Deployment", "redis"):
            body["spec"]["template"]["spec"]["containers"].append(yaml.safe_load(EXPORTER))
        if (body["kind"], body["metadata"]["name"]) == ("NetworkPolicy", "redis"):
            body["spec"]["ingress"][0]["ports"].append({"port": 9121})
        wanted.append(body)
    await ns.deploy(*wanted)
    ports = [{"name": "metrics", "port": 9121}, {"name": "redis", "port": 6379, "targetPort": "redis"}]
    ns.apply(redis_service(ports=ports))
    under = await passes(ns, drill(via))
    assert {(port, protocol) for _, port, protocol in dialled(under)} == {(9121, "tcp"), (6379, "redis")}


@each_kind(CILIUM)
async def test_an_external_address_of_a_service_is_cut_as_well(ns: TeamNamespace, via: str) -> None:
    """Cilium leads pods to one that is a node's."""
    await ns.shop(parts=("api", "redis"), replicas=1)
    where = "jsonpath={.items[0].status.addresses[?(@.type=='InternalIP')].address}"
    address = kubectl("get", "nodes", "-o", where).stdout.split()[0]
    # A port of its own: all Services of the cluster share that address.
    port = 20_000 + secrets.randbelow(10_000)
    outside = redis_service(externalIPs=[address], ports=[{"name": "redis", "port": port, "targetPort": "redis"}])
    ns.apply(outside | {"metadata": {"name": "redis-outside"}})
    under = await passes(ns, drill(via))
    assert (address, port, "redis") in dialled(under)
    assert len(dialled(under)) == 3, "and both Services' own addresses"


@pytest.mark.slow
async def test_an_external_address_that_no_pod_reaches_is_told_and_left_out(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    address = f"198.51.100.{secrets.randbelow(250) + 1}"
    ns.apply(redis_service(externalIPs=[address]))
    await passes(ns, drill("Auto"), silent=f"{address}:6379")


@pytest.fixture
def elsewhere(ns: TeamNamespace) -> Iterator[str]:
    """Another team's namespace, with the shop's Redis, which lets the account of the first one read."""
    name = f"{ns.namespace}-data"
    kubectl("create", "namespace", name)
    redis = [
        body for body in shop_manifests() if body["metadata"]["name"] == "redis" and body["kind"] != "NetworkPolicy"
    ]
    kubectl("-n", name, "apply", "-f", "-", stdin=yaml.safe_dump_all(redis))
    reads = "services,endpointslices.discovery.k8s.io,networkpolicies.networking.k8s.io,ciliumnetworkpolicies.cilium.io"
    kubectl("-n", name, "create", "role", "gameday", "--verb=get,list,watch", f"--resource={reads}")
    account = f"--serviceaccount={ns.namespace}:gameday"
    kubectl("-n", name, "create", "rolebinding", "gameday", "--role=gameday", account)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


@each_kind(KUBERNETES)
async def test_a_service_of_another_namespace_is_cut(ns: TeamNamespace, elsewhere: str, via: str) -> None:
    shop = []
    for body in shop_manifests({"REDIS_HOST": f"redis.{elsewhere}.svc"}):
        if body["kind"] == "Deployment":
            if body["metadata"]["name"] != "api":
                continue
            body["spec"]["replicas"] = 1
        if (body["kind"], body["metadata"]["name"]) != ("Service", "redis"):
            shop.append(body)
    kubectl("-n", elsewhere, "rollout", "status", "deployment/redis", "--timeout=90s")
    await ns.deploy(*shop)
    under = await passes(ns, drill(via, service={"name": "redis", "namespace": elsewhere}))
    assert {(port, protocol) for _, port, protocol in dialled(under)} == {(6379, "redis")}


async def test_a_service_of_a_namespace_that_may_not_be_read_is_refused(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.operator()
    await ns.start(drill("Auto", service={"name": "kube-dns", "namespace": "kube-system"}, port=53))
    status = await ns.finishes()
    assert status["verdict"] == "Inconclusive", status["message"]
    assert "kube-system" in status["message"], status["message"]
    assert status.get("undo", []) == []
    await ns.nothing_is_left()


async def test_a_redis_that_lacks_what_managed_ones_lack_is_drilled_and_the_cost_told(ns: TeamNamespace) -> None:
    """Upstash has neither ROLE nor CLIENT LIST and CLIENT KILL."""
    wanted = []
    for body in shop_manifests():
        if body["kind"] == "Deployment":
            if body["metadata"]["name"] not in {"api", "redis"}:
                continue
            body["spec"]["replicas"] = 1
        if (body["kind"], body["metadata"]["name"]) == ("Deployment", "redis"):
            (container,) = body["spec"]["template"]["spec"]["containers"]
            container["command"][2] += ' --rename-command ROLE "" --rename-command CLIENT ""'
        wanted.append(body)
    await ns.deploy(*wanted)
    await ns.operator()
    gameday = drill("CiliumNetworkPolicy")
    gameday["spec"]["steadyState"]["expect"].append({"name": "answers", "always": "redis.ok"})
    await ns.start(gameday)
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    told = " ".join(line["message"] for line in events_of(status))
    assert "the targets' connections cannot be counted or not be closed at the dependency" in told
    assert "grant the user CLIENT LIST and CLIENT KILL, if this server has them" in told
    assert "ConnectionsEnded" in {line["reason"] for line in events_of(status)}, "the network shows it all the same"
    await ns.nothing_is_left()
