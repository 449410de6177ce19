"""Controllers that also set the replicas of a scaled workload, and would undo the scale while later steps rely on it.

A HorizontalPodAutoscaler leaves a workload alone that is scaled to 0, unless it may scale to 0 itself (Kubernetes,
horizontal.go: ScalingDisabled). KEDA scales it up as soon as there is work. A GitOps tool may reset any number that its
manifests name. Whether it does so at once cannot be seen in the namespace, so that is a warning.
"""

from collections.abc import Iterator
from typing import Final

from gameday.actions.workload import Workload
from gameday.cluster.resources import AUTOSCALERS, DEPLOYMENTS, SCALED_OBJECTS, Object
from gameday.preflight.findings import Finding, Severity
from gameday.preflight.snapshot import NamespaceSnapshot, labels_of

PAUSED: Final = "autoscaling.keda.sh/paused"
ARGO_LABEL: Final = "argocd.argoproj.io/instance"
ARGO_TRACKING: Final = "argocd.argoproj.io/tracking-id"
FLUX_KUSTOMIZATION: Final = "kustomize.toolkit.fluxcd.io/name"
FLUX_RELEASE: Final = "helm.toolkit.fluxcd.io/name"


def check(snapshot: NamespaceSnapshot, path: str, workload: Workload, replicas: int) -> Iterator[Finding]:
    """Findings about scaling a workload to ``replicas``; ``path`` is the field that names it."""
    yield from _autoscalers(snapshot, path, workload, replicas)
    for there in snapshot.of(workload.resource):
        if there["metadata"]["name"] == workload.name and _sets_replicas(there):
            yield from _deployed(path, there)


def scales(owner: Object, workload: Workload) -> bool:
    """Whether an autoscaler's target is this workload. KEDA's default is a Deployment."""
    target = owner["spec"].get("scaleTargetRef") or {}
    group = str(target.get("apiVersion") or DEPLOYMENTS.api_version).partition("/")[0]
    kind = target.get("kind") or DEPLOYMENTS.kind
    return (group, kind, target.get("name")) == (workload.resource.group, workload.resource.kind, workload.name)


def _autoscalers(snapshot: NamespaceSnapshot, path: str, workload: Workload, replicas: int) -> Iterator[Finding]:
    scaled = workload.name
    of_keda = [one for one in snapshot.of(SCALED_OBJECTS) if scales(one, workload)]
    for one in of_keda:
        name, annotations = one["metadata"]["name"], one["metadata"].get("annotations") or {}
        if str(annotations.get(PAUSED, "")).lower() != "true":
            text = f"ScaledObject/{name} of KEDA scales {scaled} and would undo this within seconds"
            remedy = f"pause it first with the annotation {PAUSED}: 'true', or remove this entry"
            yield Finding("ScaledByOther", path, text, remedy)
    for one in snapshot.of(AUTOSCALERS):
        kedas = any(owner["kind"] == SCALED_OBJECTS.kind for owner in one["metadata"].get("ownerReferences") or ())
        if not scales(one, workload) or (kedas and of_keda):
            continue
        if kedas or replicas != 0 or one["spec"].get("minReplicas") == 0:
            name = one["metadata"]["name"]
            text = f"HorizontalPodAutoscaler/{name} scales {scaled} and would undo this within seconds"
            yield Finding("ScaledByOther", path, text, "delete it for the time of the drill, or remove this entry")


def _deployed(path: str, workload: Object) -> Iterator[Finding]:
    name, labels = workload["metadata"]["name"], labels_of(workload)
    annotations = workload["metadata"].get("annotations") or {}
    application = labels.get(ARGO_LABEL) or str(annotations.get(ARGO_TRACKING, "")).partition(":")[0]
    if application:
        text = f"Argo CD application {application} sets the replicas of {name}; with selfHeal it would undo this"
        remedy = "switch selfHeal off for the time of the drill, or remove spec.replicas from its manifests"
        yield Finding("DeployedByOther", path, text, remedy, Severity.WARN)
    for label, kind in ((FLUX_KUSTOMIZATION, "kustomization"), (FLUX_RELEASE, "helmrelease")):
        if owner := labels.get(label):
            text = f"Flux {kind} {owner} sets the replicas of {name}; its next reconciliation would undo this"
            remedy = (
                f"run `flux suspend {kind} {owner}` for the time of the drill, or remove spec.replicas from "
                "its manifests"
            )
            yield Finding("DeployedByOther", path, text, remedy, Severity.WARN)


def _sets_replicas(workload: Object) -> bool:
    """Whether its deployer sets replicas, according to the managed fields; True if there are none."""
    fields = workload["metadata"].get("managedFields")
    return not fields or any(
        entry.get("subresource") != "scale" and "f:replicas" in ((entry.get("fieldsV1") or {}).get("f:spec") or {})
        for entry in fields
    )
