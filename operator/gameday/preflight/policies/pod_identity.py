"""A pod as a policy's selectors see it: its labels, its account, and its namespace with that one's labels."""

from collections.abc import Mapping
from dataclasses import dataclass

from gameday.cluster.resources import Object


@dataclass(frozen=True, slots=True)
class PodIdentity:
    """``namespace_labels`` are None if the account may not read its namespace."""

    namespace: str
    labels: Mapping[str, str]
    account: str = "default"
    namespace_labels: Mapping[str, str] | None = None


def pod_identity_of(pod: Object, namespace: str, namespace_labels: Mapping[str, str] | None) -> PodIdentity:
    """Where a pod stands."""
    labels: Mapping[str, str] = pod["metadata"].get("labels") or {}
    account: str = pod["spec"].get("serviceAccountName") or "default"
    return PodIdentity(namespace, labels, account, namespace_labels)
