"""Cuts of one drill that interfere with each other."""

from collections.abc import Iterable, Iterator
from itertools import permutations

from gameday.actions.kind import PreflightContext
from gameday.actions.network_partition.action import NetworkPartition, cuts_of
from gameday.actions.network_partition.checks import choose
from gameday.actions.network_partition.targets import pairs, selected
from gameday.model.plan import ServiceRef, Via
from gameday.preflight.cut_destination import services_cut, services_partly_cut
from gameday.preflight.findings import Finding
from gameday.preflight.policies.selectors import as_json, selects, with_stand_ins
from gameday.preflight.snapshot import NamespaceSnapshot

Others = Iterable[tuple[str, NetworkPartition]]


def check(ctx: PreflightContext, partition: NetworkPartition) -> Iterator[Finding]:
    """What of the plan's other cuts keeps this one from being made, or from being proven."""
    cuts = cuts_of(ctx.plan)
    place = [name for name, _ in cuts].index(ctx.name)
    # A finding about a pair is reported for the later one.
    yield from _adding(ctx, partition, cuts[:place])
    yield from _bystanders(ctx, partition, cuts[:place] + cuts[place + 1 :])


def _adding(ctx: PreflightContext, partition: NetworkPartition, others: Others) -> Iterator[Finding]:
    """NetworkPolicies only add: of two that select one pod, each opens what the other one closes."""
    own = _by_network_policy(ctx.snapshot, partition)
    for name, other in others:
        if both := sorted(own & _by_network_policy(ctx.snapshot, other)):
            text = (
                f"fault {name} selects {both[0]} as well, and two NetworkPolicies on one pod allow what the "
                "other blocks"
            )
            remedy = "use via: CiliumNetworkPolicy if the cluster runs Cilium, or run each cut in a drill of its own"
            yield Finding("CutsOverlap", f"{ctx.path}.podSelector", text, remedy)
        else:
            yield from _of_witnesses(ctx, (ctx.name, partition), (name, other))


def _of_witnesses(ctx: PreflightContext, *cuts: tuple[str, NetworkPartition]) -> Iterator[Finding]:
    """Of two cuts the one whose selector holds for witnesses of the other: these do not have all labels of targets."""
    if any(choose(ctx.snapshot, cut.via) is not Via.NETWORK_POLICY for _, cut in cuts):
        return
    for (by, cut), (of, other) in permutations(cuts, 2):
        own = (pair.labels for pair in pairs(ctx.snapshot.at(by), cut.pod_selector))
        wanted = as_json(with_stand_ins(cut.pod_selector, own))
        witnesses = pairs(ctx.snapshot.at(of), other.pod_selector)
        if any(selects(wanted, {**pair.labels, **pair.mesh.labels}) for pair in witnesses):
            text = (
                f"the policy of fault {by} selects the witnesses of fault {of} as well, which do not have all labels "
                "of their targets, and two NetworkPolicies on one pod allow what the other blocks"
            )
            remedy = (
                f"select the pods of fault {by} by matchLabels or In, use via: CiliumNetworkPolicy if the cluster "
                "runs Cilium, or run each cut in a drill of its own"
            )
            yield Finding("CutsOverlap", f"{ctx.path}.podSelector", text, remedy)


def _by_network_policy(snapshot: NamespaceSnapshot, partition: NetworkPartition) -> set[str]:
    """The names of the pods that a NetworkPolicy would select for a cut."""
    if choose(snapshot, partition.via) is not Via.NETWORK_POLICY:
        return set()
    return {pod["metadata"]["name"] for pod in selected(snapshot, partition.pod_selector)}


def _bystanders(ctx: PreflightContext, partition: NetworkPartition, others: Others) -> Iterator[Finding]:
    """A witness of one cut may have labels that another cut selects."""
    stays = {stay.service.within(ctx.snapshot.namespace): stay.name for stay in partition.spares if stay.service}
    for name, other in others:
        there, to = ctx.snapshot.at(name), other.to
        cut = (*services_cut(there, to), *services_partly_cut(there, to)) if isinstance(to, ServiceRef) else ()
        for service, _ in cut:
            place = service["metadata"]["namespace"], service["metadata"]["name"]
            if place in stays:
                text = f"{place[1]} is cut by fault {name}, so the drill would end at once"
                yield Finding(
                    "MustStayIsCut",
                    f"{ctx.path}.mustRemainReachable[{stays[place]}]",
                    text,
                    "remove it from mustRemainReachable",
                )
