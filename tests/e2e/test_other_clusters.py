"""Clusters that this bed is not, emulated by admission policies that refuse what they refuse, in their words.

OpenShift's SCC, GKE Autopilot, EKS Fargate, Windows nodes and tainted nodes: what a person reads there, that nothing
was changed, and what makes the drill run. No such cluster was at hand: all of them are emulated. LimitRanges are real.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
import yaml

from e2e.dialling import until
from e2e.namespaces import POLICIES, TeamNamespace, kubectl, small
from gameday.cluster.informer import Informer
from gameday.cluster.resources import DEPLOYMENTS, JOBS, PODS, Object
from gameday.model.labels import DRILL

pytestmark = pytest.mark.e2e

USERS = (1000680000, 1000689999)
"""The users that the emulated OpenShift gives to a namespace."""
PULL = {"image": "localhost/gameday-shop:dev", "imagePullPolicy": "IfNotPresent"}
ENOUGH = '{"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "500m", "memory": "96Mi"}}'
TOO_SMALL = {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "500m", "memory": "96Mi"}}
"""What pods of drills ask for by default, as docs/how-to/clusters.md says."""
DEDICATED = {"key": "example.com/dedicated", "operator": "Equal", "value": "shop", "effect": "NoSchedule"}
PUT_BACK = {
    "ifMissed": ["healthy again"],
    "within": "1m",
    "steps": [{"name": "stop", "scale": {"deployment": "api", "replicas": 0}}],
}
"""A rollback, so that the pods of fuses are tried as well."""

SCC = "unable to validate against any security context constraint: [provider restricted-v2: "
WARDEN = "GKE Warden rejected the request because it violates one or more constraints. Violations details: "
POD = "object.spec.securityContext"
HOST_PATHS = "!has(object.spec.volumes) || object.spec.volumes.all(v, !has(v.hostPath))"


def each(rule: str) -> str:
    """A rule for each container."""
    return f"object.spec.containers.all(c, {rule})"


RESTRICTED = {
    f"has({POD}.runAsUser) && {POD}.runAsUser >= {USERS[0]} && {POD}.runAsUser <= {USERS[1]}": (
        f"{SCC}.containers[0].runAsUser: Invalid value: 65532: must be in the ranges: [{USERS[0]}, {USERS[1]}]]"
    ),
    f"has({POD}.fsGroup) && {POD}.fsGroup == {USERS[0]}": (
        f"{SCC}.spec.securityContext.fsGroup: Invalid value: []int64{{65532}}: 65532 is not an allowed group]"
    ),
    each("c.securityContext.allowPrivilegeEscalation == false"): f"{SCC}allowPrivilegeEscalation: Invalid value: true]",
    each("'ALL' in c.securityContext.capabilities.drop"): f"{SCC}capabilities.drop: Required value]",
    f"{POD}.seccompProfile.type == 'RuntimeDefault'": f"{SCC}seccomp may not be set]",
    "!has(object.spec.hostNetwork) && !has(object.spec.hostPID)": f"{SCC}.spec.hostNetwork: Invalid value: true]",
    HOST_PATHS: f"{SCC}.spec.volumes[0]: Invalid value: hostPath]",
}
"""What OpenShift's restricted-v2 allows, each with the words of its refusal."""

AUTOPILOT = {
    "!has(object.spec.affinity) || !has(object.spec.affinity.nodeAffinity)": (
        f'{WARDEN}{{"[denied by autogke-node-affinity-selector-limitation]":["node affinity is not allowed"]}}'
    ),
    HOST_PATHS: f'{WARDEN}{{"[denied by autogke-no-write-mode-hostpath]":["hostPath is not allowed"]}}',
}

LEAST = {
    each("quantity(c.resources.requests['cpu']).compareTo(quantity('50m')) >= 0"): (
        "minimum cpu usage per Container is 50m, but request is 10m"
    ),
    each("quantity(c.resources.requests['memory']).compareTo(quantity('52Mi')) >= 0"): (
        "minimum memory usage per Container is 52Mi, but request is 32Mi"
    ),
}
"""The least of Autopilot, refused as a LimitRange does it; Autopilot itself raises what is too small."""

