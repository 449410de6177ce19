"""The manifests of our pods in a team's namespace: small, restricted, and never taken for the team's own."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from gameday.actions.kind import AgentPod
from gameday.cluster.client import ACCOUNT, CONTAINER
from gameday.cluster.resources import DRILLS, JOBS, PODS, Object
from gameday.controller.agent_settings import DEFAULT, AgentSettings
from gameday.fuses.owner import DRILL_UID
from gameday.model.agent import CONFIG_MAPS, SECRETS, VARIABLE, AgentConfig, WaitingFuseConfig
from gameday.model.labels import ROLES, Role, ownership_labels
from gameday.model.names import object_name
from gameday.model.placement import ANYWHERE, NO_MESH, Mesh, Placement
from gameday.model.plan import ConfigMapKey, SecretKey

OS: Final = "kubernetes.io/os"
STAYS: Final = {"karpenter.sh/do-not-disrupt": "true", "cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}
"""Ask that a node be not taken away under a drill; a vanished agent ends it."""
UNMESHED: Final = Mesh(
    {"sidecar.istio.io/inject": "false", "istio.io/dataplane-mode": "none", "kuma.io/sidecar-injection": "disabled"},
    {
        "linkerd.io/inject": "disabled",
        "sidecar.istio.io/inject": "false",
        "consul.hashicorp.com/connect-inject": "false",
    },
)
LEAVES: Final = tuple(
    {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}
    for key in ("not-ready", "unreachable")
)
"""A fuse leaves a lost node after this long, and not after the usual 300 s."""
TRIES: Final = 1_000_000
"""Pods of a fuse that may fail before its Job does: it goes on until its deadline."""
KEPT: Final = 3600
"""Seconds for which Kubernetes keeps a fuse that has acted. The operator removes it at the end of its drill, unless the
Drill was removed by force while no operator ran."""
LINGER: Final = 30
"""Seconds after its own end for which the kubelet lets an agent's pod run."""


Key = TypeVar("Key", SecretKey, ConfigMapKey)


@dataclass(frozen=True, slots=True)
class PodContext:
    """The drill whose agents these are, the image they run, what they take over from the targets, and the settings."""

    namespace: str
    drill: str
    uid: str
    image: str
    pull_policy: str
    placement: Placement = ANYWHERE
    settings: AgentSettings = DEFAULT
    lasts: float | None = None
    """Seconds after which its agents end; None: once no drill of its plan needs them any more."""


@dataclass(frozen=True, slots=True)
class PodTemplate:
    """What sets one agent's pod apart: its program and role, what is mounted into it, and what makes it one of a pair.

    ``labels`` are the target's labels, ``mesh`` is its enrolment in a mesh, ``node`` is where it must run,
    ``asks_alike`` says that it asks DNS as targets of a name do, and ``optional`` that it starts without what is to be
    mounted where that is missing.
    """

    module: str
    role: Role
    secrets: tuple[SecretKey, ...] = ()
    labels: Mapping[str, str] | None = None
    mesh: Mesh = NO_MESH
    node: str = ""
    config_maps: tuple[ConfigMapKey, ...] = ()
    asks_alike: bool = False
    optional: bool = False

    @property
    def mounts(self) -> tuple[tuple[str, str, SecretKey | ConfigMapKey], ...]:
        """Each object that it reads keys of, once: the volume's name, where it is mounted, and one of its keys."""
        secrets = _once(self.secrets)
        config_maps = _once(self.config_maps)
        return (
            *((f"secret-{i}", f"{SECRETS}/{one.name}", one) for i, one in enumerate(secrets)),
            *((f"configmap-{i}", f"{CONFIG_MAPS}/{one.name}", one) for i, one in enumerate(config_maps)),
        )


def pod(ctx: PodContext, agent: str, template: PodTemplate, config: AgentConfig) -> Object:
    """An agent's pod, owned by its Drill; nothing waits for it when the Drill is deleted.

    It ends by itself, and where its process does not, the kubelet ends it.
    """
    if config.ends_after <= 0:
        raise ValueError(f"agent {agent} would never end")
    if template.role not in ROLES:
        raise ValueError(f"agent {agent} has the role {template.role}, which a cut would not spare")
    owner = {"apiVersion": DRILLS.api_version, "kind": DRILLS.kind, "name": ctx.drill, "uid": ctx.uid}
    return {
        "apiVersion": PODS.api_version,
        "kind": PODS.kind,
        "metadata": {
            "name": object_name(ctx.drill, agent),
            "labels": {
                **(template.labels or {}),
                **template.mesh.labels,
                **ownership_labels(ctx.drill, template.role, agent),
            },
            "annotations": {**template.mesh.annotations, **STAYS},
            "ownerReferences": [owner],
        },
        "spec": _spec(ctx, template)
        | {
            "activeDeadlineSeconds": math.ceil(config.ends_after) + LINGER,
            "containers": [_container(ctx, template, config)],
        },
    }


def agent_pod(ctx: PodContext, agent: str, wanted: AgentPod) -> Object:
    """The pod of an agent that a kind of action asks for: without a mesh's proxy, and not for long on a lost node."""
    made = pod(ctx, agent, _template(wanted), wanted.config)
    made["spec"]["tolerations"] = [*LEAVES, *made["spec"].get("tolerations", ())]
    return made


