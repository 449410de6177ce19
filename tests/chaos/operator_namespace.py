"""The operator installed in the cluster, as docs/install.md says, in a namespace of its own beside other operators."""

import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Final

import yaml

from e2e.dialling import ROOT, until
from e2e.namespaces import IMAGE, TeamNamespace, kubectl
from gameday.cluster.client import Cluster
from gameday.cluster.resources import DEPLOYMENTS, LEASES, PODS, Object

OPERATOR: Final = "gameday-operator"
SELECTED: Final = f"app.kubernetes.io/name={OPERATOR}"
NO_IMAGE: Final = "localhost/gameday:gone"


@dataclass
class OperatorNamespace:
    """The operator's namespace."""

    admin: Cluster
    namespace: str
    watched: str

    def manifests(self, replicas: int) -> Iterator[Object]:
        """What is installed: the manifests, for this namespace and one watched; nothing of it is shared."""
        rendered = kubectl("kustomize", str(ROOT / "manifests" / "operator")).stdout
        for body in yaml.safe_load_all(rendered.replace("gameday-system", self.namespace)):
            if body["kind"] == "CustomResourceDefinition":
                continue
            shared = body["metadata"].get("namespace", "") != self.namespace and body["kind"] != "Namespace"
            if shared:
                body["metadata"]["name"] += f"-{self.namespace}"
                if "roleRef" in body:
                    body["roleRef"]["name"] += f"-{self.namespace}"
            if body["kind"] == "Deployment":
                body["spec"]["replicas"] = replicas
                (container,) = body["spec"]["template"]["spec"]["containers"]
                container["image"] = IMAGE
                container["args"].append(f"--watch={self.watched}")
            yield body

    async def open(self, replicas: int) -> None:
        """Install the operator, and wait until it leads."""
        kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(self.manifests(replicas)))

        async def runs() -> bool:
            deployment = await self.admin.get(DEPLOYMENTS, self.namespace, OPERATOR)
            ready = (deployment or {}).get("status", {}).get("readyReplicas", 0)
            return bool(ready == replicas and await self.leader())

        await until(runs, "the operator runs in the cluster", 90)

    async def leader(self) -> str:
        """The name of the pod that acts; nothing where none does."""
        lease = await self.admin.get(LEASES, self.namespace, OPERATOR)
        holder = (lease or {}).get("spec", {}).get("holderIdentity") or ""
        return holder if await self.admin.get(PODS, self.namespace, holder or "none") is not None else ""

    async def evict(self, pod: str) -> None:
        """Evict a pod, as a node that is drained does."""
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": self.namespace}}
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}/eviction"
        kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(body))

    async def take_image(self) -> str:
        """Let the operator's image be gone, and kill what runs: no new pod can start; which wait for it."""
        self._image(NO_IMAGE)
        pods, _ = await self.admin.list(PODS, self.namespace, SELECTED)
        for pod in pods:
            await self.admin.delete(PODS, self.namespace, pod["metadata"]["name"], grace=0)

        waiting: list[str] = []

        async def stuck() -> bool:
            there, _ = await self.admin.list(PODS, self.namespace, SELECTED)
            waiting[:] = [pod["metadata"]["name"] for pod in there if _waits(pod)]
            old = {pod["metadata"]["uid"] for pod in pods} & {pod["metadata"]["uid"] for pod in there}
            return bool(there) and len(waiting) == len(there) and not old

        await until(stuck, "no operator can start", 60)
        return f"{', '.join(waiting)} wait for their image"

    def give_image(self) -> None:
        """Let it be there again."""
        self._image(IMAGE)

    def close(self) -> None:
        """Uninstall the operator, and all that it may do."""
        bodies = [body for body in self.manifests(0) if body["kind"] != "Namespace"]
        kubectl("delete", "-f", "-", "--ignore-not-found", "--wait=false", stdin=yaml.safe_dump_all(bodies))

    async def closed(self) -> bool:
        """Whether nothing of the operator runs any more."""
        pods, _ = await self.admin.list(PODS, self.namespace, SELECTED)
        return not pods and await self.admin.get(DEPLOYMENTS, self.namespace, OPERATOR) is None

    def _image(self, image: str) -> None:
        # The old pods may not run on beside new ones that cannot start.
        template = {"spec": {"containers": [{"name": "operator", "image": image}]}}
        change = {"spec": {"strategy": {"type": "Recreate", "rollingUpdate": None}, "template": template}}
        kubectl("-n", self.namespace, "patch", "deployment", OPERATOR, "-p", json.dumps(change))


def _waits(pod: Object) -> bool:
    statuses = pod.get("status", {}).get("containerStatuses", ())
    reasons = {status.get("state", {}).get("waiting", {}).get("reason") for status in statuses}
    return bool(reasons & {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull"})


@contextlib.asynccontextmanager
async def operator_namespace(ns: TeamNamespace, replicas: int = 2) -> AsyncIterator[OperatorNamespace]:
    """An operator in the cluster that answers for one namespace, gone afterwards."""
    one = OperatorNamespace(ns.admin, f"chaos-office-{secrets.token_hex(3)}", ns.namespace)
    try:
        await one.open(replicas)
        yield one
    finally:
        one.close()
        kubectl("delete", "namespace", one.namespace, "--wait=false", ok=False)
