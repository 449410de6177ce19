"""A namespace with a Redis and pods that dial it, raw: what policies do is seen here without the operator."""

import asyncio
import contextlib
import json
import os
import secrets
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import yaml

from gameday.cluster.client import Cluster
from gameday.cluster.informer import follow_log
from gameday.cluster.resources import DRILLS, NAMESPACES, PODS, SERVICE_ACCOUNTS, SERVICES, Object, Resource
from gameday.errors import GameDayError, TooManyRequests
from granted import NAMESPACE, role

ROOT = Path(__file__).parents[2]
IMAGE = os.environ.get("GAMEDAY_BASE_IMAGE", "localhost/gameday-shop:dev")
"""An image with python3 and redis-server."""
ROLES = Resource("rbac.authorization.k8s.io", "v1", "roles", "Role")
ROLE_BINDINGS = Resource("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding")
CRDS = Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition")
PATIENCE = 60.0
"""Seconds after which something that should have happened did not."""
pace = 0.05
"""Seconds between two looks of ``until``; a program that looks at many things at once takes more."""

DIAL = """
import json, socket, sys, time
while True:
    for name, (host, port) in json.loads(sys.argv[1]).items():
        sent, error = time.time(), ""
        try:
            with socket.create_connection((host, port), 1) as connection:
                connection.settimeout(1)
                if name.startswith("redis"):
                    connection.sendall(b"PING\\r\\n")
                    assert connection.recv(7) == b"+PONG\\r\\n"
        except Exception as problem:
            error = type(problem).__name__
        print(json.dumps([name, sent, error]), flush=True)
    time.sleep(0.05)
"""

Answer = TypeVar("Answer")

LISTEN = "from http.server import *; ThreadingHTTPServer(('', 8080), SimpleHTTPRequestHandler).serve_forever()"


def kubeconfig() -> Path:
    """The test cluster's; never the user's own."""
    given = os.environ.get("GAMEDAY_KUBECONFIG")
    if given:
        return Path(given)
    command = [str(ROOT / "tests" / "cluster" / "cluster"), "kubeconfig"]
    return Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())


@dataclass
class DialResults:
    """What one pod's dials saw: by name, when each was sent and how it failed (empty: it did not)."""

    dials: dict[str, list[tuple[float, str]]] = field(default_factory=dict)

    def take(self, line: bytes) -> None:
        name, sent, error = json.loads(line)
        self.dials.setdefault(name, []).append((sent, error))

    def last(self, name: str, since: float, length: int = 3) -> list[str] | None:
        """How the last dials since then ended, or None while there are too few."""
        ended = [error for sent, error in self.dials.get(name, ()) if sent >= since]
        return ended[-length:] if len(ended) >= length else None

    def reaches(self, *names: str, since: float) -> bool:
        """Whether the last three dials of each name since then all came through."""
        return all((last := self.last(name, since)) is not None and not any(last) for name in names)

    def fails(self, *names: str, since: float) -> bool:
        """Whether the last three dials of each name since then all failed."""
        return all((last := self.last(name, since)) is not None and all(last) for name in names)

    def cut_off(self, since: float, *, but: tuple[str, ...] = ()) -> set[str]:
        """Other names than these that failed three times in a row since then: one failure alone is a busy machine."""
        return {
            name
            for name, dials in self.dials.items()
            if name not in but and "111" in "".join("1" if error else "0" for sent, error in dials if sent >= since)
        }


