"""Systems of software that we did not write, deployed as a team would; the programs are in ``tests/foreign``."""

import contextlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pytest
import yaml

from e2e.dialling import ROOT, until
from e2e.namespaces import TeamNamespace, example, kubectl
from gameday.cluster.resources import Object

IMAGE: Final = "localhost/gameday-foreign:dev"
PASSWORD: Final = "demo-only"
REDIS_PORT: Final = 6379
SIDECAR: Final = "log-shipper"
HOLDS_ON: Final = ["sh", "-c", 'trap "" TERM; while :; do sleep 3600 & wait $!; done']
"""An ordinary sidecar: it neither ends by itself nor when it is asked to."""
SAFE: Final = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def celery() -> Object:
    """The example for Celery, in short."""
    return example("celery", steady="8s", outage="25s", recovery="90s")


def bullmq() -> Object:
    """The example for BullMQ, in short."""
    return example("bullmq-node", steady="8s", outage="20s", recovery="90s")


def claiming(gameday: Object, expectation: str, name: str, **claim: Any) -> Object:
    """The GameDay with an outage expectation replaced by another."""
    expected = gameday["spec"]["outage"]["expect"]
    (at,) = (i for i, one in enumerate(expected) if one["name"] == expectation)
    expected[at] = {"name": name, **claim}
    return gameday


def orders() -> Iterator[Object]:
    """Celery: a front that enqueues, a worker, and Flower, which counts."""
    broker = {"BROKER": f"redis://:{PASSWORD}@redis:{REDIS_PORT}/0"}
    celery = ("celery", "--app=orders")
    yield from redis()
    yield from workload("api", ("python3", "orders_api.py"), broker, 8080)
    yield from workload("worker", (*celery, "worker", "--hostname=worker@orders", "--concurrency=2"), broker)
    flower = (*celery, "flower", "--address=0.0.0.0", "--port=5555")
    yield from workload("flower", flower, {**broker, "FLOWER_UNAUTHENTICATED_API": "true"}, 5555)


def mails(**front: str) -> Iterator[Object]:
    """BullMQ: a front that adds jobs, with this environment, and a worker."""
    password = {"REDIS_PASSWORD": PASSWORD}
    yield from redis()
    yield from workload("api", ("node", "mails.mjs", "api"), {**password, **front}, 8080)
    yield from workload("worker", ("node", "mails.mjs", "worker"), password)


def redis() -> Iterator[Object]:
    """A Redis with a password."""
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "redis"}}
    yield secret | {"stringData": {"password": PASSWORD}}
    command = ("redis-server", "--bind", "0.0.0.0", "--save", "", "--requirepass", PASSWORD)
    yield from workload("redis", command, {}, REDIS_PORT, REDIS_PORT)


def workload(
    name: str, command: Sequence[str], environment: Mapping[str, str], listens: int = 0, port: int = 80
) -> Iterator[Object]:
    """A Deployment of one pod, and the Service in front of what listens."""
    container: Object = {
        "name": name,
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": list(command),
        "env": [{"name": key, "value": value} for key, value in environment.items()],
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "384Mi"}},
        "securityContext": dict(SAFE),
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    if listens:
        container["ports"] = [{"containerPort": listens}]
        container["readinessProbe"] = {"tcpSocket": {"port": listens}, "periodSeconds": 1}
    spec = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 2,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    labels = {"app": name}
    yield {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": dict(labels)},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": dict(labels)},
            "template": {"metadata": {"labels": dict(labels)}, "spec": spec},
        },
    }
    if listens:
        ports = [{"port": port, "targetPort": listens}]
        yield {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name},
            "spec": {"selector": dict(labels), "ports": ports},
        }


def policy(name: str, pods: Object, **rules: Any) -> Object:
    """A NetworkPolicy."""
    kinds = {"ingress": "Ingress", "egress": "Egress"}
    spec = {"podSelector": pods, "policyTypes": [kinds[way] for way in rules], **rules}
    metadata = {"name": name}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


