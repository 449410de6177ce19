"""The kubernetes probe: the operator reads a Deployment from its own watch, as the account."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gameday.model.plan import ProbeSettings, RunsIn
from gameday.probes.kind import Rule, WatchedKind, WatchedObject
from gameday.probes.runner import ProbeResult
from gameday.schema.base import ApiModel, ObjectName
from gameday.schema.named import Dependencies


class Kubernetes(ApiModel):
    """The state of a Deployment."""

    deployment: ObjectName
    """Name of the Deployment."""


@dataclass(frozen=True, slots=True)
class KubernetesProbe(ProbeSettings):
    """The state of one Deployment."""

    runs_in = RunsIn.OPERATOR

    deployment: str


class KubernetesKind(WatchedKind[Kubernetes, KubernetesProbe]):
    """Reads replicas of a Deployment."""

    name = "kubernetes"
    description = "A Deployment: gives ok, replicas, ready, updated, available."
    spec = Kubernetes
    settings = KubernetesProbe
    grants = (Rule("apps", "deployments", ("list", "watch")),)
    gives = {
        "replicas": "number of pods that are wanted",
        "ready": "number of pods that are ready",
        "updated": "number of pods of the newest template",
        "available": "number of pods that have been ready for long enough",
    }

    def parse(self, spec: Kubernetes, named: Dependencies) -> KubernetesProbe:
        """See the base class."""
        return KubernetesProbe(spec.deployment)

    def watched(self, settings: KubernetesProbe) -> WatchedObject:
        """See the base class."""
        return WatchedObject("apps", "v1", "deployments", settings.deployment)

    def result(self, thing: Mapping[str, Any] | None) -> ProbeResult:
        """See the base class."""
        if thing is None:
            return ProbeResult(ok=False, error="absent")
        status = thing.get("status", {})
        values = {
            "replicas": float(thing["spec"].get("replicas", 1)),
            "ready": float(status.get("readyReplicas", 0)),
            "updated": float(status.get("updatedReplicas", 0)),
            "available": float(status.get("availableReplicas", 0)),
        }
        return ProbeResult(ok=True, values=values)


KIND: Final = KubernetesKind()
