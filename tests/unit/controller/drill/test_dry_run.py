"""The dry run tries every object that any stage may create, and reads what admission made of it."""

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest

from gameday.actions.job import RunJob
from gameday.actions.scale.kind import Scale
from gameday.actions.scale.restore import Restore
from gameday.cluster.client import Cluster
from gameday.cluster.resources import JOBS, PODS, Object
from gameday.controller.drill import agents
from gameday.controller.drill.agent_pods import PodContext, pod_of
from gameday.controller.drill.dry_run import Part, dry_run, findings, parts, unchecked
from gameday.controller.drill.setups import setup_of
from gameday.controller.drill.waiting_fuses import waiting_fuse
from gameday.errors import ClusterUnreachable, Rejected
from gameday.model.agent import FuseConfig, read_config
from gameday.model.change import Change
from gameday.model.names import cut_fuse
from gameday.model.placement import Placement
from gameday.model.places import redis_at
from gameday.model.plan import Plan, Probe, ServiceRef, Step, Via
from gameday.preflight.findings import Finding, Severity
from gameday.preflight.snapshot import NamespaceSnapshot
from gameday.probes.redis.kind import RedisProbe
from unit.api_server import ApiServer
from unit.preflight.things import API, a_snapshot, owner, partition, plan, pod
from workloads import deployment

PLACE = PodContext("shop", "first", "drill-uid", "gameday:test", "IfNotPresent")
STEPS = (
    Step("stop", Scale(deployment("worker"), 0)),
    Step("clear", RunJob("clear-stalled"), irreversible=True),
    Step("start", Restore(deployment("worker"))),
)
WANTED = plan(None, *STEPS, probes=(Probe("redis", RedisProbe(redis_at(service=ServiceRef("redis")))),))
Admission = Callable[[str, Object], Object]


def there(job: Object | None = None) -> NamespaceSnapshot:
    cron: Object = {"metadata": {"name": "clear-stalled"}}
    pod = {"metadata": {}, "spec": {"containers": [{"name": "clear", "image": "x"}], "restartPolicy": "Never"}}
    spec = {"jobTemplate": {"spec": {"template": pod, **(job or {})}}}
    worker = owner("worker", {"app": "worker"})
    worker["spec"]["replicas"] = 3
    return a_snapshot(cronjobs=(cron | {"spec": spec},), deployments=(worker,))


def tried(wanted: Plan = WANTED, seen: NamespaceSnapshot | None = None) -> tuple[Part, ...]:
    seen = seen or there()
    return tuple(parts(wanted, setup_of(seen, wanted, None), PLACE, seen))


async def said(
    api_server: ApiServer,
    cluster: Cluster,
    admission: Admission,
    seen: NamespaceSnapshot | None = None,
    wanted: Plan = WANTED,
) -> list[Finding]:
    api_server.admission = lambda plural, body: admission(plural, copy.deepcopy(body))
    seen = seen or there()
    answered = await dry_run(cluster, "shop", tried(wanted, seen))
    assert not answered.refused
    return list(findings(wanted, setup_of(seen, wanted, None), answered, seen))


def unchanged(_: str, body: Object) -> Object:
    return body


def test_every_object_of_every_stage_is_tried() -> None:
    found = [(part.body["metadata"]["name"], part.resource.kind, part.path) for part in tried()]
    assert sorted(found) == [
        ("first-client", "Pod", ""),
        ("first-closer", "Pod", ""),
        ("first-control-0", "Pod", ""),
        ("first-counter", "Pod", ""),
        ("first-fuse", "Job", ""),
        ("first-fuse-stop", "Job", "spec.rollback.steps[stop]"),
        ("first-fuse-stop", "Pod", "spec.rollback.steps[stop]"),
        ("first-partition", "CiliumNetworkPolicy", ""),
        ("first-step-clear", "Job", "spec.rollback.steps[clear]"),
        ("first-witness-0", "Pod", ""),
    ]


def mounting(name: str, *volumes: Object) -> Object:
    return {"metadata": {"name": name}, "spec": {"volumes": list(volumes)}}


def secret(name: str, key: str, **source: bool) -> Object:
    return {"name": "secret-0", "secret": {"secretName": name, "items": [{"key": key}], **source}}


