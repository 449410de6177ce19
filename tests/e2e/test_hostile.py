"""Servers that are hostile, and Secrets that are echoed: each is a sample with a word, in bounds, and nothing leaks."""

import itertools
import json
import re
import statistics
from typing import Any

import aiohttp
import pytest

from e2e.dialling import IMAGE, ROOT, until
from e2e.namespaces import TeamNamespace, cluster_output, kubectl, small
from gameday.api.lines import expectations_of
from gameday.cluster.resources import PODS, Object
from gameday.model.wire import parse_line
from unit import hostile

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.alone]

HTTP = 8000
REDIS = {name: HTTP + 1 + i for i, name in enumerate(hostile.ALL_REDIS)}

WORDS = {
    "endless": "",
    "100-mb": "",
    "gzip-bomb": "",
    "endless-bomb": "",
    "dripping": "timeout",
    "dripping-headers": "timeout",
    "silent": "timeout",
    "endless-headers": "headers too long",
    "tiny-chunks": "",
    "many-values": "",
    "nested": "",
    "bad-chunks": "protocol",
    "http-0.9": "protocol",
    "reset": "protocol",
    "short-body": "protocol",
    "nothing": "protocol",
    "a-million-series": "",
    "invalid-utf8": "",
    "huge-float": "",
    "huge-int": "",
    "duplicate-keys": "",
    "redirect": "redirect 302",
    "redis-garbage": "protocol",
    "redis-huge-bulk": "the answer is too long",
    "redis-huge-array": "the answer is too long",
    "redis-nested": "protocol",
    "redis-endless": "the answer is too long",
    "redis-moved": "protocol",
    "redis-silent": "timeout",
}
"""What each hostile server's samples say; "" is an answer that is ok."""

NOTHING_KNOWN = {"endless-headers", "redis-huge-bulk", "redis-huge-array", "redis-endless"}
"""Those whose answer is cut short by a bound on our side before anything of it counts: no expression can read them."""

MARKER = "tresor-8c1f"
SECRETS = {
    "echoed": f"{MARKER}-echoed",
    "bearer": f"Bearer {MARKER}-token",
    "split": f"{MARKER}\r\nX-Injected: {MARKER}",
    "snowman": f"{MARKER}-☃",
    "newline": f"{MARKER}-newline\n",
    "password": f"{MARKER}-password",
    "number": "4711081547110815",
}
UNSENDABLE = {"split", "snowman"}
"""Secrets that HTTP does not allow in a header."""
PEAK = "print(next(l for l in open('/proc/1/status') if l.startswith('VmHWM')).split()[1])"


def identifier(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "_", name if name[0].isalpha() else f"x{name}")


def server() -> list[Object]:
    """The hostile server: a pod, its program, its Service."""
    program = (ROOT / "tests" / "unit" / "hostile.py").read_text()
    ports = {"http": HTTP, **REDIS}
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "hostile"}, "data": {"hostile.py": program}},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "hostile"},
            "spec": {"selector": {"app": "hostile"}, "ports": [{"name": f"p{p}", "port": p} for p in ports.values()]},
        },
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "hostile", "labels": {"app": "hostile"}},
            "spec": {
                "terminationGracePeriodSeconds": 0,
                "volumes": [{"name": "program", "configMap": {"name": "hostile"}}],
                "containers": [
                    {
                        "name": "hostile",
                        "image": IMAGE,
                        "imagePullPolicy": "IfNotPresent",
                        "command": ["python3", "/program/hostile.py", str(HTTP)],
                        "volumeMounts": [{"name": "program", "mountPath": "/program"}],
                        "resources": {"limits": {"cpu": "300m", "memory": "512Mi"}},
                    }
                ],
            },
        },
    ]


async def ready(ns: TeamNamespace, pod: str = "hostile") -> None:
    async def running() -> bool:
        found = await ns.admin.get(PODS, ns.namespace, pod)
        states = (found or {}).get("status", {}).get("containerStatuses", [])
        return bool(states) and "running" in states[0]["state"]

    await until(running, f"the pod {pod} runs")


def log(ns: TeamNamespace, pod: str) -> str:
    return kubectl("-n", ns.namespace, "logs", pod, ok=False).stdout


