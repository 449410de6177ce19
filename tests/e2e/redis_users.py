"""A Redis with a replica and ACL users in a test's namespace, a front that uses it, and a drill of its user."""

import json
from typing import Any, Final

import yaml

from e2e.dialling import until
from e2e.health_client import IMAGE, health_client
from e2e.namespaces import TeamNamespace, kubectl
from e2e.platforms import allow
from gameday.cluster.resources import Object

ROOT_PASSWORD: Final = "for-tests"
APP_PASSWORD: Final = "of-the-app-for-tests"
ADMIN_PASSWORD: Final = "of-the-admin-for-tests"
FRONT: Final = """
import os
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

store = Redis(
    host="store-0.store", username="app", password=os.environ["PASSWORD"], socket_timeout=0.7,
    socket_connect_timeout=0.7, retry=Retry(NoBackoff(), 0), client_name="front",
)

def ask():
    store.set("seen", "1")

store.ping()
"""
SERVER: Final = f"""
[ "$(hostname)" = store-0 ] || follow="--replicaof store-0.store 6379"
exec redis-server --bind 0.0.0.0 --protected-mode no --save '' --dir /data --requirepass {ROOT_PASSWORD} \
 --masterauth {ROOT_PASSWORD} --user app on '>{APP_PASSWORD}' '~*' '+@all' '-@dangerous' \
 --user drill-admin on '>{ADMIN_PASSWORD}' '+acl|getuser' '+acl|setuser' '+acl|whoami' '+client|list' '+client|kill' \
 +role $follow
"""
WORLD: Final = """
apiVersion: v1
kind: Secret
metadata: {name: redis-app}
stringData: {password: %(app)s}
---
apiVersion: v1
kind: Secret
metadata: {name: redis-admin}
stringData: {password: %(admin)s}
---
apiVersion: v1
kind: Service
metadata: {name: store}
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector: {app: store}
  ports: [{name: redis, port: 6379}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: store}
spec:
  serviceName: store
  replicas: 2
  selector: {matchLabels: {app: store}}
  template:
    metadata: {labels: {app: store}}
    spec:
      terminationGracePeriodSeconds: 0
      volumes: [{name: data, emptyDir: {}}]
      containers:
      - name: redis
        workingDir: /data
        volumeMounts: [{name: data, mountPath: /data}]
        readinessProbe: {tcpSocket: {port: 6379}, periodSeconds: 1}
"""


def gameday(selects: str = "front", **outage: Any) -> Object:
    """A drill that switches the front's user off; ``selects`` is the label of those who may be connected as it."""
    password = {"secretKeyRef": {"name": "redis-app", "key": "password"}}
    off = {
        "dependency": "redis",
        "user": "app",
        "administrator": {
            "username": "drill-admin",
            "passwordFrom": {"secretKeyRef": {"name": "redis-admin", "key": "password"}},
        },
        "provenBy": "login",
        "podSelector": {"matchLabels": {"app": selects}},
    }
    back = {"name": "back", "eventually": "health.body.redis == 'ok'", "measures": "timeToRecover"}
    return {
        "apiVersion": "gameday.dev/v1alpha1",
        "kind": "GameDay",
        "metadata": {"name": "user-off"},
        "spec": {
            "dependencies": [{"name": "redis", "redis": {"service": {"name": "store"}}}],
            "probes": [
                {"name": "health", "interval": "1s", "http": {"url": "http://front/"}},
                {
                    "name": "login",
                    "interval": "1s",
                    "redisLogin": {"dependency": "redis", "user": "app", "passwordFrom": password},
                },
            ],
            "steadyState": {
                "duration": "4s",
                "expect": [{"name": "well", "always": "health.body.redis == 'ok'"}],
            },
            "outage": {
                "duration": "6s",
                "faults": [{"name": "user-off", "redisAcl": off}],
                "expect": [{"name": "noticed", "becomes": "health.body.redis != 'ok'", "within": "4s"}],
            }
            | outage,
            "recovery": {"within": "20s", "expect": [back]},
        },
    }


async def deployed(ns: TeamNamespace, admin: str = ADMIN_PASSWORD, allowed: str = "redisAcl") -> None:
    """All of it runs, and the administrator of the cluster allows such faults."""
    allow(ns, allowed)
    bodies: list[Object] = list(yaml.safe_load_all(WORLD % {"app": APP_PASSWORD, "admin": admin}))
    servers = bodies[3]
    server = servers["spec"]["template"]["spec"]["containers"][0]
    server |= IMAGE | {"command": ["sh", "-c", SERVER]}
    ns.apply(*bodies)
    kubectl("-n", ns.namespace, "rollout", "status", "statefulset/store", "--timeout=120s")
    await ns.deploy(*health_client(FRONT, {"PASSWORD": APP_PASSWORD}, name="front"))

    async def follows() -> bool:
        return "state=online" in cli(ns, 0, "INFO", "replication")

    # The master names a replica once that has its data.
    await until(follows, "the replica follows the master", 60)


def front_clients(ns: TeamNamespace) -> int:
    """How many connections the front has at the master."""
    return cli(ns, 0, "CLIENT", "LIST").count("name=front")


def cli(ns: TeamNamespace, server: int, *words: str) -> str:
    """What a server answers its own administrator."""
    command = ("redis-cli", "-a", ROOT_PASSWORD, "--no-auth-warning", *words)
    return kubectl("-n", ns.namespace, "exec", f"store-{server}", "--", *command).stdout


def known(ns: TeamNamespace) -> list[str]:
    """All that each server knows of the user."""
    return [cli(ns, server, "ACL", "GETUSER", "app") for server in range(2)]


def on(ns: TeamNamespace) -> list[bool]:
    """Whether the user is on, by server."""
    return [said.split()[1] == "on" for said in known(ns)]


def secrets_in(status: Object) -> list[str]:
    """The passwords that a status shows."""
    text = json.dumps(status)
    return [word for word in (ROOT_PASSWORD, APP_PASSWORD, ADMIN_PASSWORD) if word in text]
