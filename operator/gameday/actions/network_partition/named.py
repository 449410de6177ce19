"""Names outside the cluster that are cut: whether witnesses look them up as the targets do, and what that comes to.

Witnesses take over how the targets ask DNS. Where targets differ, or have a file of their own for the name, what a
witness finds is not what every target uses.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from gameday.cluster.resources import Object
from gameday.model.placement import Placement
from gameday.model.setup import Cut
from gameday.preflight.addresses import networks
from gameday.preflight.findings import Finding
from gameday.preflight.snapshot import NamespaceSnapshot

REMEDY: Final = "name the ranges of its addresses by cidrs beside host"
STAND_IN: Final = "192.0.2.1/32"
"""An address that nobody has (RFC 5737), for the policy that the API server tries before any is known."""


def check(_snapshot: NamespaceSnapshot, path: str, host: str, pods: Sequence[Object]) -> Iterator[Finding]:
    """What keeps witnesses from finding the addresses that each of these targets uses; ``path`` is the host's."""
    ways = {_asks(pod) for pod in pods}
    if len(ways) > 1:
        text = f"the targets ask DNS for {host} in {len(ways)} ways (dnsPolicy and dnsConfig), and witnesses in one"
        yield Finding("DnsDiffers", path, text, f"select pods of one kind, or {REMEDY}")
    wanted = host.rstrip(".").lower()
    for pod in pods:
        aliases = [entry for entry in pod["spec"].get("hostAliases") or () if wanted in _names(entry)]
        if aliases:
            text = f"pod {pod['metadata']['name']} has {host} in its hostAliases, so it does not ask DNS for it"
            yield Finding("HostAlias", path, text, REMEDY)
            return


def _names(alias: Object) -> set[str]:
    return {str(name).rstrip(".").lower() for name in alias.get("hostnames") or ()}


def _asks(pod: Object) -> tuple[str, str]:
    spec = pod["spec"]
    return spec.get("dnsPolicy") or "ClusterFirst", json.dumps(spec.get("dnsConfig") or {}, sort_keys=True)


def asking_like(placement: Placement, pods: Sequence[Object]) -> Placement:
    """The placement of witnesses that ask DNS as the first of these targets does."""
    if not pods:
        return placement
    policy, config = _asks(min(pods, key=lambda pod: str(pod["metadata"]["name"])))
    return replace(placement, dns_policy=policy, dns_config="" if config == "{}" else config)


def grown(cut: Cut, found: tuple[str, ...]) -> Cut:
    """The cut with every address that was found for its name, beside those that it has."""
    cidrs = tuple(str(network) for network in networks((*cut.destination.cidrs, *found)))
    if set(cidrs) == set(cut.destination.cidrs):
        return cut
    return replace(cut, destination=replace(cut.destination, cidrs=cidrs))


def to_be_tried(cut: Cut) -> Cut:
    """The cut as the API server tries it while no address is known."""
    return cut if _names_something(cut) else replace(cut, destination=replace(cut.destination, cidrs=(STAND_IN,)))


def _names_something(cut: Cut) -> bool:
    end = cut.destination
    return bool(end.selector or end.addresses or end.cidrs)


def names_nothing(cut: Cut) -> bool:
    """Whether a policy of this cut would name nothing, which to some networks means everything."""
    return not _names_something(cut)