def test_a_secret_that_no_pod_of_the_dry_run_mounts_is_said_to_be_unchecked() -> None:
    """A caller of an action, a fuse that logs in and a message's pod come with a drill alone."""
    bodies = (
        mounting("observer", secret("api", "token")),
        mounting("fuse-off", secret("admin", "password"), secret("api", "token")),
        mounting("caller-off", secret("admin", "password")),
        mounting("notifier", secret("slack", "url", optional=True)),
    )
    tried = (*(Part(PODS, body) for body in bodies), Part(JOBS, mounting("job", secret("ours", "key"))))
    tail = ": no pod of a dry run mounts it, so see that it is there and holds what is meant"
    assert list(unchecked(tried, bodies[:1])) == [
        f"not checked: Secret admin (key password){tail}",
        f"not checked: Secret slack (key url){tail}",
    ]
    assert not list(unchecked(tried[:1], bodies[:1]))


def test_a_dry_run_counts_connections_so_that_the_secret_of_a_redis_is_checked() -> None:
    seen = there()
    setup = setup_of(seen, WANTED, None)
    started = agents.pods(WANTED, setup.for_dry_run(), PLACE)
    assert "first-counter" in {pod["metadata"]["name"] for pod in started}
    assert not list(unchecked(tried(), started))


def test_the_fuse_that_is_tried_is_told_and_placed_as_the_one_that_is_lit() -> None:
    ctx = replace(PLACE, placement=Placement(node_selector={"pool": "shop"}))
    seen = there()
    found = [part.body for part in parts(WANTED, setup_of(seen, WANTED, None), ctx, seen)]
    (pod,) = (one for one in found if one["kind"] == "Pod" and one["metadata"]["name"] == "first-fuse-stop")
    told = read_config(pod["spec"]["containers"][0]["env"][0]["value"], FuseConfig)
    assert (told.job, told.workload, told.replicas, told.wanted) == ("first-fuse-stop", "worker", 3, 0)
    assert pod["spec"]["nodeSelector"]["pool"] == "shop"


def test_the_fuse_of_a_stateful_set_is_told_its_kind() -> None:
    change = Change("stop", "scale", "StatefulSet", "queue", "first-fuse-stop", before={"replicas": 3})
    (container,) = pod_of(waiting_fuse(PLACE, 90.0, change))["spec"]["containers"]
    told = read_config(container["env"][0]["value"], FuseConfig)
    assert (told.kind, told.workload, told.replicas) == ("StatefulSet", "queue", 3)


@pytest.mark.parametrize(
    ("refusal", "meaning"),
    [
        (
            "admission webhook denied the request: GKE Warden rejected the request",
            "GKE Autopilot chooses the nodes itself",
        ),
        (
            "unable to validate against any security context constraint: [provider restricted-v2: .containers[0]."
            "runAsUser: Invalid value: 65532: must be in the ranges: [1000680000, 1000689999]]",
            "set an empty GAMEDAY_AGENT_USER on the operator",
        ),
        ("minimum memory usage per Container is 64Mi, but request is 32Mi", "with GAMEDAY_AGENT_RESOURCES"),
        ("maximum cpu usage per Pod is 200m, but limit is 500m", "with GAMEDAY_AGENT_RESOURCES"),
        ("cpu max limit to request ratio per Container is 4, but provided ratio is 50", "with GAMEDAY_AGENT_RESOURCES"),
    ],
)
async def test_a_refusal_of_a_known_cluster_says_what_it_means(
    api_server: ApiServer, cluster: Cluster, refusal: str, meaning: str
) -> None:
    def admit(plural: str, body: Object) -> Object:
        if plural == "pods":
            raise Rejected(refusal)
        return body

    api_server.admission = admit
    answered = await dry_run(cluster, "shop", tried())
    *ours, step = answered.refused
    assert len(ours) == 6
    assert all(f"{refusal}; " in text and meaning in text for text in ours)
    assert meaning not in step, "it helps the drill's own pods alone"


async def test_nothing_is_created_and_nothing_found_where_admission_changes_nothing(
    api_server: ApiServer, cluster: Cluster
) -> None:
    assert await said(api_server, cluster, unchanged) == []
    assert api_server.objects == {}


async def test_a_refusal_of_a_step_names_the_step(api_server: ApiServer, cluster: Cluster) -> None:
    api_server.forbidden = {"create jobs"}
    answered = await dry_run(cluster, "shop", tried())
    fuse, fuse_of_step, step = answered.refused
    assert fuse_of_step.startswith("spec.rollback.steps[stop]: create jobs: ")
    assert fuse.startswith("create jobs: ")
    assert step.startswith("spec.rollback.steps[clear]: create jobs: ")


