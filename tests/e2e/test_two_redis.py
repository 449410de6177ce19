"""Two Redis, one of which is cut: nothing happens to the other one, whichever stands first."""

import copy

import pytest
import yaml

from deploy import manifests as shop_manifests
from e2e.dialling import until
from e2e.namespaces import TeamNamespace, kubectl, small
from gameday.api.lines import events_of
from gameday.cluster.resources import PODS, Object

pytestmark = pytest.mark.e2e

HOLDS: Object = yaml.safe_load("""
apiVersion: v1
kind: Pod
metadata: {name: holds, labels: {app: queue-job}}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  containers:
  - name: holds
    image: localhost/gameday-shop:dev
    imagePullPolicy: IfNotPresent
    command:
    - python3
    - -uc
    - |
      import socket, time
      one = socket.create_connection(("cache", 6379), timeout=5)
      one.sendall(b"AUTH demo-only\\r\\n")
      while True:
          assert one.recv(64).startswith(b"+"), "Redis hung up"
          print("answered")
          time.sleep(0.2)
          one.sendall(b"PING\\r\\n")
""")
"""A target that holds one connection to the Redis that is not cut, and fails when that ends."""


def called_cache() -> list[Object]:
    """The shop's Redis once more, as ``cache``."""
    made = []
    for body in shop_manifests():
        if body["metadata"]["name"] != "redis" or body["kind"] not in {"Deployment", "Service"}:
            continue
        one = copy.deepcopy(body)
        one["metadata"] = {"name": "cache"}
        if one["kind"] == "Deployment":
            one["spec"]["selector"] = {"matchLabels": {"app": "cache"}}
            one["spec"]["template"]["metadata"]["labels"] = {"app": "cache"}
        else:
            one["spec"]["selector"] = {"app": "cache"}
        made.append(one)
    return made


async def test_connections_to_the_redis_that_is_not_cut_are_never_closed(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    ns.apply(*called_cache())
    await until(ns._deployed, "the second Redis runs", 60)
    ns.apply(HOLDS)

    async def phase() -> str:
        pod = await ns.admin.get(PODS, ns.namespace, "holds")
        return str((pod or {}).get("status", {}).get("phase", ""))

    async def runs() -> bool:
        return await phase() == "Running"

    await until(runs, "a target holds a connection to the second Redis", 60)
    gameday = small()
    spec = gameday["spec"]
    cache = copy.deepcopy(spec["dependencies"][0])
    cache["name"], cache["redis"]["service"]["name"] = "cache", "cache"
    spec["dependencies"].insert(0, cache)
    spec["probes"].insert(0, {"name": "cache", "redis": {"dependency": "cache"}})
    spec["outage"]["faults"][0]["networkPartition"]["podSelector"] = {
        "matchExpressions": [{"key": "app", "operator": "In", "values": ["api", "queue-job"]}]
    }
    await ns.operator()
    await ns.start(gameday)
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    # Whichever shows it first: the pod that ends connections is made in any case.
    assert {"ConnectionsClosed", "ConnectionsEnded"} & {line["reason"] for line in events_of(status)}
    told = kubectl("-n", ns.namespace, "logs", "holds", "--tail=8", ok=False).stdout
    assert await phase() == "Running", f"its connection to the Redis that is not cut was closed: {told}"
    await ns.nothing_is_left()