LIMITS = {
    "least of a container": (
        {"type": "Container", "min": {"cpu": "50m", "memory": "52Mi"}},
        (
            "minimum cpu usage per Container is 50m, but request is 10m",
            "minimum memory usage per Container is 52Mi, but request is 32Mi",
        ),
    ),
    "least of a pod": (
        {"type": "Pod", "min": {"cpu": "50m"}},
        ("minimum cpu usage per Pod is 50m, but request is 10m",),
    ),
    "ratio": (
        {"type": "Container", "maxLimitRequestRatio": {"cpu": "10"}},
        ("cpu max limit to request ratio per Container is 10, but provided ratio is 50.000000",),
    ),
}
"""Limits of a LimitRange that pods of drills are outside of, unless their resources are set, and its own words."""

MIXED = {
    "has(object.spec.nodeSelector) && object.spec.nodeSelector[?'kubernetes.io/os'] == optional.of('linux')": (
        "0/2 nodes are available: a pod that does not select Linux may land on a Windows node"
    ),
    "has(object.spec.tolerations) && object.spec.tolerations.exists(t, t.operator == 'Exists' && !has(t.key) || "
    "has(t.key) && t.key == 'example.com/dedicated')": (
        "0/2 nodes are available: 2 node(s) had untolerated taint(s) example.com/dedicated"
    ),
}
"""What keeps a pod off the nodes where all are tainted and some run Windows."""


def bound(ns: TeamNamespace) -> Object:
    """What binds a policy to the stage alone."""
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": ns.namespace}}}


def on_pods() -> Object:
    return {
        "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]
    }


def refusing(ns: TeamNamespace, rules: dict[str, str]) -> Iterable[Object]:
    """A policy that refuses pods in the stage but those of which each rule is true."""
    metadata = {"name": f"emulated-{ns.namespace}"}
    validations = [{"expression": rule, "message": words, "reason": "Forbidden"} for rule, words in rules.items()]
    yield {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": metadata,
        "spec": {"matchConstraints": on_pods(), "validations": validations},
    }
    yield {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": metadata,
        "spec": {"policyName": metadata["name"], "validationActions": ["Deny"], "matchResources": bound(ns)},
    }


def giving_users(ns: TeamNamespace) -> Iterable[Object]:
    """A policy that gives a user to pods in the stage that name none, as the SCC's admission does."""
    metadata = {"name": f"emulated-users-{ns.namespace}"}
    given = f"Object.spec.securityContext{{runAsUser: {USERS[0]}, fsGroup: {USERS[0]}}}"
    mutation = {"expression": f"Object{{spec: Object.spec{{securityContext: {given}}}}}"}
    yield {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicy",
        "metadata": metadata,
        "spec": {
            "matchConstraints": on_pods(),
            "matchConditions": [
                {
                    "name": "no-user",
                    "expression": "!has(object.spec.securityContext) || !has(object.spec.securityContext.runAsUser)",
                }
            ],
            "failurePolicy": "Fail",
            "reinvocationPolicy": "Never",
            "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": mutation}],
        },
    }
    yield {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": metadata,
        "spec": {"policyName": metadata["name"], "matchResources": bound(ns)},
    }


def bare(name: str, **spec: Any) -> Object:
    """A pod of the team's that fits nowhere but where it says."""
    container = {"name": "c", "command": ["sleep", "600"], **PULL}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": "api"}},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [container], **spec},
    }


@contextlib.asynccontextmanager
async def emulated(ns: TeamNamespace, *bodies: Object) -> AsyncIterator[None]:
    """Policies for the stage, once they hold."""
    ns.revokes("another cluster is emulated, whose admission refuses")
    kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(bodies))
    try:
        anything = yaml.safe_dump(bare("refused", volumes=[{"name": "host", "hostPath": {"path": "/"}}]))

        async def hold() -> bool:
            done = kubectl("-n", ns.namespace, "create", "--dry-run=server", "-f", "-", stdin=anything, ok=False)
            return "emulated-" in done.stderr

        await until(hold, "the emulated admission holds")
        yield
    finally:
        for body in bodies:
            kubectl("delete", body["kind"], body["metadata"]["name"], "--ignore-not-found", ok=False)


