"""A cut by CiliumNetworkPolicy: ``egressDeny`` wins over every allowance, and with no default deny it cuts only this.

It also works where targets are already isolated for egress, which a NetworkPolicy cannot. Cilium compares with what a
packet looks like behind the Service: the pods' labels and the pods' own ports, never the ClusterIP.
"""

from gameday.cluster.resources import Object
from gameday.model.plan import Selector
from gameday.model.setup import CutDestination
from gameday.preflight.addresses import networks
from gameday.preflight.policies.selectors import sparing_agents

NAMESPACE = "k8s:io.kubernetes.pod.namespace"


def spec(targets: Selector, destination: CutDestination) -> Object:
    """The policy's spec."""
    return {
        "endpointSelector": sparing_agents(targets),
        "enableDefaultDeny": {"egress": False, "ingress": False},
        "egressDeny": [_to(destination) | _ports(destination)],
    }


def _to(destination: CutDestination) -> Object:
    if destination.selector:
        labels = dict(sorted(destination.selector.items())) | {NAMESPACE: destination.namespace}
        return {"toEndpoints": [{"matchLabels": labels}]}
    return {"toCIDR": [str(network) for network in networks(destination.cidrs)]}


def _ports(destination: CutDestination) -> Object:
    ports = sorted({(port.target, port.protocol) for port in destination.ports})
    listed = [{"port": str(number), "protocol": protocol} for number, protocol in ports]
    return {"toPorts": [{"ports": listed}]} if listed else {}
