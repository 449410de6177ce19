"""A pod as a policy's selectors see it: its labels, its account, and its namespace with that one's labels."""

from collections.abc import Mapping
from dataclasses import dataclass

from gameday.cluster.kinds import Object


@dataclass(frozen=True, slots=True)
class Place:
    """``namespace_labels`` are None if the account may not read its namespace."""

    namespace: str
    labels: Mapping[str, str]
    account: str = "default"
    namespace_labels: Mapping[str, str] | None = None


def place_of(pod: Object, namespace: str, namespace_labels: Mapping[str, str] | None) -> Place:
    """Where a pod stands."""
    labels: Mapping[str, str] = pod["metadata"].get("labels") or {}
    account: str = pod["spec"].get("serviceAccountName") or "default"
    return Place(namespace, labels, account, namespace_labels)