async def test_an_object_that_is_there_already_says_nothing(api_server: ApiServer, cluster: Cluster) -> None:
    api_server.put("jobs", "shop", {"metadata": {"name": cut_fuse("first")}})
    answered = await dry_run(cluster, "shop", tried())
    assert not answered.refused
    assert cut_fuse("first") not in {part.body["metadata"]["name"] for part, _ in answered.answers}


async def test_an_api_server_that_is_down_is_asked_again(api_server: ApiServer, cluster: Cluster) -> None:
    api_server.down = True
    with pytest.raises(ClusterUnreachable):
        await dry_run(cluster, "shop", tried())


def suspended(plural: str, body: Object) -> Object:
    if plural == "jobs":
        body["spec"]["suspend"] = True
    return body


async def test_jobs_that_admission_suspends(api_server: ApiServer, cluster: Cluster) -> None:
    *fuses, step = await said(api_server, cluster, suspended)
    stop = "spec.rollback.steps[stop]"
    assert [(fuse.code, fuse.severity, fuse.path) for fuse in fuses] == [
        ("ChangedByAdmission", Severity.REFUSE, ""), ("ChangedByAdmission", Severity.REFUSE, stop),
    ]  # fmt: skip
    assert "Job first-fuse, which must remove the policy" in fuses[0].message
    assert "Job first-fuse-stop, which must put replicas back" in fuses[1].message
    assert all("suspended" in fuse.message for fuse in fuses)
    assert (step.code, step.severity, step.path) == ("StepMayWait", Severity.WARN, "spec.rollback.steps[clear]")


async def test_a_job_that_its_template_suspends_would_never_run(api_server: ApiServer, cluster: Cluster) -> None:
    (step,) = await said(api_server, cluster, unchanged, there({"suspend": True}))
    assert (step.code, step.severity, step.path) == ("StepWouldNotRun", Severity.REFUSE, "spec.rollback.steps[clear]")


PROXY: Object = {"name": "istio-proxy", "image": "proxy"}


def injecting(where: str, container: Object) -> Admission:
    def admit(plural: str, body: Object) -> Object:
        if plural == "pods":
            body["spec"].setdefault(where, []).append(container)
        return body

    return admit


async def test_a_container_that_is_added_to_every_pod(api_server: ApiServer, cluster: Cluster) -> None:
    ours, step = await said(api_server, cluster, injecting("containers", PROXY))
    assert (ours.code, ours.severity) == ("Injected", Severity.WARN)
    assert "istio-proxy" in ours.message
    assert (step.code, step.severity, step.path) == ("StepWouldNotEnd", Severity.WARN, "spec.rollback.steps[clear]")


@pytest.mark.parametrize("where", ["labels", "annotations"])
async def test_a_job_that_declines_injection_ends(api_server: ApiServer, cluster: Cluster, where: str) -> None:
    seen = there()
    template = seen.things["cronjobs"][0]["spec"]["jobTemplate"]["spec"]["template"]
    template["metadata"] = {where: {"sidecar.istio.io/inject": "false"}}
    (ours,) = await said(api_server, cluster, injecting("containers", PROXY), seen)
    assert ours.code == "Injected"


async def test_a_native_sidecar_ends_with_its_pod(api_server: ApiServer, cluster: Cluster) -> None:
    native = PROXY | {"restartPolicy": "Always"}
    assert await said(api_server, cluster, injecting("initContainers", native)) == []


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("command", ["/vault-env", "python3"], "its command"),
        ("args", ["python3"], "its command"),
        ("env", [], "its variable"),
        ("name", "renamed", "its container agent is gone"),
    ],
)
async def test_a_container_of_ours_that_is_changed_refuses(
    api_server: ApiServer, cluster: Cluster, field: str, value: object, says: str
) -> None:
    def admit(plural: str, body: Object) -> Object:
        if body["metadata"]["name"] == "first-witness-0":
            body["spec"]["containers"][0][field] = value
        return body

    found = [one for one in await said(api_server, cluster, admit) if one.severity is Severity.REFUSE]
    assert [one.code for one in found] == ["ChangedByAdmission"]
    assert "first-witness-0" in found[0].message
    assert says in found[0].message


