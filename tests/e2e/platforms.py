"""A platform with an HTTP API in a test's namespace, and a drill that has it suspend a service (``hosting``)."""

import json
from typing import Any, Final

import yaml

from e2e.dialling import ROOT
from e2e.namespaces import IMAGE, TeamNamespace, kubectl
from gameday.cluster.resources import Object

TOKEN: Final = "a-token-for-tests"
AUTH: Final = {"bearer": {"tokenFrom": {"secretKeyRef": {"name": "platform", "key": "token"}}}}
API: Final = "http://platform/v1/services/site"
WORKER: Final = "http://platform/v1/services/worker"

PLATFORM: Final = """
apiVersion: v1
kind: Secret
metadata: {name: platform}
stringData: {token: %(token)s}
---
apiVersion: v1
kind: Service
metadata: {name: platform}
spec: {selector: {app: platform}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: platform}
spec:
  selector: {matchLabels: {app: platform}}
  template:
    metadata: {labels: {app: platform}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: platform
        image: %(image)s
        imagePullPolicy: Never
        command: [python3, /code/hosting.py, "8080"]
        env:
        - {name: TOKEN, value: %(known)s}
        - {name: ANSWERS_AFTER, value: "%(after)s"}
        - {name: RESTARTS_FOR, value: "%(away)s"}
        readinessProbe: {httpGet: {path: /calls, port: 8080}, periodSeconds: 1}
        volumeMounts: [{name: code, mountPath: /code}]
      volumes: [{name: code, configMap: {name: platform}}]
"""


def gameday(**outage: Any) -> Object:
    """A drill whose system has no pod in the cluster."""
    site = {"name": "site", "interval": "1s", "http": {"url": "http://platform/services/site"}}
    service = {"name": "service", "interval": "1s", "http": {"url": API, "auth": AUTH}}
    suspend = {
        "do": {"url": f"{API}/suspend", "method": "POST", "auth": AUTH, "json": {"why": "drill"}},
        "undo": {"url": f"{API}/resume", "method": "POST", "auth": AUTH},
        "verify": {
            "seen": "service.body.suspended == 'suspended'",
            "undone": "service.body.suspended == 'not_suspended'",
        },
        "within": "30s",
    }
    recovery = {"name": "back", "eventually": "site.status == 200", "measures": "timeToRecover"}
    return {
        "apiVersion": "gameday.dev/v1alpha1",
        "kind": "GameDay",
        "metadata": {"name": "platform"},
        "spec": {
            "probes": [site, service],
            "steadyState": {"duration": "3s", "expect": [{"name": "up", "always": "site.status == 200"}]},
            "outage": {
                "duration": "5s",
                "faults": [{"name": "suspend", "http": suspend}],
                "expect": [{"name": "away", "becomes": "site.status == 503", "within": "4s"}],
            }
            | outage,
            "recovery": {"within": "20s", "expect": [recovery]},
        },
    }


def request(verb: str, **more: Any) -> Object:
    """A call of the platform's API about the worker."""
    return {"url": f"{WORKER}/{verb}", "method": "POST", "auth": AUTH, **more}


def suspending(name: str) -> Object:
    """A step that suspends the worker until the drill ends."""
    verify = {
        "seen": "worker.body.suspended == 'suspended'",
        "undone": "worker.body.suspended == 'not_suspended'",
    }
    return {"name": name, "http": {"do": request("suspend"), "undo": request("resume"), "verify": verify}}


def once(name: str, verb: str) -> Object:
    """A step that calls the platform about the worker, and is not taken back."""
    return {"name": name, "httpOnce": request(verb), "irreversible": True}


def with_worker(body: Object) -> Object:
    """The same drill with a probe of the worker."""
    body["spec"]["probes"].append({"name": "worker", "interval": "1s", "http": {"url": WORKER, "auth": AUTH}})
    return body


def allow(ns: TeamNamespace, *kinds: str) -> None:
    """What the administrator does: a test's operator has its limits in the test's namespace."""
    limits: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "gameday-limits"}}
    ns.apply(limits | {"data": {"limits.yaml": f"allowedFaults: [{', '.join(kinds)}]"}})


async def deployed(
    ns: TeamNamespace, token: str = TOKEN, *, answers_after: float = 0.0, restarts_for: float = 0.0
) -> None:
    """The platform runs, and the namespace has a token for it.

    It answers calls after some seconds, and a service that it restarts is away for some.
    """
    code = (ROOT / "tests" / "hosting.py").read_text()
    config: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "platform"}}
    allow(ns, "http", "httpOnce")
    given = {"token": token, "known": TOKEN, "image": IMAGE, "after": answers_after, "away": restarts_for}
    bodies = yaml.safe_load_all(PLATFORM % given)
    await ns.deploy(config | {"data": {"hosting.py": code}}, *bodies)


def calls(ns: TeamNamespace, service: str = "") -> list[str]:
    """What the platform was called for, by verb, in its order; of one service where it is named."""
    ask = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8080/calls').read().decode())"
    said = kubectl("-n", ns.namespace, "exec", "deploy/platform", "--", "python3", "-c", ask).stdout
    paths = [call["path"].split("/") for call in json.loads(said)["calls"]]
    return [verb for *_, called, verb in paths if service in {"", called}]
