"""Policies that keep agents from DNS or the API server; these are in other namespaces, so findings are warnings."""

from collections.abc import Iterator, Mapping
from typing import Final

from gameday.cluster.client import ACCOUNT
from gameday.model.labels import FUSE, ROLE, Role, ownership_labels
from gameday.preflight.findings import Finding, Severity
from gameday.preflight.policies.pod_identity import PodIdentity
from gameday.preflight.snapshot import NamespaceSnapshot
from gameday.preflight.traffic import Traffic, Way, all_closed

API_PORTS: Final = (443, 6443, 8443, 16443)
"""Ports on which API servers listen."""
DNS_PORTS: Final = (53, 5353)
"""Ports on which pods of a cluster's DNS listen: OpenShift's on the second."""
PAGE: Final = "docs/how-to/networks.md has examples"


def our_pod(snapshot: NamespaceSnapshot, role: Role, labels: Mapping[str, str] | None = None) -> PodIdentity:
    """An agent's pod; the name of the drill is unknown here, so a placeholder is used that no policy selects."""
    return PodIdentity(
        snapshot.namespace, {**(labels or {}), **ownership_labels("", role, role)}, ACCOUNT, snapshot.namespace_labels
    )


def of_dns(snapshot: NamespaceSnapshot, path: str, role: Role, why: str) -> Iterator[Finding]:
    """A finding if policies keep the pods of a role from DNS; ``why`` is the consequence."""
    return _shut_in(snapshot, path, role, ("UDP", DNS_PORTS), "DNS", why)


def of_api_server(snapshot: NamespaceSnapshot, path: str, why: str) -> Iterator[Finding]:
    """A finding if policies keep fuses from the API server; ``why`` is the consequence."""
    return _shut_in(snapshot, path, FUSE, ("TCP", API_PORTS), "the API server", why)


def _shut_in(
    snapshot: NamespaceSnapshot, path: str, role: Role, ports: tuple[str, tuple[int, ...]], what: str, why: str
) -> Iterator[Finding]:
    protocol, numbers = ports
    ways = [Traffic(our_pod(snapshot, role), None, number, protocol) for number in numbers]
    if closing := all_closed(snapshot, Way.OUT, ways):
        text = (
            f"the {role} can probably not reach {what}, because {', '.join(closing)} isolates it for "
            f"egress and no rule admits {protocol} to ports {' or '.join(map(str, numbers))} outside "
            f"the namespace; {why}"
        )
        remedy = f"add a policy that admits pods with the label {ROLE}={role} there; {PAGE}"
        yield Finding("AgentShutOut", path, text, remedy, Severity.WARN)