@pytest.mark.parametrize("field", ["readinessGates", "activeDeadlineSeconds", "restartPolicy", "serviceAccountName"])
async def test_a_pod_of_ours_that_loses_what_it_needs_refuses(
    api_server: ApiServer, cluster: Cluster, field: str
) -> None:
    def admit(plural: str, body: Object) -> Object:
        if body["metadata"]["name"] == "first-witness-0":
            del body["spec"][field]
        return body

    (found,) = await said(api_server, cluster, admit)
    assert (found.code, field in found.message) == ("ChangedByAdmission", True)


async def test_labels_that_are_added_are_no_hindrance_and_labels_that_are_changed_are(
    api_server: ApiServer, cluster: Cluster
) -> None:
    def labelled(**labels: str) -> Admission:
        def admit(plural: str, body: Object) -> Object:
            if plural == "pods":
                body["metadata"]["labels"] |= labels
                body["metadata"]["annotations"] = {"mesh": "yes"}
                body["spec"]["containers"][0]["image"] = "mirror.example/gameday:test"
            return body

        return admit

    assert await said(api_server, cluster, labelled(cost="shop")) == []
    found = await said(api_server, cluster, labelled(**{"gameday.dev/role": "pod"}))
    assert {one.code for one in found} == {"ChangedByAdmission"}
    assert all("its labels" in one.message for one in found)


async def test_all_pods_together_are_held_against_quotas(api_server: ApiServer, cluster: Cluster) -> None:
    quota: Object = {
        "metadata": {"name": "team"},
        "spec": {},
        "status": {"hard": {"pods": "10"}, "used": {"pods": "6"}},
    }
    seen = there()
    seen.things["resourcequotas"] = (quota,)
    (found,) = await said(api_server, cluster, unchanged, seen)
    assert (found.code, found.severity) == ("QuotaExceeded", Severity.REFUSE)
    assert "has 4 of pods left (of 10), but the drill needs 6" in found.message


async def refused_by(
    api_server: ApiServer, cluster: Cluster, refuses: Callable[[Object], bool], seen: NamespaceSnapshot | None = None
) -> list[str]:
    """What is said where admission refuses such pods."""

    def admit(plural: str, body: Object) -> Object:
        if plural == "pods" and refuses(body):
            raise Rejected('violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false')
        return body

    api_server.admission = lambda plural, body: admit(plural, copy.deepcopy(body))
    return (await dry_run(cluster, "shop", tried(WANTED, seen or there()))).refused


async def test_the_pod_of_a_steps_job_is_tried_and_refused_with_the_steps_path(
    api_server: ApiServer, cluster: Cluster
) -> None:
    """Admission answers for a Job without regard to its pod, which nobody would miss before the rollback."""
    (text,) = await refused_by(api_server, cluster, lambda pod: pod["metadata"]["name"] == "first-step-clear")
    assert text.startswith(
        "spec.rollback.steps[clear]: the API server refuses the pod of Job first-step-clear, so the step could"
    )
    assert 'violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false' in text
    assert text.endswith("correct the pod template of its CronJob, or what refuses the pod")


async def test_the_pod_of_a_steps_job_is_tried_as_its_job_would_make_it(
    api_server: ApiServer, cluster: Cluster
) -> None:
    """From what admission leaves in the Job, and with an owner: policies refuse pods that have none."""
    seen: list[Object] = []

    def admit(plural: str, body: Object) -> Object:
        if body["metadata"]["name"] == "first-step-clear":
            if plural == "jobs":
                body["metadata"]["uid"] = "job-uid"
                body["spec"]["template"] = {
                    "metadata": {"labels": {"job-name": "first-step-clear"}},
                    "spec": {"priorityClassName": "low", **body["spec"]["template"]["spec"]},
                }
            else:
                seen.append(copy.deepcopy(body))
        return body

    assert await said(api_server, cluster, admit) == []
    (pod,) = seen
    assert (pod["metadata"]["labels"], pod["spec"]["priorityClassName"]) == ({"job-name": "first-step-clear"}, "low")
    (own,) = pod["metadata"]["ownerReferences"]
    assert (own["kind"], own["name"], own["uid"], own["controller"]) == ("Job", "first-step-clear", "job-uid", True)


async def test_no_pod_is_tried_of_a_job_that_is_refused_itself(api_server: ApiServer, cluster: Cluster) -> None:
    def admit(plural: str, body: Object) -> Object:
        if body["metadata"]["name"] == "first-step-clear":
            raise Rejected(f"no {plural} here")
        return body

    api_server.admission = admit
    (text,) = (await dry_run(cluster, "shop", tried())).refused
    assert text.startswith("spec.rollback.steps[clear]: ")
    assert "no jobs here" in text


