"""How long a pod that was deleted at birth lives, and what ends it before its time."""

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from trials.birth.namespace import ENDS, Object, Row, TrialNamespace, agent, container, kubectl, wait

SLOT: Final = "birth.gameday.dev/slot"
"""An extended resource, of which the node has one, so that nobody else is preempted."""
CLASS: Final = "birth-high"
WAY: Final = "deleted at birth"


def rows(ns: TrialNamespace) -> Iterator[Row]:
    """Everything that could end it."""
    native = agent("native", initContainers=[container("proxy", ENDS) | {"restartPolicy": "Always"}])
    ordinary = agent("ordinary")
    ordinary["spec"]["containers"].append(container("proxy", ENDS))
    owner: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owner"}}
    ns.apply(owner)
    uid = (ns.get("configmap", "owner") or {})["metadata"]["uid"]
    owned = [agent("owned"), agent("owned-live", grace=1)]
    for one in owned:
        one["metadata"]["ownerReferences"] = [{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}]
    ns.apply(
        agent("plain", grace=4000), agent("deadline", activeDeadlineSeconds=25), native, ordinary, agent("evicted"),
        *owned, agent("short", grace=40), agent("forced"),
    )  # fmt: skip
    born = ("plain", "deadline", "native", "ordinary", "evicted", "owned", "short", "forced")
    ns.running(*born)
    with tempfile.TemporaryDirectory() as folder, Path(folder, "log").open("w+") as log:
        following = subprocess.Popen(["kubectl", "-n", ns.name, "logs", "-f", "plain"], stdout=log)
        at = ns.delete_at_birth(*born)
        yield from _proxies(ns)
        yield from _lesser(ns)
        yield _short(ns, at)
        yield _forced(ns)
        yield _deadline(ns, at)
        yield _apart(ns)
        yield from _preempted(ns)
        alive, after = ns.lives("plain"), time.time() - at
        log.seek(0)
        lines = [float(line.split()[1]) for line in log if line.startswith("alive")]
        ends = following.poll()
        following.kill()
        following.wait()
        yield Row("grace of 4000 s", WAY, f"{'runs' if alive else 'ended'} after {after:.0f} s", alive)
        late = sum(line > at for line in lines)
        yield Row(
            "logs -f", WAY, f"{late} lines after the deletion, {'ended' if ends is not None else 'goes on'}", late > 60
        )
        signals = ns.ask("logs", "plain").count("SIGTERM")
        yield Row("SIGTERM", WAY, f"sent {signals} times", signals == 1)
    yield from _namespace(ns)


def _proxies(ns: TrialNamespace) -> Iterator[Row]:
    for name in ("native", "ordinary"):
        took = wait(lambda name=name: not _execs(ns, name, "proxy"), 15, 2)  # type: ignore[misc]
        text = "the proxy runs" if took is None else f"the proxy ended within {took:.0f} s"
        pod = ns.get("pod", name) or {"status": {}}
        key = "initContainerStatuses" if name == "native" else "containerStatuses"
        said = any("running" in one["state"] for one in pod["status"].get(key) or () if one["name"] == "proxy")
        text += f", its status says that it {'runs' if said else 'ended'}"
        yield Row(f"{name} sidecar", WAY, text, took is None)


def _execs(ns: TrialNamespace, pod: str, where: str) -> bool:
    """Whether a container runs, whatever the pod's status says."""
    try:
        return bool(ns.ask("exec", pod, "-c", where, "--", "python3", "-c", "print(1)"))
    except RuntimeError:
        return False


def _lesser(ns: TrialNamespace) -> Iterator[Row]:
    """What deletes a pod once more with the grace that it has."""
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "evicted", "namespace": ns.name}}
    path = f"/api/v1/namespaces/{ns.name}/pods/evicted/eviction"
    said = json.loads(kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(body)))
    ns.ask("delete", "configmap", "owner", "--wait=false")
    time.sleep(10)
    there = ns.lives("evicted")
    text = f"{said.get('status')}, and {'runs' if there else 'ended'} after 10 s: a drain waits for its grace"
    yield Row("eviction (drain)", WAY, text, not there)
    gone = {name: not ns.lives(name) for name in ("owned", "owned-live")}
    yield Row("its owner is deleted", WAY, "ended" if gone["owned"] else "runs on after 10 s", gone["owned"])
    text = "ended" if gone["owned-live"] else "runs on after 10 s"
    yield Row("its owner is deleted", "live", text, gone["owned-live"])