async def test_a_drill_beside_hostile_servers_is_on_time_and_names_what_each_does(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    ns.apply(*server())
    await ready(ns)
    operator = await ns.operator()
    gameday = small(outage__duration="15s")
    spec = gameday["spec"]
    for name, word in WORDS.items():
        probe: dict[str, Any] = {"name": identifier(name), "interval": "5s", "timeout": "2s"}
        if name in REDIS:
            there = {"host": f"hostile.{ns.namespace}.svc", "port": REDIS[name]}
            spec["dependencies"].append({"name": name, "redis": there})
            probe["redis"] = {"dependency": name}
        else:
            probe["http"] = {"url": f"http://hostile:{HTTP}/{name}"}
            if name == "a-million-series":
                probe["http"]["parse"] = "prometheus"
        spec["probes"].append(probe)
        if name in NOTHING_KNOWN:
            continue
        said = f"{identifier(name)}.error == '{word}' && {identifier(name)}.ok == {str(not word).lower()}"
        spec["outage"]["expect"].append({"name": name, "always": said})
    await ns.start(gameday)
    await ns.in_phase("Recovery")
    for agent in ("observer", "client"):
        lines = [parse_line(agent, line) for line in log(ns, f"first-{agent}").splitlines()]
        peak = int(kubectl("-n", ns.namespace, "exec", f"first-{agent}", "--", "python3", "-c", PEAK).stdout) / 1024
        good = [line for line in lines if line.name in {"health", "redis"}]
        gaps = sorted(b.sent - a.sent for a, b in itertools.pairwise(good))
        print(
            f"{agent}: peak {peak:.0f} MiB; the good probe's samples {statistics.median(gaps):.2f} s apart, "
            f"the longest {gaps[-1]:.2f} s, of {len(gaps)}"
        )
        assert peak < 64
        wholly = {line.name for line in lines if any(path == () for path, _ in line.unknown)}
        assert wholly == {identifier(n) for n in NOTHING_KNOWN if (n in REDIS) is (agent == "client")}
        assert statistics.median(gaps) < 1.3
        assert gaps[-1] < 3
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    assert operator.process.returncode is None
    await ns.nothing_is_left()


def headers(key: str) -> list[Object]:
    return [{"name": "X-API-Key", "valueFrom": {"secretKeyRef": {"name": "tresor", "key": key}}}]


def of_secrets(namespace: str) -> Object:
    """A GameDay that sends every Secret to whoever echoes it, and uses all of what comes back."""
    gameday = small(outage__duration="8s")
    spec = gameday["spec"]
    spec["measurements"] = []
    for key in SECRETS:
        http = {"url": f"http://hostile:{HTTP}/echo", "headers": headers(key)}
        spec["probes"] += [
            {"name": key, "timeout": "1s", "http": http},
            {"name": f"{key}_text", "timeout": "1s", "http": http | {"parse": "text"}},
        ]
        # What holds a Secret is unknown to every expectation; a measurement asks for it all the same.
        for number, path in enumerate((f"{key}.body.all", f"{key}_text.text")):
            spec["measurements"].append({"name": f"{key}_{number}", "stage": "Outage", "path": path})
        if key not in UNSENDABLE:
            said = f"!{key}.ok && !{key}_text.ok"
            spec["outage"]["expect"].append({"name": f"{key} is used", "always": said})
    reference = {"secretKeyRef": {"name": "tresor", "key": "password"}}
    ports = {"echoing": REDIS["redis-echo"], "late": REDIS["redis-late-echo"], "wrong": 6379}
    for name, port in ports.items():
        host = "redis" if name == "wrong" else "hostile"
        redis = {"host": f"{host}.{namespace}.svc", "port": port, "auth": {"passwordFrom": reference}}
        spec["dependencies"].append({"name": name, "redis": redis})
        spec["probes"].append({"name": name, "timeout": "1s", "redis": {"dependency": name}})
        if name == "late":
            spec["outage"]["expect"].append({"name": "late says so", "always": "late.error == 'redis error'"})
    return gameday


def everything(namespace: str) -> str:
    """All that a person may read about a drill, Secrets themselves left out."""
    kinds = "gamedays,drills,events,pods,jobs,networkpolicies,leases,configmaps,services,serviceaccounts"
    described = kubectl("-n", namespace, "describe", "gamedays,drills,pods,jobs,events", ok=False)
    # What it has listed may go while it describes it: an Event, or a fuse's Job whose time has come.
    assert all("not found" in line for line in described.stderr.splitlines()), described.stderr
    said = [
        kubectl("-n", namespace, "get", kinds, "-o", "yaml", "--show-managed-fields").stdout,
        described.stdout,
        kubectl("-n", namespace, "get", "ciliumnetworkpolicies", "-o", "yaml", ok=False).stdout,
    ]
    assert all("small" in text for text in said[:2]), "the drill and its plan were read"
    return "\n".join(said)


async def test_a_secret_is_nowhere_but_in_the_request_that_carries_it(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "tresor"}, "stringData": SECRETS}
    # Created, not applied: kubectl would note the whole of it in an annotation.
    kubectl("-n", ns.namespace, "create", "-f", "-", stdin=json.dumps(secret))
    ns.apply(*server())
    await ready(ns)
    operator = await ns.operator(log_level="debug")
    await ns.start(of_secrets(ns.namespace))
    await ns.in_phase("Recovery")
    pods = kubectl("-n", ns.namespace, "get", "pods", "-l", "gameday.dev/drill", "-o", "name").stdout.split()
    logs = {pod: log(ns, pod) for pod in pods}
    during = everything(ns.namespace)
    status = await ns.finishes()
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{operator.port}/metrics") as answer,
    ):
        shown = await answer.text()
    places = logs | {
        "objects during the drill": during,
        "objects after it": everything(ns.namespace),
        "the operator's log": operator.says(),
        "metrics": shown,
        "the audit log": cluster_output("audit-log"),
        "the drill's status": json.dumps(await ns.status()),
    }
    assert len(logs) >= 4
    found = {(place, mark): text.count(mark) for place, text in places.items() for mark in (MARKER, "4711081547")}
    print({place: len(text) for place, text in places.items()})
    assert not any(found.values()), [where for where, count in found.items() if count]
    observed = logs["pod/first-observer"]
    assert observed.count("[secret]") > 20, "the echoes came, and were hidden"
    assert "a header has a character that HTTP does not allow" in observed
    assert '"error":"auth"' in logs["pod/first-client"]
    told = {e["name"]: e["state"] for e in expectations_of(status)}
    assert all(told[f"{key} is used"] == "Met" for key in SECRETS if key not in UNSENDABLE), told
    assert told["late says so"] == "Met", told