async def test_a_steps_pod_that_would_wait_for_room_is_warned_of(api_server: ApiServer, cluster: Cluster) -> None:
    quota: Object = {"metadata": {"name": "team"}, "spec": {}, "status": {"hard": {"pods": "6"}, "used": {}}}
    seen = there({})
    seen.things["resourcequotas"] = (quota,)
    tight = [one for one in await said(api_server, cluster, unchanged, seen) if one.path]
    assert [(one.code, one.path, one.severity) for one in tight] == [
        ("QuotaTight", "spec.rollback.steps[clear]", Severity.WARN)
    ]
    assert "the drill needs 6: Job first-step-clear would wait for room for its pod" in tight[0].message


@pytest.mark.parametrize("job", [{"parallelism": 0}, {"completions": 0}, {"managedBy": "kueue.x-k8s.io/multikueue"}])
async def test_a_job_that_has_no_pod_here_has_none_tried(api_server: ApiServer, cluster: Cluster, job: Object) -> None:
    def admit(plural: str, body: Object) -> Object:
        if plural == "pods" and body["metadata"]["name"] == "first-step-clear":
            raise Rejected("no pods here")
        return body

    assert await said(api_server, cluster, admit, there(job)) == []


async def test_what_admission_changes_in_a_steps_pod_is_the_teams_matter(
    api_server: ApiServer, cluster: Cluster
) -> None:
    def admit(plural: str, body: Object) -> Object:
        if plural == "pods" and body["metadata"]["name"] == "first-step-clear":
            body["spec"]["containers"] = [{"name": "other", "command": ["x"]}, PROXY]
            body["metadata"].pop("labels")
        return body

    assert await said(api_server, cluster, admit) == []


BY_NETWORK_POLICY = plan(partition(via=Via.NETWORK_POLICY), probes=())
CUTS = {"NetworkPolicy": BY_NETWORK_POLICY, "CiliumNetworkPolicy": WANTED}


def removing(*path: str) -> Callable[[Object], object]:
    """Take away what is there under this path."""

    def change(body: Object) -> object:
        for key in path[:-1]:
            body = body[key]
        return body.pop(path[-1])

    return change


CHANGES: dict[tuple[str, str], Callable[[Object], object]] = {
    ("CiliumNetworkPolicy", "spec.enableDefaultDeny was removed"): removing("spec", "enableDefaultDeny"),
    ("CiliumNetworkPolicy", "spec.enableDefaultDeny.egress was changed"): lambda body: body["spec"].update(
        enableDefaultDeny={"egress": True, "ingress": False}
    ),
    ("CiliumNetworkPolicy", "spec.egressDeny[1] was added"): lambda body: body["spec"]["egressDeny"].append(
        {"toEntities": ["all"]}
    ),
    ("CiliumNetworkPolicy", "spec.ingressDeny was added"): lambda body: body["spec"].update(ingressDeny=[{}]),
    ("NetworkPolicy", "spec.egress[0] was removed"): lambda body: body["spec"].update(egress=[]),
    ("NetworkPolicy", "spec.podSelector.matchLabels was added"): lambda body: body["spec"]["podSelector"].update(
        matchLabels={"team": "shop"}
    ),
    ("NetworkPolicy", "spec.policyTypes[1] was added"): lambda body: body["spec"]["policyTypes"].append("Ingress"),
    ("NetworkPolicy", "metadata.labels[gameday.dev/drill] was changed"): lambda body: body["metadata"]["labels"].update(
        {"gameday.dev/drill": "other"}
    ),
    ("NetworkPolicy", "metadata.annotations[gameday.dev/spec-digest] was removed"): removing(
        "metadata", "annotations", "gameday.dev/spec-digest"
    ),
    ("NetworkPolicy", "metadata.annotations[gameday.dev/destination] was removed"): removing("metadata", "annotations"),
    ("NetworkPolicy", "metadata.ownerReferences was changed"): removing("metadata", "ownerReferences"),
    ("CiliumNetworkPolicy", "metadata.ownerReferences was changed"): lambda body: body["metadata"][
        "ownerReferences"
    ].append({"apiVersion": "apps/v1", "kind": "Deployment", "name": "other", "uid": "other"}),
    ("NetworkPolicy", "metadata.finalizers has example.com/keep"): lambda body: body["metadata"].update(
        finalizers=[*body["metadata"].get("finalizers", ()), "example.com/keep"]
    ),
}


