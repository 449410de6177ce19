"""Holds the rights given in ``manifests/`` against those that a run of e2e tests used, by the API server's audit log.

``python tests/e2e/run.py --rights`` compares at the end of a run, and fails when a right was given and not used, or
asked for and not given. Only a run of all tests uses all. To compare once more what the last run has left:
``PYTHONPATH=tests python -m e2e.rights build/stages.jsonl``.
"""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from e2e.dialling import kubeconfig
from e2e.notes import NamespaceNotes
from granted import role

ROOT = Path(__file__).parents[2]
CLUSTER = ROOT / "tests" / "cluster" / "cluster"
OPERATOR: Final = ("manifests/operator/rbac.yaml", "manifests/operator/dns.yaml")
"""The files that give the operator its rights."""
WHOSE: Final = ("operator", "account")
"""Who is given rights."""
WHO: Final = re.compile(r"system:serviceaccount:([^:]+):(gameday-operator|gameday)$")
BY_ROLE: Final = re.compile(r'of (ClusterRole|Role) "([^"]+)"')
OF_EVERY_ACCOUNT: Final = {"system:basic-user", "system:discovery", "system:public-info-viewer"}
"""What Kubernetes gives to whoever is authenticated: to know the API's kinds, and one's own rights."""


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One verb on one resource. ``name`` is empty where a role does not bind the right to one."""

    role: str
    group: str
    resource: str
    name: str
    verb: str

    def __str__(self) -> str:
        named = f" {self.name}" if self.name else ""
        group = f".{self.group}" if self.group else ""
        return f"{self.role}: {self.verb} {self.resource}{group}{named}"


@dataclass(slots=True)
class Found:
    """What the comparison shows."""

    requests: Counter[str] = field(default_factory=Counter)
    """Requests seen, by who asked."""
    used: set[Right] = field(default_factory=set)
    refused: Counter[str] = field(default_factory=Counter)
    """What was asked for and not given, and how often."""
    meant: Counter[str] = field(default_factory=Counter)
    """Refusals that a test provoked, by its reason."""
    elsewhere: Counter[str] = field(default_factory=Counter)
    """Requests that another role allowed: one that a test made."""

    def unused(self, given: Iterable[Right]) -> list[Right]:
        """What was given for nothing."""
        return sorted(set(given) - self.used)


def rights_of(body: Mapping[str, Any]) -> Iterator[Right]:
    """A role's rules, one right at a time."""
    title = f"{body['kind']} {body['metadata']['name']}"
    for rule in body["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for name in rule.get("resourceNames", [""]):
                    yield from (Right(title, group, resource, name, verb) for verb in rule["verbs"])


def given(who: str) -> list[Right]:
    """All rights that the manifests give to the operator or to a namespace's account, each once."""
    if who == "account":
        return list(dict.fromkeys(rights_of(role())))
    bodies = (body for path in OPERATOR for body in yaml.safe_load_all((ROOT / path).read_text()))
    return [right for body in bodies if body["kind"] in {"Role", "ClusterRole"} for right in rights_of(body)]


def compare(events: Iterable[Mapping[str, Any]], rights: Iterable[Right], stages: NamespaceNotes) -> Found:
    """Hold a run's requests against the rights given."""
    found = Found()
    by_role: dict[tuple[str, str, str, str], set[str]] = {}
    for right in rights:
        by_role.setdefault((right.role, right.group, right.resource, right.verb), set()).add(right.name)
    for event in events:
        if event.get("userAgent", "").startswith("kubectl/"):
            continue  # a test that asks as one of them, to see what is refused
        asked = _who(event)
        if asked is None or asked[1] not in stages.made:
            continue
        who, namespace = asked
        found.requests[who] += event["stage"] != "ResponseStarted"  # a watch has both, its beginning and its end
        annotations = event.get("annotations", {})
        if not _allowed(event, annotations):
            _note_refusal(found, event, who, namespace, stages)
            continue
        if "impersonatedUser" in event:
            found.used.add(IMPERSONATE)
        allowed = _role(annotations.get("authorization.k8s.io/reason", ""), namespace)
        if allowed.partition(" ")[2] in OF_EVERY_ACCOUNT or "objectRef" not in event:
            continue
        group, resource, name = _target(event)
        names = by_role.get((allowed, group, resource, event["verb"]))
        if names is None:
            found.elsewhere[f"{allowed}: {event['verb']} {resource}"] += 1
            continue
        found.used.update(Right(allowed, group, resource, one, event["verb"]) for one in names & {name, ""})
    return found


IMPERSONATE: Final = Right("ClusterRole gameday-operator", "", "serviceaccounts", "gameday", "impersonate")
"""Used by every request as an account; the log names it only by the account."""


def _who(event: Mapping[str, Any]) -> tuple[str, str] | None:
    """Whose right a request asks for, and the namespace of the operator that made it."""
    asking = WHO.match(event["user"].get("username", ""))
    if asking is None:
        return None
    acting = event.get("impersonatedUser", {}).get("username")
    if acting is not None:
        return "account", asking[1]
    return ("operator" if asking[2] == "gameday-operator" else "account"), asking[1]


def _allowed(event: Mapping[str, Any], annotations: Mapping[str, str]) -> bool:
    """Whether RBAC let it pass: admission may still refuse it, which is no matter of rights."""
    decision = annotations.get("authorization.k8s.io/decision")
    return decision == "allow" or (decision is None and event.get("responseStatus", {}).get("code") != 403)


def _note_refusal(found: Found, event: Mapping[str, Any], who: str, namespace: str, stages: NamespaceNotes) -> None:
    group, resource, name = _target(event)
    places = {namespace, event.get("objectRef", {}).get("namespace", "")}
    for place in places & stages.meant.keys():
        since, reason = stages.meant[place]
        if event["requestReceivedTimestamp"] >= since:
            found.meant[reason] += 1
            return
    what = f"{resource}.{group}" if group else resource or event["requestURI"]
    where = event.get("objectRef", {}).get("namespace", "")
    found.refused[f"{who}: {event['verb']} {what} {name}".rstrip() + (f" in {where}" if where else "")] += 1


def _target(event: Mapping[str, Any]) -> tuple[str, str, str]:
    """API group, resource with its subresource, and name."""
    there = event.get("objectRef", {})
    resource = "/".join(filter(None, (there.get("resource", ""), there.get("subresource", ""))))
    return there.get("apiGroup", ""), resource, there.get("name", "")


def _role(reason: str, namespace: str) -> str:
    """The role that allowed a request, by the name that it has in the manifests: a stage's own are named after it."""
    by = BY_ROLE.search(reason)
    return f"{by[1]} {by[2].removesuffix(f'-{namespace}')}" if by is not None else ""


def audit_log(since: str) -> Iterator[Mapping[str, Any]]:
    """What was asked since then."""
    with subprocess.Popen([str(CLUSTER), "audit-log"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            # Most lines are of others, and need not be read as JSON.
            if ":gameday" in line and line.startswith("{"):
                event = json.loads(line)
                if event["requestReceivedTimestamp"] >= since:
                    yield event
    if process.returncode:
        raise SystemExit(f"no audit log: '{CLUSTER} audit-log' ended with {process.returncode}")


def served() -> set[str]:
    """What the cluster serves, as ``resource.group``."""
    command = ["kubectl", "--kubeconfig", str(kubeconfig()), "api-resources", "-o", "name"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return set(answer.stdout.split())


def report(stages: NamespaceNotes) -> int:
    """Compare and print; 0 when the rights given are those used."""
    known = served()
    rights: list[Right] = []
    absent: list[Right] = []
    for who in WHOSE:
        for right in given(who):
            plural = right.resource.partition("/")[0]
            here = rights if ".".join(filter(None, (plural, right.group))) in known else absent
            here.append(right)
    found = compare(audit_log(min(stages.made.values())), rights, stages)
    asked = ", ".join(f"{times} requests of the {who}" for who, times in found.requests.items())
    print(f"rights: {asked}, {len(stages.made)} namespaces")
    print(f"rights: {len(rights)} given, {len(set(rights) & found.used)} used, {len(found.refused)} missing")
    for text, lines in (
        ("given and not used; take it from the manifest, or add the test that needs it", found.unused(rights)),
        ("asked for and not given; grant it in the manifest, or do not ask", _counted(found.refused)),
        ("refused, and a test says why it is meant", _counted(found.meant)),
        ("allowed by a role that a test made", _counted(found.elsewhere)),
        ("not compared, since this cluster does not serve it", absent),
    ):
        print(*([f"rights: {text}:"] if lines else []), *lines, sep="\n    ", end="\n" if lines else "")
    return 1 if found.unused(rights) or found.refused or not found.requests else 0


def _counted(counter: Counter[str]) -> list[str]:
    return [f"{what} ({times} times)" for what, times in sorted(counter.items())]


def main() -> int:
    """Compare what the named file's run left in the log."""
    with Path(sys.argv[1]).open() as notes:
        return report(NamespaceNotes.read(notes))


if __name__ == "__main__":
    sys.exit(main())