@contextlib.asynccontextmanager
async def untouched(ns: TeamNamespace) -> AsyncIterator[None]:
    """Nothing of a drill is ever made meanwhile, and nothing of the team's is changed."""
    resources = (*POLICIES, JOBS, PODS)
    before = {
        resource: {one["metadata"]["name"] for one in (await ns.admin.list(resource, ns.namespace))[0]}
        for resource in resources
    }
    deployments = await generations(ns)
    made: set[str] = set()
    async with contextlib.AsyncExitStack() as stack:
        for resource in resources:
            informer = Informer(ns.admin, resource, ns.namespace, lambda: None)
            informer._changed = lambda mirror=informer, kind=resource: made.update(set(mirror.objects) - before[kind])  # type: ignore[misc]
            stack.push_async_callback(ended, asyncio.create_task(informer.run()))
        yield
        await ns.nothing_is_left()
    assert made == set()
    assert await generations(ns) == deployments


async def ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def generations(ns: TeamNamespace) -> dict[str, int]:
    """How often the spec of each Deployment was changed."""
    found, _ = await ns.admin.list(DEPLOYMENTS, ns.namespace)
    return {one["metadata"]["name"]: one["metadata"]["generation"] for one in found}


async def refused(ns: TeamNamespace, environment: dict[str, str] | None = None) -> str:
    """Why a drill is refused here before anything is made."""
    await ns.operator(environment=environment)
    async with untouched(ns):
        await ns.start(small(rollback=PUT_BACK))
        status = await ns.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "PreflightFailed"), status["message"]
    assert status["undo"] == []
    message: str = status["message"]
    return message


async def passes(ns: TeamNamespace, environment: dict[str, str] | None = None) -> list[Object]:
    """Run a drill that passes; its pods as they were under the cut."""
    await ns.operator(environment=environment)
    await ns.start(small(rollback=PUT_BACK))
    await ns.in_phase("Outage")
    pods, _ = await ns.admin.list(PODS, ns.namespace, DRILL)
    status = await ns.finishes()
    assert status["verdict"] == "Passed", status["message"]
    await ns.nothing_is_left()
    return list(pods)