def fuse_job(ctx: PodContext, name: str, agent: str, wanted: AgentPod) -> Object:
    """The fuse that acts: a Job with one pod, which is made anew on another node when its own is lost.

    It is not owned by the Drill, because it must outlive the drill's other objects; an annotation says whose it is. It
    has no proxy of a mesh, which would keep its Job from ending.

    Raises:
        ValueError: when what the pod is given is not the configuration of a fuse.

    """
    if not isinstance(wanted.config, WaitingFuseConfig):
        raise ValueError(f"{wanted.module} is no fuse")  # noqa: TRY004  its type is right: its content is not
    made = pod(ctx, agent, _template(wanted), replace(wanted.config, job=name))
    spec = made["spec"] | {"automountServiceAccountToken": True, "restartPolicy": "OnFailure"}
    # The first toleration that fits a taint counts: a target that tolerates everything would keep it on a lost node.
    spec["tolerations"] = [*LEAVES, *spec.get("tolerations", ())]
    seconds = spec.pop("activeDeadlineSeconds")
    metadata = {key: made["metadata"][key] for key in ("labels", "annotations")}
    return {
        "apiVersion": JOBS.api_version,
        "kind": JOBS.kind,
        "metadata": {"name": name, "labels": made["metadata"]["labels"], "annotations": {DRILL_UID: ctx.uid}},
        "spec": {
            "parallelism": 1,
            "completions": 1,
            "backoffLimit": TRIES,
            # Not once it has ended: a pod on a lost node never does.
            "podReplacementPolicy": "TerminatingOrFailed",
            "activeDeadlineSeconds": seconds,
            "ttlSecondsAfterFinished": KEPT,
            "template": {"metadata": metadata, "spec": spec},
        },
    }


def pod_of(job: Object) -> Object:
    """The pod that a fuse's Job will make, to be tried before it is needed: its admission is not the Job's."""
    template = job["spec"]["template"]
    metadata = template["metadata"] | {"name": job["metadata"]["name"]}
    return {"apiVersion": PODS.api_version, "kind": PODS.kind, "metadata": metadata, "spec": template["spec"]}


def _template(wanted: AgentPod) -> PodTemplate:
    return PodTemplate(
        wanted.module, wanted.role, mesh=UNMESHED, secrets=wanted.secrets, config_maps=wanted.config_maps
    )


def _spec(ctx: PodContext, template: PodTemplate) -> Object:
    placement, settings = ctx.placement, ctx.settings
    user = {} if settings.user is None else dict.fromkeys(("runAsUser", "runAsGroup", "fsGroup"), settings.user)
    spec: Object = {
        "nodeSelector": {**placement.node_selector, OS: "linux"},
        "serviceAccountName": ACCOUNT,
        "automountServiceAccountToken": False,
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 1,
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, **user, "seccompProfile": {"type": "RuntimeDefault"}},
        "volumes": _volumes(template),
    }
    if tolerations := (*placement.tolerations, *(t for t in settings.tolerations if t not in placement.tolerations)):
        spec["tolerations"] = [dict(toleration) for toleration in tolerations]
    if settings.priority_class:
        spec["priorityClassName"] = settings.priority_class
    if placement.pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in placement.pull_secrets]
    if template.labels is not None:
        # Never ready, so that no Service sends it what is meant for the team's pods.
        spec["readinessGates"] = [{"conditionType": "gameday.dev/never-ready"}]
    if template.asks_alike and placement.dns_policy:
        spec["dnsPolicy"] = placement.dns_policy
    if template.asks_alike and placement.dns_config:
        spec["dnsConfig"] = json.loads(placement.dns_config)
    if template.node:
        term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [template.node]}]}
        required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
        spec["affinity"] = {"nodeAffinity": required}
        # A target runs there, so its witness may too, whatever taints and labels the node has got since.
        spec["nodeSelector"] = {OS: "linux"}
        spec["tolerations"] = [{"operator": "Exists"}]
    return spec


def _container(ctx: PodContext, template: PodTemplate, config: AgentConfig) -> dict[str, Any]:
    return {
        "name": CONTAINER,
        "image": ctx.image,
        "imagePullPolicy": ctx.pull_policy,
        "command": ["python3", "-m", f"gameday.agents.{template.module}"],
        "env": [{"name": VARIABLE, "value": config.to_json()}],
        "resources": {part: dict(amounts) for part, amounts in ctx.settings.resources.items()},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": volume, "mountPath": path, "readOnly": True} for volume, path, _ in template.mounts],
    }


def _volumes(template: PodTemplate) -> list[dict[str, Any]]:
    """The keys that are used, and no other, of each Secret and ConfigMap."""
    volumes: list[dict[str, Any]] = []
    for volume, _, one in template.mounts:
        used: tuple[SecretKey | ConfigMapKey, ...] = (
            template.secrets if isinstance(one, SecretKey) else template.config_maps
        )
        items = [{"key": key, "path": key} for key in sorted({other.key for other in used if other.name == one.name})]
        source = {"items": items} | ({"optional": True} if template.optional else {})
        match one:
            case SecretKey():
                volumes.append({"name": volume, "secret": {"secretName": one.name, **source}})
            case ConfigMapKey():
                volumes.append({"name": volume, "configMap": {"name": one.name, **source}})
    return volumes


def _once(keys: Iterable[Key]) -> list[Key]:
    """One key of each object, in the order in which they are named first."""
    return list({key.name: key for key in keys}.values())
