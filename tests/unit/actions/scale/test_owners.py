"""Who else sets the replicas of what a step scales."""

import pytest

from gameday.actions.preflight import check
from gameday.actions.scale.kind import Scale
from gameday.actions.scale.restore import Restore
from gameday.cluster.resources import Object
from gameday.model.plan import Step
from gameday.preflight.findings import Finding, Severity
from unit.preflight.things import a_snapshot, plan
from workloads import deployment

WORKER: Object = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "worker"}
BY_MANIFEST: Object = {
    "manager": "argocd-controller",
    "operation": "Update",
    "fieldsV1": {"f:spec": {"f:replicas": {}}},
}
BY_SCALING: Object = BY_MANIFEST | {"manager": "kubectl", "subresource": "scale"}
OTHERWISE: Object = {"manager": "helm-controller", "operation": "Apply", "fieldsV1": {"f:spec": {"f:template": {}}}}


def scaler(name: str, target: Object = WORKER, *, spec: Object | None = None, **metadata: object) -> Object:
    return {"metadata": {"name": name, **metadata}, "spec": {"scaleTargetRef": target, **(spec or {})}}


def found(replicas: int = 0, **things: tuple[Object, ...]) -> list[Finding]:
    steps = (Step("stop", Scale(deployment("worker"), replicas)), Step("start", Restore(deployment("worker"))))
    there = a_snapshot()
    there.things = there.things | things
    return list(check(there, plan(None, *steps)))


def worker(**metadata: object) -> tuple[Object, ...]:
    named: Object = {"name": "worker", **metadata}
    return ({"metadata": named, "spec": {"selector": {"matchLabels": {"app": "worker"}}}},)


@pytest.mark.parametrize(
    ("one", "replicas", "refused"),
    [
        (scaler("hpa"), 2, True),
        (scaler("hpa"), 0, False),
        (scaler("hpa", spec={"minReplicas": 0}), 0, True),
        (scaler("hpa", WORKER | {"name": "api"}), 2, False),
        (scaler("hpa", WORKER | {"kind": "StatefulSet"}), 2, False),
        (scaler("hpa", WORKER | {"apiVersion": "argoproj.io/v1alpha1"}), 2, False),
        (scaler("keda-hpa-x", ownerReferences=[{"kind": "ScaledObject", "name": "x"}]), 0, True),
    ],
)
def test_an_autoscaler_of_what_is_scaled_refuses(one: Object, replicas: int, refused: bool) -> None:
    findings = found(replicas, horizontalpodautoscalers=(one,))
    assert bool(findings) is refused
    for finding in findings:
        assert (finding.code, finding.severity) == ("ScaledByOther", Severity.REFUSE)
        assert finding.path == "spec.rollback.steps[stop].scale.deployment"
        assert f"HorizontalPodAutoscaler/{one['metadata']['name']} scales worker" in finding.message


@pytest.mark.parametrize(
    ("one", "refused"),
    [
        (scaler("x"), True),
        (scaler("x", {"name": "worker"}), True),
        (scaler("x", {"name": "api"}), False),
        (scaler("x", annotations={"autoscaling.keda.sh/paused": "true"}), False),
        (scaler("x", annotations={"autoscaling.keda.sh/paused-replicas": "0"}), True),
    ],
)
def test_keda_brings_back_what_is_at_zero(one: Object, refused: bool) -> None:
    own = scaler("keda-hpa-x", ownerReferences=[{"kind": "ScaledObject", "name": "x"}])
    findings = found(0, scaledobjects=(one,), horizontalpodautoscalers=(own,) if refused else ())
    assert [(finding.code, "ScaledObject/x of KEDA" in finding.message) for finding in findings] == [
        ("ScaledByOther", True)
    ] * refused


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ({"labels": {"argocd.argoproj.io/instance": "shop"}}, "Argo CD application shop"),
        ({"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/worker"}}, "application shop"),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}, "Flux kustomization apps"),
        ({"labels": {"helm.toolkit.fluxcd.io/name": "shop"}}, "Flux helmrelease shop"),
    ],
)
def test_what_git_deploys_is_warned_of(metadata: Object, says: str) -> None:
    (finding,) = found(0, deployments=worker(**metadata, managedFields=[OTHERWISE, BY_MANIFEST]))
    assert (finding.code, finding.severity) == ("DeployedByOther", Severity.WARN)
    assert says in finding.message
    assert found(0, deployments=worker(**metadata)), "without managed fields nobody knows"
    assert not found(0, deployments=worker(**metadata, managedFields=[OTHERWISE, BY_SCALING]))


def test_an_instance_label_alone_is_any_charts() -> None:
    assert not found(0, deployments=worker(labels={"app.kubernetes.io/instance": "shop"}))
