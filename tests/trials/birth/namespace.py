"""The namespace of a trial, and the pods in it: targets, and those that stand beside them in one of several ways."""

import contextlib
import json
import os
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

Object = dict[str, Any]

CLUSTER: Final = Path(__file__).parents[2] / "cluster" / "cluster"
IMAGE: Final = os.environ.get("GAMEDAY_IMAGE", "localhost/gameday:dev")
OWN: Final = "gameday-trial"
"""The value that no team's pod has."""
PATIENCE: Final = 120.0
"""Seconds for whatever is waited for: another program may make the API server unavailable for a minute."""

STAYS: Final = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: print("SIGTERM", time.time(), flush=True))
while True:
    print("alive", time.time(), flush=True)
    time.sleep(1)
"""
"""An agent that SIGTERM does not end."""
ENDS: Final = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
while True:
    time.sleep(1)
"""
"""What an injected proxy does at SIGTERM."""


@dataclass(frozen=True, slots=True)
class Row:
    """One question of the trial. ``holds`` says whether the answer is what an agent needs."""

    about: str
    way: str
    found: str
    holds: bool


def kubectl(*arguments: str, stdin: str = "", tries: float = PATIENCE) -> str:
    """What kubectl prints; asked again while the API server does not answer.

    Raises:
        RuntimeError: when kubectl refuses.

    """
    until = time.monotonic() + tries
    while True:
        done = subprocess.run(["kubectl", *arguments], input=stdin, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout
        away = "refused" in done.stderr or "Unable to connect" in done.stderr or "timeout" in done.stderr
        if not away or time.monotonic() > until:
            raise RuntimeError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        time.sleep(2)


def wait(look: Callable[[], Any], patience: float = PATIENCE, every: float = 0.5) -> float | None:
    """Seconds until something is so; None when it never was."""
    began = time.monotonic()
    while time.monotonic() < began + patience:
        if look():
            return time.monotonic() - began
        time.sleep(every)
    return None


@dataclass(frozen=True, slots=True)
class TrialNamespace:
    """A namespace for one trial."""

    name: str

    def ask(self, *arguments: str, stdin: str = "") -> str:
        """Kubectl in the namespace."""
        return kubectl("-n", self.name, *arguments, stdin=stdin)

    def list(self, kind: str, selector: str = "") -> list[Object]:
        """The objects of a kind."""
        labels = ("-l", selector) if selector else ()
        found: list[Object] = json.loads(self.ask("get", kind, *labels, "-o", "json"))["items"]
        return found

    def get(self, kind: str, name: str) -> Object | None:
        """One object, or None."""
        text = self.ask("get", kind, name, "-o", "json", "--ignore-not-found")
        return json.loads(text) if text else None

    def apply(self, *bodies: Object) -> None:
        """Apply objects in the namespace."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(bodies)}
        self.ask("apply", "-f", "-", stdin=json.dumps(listed))

    def running(self, *names: str) -> None:
        """Wait until pods run, ready or not.

        Raises:
            RuntimeError: when one never does.

        """

        def so() -> bool:
            there = {pod["metadata"]["name"]: pod["status"].get("phase") for pod in self.list("pods")}
            return all(there.get(name) == "Running" for name in names)

        if wait(so) is None:
            raise RuntimeError(f"{', '.join(names)}: not all of them run")

    def lives(self, name: str) -> bool:
        """Whether the first container of a pod runs."""
        pod = self.get("pod", name)
        listed = (pod or {}).get("status", {}).get("containerStatuses") or ()
        return any("running" in (one.get("state") or {}) for one in listed if one["name"] == "agent")

    def delete_at_birth(self, *names: str) -> float:
        """Delete pods that run, with the grace of their spec; when, in Unix seconds."""
        at = time.time()
        self.ask("delete", "pod", *names, "--wait=false")
        return at

    def label(self, name: str, labels: Mapping[str, str]) -> float:
        """Label a pod; when, in Unix seconds."""
        at = time.time()
        self.ask("label", "pod", name, "--overwrite", *(f"{key}={value}" for key, value in labels.items()))
        return at

    def force(self, *names: str) -> None:
        """Delete pods with the shortest grace."""
        if names:
            self.ask("delete", "pod", *names, "--grace-period=1", "--wait=false", "--ignore-not-found")

    def kill(self, *names: str) -> None:
        """End the processes of pods from the node, which is all that ends one that was deleted at birth."""
        for name in names:
            subprocess.run([str(CLUSTER), "kill", name, self.name], check=False, capture_output=True)


def agent(
    name: str, program: str = STAYS, labels: Mapping[str, str] | None = None, *, grace: int = 3600, **spec: Any
) -> Object:
    """A pod like an agent's: small, and never ready."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"trial": "agent", **(labels or {})}},
        "spec": {
            "terminationGracePeriodSeconds": grace,
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "readinessGates": [{"conditionType": "gameday.dev/never-ready"}],
            "containers": [container("agent", program, "10m", "16Mi")],
            **spec,
        },
    }


def container(name: str, program: str, cpu: str = "10m", memory: str = "16Mi") -> Object:
    """A container that runs a Python program."""
    return {
        "name": name,
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-u", "-c", program],
        "resources": {"requests": {"cpu": cpu, "memory": memory}},
    }


def deployment(name: str, program: str, replicas: int, cpu: str, memory: str, kind: str = "Deployment") -> Object:
    """A workload of pods with the label ``app``."""
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "terminationGracePeriodSeconds": 1,
                    "automountServiceAccountToken": False,
                    "containers": [container("main", program, cpu, memory)],
                },
            },
        },
    }


def service(name: str, app: str, port: int, *, unready: bool = False) -> Object:
    """A Service before the pods of an ``app``."""
    spec = {"selector": {"app": app}, "ports": [{"port": port}], "publishNotReadyAddresses": unready}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


@contextlib.contextmanager
def trial_namespace() -> Iterator[TrialNamespace]:
    """A namespace that is gone afterwards."""
    one = TrialNamespace(f"birth-{secrets.token_hex(3)}")
    kubectl("create", "namespace", one.name)
    try:
        wait(lambda: one.get("serviceaccount", "default"))
        yield one
    finally:
        kubectl("delete", "namespace", one.name, "--wait=false")
        time.sleep(10)
        one.kill(*(pod["metadata"]["name"] for pod in one.list("pods")))
