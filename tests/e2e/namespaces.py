"""A stage for one drill: a namespace, the shop or a part of it, and operators with the rights of the real one."""

import asyncio
import contextlib
import copy
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import manifests as shop_manifests
from e2e.dialling import ROOT, kubeconfig, until
from e2e.notes import note
from gameday.api.lines import events_of, expectations_of
from gameday.api.packing import unpacked
from gameday.cluster.client import Cluster
from gameday.cluster.resources import (
    CILIUM_NETWORK_POLICIES,
    DEPLOYMENTS,
    DRILLS,
    GAMEDAYS,
    JOBS,
    LEASES,
    NETWORK_POLICIES,
    PODS,
    Object,
    Resource,
)
from gameday.engine.drill import timeouts
from gameday.errors import NotFound
from gameday.model.labels import DRILL, ROLE

IMAGE = os.environ.get("GAMEDAY_IMAGE", "localhost/gameday:dev")
LABEL = f"{DRILL}=first"
POLICIES = (CILIUM_NETWORK_POLICIES, NETWORK_POLICIES)


def kubectl(*arguments: str, stdin: str | None = None, ok: bool = True) -> subprocess.CompletedProcess[str]:
    """Run kubectl against the test cluster."""
    environment = os.environ | {"KUBECONFIG": str(kubeconfig())}
    done = subprocess.run(
        ["kubectl", *arguments], input=stdin, env=environment, capture_output=True, text=True, check=False
    )
    assert not ok or done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
    return done