def closed() -> Iterator[Object]:
    """A namespace that denies by default, with what the team's own pods need of each other and no more."""
    clients = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["api", "worker", "flower"]}]}
    at_redis = [{"port": REDIS_PORT}]
    names = [{"port": 53, "protocol": protocol} for protocol in ("UDP", "TCP")]
    yield policy("default-deny", {}, ingress=[], egress=[])
    out = [{"to": [{"podSelector": {"matchLabels": {"app": "redis"}}}], "ports": at_redis}]
    yield policy("clients", clients, egress=[*out, {"to": [{"namespaceSelector": {}}], "ports": names}])
    admitted = [{"from": [{"podSelector": clients}], "ports": at_redis}]
    yield policy("redis", {"matchLabels": {"app": "redis"}}, ingress=admitted)


def documented(*services: str) -> Iterator[Object]:
    """What docs/how-to/networks.md has such a team add for our pods, word for word; its Service named anew for each.

    Its rule for the fuse names an API server by address, and what the page says to write on Cilium instead.
    """
    blocks = re.findall(
        r"^```yaml\n(.*?)^```$", (ROOT / "docs" / "how-to" / "networks.md").read_text(), re.DOTALL | re.MULTILINE
    )
    (block,) = (one for one in blocks if "gameday-observer-at-api" in one)
    bodies: list[Object] = list(yaml.safe_load_all(block))
    for service in services:
        for body in bodies[:2]:
            text = json.dumps(body).replace('"app": "api"', f'"app": "{service}"')
            named: Object = json.loads(text)
            named["metadata"]["name"] += f"-{service}"
            yield named
    fuse = bodies[2]
    yield {
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": fuse["metadata"],
        "spec": {
            "endpointSelector": fuse["spec"]["podSelector"],
            "egress": [{"toEntities": ["kube-apiserver"]}],
        },
    }


def requeue() -> Object:
    """A suspended CronJob that does next to nothing, for a rollback."""
    container = {
        "name": "requeue",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["true"],
        "securityContext": dict(SAFE),
    }
    spec = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 2, "containers": [container]}
    job = {"spec": {"backoffLimit": 0, "template": {"spec": spec}}}
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "requeue"},
        "spec": {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": job},
    }


@contextlib.contextmanager
def injector(namespace: str, *, native: bool = False) -> Iterator[None]:
    """A sidecar, ordinary or native, in each pod that is made in a namespace from now on, as a tool's webhook adds it.

    It is a JSON patch, since what applies a configuration may not set the list of a command.
    """
    if kubectl("get", "mutatingadmissionpolicies", ok=False).returncode != 0:
        pytest.skip("the cluster has no MutatingAdmissionPolicy (it is v1 since Kubernetes 1.36)")
    fields = f"name: '{SIDECAR}', image: '{IMAGE}', command: {json.dumps(HOLDS_ON)}"
    path, value = "/spec/containers/-", f"Object.spec.containers{{{fields}}}"
    if native:
        path, value = "/spec/initContainers", f"[Object.spec.initContainers{{{fields}, restartPolicy: 'Always'}}]"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    here = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    patch = {"expression": f"[JSONPatch{{op: 'add', path: '{path}', value: {value}}}]"}
    spec = {
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "matchConstraints": {"namespaceSelector": here, "resourceRules": [rule]},
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": patch}],
    }
    kinds = {"MutatingAdmissionPolicy": spec, "MutatingAdmissionPolicyBinding": {"policyName": namespace}}
    text = yaml.safe_dump_all(
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": kind,
            "metadata": {"name": namespace},
            "spec": said,
        }
        for kind, said in kinds.items()
    )
    try:
        kubectl("create", "-f", "-", stdin=text)
        yield
    finally:
        kubectl("delete", "--ignore-not-found", "-f", "-", stdin=text)


async def injects(ns: TeamNamespace) -> None:
    """Wait until the injector acts."""

    async def so() -> bool:
        run = ("run", "tried", f"--image={IMAGE}", "--dry-run=server", "-o", "json")
        made = json.loads(kubectl("-n", ns.namespace, *run).stdout)
        return SIDECAR in beside(made)

    await until(so, "the injector acts", 30)


def beside(pod: Object) -> set[str]:
    """The containers of a pod, native sidecars included."""
    return {one["name"] for one in (*pod["spec"]["containers"], *pod["spec"].get("initContainers", ()))}
