"""Labels that a pod gets after its deletion, and a cut that names a value of its own: what policies make of them."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from trials.birth.namespace import OWN, Object, Row, TrialNamespace, agent, wait

SERVES: Final = """
import socket
server = socket.create_server(("", 8080), backlog=64)
while True:
    server.accept()[0].close()
"""
DIALS: Final = """
import signal, socket, time
signal.signal(signal.SIGTERM, lambda *_: print("SIGTERM", time.time(), flush=True))
def reaches(host):
    try:
        socket.create_connection((host, 8080), 0.25).close()
    except OSError:
        return 0
    return 1
while True:
    print(f"{time.time():.2f}", *(f"{name}={reaches(address)}" for name, address in ADDRESSES.items()), flush=True)
    time.sleep(0.1)
"""
CUT: Final[Mapping[str, Object]] = {
    "NetworkPolicy": {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "cut"}},
    "CiliumNetworkPolicy": {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"name": "cut"}},
}


def rows(ns: TrialNamespace) -> Iterator[Row]:
    """How fast each takes hold."""
    ns.apply(agent("guarded", SERVES, {"app": "guarded"}), agent("free", SERVES, {"app": "free"}), _guard())
    ns.running("guarded", "free")
    names = ("guarded", "free")
    addresses = {name: (ns.get("pod", name) or {})["status"]["podIP"] for name in names}
    program = f"ADDRESSES = {addresses!r}\n{DIALS}"
    ns.apply(agent("target", program, {"app": "api"}), agent("born", program), agent("stranger", program, {"app": OWN}))
    ns.running("target", "born", "stranger")
    time.sleep(3)
    ns.delete_at_birth("born")
    at = ns.label("born", {"app": "api"})
    yield _row(ns, "labelled after its deletion: admitted by the destination's policy", "born", at, "guarded=1")
    for kind, body in CUT.items():
        cut = body | {"spec": _spec(kind, ["api", OWN])}
        at = time.time()
        ns.apply(cut)
        for who in ("target", "born", "stranger"):
            yield _row(ns, f"cut by one {kind}", who, at, "free=0")
        at = time.time()
        ns.ask("delete", kind, "cut", "--wait=false")
        for who in ("target", "born", "stranger"):
            yield _row(ns, f"freed of the {kind}", who, at, "free=1")
    ns.force("born")


def _spec(kind: str, values: list[str]) -> Object:
    chosen = {"matchExpressions": [{"key": "app", "operator": "In", "values": values}]}
    if kind == "NetworkPolicy":
        return {"podSelector": chosen, "policyTypes": ["Egress"]}
    deny = [{"toEndpoints": [{"matchLabels": {"app": "free"}}]}]
    return {"endpointSelector": chosen, "enableDefaultDeny": {"egress": False, "ingress": False}, "egressDeny": deny}


def _guard() -> Object:
    admits = {"from": [{"podSelector": {"matchLabels": {"app": "api"}}}]}
    spec = {"podSelector": {"matchLabels": {"app": "guarded"}}, "policyTypes": ["Ingress"], "ingress": [admits]}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "guard"}, "spec": spec}


def _row(ns: TrialNamespace, about: str, who: str, at: float, word: str) -> Row:
    way = {"target": "a target", "born": "deleted at birth", "stranger": "own value"}[who]
    found = _first(ns, who, lambda parts: float(parts[0]) > at and word in parts)
    return Row(about, way, "never in 20 s" if found is None else f"after {found - at:.1f} s", found is not None)


def _first(ns: TrialNamespace, who: str, so: Callable[[list[str]], bool]) -> float | None:
    """When a dialler first said so, in Unix seconds."""
    said: list[float] = []

    def look() -> bool:
        for line in ns.ask("logs", who, "--tail=300").splitlines():
            parts = line.split()
            if len(parts) == 3 and so(parts):
                said.append(float(parts[0]))
                return True
        return False

    wait(look, 20)
    return said[0] if said else None
