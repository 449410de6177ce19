"""Policies that keep agents from DNS or the API server, which are in other namespaces.

These are not read, so a finding is a warning, unless nothing outside the namespace is admitted at all.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from gameday.cluster.client import ACCOUNT
from gameday.model.labels import FUSE, ROLE, Role, ownership_labels
from gameday.preflight.findings import Finding, Severity
from gameday.preflight.policies.pod_identity import PodIdentity
from gameday.preflight.snapshot import NamespaceSnapshot
from gameday.preflight.traffic import Traffic, Way, all_closed, surely

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


def admit(labels: str) -> str:
    """What to do for agents that policies shut out; ``labels`` says how those are known."""
    return f"add a policy that admits pods with {labels} there; {PAGE}"


def of_dns(snapshot: NamespaceSnapshot, path: str, role: Role, why: str) -> Iterator[Finding]:
    """A finding if policies keep the pods of a role from DNS; ``why`` is the consequence."""
    return _shut_in(snapshot, path, role, ("UDP", DNS_PORTS), "DNS", why)


def of_api_server(snapshot: NamespaceSnapshot, path: str, why: str) -> Iterator[Finding]:
    """A finding if policies keep fuses from the API server; ``why`` is the consequence.

    It refuses where no rule admits TCP to anything outside the namespace, whatever the port of the API server.
    """
    anything = Traffic(our_pod(snapshot, FUSE), None, None)
    if surely(snapshot) and (closing := all_closed(snapshot, Way.OUT, (anything,))):
        way = cannot_reach(closing, "the API server", "TCP to anything outside the namespace", Severity.REFUSE)
        yield Finding(
            "AgentShutOut", path, f"the {FUSE} {way}; {why}", admit(f"the label {ROLE}={FUSE}"), Severity.REFUSE
        )
    else:
        yield from _shut_in(snapshot, path, FUSE, ("TCP", API_PORTS), "the API server", why)


def _shut_in(
    snapshot: NamespaceSnapshot, path: str, role: Role, ports: tuple[str, tuple[int, ...]], what: str, why: str
) -> Iterator[Finding]:
    protocol, numbers = ports
    ways = [Traffic(our_pod(snapshot, role), None, number, protocol) for number in numbers]
    if closing := all_closed(snapshot, Way.OUT, ways):
        admits = f"{protocol} to ports {' or '.join(map(str, numbers))} outside the namespace"
        way = cannot_reach(closing, what, admits, Severity.WARN)
        yield Finding(
            "AgentShutOut", path, f"the {role} {way}; {why}", admit(f"the label {ROLE}={role}"), Severity.WARN
        )


def cannot_reach(closing: tuple[str, ...], where: str, admits: str, severity: Severity) -> str:
    """What an agent cannot reach, and why; ``admits`` is what no rule admits, ``severity`` says how sure that is."""
    cannot = "cannot" if severity is Severity.REFUSE else "can probably not"
    return f"{cannot} reach {where}, because {', '.join(closing)} isolates it for egress and no rule admits {admits}"
