"""The manifests of our pods in a team's namespace: small, restricted, and never taken for the team's own."""

from collections.abc import Mapping
from typing import Any, Final

from gameday.cluster.kinds import DRILLS, PODS, Object
from gameday.model.agent import SECRETS, VARIABLE, AgentConfig
from gameday.model.labels import marks
from gameday.model.names import derived
from gameday.model.plan import SecretKey

ACCOUNT: Final = "gameday"
SEVER_GRACE: Final = 20
"""Seconds that the severing pod has from its trigger to its end."""


def pod(
    drill: str,
    drill_uid: str,
    agent: str,
    module: str,
    config: AgentConfig,
    image: str,
    pull_policy: str,
    *,
    role: str,
    secrets: tuple[SecretKey, ...] = (),
    wears: Mapping[str, str] | None = None,
    node: str = "",
    grace: int = 1,
) -> Object:
    """An agent's pod. ``wears`` are the target's labels, for a twin; ``node`` is where it must run."""
    spec: dict[str, Any] = {
        "serviceAccountName": ACCOUNT,
        "automountServiceAccountToken": False,
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": grace,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "fsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(module, config, image, pull_policy, secrets)],
        "volumes": _volumes(secrets),
    }
    if wears is not None:
        # Never ready, so no Service and no PodDisruptionBudget counts it among the team's pods.
        spec["readinessGates"] = [{"conditionType": "gameday.dev/never-ready"}]
    if node:
        term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
        required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
        spec["affinity"] = {"nodeAffinity": required}
    owner = {"apiVersion": DRILLS.api_version, "kind": DRILLS.name, "name": drill, "uid": drill_uid}
    return {
        "apiVersion": PODS.api_version,
        "kind": PODS.name,
        "metadata": {
            "name": derived(drill, agent),
            "labels": {**(wears or {}), **marks(drill, role, agent)},
            "ownerReferences": [owner],
        },
        "spec": spec,
    }


def fuse_pod(drill: str, name: str, agent: str, config: AgentConfig, image: str, pull_policy: str) -> Object:
    """The fuse of a scale: not owned by the Drill, since it must outlive everything else of it."""
    body = pod(drill, "", agent, "fuse", config, image, pull_policy, role="fuse")
    body["metadata"]["name"] = name
    del body["metadata"]["ownerReferences"]
    body["metadata"]["annotations"] = {"gameday.dev/deadline": str(config.deadline)}
    body["spec"]["automountServiceAccountToken"] = True
    body["spec"]["restartPolicy"] = "OnFailure"
    return body


def _container(
    module: str, config: AgentConfig, image: str, pull_policy: str, secrets: tuple[SecretKey, ...]
) -> dict[str, Any]:
    return {
        "name": "agent",
        "image": image,
        "imagePullPolicy": pull_policy,
        "command": ["python3", "-m", f"gameday.agents.{module}"],
        "env": [{"name": VARIABLE, "value": config.to_json()}],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "500m", "memory": "96Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": f"secret-{i}", "mountPath": f"{SECRETS}/{name}", "readOnly": True}
            for i, name in enumerate(dict.fromkeys(secret.name for secret in secrets))
        ],
    }


def _volumes(secrets: tuple[SecretKey, ...]) -> list[dict[str, Any]]:
    return [
        {
            "name": f"secret-{i}",
            "secret": {
                "secretName": name,
                "items": [{"key": k, "path": k} for k in sorted({s.key for s in secrets if s.name == name})],
            },
        }
        for i, name in enumerate(dict.fromkeys(secret.name for secret in secrets))
    ]
