"""A Redis of several servers: a Cluster of three masters, and one that Sentinels watch, whose master moves."""

import json
from typing import Any

import pytest
import yaml

from e2e.dialling import until
from e2e.health_client import IMAGE, health_client
from e2e.namespaces import TeamNamespace, kubectl
from e2e.policies import CILIUM, KUBERNETES, each_kind
from gameday.api.lines import events_of
from gameday.cluster.resources import Object

pytestmark = pytest.mark.e2e

PASSWORD = "for-tests"
MASTER = "mymaster"
CLIENT = """
import os
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.retry import Retry
from redis.sentinel import Sentinel

password = os.environ["PASSWORD"]
seconds = {"socket_timeout": 0.7, "socket_connect_timeout": 0.7, "retry": Retry(NoBackoff(), 0)}

def client():
    if os.environ["KIND"] == "cluster":
        return RedisCluster(host="redis", port=6379, password=password, **seconds)
    told = Sentinel([("redis", 26379)], sentinel_kwargs={"password": password, **seconds})
    return told.master_for("mymaster", password=password, **seconds)

def ask():
    one = client()
    for key in ("a", "b", "c", "d"):
        one.set(key, "1")
    one.close()
"""
WORLD = """
apiVersion: v1
kind: Secret
metadata: {name: redis}
stringData: {password: for-tests}
---
apiVersion: v1
kind: Service
metadata: {name: redis}
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector: {app: redis}
  ports: [{name: redis, port: 6379}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: redis}
spec:
  serviceName: redis
  replicas: 3
  podManagementPolicy: Parallel
  selector: {matchLabels: {app: redis}}
  template:
    metadata: {labels: {app: redis}}
    spec:
      terminationGracePeriodSeconds: 0
      volumes: [{name: data, emptyDir: {}}]
      containers:
      - name: redis
        workingDir: /data
        volumeMounts: [{name: data, mountPath: /data}]
        readinessProbe: {tcpSocket: {port: 6379}, periodSeconds: 1}
"""
SERVER = (
    "exec redis-server --bind 0.0.0.0 --protected-mode no --save '' --dir /data"
    f" --requirepass {PASSWORD} --masterauth {PASSWORD}"
)
WATCHING = f"""
mkdir -p /data/sentinel
cat > /data/sentinel/sentinel.conf <<END
port 26379
dir /data/sentinel
requirepass {PASSWORD}
sentinel sentinel-pass {PASSWORD}
sentinel resolve-hostnames yes
sentinel monitor {MASTER} redis-0.redis 6379 2
sentinel auth-pass {MASTER} {PASSWORD}
sentinel down-after-milliseconds {MASTER} 5000
sentinel failover-timeout {MASTER} 10000
END
exec redis-server /data/sentinel/sentinel.conf --sentinel --bind 0.0.0.0 --protected-mode no
"""
GAMEDAY = """
apiVersion: gameday.dev/v1alpha1
kind: GameDay
metadata: {name: peers}
spec:
  dependencies:
  - name: redis
    redis:
      service: {name: redis}
      auth: {passwordFrom: {secretKeyRef: {name: redis, key: password}}}
  probes:
  - {name: health, interval: 1s, timeout: 5s, http: {url: "http://client/"}}
  steadyState:
    duration: 5s
    expect: [{name: healthy, always: "health.body.redis == 'ok'", tolerates: 10s}]
  outage:
    duration: 20s
    faults:
    - name: partition
      networkPartition: {podSelector: {matchLabels: {app: client}}, to: [redis]}
    expect: [{name: noticed, becomes: "!health.ok || health.body.redis != 'ok'", within: 15s}]
  recovery:
    within: 60s
    expect: [{name: healthy again, eventually: "health.body.redis == 'ok'", for: 2s}]
"""


def world(kind: str) -> list[Object]:
    """Three pods with a Redis each, and for Sentinel one of these beside it; a client that writes to all of it."""
    secret, service, servers = yaml.safe_load_all(WORLD)
    pod = servers["spec"]["template"]["spec"]
    server = pod["containers"][0] | IMAGE
    if kind == "cluster":
        server["command"] = ["sh", "-c", f"{SERVER} --cluster-enabled yes --cluster-node-timeout 5000"]
        pod["containers"] = [server]
    else:
        service["spec"]["ports"].append({"name": "sentinel", "port": 26379})
        follows = '[ "$(hostname)" = redis-0 ] || follow="--replicaof redis-0.redis 6379"; '
        server["command"] = ["sh", "-c", f"{follows}{SERVER} $follow"]
        sentinel = server | {"name": "sentinel", "command": ["sh", "-c", WATCHING]}
        sentinel["readinessProbe"] = {"tcpSocket": {"port": 26379}, "periodSeconds": 1}
        pod["containers"] = [server, sentinel]
    return [secret, service, servers, *health_client(CLIENT, {"KIND": kind, "PASSWORD": PASSWORD})]


