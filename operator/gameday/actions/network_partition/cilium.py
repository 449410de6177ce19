"""A cut by CiliumNetworkPolicy: ``egressDeny`` wins over every allowance, and with no default deny it cuts only this.

It also works where targets are already isolated for egress, which a NetworkPolicy cannot. Cilium compares with what a
packet looks like behind the Service: the pods' labels and the pods' own ports, never the ClusterIP.
"""

from gameday.cluster.kinds import Object
from gameday.model.plan import Selector
from gameday.model.setup import FarEnd
from gameday.preflight.addresses import networks
from gameday.preflight.policies.selectors import sparing_controls

NAMESPACE = "k8s:io.kubernetes.pod.namespace"


def spec(targets: Selector, far_end: FarEnd) -> Object:
    """The policy's spec."""
    return {
        "endpointSelector": sparing_controls(targets),
        "enableDefaultDeny": {"egress": False, "ingress": False},
        "egressDeny": [_to(far_end) | _ports(far_end)],
    }


def _to(far_end: FarEnd) -> Object:
    if far_end.selector:
        labels = dict(sorted(far_end.selector.items())) | {NAMESPACE: far_end.namespace}
        return {"toEndpoints": [{"matchLabels": labels}]}
    return {"toCIDR": [str(network) for network in networks(far_end.cidrs)]}


def _ports(far_end: FarEnd) -> Object:
    ports = sorted({(port.target, port.protocol) for port in far_end.ports})
    listed = [{"port": str(number), "protocol": protocol} for number, protocol in ports]
    return {"toPorts": [{"ports": listed}]} if listed else {}
