"""People of different rights: each authenticates by a token of its own, so that nobody stands in for anybody."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from e2e.dialling import kubeconfig
from e2e.namespaces import TeamNamespace, kubectl
from gameday.cluster.resources import Object

READ: Final = ["get", "list", "watch"]
EDIT: Final = [*READ, "create", "update", "patch", "delete"]
RIGHTS: Final[Mapping[str, list[Object]]] = {
    "sre": [
        {"apiGroups": ["gameday.dev"], "resources": ["drills"], "verbs": EDIT},
        {"apiGroups": ["gameday.dev"], "resources": ["gamedays"], "verbs": READ},
    ],
    "developer": [{"apiGroups": ["gameday.dev"], "resources": ["drills", "gamedays"], "verbs": READ}],
    "planner": [
        {"apiGroups": ["gameday.dev"], "resources": ["gamedays"], "verbs": EDIT},
        {"apiGroups": ["gameday.dev"], "resources": ["drills"], "verbs": READ},
    ],
    "lord": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}],
}
"""An SRE runs drills, a developer looks, a planner writes plans, a lord may do anything in the namespace."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a kubeconfig."""

    name: str
    namespace: str
    config: Path

    @property
    def user(self) -> str:
        """As the API server knows them."""
        return f"system:serviceaccount:{self.namespace}:{self.name}"

    def does(self, *arguments: str, body: Object | None = None) -> str:
        """Run kubectl as this person; what it answers."""
        done = self._run(arguments, body)
        assert done.returncode == 0, f"{self.name}: kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def is_refused(self, *arguments: str, body: Object | None = None) -> str:
        """Run kubectl as this person, which must fail; what it says."""
        done = self._run(arguments, body)
        assert done.returncode != 0, f"{self.name} was let through: kubectl {' '.join(arguments)}: {done.stdout}"
        return done.stderr

    def _run(self, arguments: tuple[str, ...], body: Object | None) -> subprocess.CompletedProcess[str]:
        command = ["kubectl", "--kubeconfig", str(self.config), "-n", self.namespace, *arguments]
        text = json.dumps(body) if body is not None else None
        return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


def person(ns: TeamNamespace, name: str) -> Person:
    """One of ``RIGHTS``, new to the namespace."""
    about = {"metadata": {"name": name}}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": RIGHTS[name]} | about
    subject = {"kind": "ServiceAccount", "name": name, "namespace": ns.namespace}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
    binding = {"apiVersion": role["apiVersion"], "kind": "RoleBinding", "roleRef": reference, "subjects": [subject]}
    ns.apply({"apiVersion": "v1", "kind": "ServiceAccount"} | about, role, binding | about)
    return with_token(ns, name)


def bound(ns: TeamNamespace, name: str, cluster_role: str) -> Person:
    """Somebody new to the namespace who has in it what a ClusterRole gives."""
    about = {"metadata": {"name": name}}
    subject = {"kind": "ServiceAccount", "name": name, "namespace": ns.namespace}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": cluster_role}
    binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "roleRef": reference}
    ns.apply({"apiVersion": "v1", "kind": "ServiceAccount"} | about, binding | about | {"subjects": [subject]})
    return with_token(ns, name)


def with_token(ns: TeamNamespace, name: str) -> Person:
    """An account that is there, by a token of its own."""
    token = kubectl("-n", ns.namespace, "create", "token", name).stdout.strip()
    config = yaml.safe_load(kubeconfig().read_text())
    config["users"] = [{"name": config["users"][0]["name"], "user": {"token": token}}]
    path = ns.folder / f"{name}.kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return Person(name, ns.namespace, path)


def operator(ns: TeamNamespace) -> Person:
    """The operator's own account, with the rights that it is installed with."""
    return Person("gameday-operator", ns.namespace, ns._operator_kubeconfig())