async def test_openshift_emulated_refuses_a_fixed_user_and_the_message_names_the_setting(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    async with emulated(ns, *refusing(ns, RESTRICTED)):
        message = await refused(ns)
    assert "runAsUser: Invalid value: 65532: must be in the ranges: [1000680000, 1000689999]" in message
    assert "set an empty GAMEDAY_AGENT_USER on the operator" in message


async def test_openshift_emulated_runs_a_drill_as_the_users_that_it_chooses(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    async with emulated(ns, *giving_users(ns), *refusing(ns, RESTRICTED)):
        pods = await passes(ns, {"GAMEDAY_AGENT_USER": ""})
    assert len(pods) >= 3
    assert {pod["spec"]["securityContext"]["runAsUser"] for pod in pods} == {USERS[0]}


async def test_autopilot_emulated_is_refused_as_a_cluster_without_witnesses(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    async with emulated(ns, *refusing(ns, AUTOPILOT)):
        message = await refused(ns, {"GAMEDAY_AGENT_RESOURCES": ENOUGH})
    assert "autogke-node-affinity-selector-limitation" in message
    assert (
        "GKE Autopilot chooses the nodes itself, so a witness cannot run on a target's node: use another cluster"
    ) in message


@pytest.mark.parametrize("name", LIMITS)
async def test_requests_outside_a_limit_range_are_refused_with_the_setting_that_mends_it(
    ns: TeamNamespace, name: str
) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    limit, words = LIMITS[name]
    ns.revokes("a LimitRange refuses pods of drills")
    ns.apply({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "limits"}, "spec": {"limits": [limit]}})
    outside = bare("outside")
    outside["spec"]["containers"][0]["resources"] = TOO_SMALL

    async def holds() -> bool:
        done = kubectl("-n", ns.namespace, "create", "--dry-run=server", "-f", "-", stdin=json.dumps(outside), ok=False)
        return done.returncode != 0

    await until(holds, "the LimitRange holds")
    message = await refused(ns)
    for one in words:
        assert one in message
    assert "set the requests and limits of a drill's pods with GAMEDAY_AGENT_RESOURCES on the operator" in message

    await ns.operators[0].end()
    await ns.operator(environment={"GAMEDAY_AGENT_RESOURCES": ENOUGH})
    await ns.start(small(rollback=PUT_BACK), name="second", dryRun=True)
    status = await ns.finishes("second")
    assert status["reason"] == "Planned", status["message"]
    await ns.nothing_is_left()


async def test_tainted_and_windows_nodes_emulated_get_no_pod_that_does_not_fit(ns: TeamNamespace) -> None:
    """With the least requests of another policy, so that each setting is seen to reach every pod."""
    await ns.shop(parts=("api", "redis"), replicas=1)
    patch = yaml.safe_dump({"spec": {"template": {"spec": {"tolerations": [DEDICATED]}}}})
    kubectl("-n", ns.namespace, "patch", "deployment", "api", "--type=strategic", "-p", patch)
    await ns.deploy({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "none"}})
    async with emulated(ns, *refusing(ns, MIXED | LEAST)):
        pods = await passes(ns, {"GAMEDAY_AGENT_RESOURCES": ENOUGH})
    assert len(pods) >= 3
    for pod in pods:
        assert pod["spec"]["nodeSelector"]["kubernetes.io/os"] == "linux"
        taken_over = DEDICATED in pod["spec"]["tolerations"]
        assert taken_over or {"operator": "Exists"} in pod["spec"]["tolerations"], pod["metadata"]["name"]


async def test_tainted_nodes_emulated_get_the_pods_of_targets_without_tolerations_by_the_setting(
    ns: TeamNamespace,
) -> None:
    """As for a drill that names no pods: nothing is taken over, so every toleration is the setting's."""
    await ns.shop(parts=("api", "redis"), replicas=1)
    settings = {"GAMEDAY_AGENT_RESOURCES": ENOUGH, "GAMEDAY_AGENT_TOLERATIONS": json.dumps([DEDICATED])}
    async with emulated(ns, *refusing(ns, MIXED | LEAST)):
        pods = await passes(ns, settings)
    assert len(pods) >= 3
    for pod in pods:
        tolerated = pod["spec"]["tolerations"]
        assert DEDICATED in tolerated or {"operator": "Exists"} in tolerated, pod["metadata"]["name"]


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("fargate-by-label", "odd run on Fargate, where every pod has its own node, so a witness cannot share it"),
        ("fargate-by-node", "odd run on Fargate, where every pod has its own node, so a witness cannot share it"),
        ("windows", "odd run on Windows nodes, where a drill's pods cannot run"),
    ],
)
async def test_a_target_where_no_witness_can_stand_is_refused_by_name(
    ns: TeamNamespace, where: str, words: str
) -> None:
    """Emulated: a pod that is marked as EKS marks those on Fargate, one on such a node, one that wants Windows."""
    await ns.shop(parts=("api", "redis"), replicas=1)
    odd = {
        "fargate-by-label": bare("odd"),
        "fargate-by-node": bare("odd", nodeName="fargate-ip-10-0-0-1.ec2.internal"),
        "windows": bare("odd", nodeSelector={"kubernetes.io/os": "windows"}),
    }[where]
    if where == "fargate-by-label":
        odd["metadata"]["labels"]["eks.amazonaws.com/fargate-profile"] = "default"
    ns.apply(odd)
    message = await refused(ns)
    assert words in message
    assert "exclude them from podSelector" in message
