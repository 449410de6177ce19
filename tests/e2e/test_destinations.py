"""Destinations as people have them: an exporter's port before Redis' own, TLS of which nothing tells, sidecars."""

import copy
import subprocess
from pathlib import Path

import pytest
import yaml

from e2e.dialling import until
from e2e.health_client import IMAGE
from e2e.namespaces import TeamNamespace, kubectl, small
from gameday.api.lines import events_of
from gameday.cluster.resources import PODS, Object
from gameday.model.labels import AGENT

pytestmark = pytest.mark.e2e

SECURE: list[Object] = list(
    yaml.safe_load_all("""
apiVersion: v1
kind: Service
metadata: {name: secure}
spec:
  selector: {app: secure}
  ports: [{name: tls, port: 6379}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: secure}
spec:
  selector: {matchLabels: {app: secure}}
  template:
    metadata: {labels: {app: secure}}
    spec:
      terminationGracePeriodSeconds: 0
      volumes: [{name: tls, secret: {secretName: secure}}]
      containers:
      - name: redis
        command:
        - sh
        - -c
        - exec redis-server --bind 0.0.0.0 --protected-mode no --save "" --port 0 --tls-port 6379
          --tls-auth-clients no --tls-cert-file /tls/tls.crt --tls-key-file /tls/tls.key
          --tls-ca-cert-file /tls/tls.crt
        volumeMounts: [{name: tls, mountPath: /tls}]
        readinessProbe: {tcpSocket: {port: 6379}, periodSeconds: 1}
""")
)
SIDECAR = """
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: NAME}
spec:
  failurePolicy: Fail
  reinvocationPolicy: Never
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NAME}}
    objectSelector: {matchExpressions: [{key: gameday.dev/agent, operator: Exists}]}
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  mutations:
  - patchType: JSONPatch
    jsonPatch:
      expression: >-
        [JSONPatch{op: "add", path: "/spec/containers/0", value: Object.spec.containers{
          name: "proxy", image: "localhost/gameday-shop:dev", imagePullPolicy: "IfNotPresent",
          command: ["sh", "-c", "echo proxy; exec sleep 3600"]}}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: NAME}
spec: {policyName: NAME}
"""


def certificate(folder: Path) -> dict[str, str]:
    """A key and a certificate that nobody trusts, as a Secret has them."""
    key, made = folder / "tls.key", folder / "tls.crt"
    make = ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    where = ["-subj", "/CN=secure", "-keyout", str(key), "-out", str(made)]
    subprocess.run([*make, *where], check=True, capture_output=True)
    return {key.name: key.read_text(), made.name: made.read_text()}


@pytest.mark.slow
async def test_a_port_before_redis_own_on_which_nothing_listens_is_told_and_left_out(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    ports = [{"name": "metrics", "port": 9121}, {"name": "redis", "port": 6379, "targetPort": "redis"}]
    ns.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "redis"}}
               | {"spec": {"selector": {"app": "redis"}, "ports": ports}})  # fmt: skip
    await ns.operator()
    await ns.start(small())
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    (line,) = [line for line in events_of(status) if line["reason"] == "NothingAnswers"]
    assert ":9121" in line["message"]
    assert ":6379" not in line["message"]
    await ns.nothing_is_left()


async def test_a_redis_with_tls_of_which_nothing_tells_is_cut_and_the_cut_proven(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    data = certificate(ns.folder)
    secure = copy.deepcopy(SECURE)
    secure[1]["spec"]["template"]["spec"]["containers"][0] |= IMAGE
    ns.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "secure"}, "stringData": data}, *secure)
    await until(ns._deployed, "the Redis with TLS runs", 60)
    await ns.operator()
    gameday = small(outage__expect=[])
    gameday["spec"]["dependencies"].append({"name": "secure", "tcp": {"service": {"name": "secure"}}})
    partition = gameday["spec"]["outage"]["faults"][0]["networkPartition"]
    partition |= {"to": ["secure"], "openConnections": "Keep"}
    await ns.start(gameday)
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    assert "CutProven" in {line["reason"] for line in events_of(status)}
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_a_sidecar_in_each_of_our_pods_changes_nothing(ns: TeamNamespace) -> None:
    served = kubectl("api-resources", "--api-group=admissionregistration.k8s.io", "--no-headers").stdout
    if "admissionregistration.k8s.io/v1 " not in "".join(
        line for line in served.splitlines() if "MutatingAdmissionPolicyBinding" in line
    ):
        pytest.skip("this Kubernetes has no MutatingAdmissionPolicy v1")
    await ns.shop(parts=("api", "redis"), replicas=1)
    kubectl("apply", "-f", "-", stdin=SIDECAR.replace("NAME", ns.namespace))
    try:
        await ns.operator()
        await ns.start(small())
        await ns.under_cut()
        pods, _ = await ns.admin.list(PODS, ns.namespace, AGENT)
        assert {tuple(c["name"] for c in pod["spec"]["containers"]) for pod in pods} == {("proxy", "agent")}
        status = await ns.finishes()
        assert status["verdict"] == "Passed", status["message"]
        await ns.nothing_is_left()
    finally:
        for kind in ("mutatingadmissionpolicybinding", "mutatingadmissionpolicy"):
            kubectl("delete", kind, ns.namespace, "--ignore-not-found", ok=False)