def cluster_output(*arguments: str) -> str:
    """What ``tests/cluster/cluster`` answers."""
    command = [str(ROOT / "tests" / "cluster" / "cluster"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"cluster {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


@dataclass
class OperatorProcess:
    """One operator, as a process of this machine."""

    process: asyncio.subprocess.Process
    log: Path
    port: int

    async def kill(self) -> None:
        """SIGKILL: nothing of it gets to run any more."""
        self.process.kill()
        code = await self.process.wait()
        assert code == -signal.SIGKILL, f"the operator had ended by itself, with {code}"

    async def end(self) -> None:
        """SIGTERM, and wait."""
        if self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()

    def says(self) -> str:
        """Its log so far."""
        return self.log.read_text()


@dataclass
class TeamNamespace:
    """A test's namespace."""

    admin: Cluster
    namespace: str
    folder: Path
    operators: list[OperatorProcess] = field(default_factory=list)

    def apply(self, *bodies: Object) -> None:
        """Apply objects in the namespace."""
        kubectl("-n", self.namespace, "apply", "-f", "-", stdin=yaml.safe_dump_all(bodies))

    def revokes(self, reason: str) -> None:
        """Say why, from now on, the API server may refuse what the operator or the account asks here: it is meant."""
        note(self.namespace, reason)

    def opt_in(self) -> None:
        """What a team does."""
        kubectl("-n", self.namespace, "apply", "-k", str(ROOT / "manifests" / "namespace"))

    async def shop(
        self, environment: Mapping[str, str] | None = None, *, parts: Iterable[str] = (), replicas: int | None = None
    ) -> None:
        """Deploy the shop, or only the Deployments that are named, and wait until it runs."""
        wanted = []
        for body in shop_manifests(environment):
            if body["kind"] == "Deployment":
                if parts and body["metadata"]["name"] not in parts:
                    continue
                if replicas is not None:
                    body["spec"]["replicas"] = min(replicas, body["spec"]["replicas"])
            wanted.append(body)
        await self.deploy(*wanted)

    async def deploy(self, *bodies: Object) -> None:
        """Apply objects, and wait until all Deployments of the namespace run as they are now."""
        self.apply(*bodies)
        await until(self._deployed, "all Deployments run", 120)

    async def _deployed(self) -> bool:
        deployments, _ = await self.admin.list(DEPLOYMENTS, self.namespace)
        return bool(deployments) and all(
            d.get("status", {}).get("observedGeneration", 0) >= d["metadata"]["generation"]
            and d["status"].get("readyReplicas", 0) == d["spec"]["replicas"] == d["status"].get("replicas", 0)
            for d in deployments
        )

    async def operator(
        self,
        *,
        identity: str = "",
        also: Iterable[str] = (),
        everywhere: bool = False,
        module: Iterable[str] = ("gameday.cli.main",),
        environment: Mapping[str, str] | None = None,
        log_level: str = "info",
    ) -> OperatorProcess:
        """Start an operator that sees this namespace and ``also`` others, or all, with the rights of the real one.

        ``module`` is what runs it, with arguments of its own, and ``environment`` what that is told beside.
        """
        own = dict(environment or {})
        paths = (own.get("PYTHONPATH"), str(ROOT / "operator"), str(ROOT / "tests"))
        own["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        log = self.folder / f"operator-{len(self.operators)}.log"
        with log.open("wb") as out:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", *module, "operator", "--namespace", self.namespace,
                "--image", IMAGE, "--port", str(port),
                *(() if everywhere else (f"--watch={name}" for name in (self.namespace, *also))),
                "--identity", identity or f"operator-{len(self.operators)}", "--log-level", log_level,
                "--kubeconfig", str(self._operator_kubeconfig()),
                stdout=out, stderr=out, env=os.environ | own,
            )  # fmt: skip
        made = OperatorProcess(process, log, port)
        self.operators.append(made)
        return made

    def _operator_kubeconfig(self) -> Path:
        path = self.folder / "operator.kubeconfig"
        if not path.exists():
            rendered = kubectl("kustomize", str(ROOT / "manifests" / "operator")).stdout
            kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(self._rights(rendered)))
            token = kubectl("-n", self.namespace, "create", "token", "gameday-operator", "--duration=2h").stdout.strip()
            config = yaml.safe_load(kubeconfig().read_text())
            config["users"] = [{"name": config["users"][0]["name"], "user": {"token": token}}]
            path.write_text(yaml.safe_dump(config))
        return path

    def _rights(self, rendered: str) -> Iterable[Object]:
        """The operator's account and rights as they are installed, for an account in this namespace."""
        for body in yaml.safe_load_all(rendered):
            if body["kind"] not in {"ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}:
                continue
            if body["kind"] == "ClusterRoleBinding":
                body["metadata"]["name"] = f"gameday-operator-{self.namespace}"
            elif body["metadata"].get("namespace") == "kube-system":
                body["metadata"]["name"] += f"-{self.namespace}"
            elif body["kind"] != "ClusterRole":
                body["metadata"]["namespace"] = self.namespace
            if body["kind"] == "RoleBinding" and body["metadata"]["namespace"] == "kube-system":
                body["roleRef"]["name"] = body["metadata"]["name"]
            for subject in body.get("subjects", ()):
                subject["namespace"] = self.namespace
            yield body

    async def start(self, gameday: Object, name: str = "first", **spec: Any) -> None:
        """Apply a GameDay and a Drill of it."""
        drill = {"apiVersion": DRILLS.api_version, "kind": "Drill", "metadata": {"name": name}}
        self.apply(gameday, drill | {"spec": {"gameDay": gameday["metadata"]["name"], **spec}})

    def give_away(self, name: str = "first") -> None:
        """Take a Drill from the operator that has claimed it, as the docs say."""
        patch = ("--subresource=status", "--type=merge", "-p", '{"status":{"operator":null}}')
        kubectl("-n", self.namespace, "patch", "drill", name, *patch)

    async def drill(self, name: str = "first") -> Object:
        """The Drill as it is."""
        found = await self.admin.get(DRILLS, self.namespace, name)
        assert found is not None, f"drill {name} is gone"
        return found

    async def status(self, name: str = "first") -> Object:
        """Its status."""
        status: Object = (await self.drill(name)).get("status", {})
        return status

    async def reaches(
        self, look: Callable[[Object], Any], what: str, patience: float = 120, name: str = "first"
    ) -> Object:
        """Wait until the Drill's status is so; that status."""

        async def ask() -> Object | None:
            status = await self.status(name)
            return status if look(status) else None

        found = await until(ask, what, patience)
        assert found is not None
        return found

    async def finishes(self, name: str = "first", patience: float = 240) -> Object:
        """Wait for the drill's end; its status."""
        return await self.reaches(lambda s: s.get("phase") == "Finished", "the drill ends", patience, name)

    async def in_phase(self, phase: str, name: str = "first") -> Object:
        """Wait until a phase has begun."""
        return await self.reaches(lambda s: s.get("phase") == phase, f"phase {phase}", 120, name)

    async def under_cut(self) -> Object:
        """Wait until each fault is proven, and connections are ended where that is asked for."""

        def so(status: Object) -> bool:
            reasons = [line["reason"] for line in events_of(status)]
            proven = 0 < len(status.get("undo", ())) <= reasons.count("CutProven")
            return proven and (
                bool({"ConnectionsClosed", "ConnectionsEnded"} & set(reasons)) or not _closes_connections(status)
            )

        return await self.reaches(so, "the cut is proven")

    async def policies(self) -> list[Object]:
        """Our policies in the namespace."""
        found: list[Object] = []
        for resource in POLICIES:
            with contextlib.suppress(NotFound):
                items, _ = await self.admin.list(resource, self.namespace, LABEL)
                found += [item | {"kind": resource.kind} for item in items]
        return found

    async def cut(self) -> tuple[Resource, str]:
        """The kind and name of the policy that cuts now."""
        (policy,) = await self.policies()
        return next(resource for resource in POLICIES if resource.kind == policy["kind"]), policy["metadata"]["name"]

    async def needs_cilium(self) -> None:
        """Skip the test where the cluster's network is another."""
        try:
            await self.admin.list(CILIUM_NETWORK_POLICIES, self.namespace)
        except NotFound:
            pytest.skip("the cluster's network knows no CiliumNetworkPolicy")

    async def left_behind(self) -> list[str]:
        """All that is still there of any drill, by kind and name; ended drills themselves are no leftovers."""
        left = [f"policy {p['metadata']['name']}" for p in await self.policies()]
        for resource in (PODS, JOBS):
            items, _ = await self.admin.list(resource, self.namespace, DRILL)
            left += [
                f"{resource.kind} {item['metadata']['name']}"
                for item in items
                if not (resource is JOBS and item["metadata"]["labels"].get(ROLE) == "step")
            ]
        if await self.admin.get(LEASES, self.namespace, "gameday") is not None:
            left.append("the namespace's lock")
        drills, _ = await self.admin.list(DRILLS, self.namespace)
        left += [f"finalizer of drill {d['metadata']['name']}" for d in drills if d["metadata"].get("finalizers")]
        return left

    async def nothing_is_left(self, patience: float = 30) -> None:
        """Wait until all of it is gone; an operator that took over waits for requests that the one before has sent."""
        left: list[str] = []
        if len(self.operators) > 1:
            patience += timeouts.LATE_REQUEST

        async def clean() -> bool:
            left[:] = await self.left_behind()
            return not left

        try:
            await until(clean, "nothing is left", patience)
        except AssertionError:
            raise AssertionError(f"left behind: {', '.join(left)}") from None

    async def replicas(self, deployment: str) -> int:
        """A Deployment's wanted replicas."""
        found = await self.admin.get(DEPLOYMENTS, self.namespace, deployment)
        assert found is not None
        return int(found["spec"]["replicas"])

    def scale(self, deployment: str, replicas: int) -> None:
        """Scale, as a person would."""
        kubectl("-n", self.namespace, "scale", f"deployment/{deployment}", f"--replicas={replicas}")


def _closes_connections(status: Object) -> bool:
    cuts = unpacked(status["state"]).get("setup", {}).get("cuts", ()) if "state" in status else ()
    return any("closing" in cut for cut in cuts)


@contextlib.asynccontextmanager
async def team_namespace(test: str) -> AsyncIterator[TeamNamespace]:
    """A stage that is gone afterwards."""
    admin = await Cluster.connect(kubeconfig())
    with tempfile.TemporaryDirectory() as folder:
        one = TeamNamespace(admin, f"e2e-{test[:30].strip('-')}-{secrets.token_hex(3)}", Path(folder))
        note(one.namespace)
        kubectl("create", "namespace", one.namespace)
        try:
            yield one
        finally:
            await _clear(one)
            await admin.close()


async def tell(one: TeamNamespace) -> None:
    """Print the operators' logs and the drills' records, for whoever looks at a failure."""
    for operator in one.operators:
        print(f"--- {operator.log.name}\n{operator.says()}")
    for drill in (await one.admin.list(DRILLS, one.namespace))[0]:
        shown = {key: value for key, value in drill.get("status", {}).items() if key != "state"}
        print(f"--- drill {drill['metadata']['name']}\n{yaml.safe_dump(shown)}")


async def _clear(one: TeamNamespace) -> None:
    for operator in one.operators:
        if operator.process.returncode is None:
            operator.process.kill()
            await operator.process.wait()
    for drill in (await one.admin.list(DRILLS, one.namespace))[0]:
        if drill["metadata"].get("finalizers"):
            await one.admin.patch(DRILLS, one.namespace, drill["metadata"]["name"], {"metadata": {"finalizers": []}})
    one.revokes("the test is over and its namespace goes")
    kubectl("delete", "namespace", one.namespace, "--wait=false", ok=False)
    kubectl("delete", "clusterrolebinding", f"gameday-operator-{one.namespace}", "--ignore-not-found", ok=False)
    for kind in ("role", "rolebinding"):
        name = f"gameday-operator-dns-{one.namespace}"
        kubectl("-n", "kube-system", "delete", kind, name, "--ignore-not-found", ok=False)


def example(name: str, *, steady: str, outage: str, recovery: str) -> Object:
    """The GameDay of an example, with stages of these durations; no namespace."""
    gameday: Object = yaml.safe_load((ROOT / "manifests" / "examples" / f"{name}.yaml").read_text())
    del gameday["metadata"]["namespace"]
    spec = gameday["spec"]
    spec["steadyState"]["duration"], spec["outage"]["duration"], spec["recovery"]["within"] = steady, outage, recovery
    return gameday


def redis_failover() -> Object:
    """The example of the shop, shortened so that a whole drill takes a minute."""
    gameday = example("redis-failover", steady="12s", outage="20s", recovery="50s")
    spec = gameday["spec"]
    spec["rollback"]["within"] = "90s"
    for expectation in spec["outage"]["expect"]:
        if "within" in expectation:
            expectation["within"] = "15s"
    for expectation in spec["recovery"]["expect"]:
        expectation["for"] = "8s" if expectation["name"] in {"backlog back", "jobs flow"} else "4s"
    return gameday


SMALL: Object = yaml.safe_load("""
apiVersion: gameday.dev/v1alpha1
kind: GameDay
metadata: {name: small}
spec:
  dependencies:
  - name: redis
    redis: {service: {name: redis}, auth: {passwordFrom: {secretKeyRef: {name: redis, key: password}}}}
  probes:
  - {name: health, interval: 1s, timeout: 1s, http: {url: "http://api/healthz"}}
  - {name: redis, redis: {dependency: redis}}
  steadyState:
    duration: 3s
    expect: [{name: healthy, always: "health.body.redis == 'ok'"}]
  outage:
    duration: 8s
    faults:
    - name: partition
      networkPartition: {podSelector: {matchLabels: {app: api}}, to: [redis]}
    expect: [{name: noticed, becomes: "health.body.redis != 'ok'", within: 6s, measures: timeToDetect}]
  recovery:
    within: 20s
    expect: [{name: healthy again, eventually: "health.body.redis == 'ok'", for: 2s, measures: timeToRecover}]
""")
"""A drill of half a minute, for the part of the shop that is api and redis."""


def small(**changes: Any) -> Object:
    """``SMALL`` with changes: a dotted path in the spec, with ``__`` for each dot, and its new value."""
    gameday = copy.deepcopy(SMALL)
    for path, value in changes.items():
        *way, last = path.split("__")
        there: Any = gameday["spec"]
        for part in way:
            there = there[int(part)] if part.isdigit() else there[part]
        there[last] = value
    return gameday


def missed(status: Object, *, again: bool = False) -> frozenset[str]:
    """Names of the expectations that were missed."""
    return frozenset(
        e["name"] for e in expectations_of(status) if e["state"] == "Missed" and (e["stage"] == "Rollback") is again
    )


def condition(thing: Object, kind: str) -> Object:
    """One condition of a status."""
    return next((c for c in thing.get("conditions", ()) if c["type"] == kind), {})


async def ready(one: TeamNamespace, name: str) -> Object:
    """The Ready condition of a GameDay, once there is one."""

    async def ask() -> Object:
        gameday = await one.admin.get(GAMEDAYS, one.namespace, name)
        return condition((gameday or {}).get("status", {}), "Ready")

    return await until(ask, f"GameDay {name} has a Ready condition", 10)


async def happens(look: Callable[[], Awaitable[bool]], what: str, within: float) -> float:
    """Wait for something that must happen within seconds; how many it took."""
    began = time.monotonic()
    await until(look, what, within)
    return time.monotonic() - began