def _apart(ns: TrialNamespace) -> Row:
    """Whether a pod that wants to be alone may run where it runs."""
    ns.label("plain", {"app": "alone"})
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "alone"}}}
    rule = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    ns.apply(agent("alone", grace=1, affinity=rule))
    took = wait(lambda: ns.lives("alone"), 20)
    text = "kept out for 20 s" if took is None else f"runs after {took:.1f} s"
    ns.force("alone")
    return Row("required anti-affinity of the target's pods", WAY, text, took is not None)


def _forced(ns: TrialNamespace) -> Row:
    ns.force("forced")
    took = wait(lambda: not _execs(ns, "forced", "agent"), 40, 4)
    text = "runs on after 40 s" if took is None else f"ended after {took:.0f} s"
    return Row("deleted once more, with a grace of 1 s", WAY, text, took is not None)


def _short(ns: TrialNamespace, at: float) -> Row:
    took = wait(lambda: not ns.lives("short"), 60)
    text = "runs on" if took is None else f"ended {time.time() - at:.0f} s after its deletion"
    return Row("grace of 40 s is over", WAY, text, took is not None)


def _deadline(ns: TrialNamespace, at: float) -> Row:
    wait(lambda: time.time() > at + 60)
    ends = not ns.lives("deadline")
    return Row("activeDeadlineSeconds 25", WAY, f"{'ended' if ends else 'runs on'} after 60 s", ends)


def _preempted(ns: TrialNamespace) -> Iterator[Row]:
    """By a pod of a higher class, for the only slot."""
    slot = SLOT.replace("/", "~1")
    where = [f"/status/{part}/{slot}" for part in ("capacity", "allocatable")]
    _patch([{"op": "add", "path": path, "value": "1"} for path in where])
    high = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": CLASS}, "value": 1000}
    kubectl("apply", "-f", "-", stdin=json.dumps(high))
    try:
        for way in (WAY, "live"):
            victim, winner = (_with_slot(f"{name}-{way[0]}") for name in ("victim", "winner"))
            name = victim["metadata"]["name"]
            if way == "live":
                victim["spec"]["terminationGracePeriodSeconds"] = 1
            winner["spec"]["priorityClassName"] = CLASS
            ns.apply(victim)
            ns.running(name)
            if way == WAY:
                ns.delete_at_birth(name)
            ns.apply(winner)
            took = wait(lambda name=name: not ns.lives(name), 20)  # type: ignore[misc]
            text = "runs on after 20 s: the other waits for its grace" if took is None else f"ended after {took:.1f} s"
            yield Row("preemption", way, text, took is not None)
            ns.force(name, winner["metadata"]["name"])
            ns.kill(name)
            wait(lambda name=name: ns.get("pod", name) is None, 30)  # type: ignore[misc]
    finally:
        kubectl("delete", "priorityclass", CLASS, "--ignore-not-found")
        with suppress(RuntimeError):
            _patch([{"op": "remove", "path": path} for path in where])


def _with_slot(name: str) -> Object:
    pod = agent(name)
    pod["spec"]["containers"][0]["resources"] = {"requests": {SLOT: "1"}, "limits": {SLOT: "1"}}
    return pod


def _patch(changes: list[Object]) -> None:
    node = json.loads(kubectl("get", "nodes", "-o", "json"))["items"][0]["metadata"]["name"]
    kubectl("patch", "node", node, "--subresource=status", "--type=json", "-p", json.dumps(changes))


def _namespace(ns: TrialNamespace) -> Iterator[Row]:
    """How long the deletion of a team's namespace waits."""
    for way in (WAY, "live"):
        name = f"{ns.name}-{way[0]}"
        other = TrialNamespace(name)
        kubectl("create", "namespace", name)
        wait(lambda other=other: other.get("serviceaccount", "default"))  # type: ignore[misc]
        other.apply(agent("agent", grace=3600 if way == WAY else 1))
        other.running("agent")
        if way == WAY:
            other.delete_at_birth("agent")
        kubectl("delete", "namespace", name, "--wait=false")
        took = wait(lambda name=name: not kubectl("get", "namespace", name, "--ignore-not-found"), 30)  # type: ignore[misc]
        text = "not gone after 30 s: it waits for the grace" if took is None else f"gone after {took:.0f} s"
        yield Row("its namespace is deleted", way, text, took is not None)
        other.kill("agent")
