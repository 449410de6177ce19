"""What agents of a plan must reach, held against policies that keep them from it."""

from collections.abc import Iterable, Iterator

from gameday.actions.kind import Asks
from gameday.actions.network_partition.action import NetworkPartition, cuts_of
from gameday.actions.network_partition.targets import pairs
from gameday.model.hosts import address_of
from gameday.model.labels import CONTROL, OBSERVER
from gameday.model.places import name_of
from gameday.model.plan import Destination, Plan, Probe, RunsIn, ServiceRef
from gameday.preflight import agent_reach
from gameday.preflight.agent_egress import of_dns, our_pod
from gameday.preflight.agent_reach import CLIENT, Needs, needed
from gameday.preflight.cut_destination import cut_destination
from gameday.preflight.findings import Finding
from gameday.preflight.policies.pod_identity import PodIdentity
from gameday.preflight.snapshot import NamespaceSnapshot


def check(snapshot: NamespaceSnapshot, plan: Plan, asked: Iterable[tuple[str, Asks]] = ()) -> Iterator[Finding]:
    """Findings about agents that run probes, that have the targets' labels, or that actions make.

    ``asked`` is what the pods of actions ask, each with the path of its action's kind.
    """
    asks = tuple(asked)
    yield from agent_reach.check(snapshot, (*_needs(snapshot, plan), *_needs_of_actions(snapshot, asks)))
    yield from _names(snapshot, plan)
    by_role = {one.role: (path, one) for path, one in reversed(asks) if _is_looked_up(one.to)}
    for role, (path, one) in by_role.items():
        yield from of_dns(snapshot, f"{path}.{one.field}", role, one.why)


def _needs(snapshot: NamespaceSnapshot, plan: Plan) -> Iterator[Needs]:
    for probe in plan.probes:
        to = probe.settings.destination
        if to is None or (found := needed(snapshot, to)) is None:
            continue
        path = f"spec.probes[{probe.name}].{to.field}"
        for whose, identity in _askers(snapshot, plan, probe):
            yield Needs(path, whose, identity, *found)
    for fault, partition in cuts_of(plan):
        yield from _needs_of_pairs(snapshot.at(fault), fault, partition)


def _needs_of_actions(snapshot: NamespaceSnapshot, asked: Iterable[tuple[str, Asks]]) -> Iterator[Needs]:
    for path, one in asked:
        if (found := needed(snapshot, one.to)) is not None:
            yield Needs(f"{path}.{one.field}", f"the {one.role}", our_pod(snapshot, one.role), *found, why=one.why)


def _askers(snapshot: NamespaceSnapshot, plan: Plan, probe: Probe) -> Iterator[tuple[str, PodIdentity]]:
    """Our pod that asks for a probe: what it is called, and where policies find it; none where no pod does."""
    match probe.settings.runs_in:
        case RunsIn.OBSERVER:
            yield "the observer", our_pod(snapshot, OBSERVER)
        case RunsIn.CLIENT:
            labelled = [pair for fault, cut in cuts_of(plan) for pair in pairs(snapshot.at(fault), cut.pod_selector)]
            for pair in labelled[:1]:
                yield "the client, which has the targets' labels,", our_pod(snapshot, CONTROL, pair.labels)
            if not labelled:
                yield CLIENT, our_pod(snapshot, CONTROL)
        case RunsIn.OPERATOR:
            return


def _needs_of_pairs(snapshot: NamespaceSnapshot, fault: str, partition: NetworkPartition) -> Iterator[Needs]:
    if not isinstance(partition.to, ServiceRef) or snapshot.service is None:
        return
    if snapshot.service["metadata"]["namespace"] != snapshot.namespace:
        return
    path = f"spec.outage.faults[{fault}].networkPartition.to"
    for pair in pairs(snapshot, partition.pod_selector):
        ports = tuple(port.port for port in cut_destination(snapshot, partition.dependency).ports)
        identity = our_pod(snapshot, CONTROL, pair.labels)
        yield Needs(path, "a pod with the targets' labels", identity, snapshot.service, ports)


def _names(snapshot: NamespaceSnapshot, plan: Plan) -> Iterator[Finding]:
    """DNS, whose namespace is not read."""
    by_name = [probe for probe in plan.probes if _looks_up(probe)]
    if by_name:
        yield from of_dns(snapshot, f"spec.probes[{by_name[0].name}]", OBSERVER, "each probe fails with `dns`")
    for fault, cut in cuts_of(plan):
        if (host := name_of(cut.to)) and address_of(host) is None:
            path = f"spec.outage.faults[{fault}].networkPartition.to"
            yield from of_dns(snapshot.at(fault), path, CONTROL, "nobody finds the addresses that are to be cut")


def _looks_up(probe: Probe) -> bool:
    """Whether the observer looks up a name for it."""
    to = probe.settings.destination
    return to is not None and _is_looked_up(to) and probe.settings.runs_in is RunsIn.OBSERVER


def _is_looked_up(to: Destination) -> bool:
    return to.service is not None or address_of(to.host) is None