def cli(ns: TeamNamespace, pod: str, *words: str, container: str = "redis", port: int = 6379) -> str:
    """What a server answers, asked in its own pod."""
    command = ("redis-cli", "-p", str(port), "-a", PASSWORD, "--no-auth-warning", *words)
    return kubectl("-n", ns.namespace, "exec", pod, "-c", container, "--", *command, ok=False).stdout


async def deploy(ns: TeamNamespace, kind: str) -> None:
    """Have it run, and know itself."""
    ns.apply(*world(kind))
    kubectl("-n", ns.namespace, "rollout", "status", "statefulset/redis", "--timeout=120s")
    pods = json.loads(kubectl("-n", ns.namespace, "get", "pods", "-l", "app=redis", "-o", "json").stdout)["items"]
    if kind == "cluster":
        places = [f"{pod['status']['podIP']}:6379" for pod in pods]
        cli(ns, "redis-0", "--cluster", "create", *places, "--cluster-yes")
    await ns.deploy(*world(kind)[3:])

    async def whole() -> bool:
        if kind == "cluster":
            return all("cluster_state:ok" in cli(ns, f"redis-{n}", "cluster", "info") for n in range(3))
        told = [cli(ns, f"redis-{n}", "sentinel", "master", MASTER, container="sentinel", port=26379) for n in range(3)]
        return all("num-slaves\n2\n" in one and "num-other-sentinels\n2\n" in one for one in told)

    await until(whole, "the servers know each other", 90)


def gameday(kind: str, **partition: Any) -> Object:
    body: Object = yaml.safe_load(GAMEDAY)
    redis = body["spec"]["dependencies"][0]["redis"]
    if kind == "cluster":
        redis["cluster"] = {}
    else:
        redis["sentinel"] = {"masterName": MASTER, "auth": redis["auth"]}
    body["spec"]["outage"]["faults"][0]["networkPartition"] |= partition
    return body


@each_kind(KUBERNETES)
async def test_a_cluster_is_cut_off_at_each_of_its_nodes(ns: TeamNamespace, via: str) -> None:
    await deploy(ns, "cluster")
    await ns.operator()
    await ns.start(gameday("cluster", via=via))
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    reasons = {line["reason"] for line in events_of(status)}
    assert "CutProven" in reasons
    assert reasons & {"ConnectionsClosed", "ConnectionsEnded"}
    await ns.nothing_is_left()


async def test_a_cluster_of_which_a_node_would_stay_open_is_not_cut(ns: TeamNamespace) -> None:
    await deploy(ns, "cluster")
    for pod in ("redis-0", "redis-1"):
        kubectl("-n", ns.namespace, "label", "pod", pod, "half=yes")
    half = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "half"}}
    ns.apply(half | {"spec": {"clusterIP": "None", "selector": {"half": "yes"}, "ports": [{"port": 6379}]}})
    await ns.operator()
    body = gameday("cluster")
    body["spec"]["dependencies"][0]["redis"]["service"]["name"] = "half"
    await ns.start(body)
    status = await ns.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "AddressesUnknown"), status["message"]
    assert "is one of them and is not cut" in status["message"]
    assert "name a Service that selects every server" in status["message"]
    assert status.get("undo", []) == []
    await ns.nothing_is_left()


@each_kind(CILIUM)
async def test_a_redis_that_sentinels_watch_is_cut_off_wherever_its_master_is(ns: TeamNamespace, via: str) -> None:
    await deploy(ns, "sentinel")
    await ns.operator()
    await ns.start(gameday("sentinel", via=via))
    await ns.under_cut()
    assert "OK" in cli(ns, "redis-1", "sentinel", "failover", MASTER, container="sentinel", port=26379)

    async def moved() -> bool:
        return any("role:master" in cli(ns, f"redis-{n}", "info", "replication") for n in (1, 2))

    await until(moved, "another server is the master", 20)
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    await ns.nothing_is_left()
