"""Who counts pods: autoscalers by four kinds of metrics, a ReplicaSet, a disruption budget, Services.

Each is asked beside nobody, beside pods that have the targets' labels and were deleted at birth, beside pods that have
the targets' label with a value of their own, and beside live pods with the targets' labels.
"""

import base64
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from trials.birth.namespace import OWN, Object, Row, TrialNamespace, agent, deployment, kubectl, service, wait

WATCH: Final = 75.0
"""Seconds for which autoscalers, which look every 15, are watched."""
BESIDE: Final = 3
"""Pods beside each workload."""
METRIC: Final = "custom.metrics.k8s.io"

HOLDS_MEMORY: Final = (
    "import time\nheld = bytearray(45 << 20)\nheld[::4096] = b'x' * len(held[::4096])\ntime.sleep(1e6)"
)
USES_CPU: Final = """
import time
began = time.monotonic()
while True:
    if time.process_time() < 0.018 * (time.monotonic() - began):
        for _ in range(20000): pass
    else:
        time.sleep(0.05)
"""
"""18 thousandths of a CPU."""
IDLE: Final = "import time\ntime.sleep(1e6)"
ANSWERS: Final = """
import http.server, json, ssl, sys
GROUP = "custom.metrics.k8s.io/v1beta2"
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.split("?")[0].rstrip("/")
        said = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": GROUP, "resources": [
            {"name": "services/load", "namespaced": True, "kind": "MetricValueList", "verbs": ["get"]}]}
        if path.count("/") > 3:
            space, name = path.split("/")[5], path.split("/")[7]
            about = {"kind": "Service", "namespace": space, "name": name, "apiVersion": "v1"}
            said = {"kind": "MetricValueList", "apiVersion": GROUP, "metadata": {}, "items": [
                {"describedObject": about, "metric": {"name": "load"}, "value": "8",
                 "timestamp": "2026-01-01T00:00:00Z"}]}
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
server = http.server.ThreadingHTTPServer(("", 6443), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/tls/tls.crt", "/tls/tls.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""
"""A metrics API that says 8 of everything."""

RESOURCE: Final = {"target": {"type": "Utilization", "averageUtilization": 70}}
AUTOSCALERS: Final[dict[str, tuple[str, str, str, int, Object]]] = {
    # At 55 % of what it may use: nothing to do with 2.
    "memory": (HOLDS_MEMORY, "10m", "100Mi", 8, {"type": "Resource", "resource": {"name": "memory", **RESOURCE}}),
    # At 90 %: with 2 a third is due, and not more than 3.
    "cpu": (
        USES_CPU, "20m", "20Mi", 3,
        {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}},
    ),
    "container": (
        HOLDS_MEMORY, "10m", "100Mi", 8,
        {"type": "ContainerResource", "containerResource": {"name": "memory", "container": "main", **RESOURCE}},
    ),
    # 8 of 10.
    "object": (
        IDLE, "10m", "20Mi", 8,
        {"type": "Object", "object": {
            "describedObject": {"apiVersion": "v1", "kind": "Service", "name": "object"},
            "metric": {"name": "load"}, "target": {"type": "Value", "value": "10"}}},
    ),
}  # fmt: skip
EXPECTED: Final = {"memory": 2, "cpu": 3, "container": 2, "object": 2}
WAYS: Final = ("nobody", "own value", "live", "deleted at birth")


def rows(ns: TrialNamespace) -> Iterator[Row]:
    """What counts whom."""
    with_metrics(ns)
    for name, (program, cpu, memory, most, metric) in AUTOSCALERS.items():
        ns.apply(deployment(name, program, 2, cpu, memory), _autoscaler(name, most, metric))
    ns.apply(service("object", "object", 80), deployment("set", IDLE, 2, "10m", "20Mi", "ReplicaSet"))
    ns.apply(service("ready", "set", 80), service("unready", "set", 80, unready=True), _budget())
    ns.ask("wait", *(f"deployment/{name}" for name in AUTOSCALERS), "--for=condition=Available", "--timeout=120s")
    time.sleep(30)  # until metrics are there
    for way in WAYS:
        yield from _beside(ns, way)


def _beside(ns: TrialNamespace, way: str) -> Iterator[Row]:
    ns.ask("scale", "deployment", *AUTOSCALERS, "--replicas=2")
    wait(lambda: _wanted(ns) == EXPECTED)
    own = {pod["metadata"]["name"] for pod in ns.list("pods", "app=set")}
    names: list[str] = []
    if way != "nobody":
        agent_labels = {f"{app}-{way[0]}{i}": app for app in (*AUTOSCALERS, "set") for i in range(BESIDE)}
        bodies = {name: agent(name, grace=3600 if way == "deleted at birth" else 1) for name in agent_labels}
        for name, app in agent_labels.items():
            if way != "deleted at birth":
                bodies[name]["metadata"]["labels"]["app"] = app if way == "live" else OWN
        ns.apply(*bodies.values())
        names = list(bodies)
        if way != "live":  # a ReplicaSet may have deleted some of these already
            ns.running(*names)
        if way == "deleted at birth":
            ns.delete_at_birth(*names)
            for name, app in agent_labels.items():
                ns.label(name, {"app": app})
    seen, why = _watch(ns)
    for name, wanted in EXPECTED.items():
        found = (
            f"{min(seen[name])} to {max(seen[name])} replicas" if len(seen[name]) > 1 else f"{max(seen[name])} replicas"
        )
        spoken = f"; {why[name]}" if why[name] else ""
        yield Row(f"HPA on {name}, {wanted} right", way, found + spoken, max(seen[name]) == wanted and not why[name])
    yield from _counted(ns, way, own, names)
    if way == "deleted at birth":
        ns.kill(*names)
    else:
        ns.force(*names)
    time.sleep(5)


def _wanted(ns: TrialNamespace) -> dict[str, int]:
    """What each autoscaler wants now."""
    return {one["metadata"]["name"]: one.get("status", {}).get("desiredReplicas", 0) for one in ns.list("hpa")}


def _watch(ns: TrialNamespace) -> tuple[dict[str, set[int]], dict[str, str]]:
    """What each autoscaler wanted, and its last complaint."""
    seen: dict[str, set[int]] = {name: set() for name in AUTOSCALERS}
    why = dict.fromkeys(AUTOSCALERS, "")
    until = time.monotonic() + WATCH
    while time.monotonic() < until:
        for one in ns.list("hpa"):
            name, status = one["metadata"]["name"], one.get("status", {})
            seen[name].add(status.get("desiredReplicas", 0))
            active: Object = next((c for c in status.get("conditions", ()) if c["type"] == "ScalingActive"), {})
            why[name] = "" if active.get("status") == "True" else str(active.get("message", "no condition"))[-60:]
        time.sleep(3)
    return seen, why


def _counted(ns: TrialNamespace, way: str, own: set[str], names: list[str]) -> Iterator[Row]:
    now = ns.list("pods", "app=set")
    kept = own <= {pod["metadata"]["name"] for pod in now}
    beside = [pod for pod in ns.list("pods", "trial=agent") if pod["metadata"]["name"].startswith(f"set-{way[0]}")]
    adopted = sum(bool(pod["metadata"].get("ownerReferences")) for pod in beside)
    ending = sum("deletionTimestamp" in pod["metadata"] for pod in beside)
    text = f"own pods {'kept' if kept else 'replaced'}, {adopted} of {len(names) and BESIDE} adopted"
    text += f", {BESIDE - len(beside)} gone, {ending} ending" if names else ""
    right = kept and not adopted and (not names or len(beside) == BESIDE)
    yield Row("ReplicaSet", way, text, right)
    for name in ("ready", "unready"):
        slices = ns.list("endpointslices", f"kubernetes.io/service-name={name}")
        listed = [
            (one["targetRef"]["name"] in {pod["metadata"]["name"] for pod in beside}, one["conditions"].get("ready"))
            for part in slices for one in part.get("endpoints") or ()
        ]  # fmt: skip
        ours, gets = sum(is_ours for is_ours, _ in listed), sum(bool(r) for is_ours, r in listed if is_ours)
        about = "EndpointSlice" if name == "ready" else "EndpointSlice, publishNotReadyAddresses"
        yield Row(about, way, f"{ours} listed, {gets} get traffic", ours == 0)
    status = (ns.get("pdb", "set") or {}).get("status", {})
    text = ", ".join(f"{key} {status.get(key)}" for key in ("expectedPods", "currentHealthy", "disruptionsAllowed"))
    failed = next((c["message"] for c in status.get("conditions", ()) if c["reason"] == "SyncFailed"), "")
    yield Row(
        "PodDisruptionBudget", way, text + (f"; {failed[-60:]}" if failed else ""), status.get("expectedPods") == 2
    )


def _autoscaler(name: str, most: int, metric: Object) -> Object:
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": 2,
            "maxReplicas": most,
            "metrics": [metric],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}},
        },
    }


def _budget() -> Object:
    spec = {"maxUnavailable": "50%", "selector": {"matchLabels": {"app": "set"}}}
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "set"}, "spec": spec}


def with_metrics(ns: TrialNamespace) -> None:
    """Serve a metrics API for objects; it is the cluster's, and taken away by ``without_metrics``."""
    with tempfile.TemporaryDirectory() as folder:
        key, crt = Path(folder, "key"), Path(folder, "crt")
        made = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=metrics", "-days", "2")
        subprocess.run([*made, "-keyout", str(key), "-out", str(crt)], check=True, capture_output=True)
        data = {f"tls.{f.name}": base64.b64encode(f.read_bytes()).decode() for f in (key, crt)}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "tls"}, "data": data}
    body = deployment("answers", ANSWERS, 1, "10m", "20Mi")
    spec = body["spec"]["template"]["spec"]
    spec["containers"][0]["volumeMounts"] = [{"name": "tls", "mountPath": "/tls"}]
    spec["volumes"] = [{"name": "tls", "secret": {"secretName": "tls"}}]
    ns.apply(secret, body, service("answers", "answers", 6443))
    served = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"v1beta2.{METRIC}"},
        "spec": {
            "service": {"name": "answers", "namespace": ns.name, "port": 6443},
            "group": METRIC, "version": "v1beta2", "insecureSkipTLSVerify": True,
            "groupPriorityMinimum": 100, "versionPriority": 100,
        },
    }  # fmt: skip
    kubectl("apply", "-f", "-", stdin=json.dumps(served))


def without_metrics() -> None:
    """Take that API away."""
    kubectl("delete", "apiservice", f"v1beta2.{METRIC}", "--ignore-not-found")


__all__ = ["rows", "without_metrics"]