@dataclass
class NetworkNamespace:
    """A namespace, the admin's and the account's view of it, and who dials in it."""

    admin: Cluster
    namespace: str
    dialers: dict[str, DialResults] = field(default_factory=dict)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def account(self) -> Cluster:
        return self.admin.as_account(self.namespace)

    async def opt_in(self) -> None:
        """What ``kubectl apply -k manifests/namespace`` does."""
        for resource, name in ((SERVICE_ACCOUNTS, "account"), (ROLE_BINDINGS, "rolebinding")):
            body = yaml.safe_load((NAMESPACE / "base" / f"{name}.yaml").read_text())
            await self.admin.create(resource, self.namespace, body)
        await self.admin.create(ROLES, self.namespace, role())

    async def drill(self, name: str) -> str:
        """A Drill that nobody runs, as the owner of what a test makes; its UID."""
        spec = {"gameDay": "nobody-runs-this", "startBefore": "2000-01-01T00:00:00Z"}
        body = {"apiVersion": DRILLS.api_version, "kind": DRILLS.kind, "metadata": {"name": name}, "spec": spec}
        made = await self.admin.create(DRILLS, self.namespace, body)
        uid: str = made["metadata"]["uid"]
        return uid

    async def run(self, name: str, labels: Mapping[str, str], *commands: list[str]) -> str:
        """Run a pod of one container a command; its address once all run."""
        containers = [
            {"name": f"c{i}" if i else "agent", "image": IMAGE, "imagePullPolicy": "IfNotPresent", "command": command}
            for i, command in enumerate(commands)
        ]
        spec = {"containers": containers, "terminationGracePeriodSeconds": 0, "automountServiceAccountToken": False}
        await self.admin.create(PODS, self.namespace, _manifest(PODS, name, labels, spec))

        async def running() -> str:
            pod = await self.admin.get(PODS, self.namespace, name)
            ready = pod is not None and pod.get("status", {}).get("phase") == "Running"
            return str(pod["status"]["podIP"]) if pod is not None and ready else ""

        return await until(running, f"pod {name} runs")

    async def serve(self, name: str, selector: Mapping[str, str], ports: list[Object]) -> str:
        """Make a Service; its address."""
        return (await self.serve_in(name, selector, ports))[0]

    async def serve_in(
        self, name: str, selector: Mapping[str, str], ports: list[Object], *families: str
    ) -> tuple[str, ...]:
        """Make a Service of these IP families; its addresses, in their order."""
        policy = "RequireDualStack" if len(families) > 1 else "SingleStack"
        spec: Object = {"selector": dict(selector), "ports": ports, "ipFamilyPolicy": policy}
        if families:
            spec["ipFamilies"] = list(families)
        made = await self.admin.create(SERVICES, self.namespace, _manifest(SERVICES, name, {}, spec))
        return tuple(made["spec"]["clusterIPs"])

    async def addresses(self, name: str) -> tuple[str, ...]:
        """The addresses of a pod that runs, of every family."""
        pod = await self.admin.get(PODS, self.namespace, name)
        assert pod is not None
        return tuple(one["ip"] for one in pod["status"]["podIPs"])

    async def dial(self, name: str, labels: Mapping[str, str], where: Mapping[str, tuple[str, int]]) -> DialResults:
        """Run a pod that dials on and on, and follow what it sees."""
        await self.run(name, labels, ["python3", "-uc", DIAL, json.dumps(where)])
        seen = self.dialers[name] = DialResults()

        async def follow() -> None:
            async for line in follow_log(self.admin, self.namespace, name):
                seen.take(line)

        self.tasks.append(asyncio.create_task(follow()))
        return seen


async def until(look: Callable[[], Awaitable[Answer]], what: str, patience: float = PATIENCE) -> Answer:
    """Look until the answer is true; that answer. An API server that asks to come back later is asked again."""
    end = time.monotonic() + patience
    while True:
        busy = ""
        try:
            if answer := await look():
                return answer
        except TooManyRequests as error:
            busy = f" ({error})"
        assert time.monotonic() < end, f"after {patience:.0f} s still not: {what}{busy}"
        await asyncio.sleep(pace)


async def until_seen(look: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Wait until dials show something."""

    async def ask() -> bool:
        return look()

    await until(ask, what, patience)


@contextlib.asynccontextmanager
async def network_namespace() -> AsyncIterator[NetworkNamespace]:
    """A namespace of a test's own, gone afterwards."""
    admin = await Cluster.connect(kubeconfig())
    one = NetworkNamespace(admin, f"backends-{secrets.token_hex(3)}")
    try:
        await admin.create(NAMESPACES, None, _manifest(NAMESPACES, one.namespace, {}, {}))
        yield one
    finally:
        for task in one.tasks:
            task.cancel()
        await asyncio.gather(*one.tasks, return_exceptions=True)
        with contextlib.suppress(GameDayError):
            await admin.delete(NAMESPACES, None, one.namespace)
        await admin.close()


def now() -> float:
    """Unix seconds, by the clock that the node shares with us."""
    return time.time()


def _manifest(resource: Resource, name: str, labels: Mapping[str, str], spec: Object) -> Object:
    metadata = {"name": name, "labels": dict(labels)}
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata, "spec": spec}