@pytest.mark.parametrize(("kind", "says"), CHANGES)
async def test_a_cut_that_admission_changes_refuses_and_names_the_field(
    api_server: ApiServer, cluster: Cluster, kind: str, says: str
) -> None:
    def admit(_: str, body: Object) -> Object:
        if body["kind"] == kind:
            CHANGES[kind, says](body)
        return body

    (found,) = await said(api_server, cluster, admit, wanted=CUTS[kind])
    assert (found.code, found.severity) == ("ChangedByAdmission", Severity.REFUSE)
    assert f"admission changes the {kind} first-partition, which is to cut: " in found.message
    assert says in found.message
    assert "exclude policies with the label gameday.dev/drill" in found.remedy


@pytest.mark.parametrize("wanted", CUTS.values(), ids=CUTS)
async def test_what_admission_adds_to_the_metadata_of_a_cut_is_no_hindrance(
    api_server: ApiServer, cluster: Cluster, wanted: Plan
) -> None:
    def admit(plural: str, body: Object) -> Object:
        if "policies" in plural:
            body["metadata"]["labels"]["cost"] = "shop"
            body["metadata"]["annotations"]["team"] = "shop"
        return body

    assert await said(api_server, cluster, admit, wanted=wanted) == []


async def test_a_field_of_the_cut_that_the_crd_does_not_know_is_refused(
    api_server: ApiServer, cluster: Cluster
) -> None:
    """Without enableDefaultDeny the deny of one destination would take all egress from the targets."""
    api_server.unknown_fields["ciliumnetworkpolicies"] = {"enableDefaultDeny"}
    answered = await dry_run(cluster, "shop", tried())
    (refused,) = answered.refused
    assert 'unknown field "spec.enableDefaultDeny"; the CRD of CiliumNetworkPolicies is older' in refused
    assert "write via: NetworkPolicy" in refused


LINKERD: Object = {"name": "linkerd-proxy", "image": "proxy"}


def meshed(native: bool = False) -> NamespaceSnapshot:
    """A namespace whose only target is in a mesh, by its own annotation."""
    beside = [LINKERD | {"restartPolicy": "Always"}]
    target = pod("api-0", API, containers=[{"name": "api"}, *([] if native else [LINKERD])])
    target["spec"]["initContainers"] = beside if native else []
    target["metadata"]["annotations"] = {"linkerd.io/inject": "enabled"}
    known = there()
    known.things = {**known.things, PODS.plural: (target, pod("redis-1", {"app": "redis"}, ip="10.0.0.3"))}
    return known


def enrolling(native: bool) -> Admission:
    """Admission of a mesh that injects its proxy into what is annotated, as witnesses and controls must be."""

    def admit(plural: str, body: Object) -> Object:
        if plural == "pods" and body["metadata"]["annotations"].get("linkerd.io/inject") == "enabled":
            if native:
                body["spec"].setdefault("initContainers", []).append(LINKERD | {"restartPolicy": "Always"})
            else:
                body["spec"]["containers"].append(LINKERD)
        return body

    return admit


@pytest.mark.parametrize("native", [False, True])
async def test_a_witness_that_would_be_outside_of_the_mesh_of_its_target_is_refused(
    api_server: ApiServer, cluster: Cluster, native: bool
) -> None:
    """Else the cut of the dependency's port stops the witness alone: the mesh carries the targets on another port."""
    (found,) = await said(api_server, cluster, unchanged, meshed(native))
    assert (found.code, found.severity) == ("WitnessOutsideMesh", Severity.REFUSE)
    assert found.path == "spec.outage.faults[partition].networkPartition.podSelector"
    assert "the traffic of pod api-0 goes through linkerd-proxy" in found.message
    assert "first-witness-0" in found.message


async def test_a_witness_in_the_mesh_of_its_target_is_not_refused(api_server: ApiServer, cluster: Cluster) -> None:
    assert await said(api_server, cluster, enrolling(native=True), meshed(native=True)) == []


async def test_who_is_told_of_the_targets_own_proxy_is_not_told_to_keep_it_from_witnesses(
    api_server: ApiServer, cluster: Cluster
) -> None:
    every = await said(api_server, cluster, enrolling(native=False), meshed())
    (found,) = (one for one in every if one.code == "Injected")
    assert found.severity is Severity.WARN
    assert "inject it as a native sidecar" in found.remedy
    assert "exclude pods" not in found.remedy
