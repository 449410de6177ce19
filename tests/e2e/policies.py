"""Drills that are the same for both kinds of policies: with one kind in the short set, with the other in the whole one.

What differs between the kinds has tests of its own (`test_backends.py`), which always run with both. Here is also the
policy by which a team admits witnesses.
"""

import pytest

from gameday.cluster.resources import NETWORK_POLICIES, Object

CILIUM = "CiliumNetworkPolicy"
KUBERNETES = "NetworkPolicy"
WITNESS_AT_REDIS: Object = {
    "apiVersion": NETWORK_POLICIES.api_version,
    "kind": NETWORK_POLICIES.kind,
    "metadata": {"name": "gameday-witness-at-redis"},
    "spec": {
        "podSelector": {"matchLabels": {"app": "redis"}},
        "policyTypes": ["Ingress"],
        "ingress": [
            {
                "from": [
                    {
                        "podSelector": {
                            "matchExpressions": [
                                {"key": "gameday.dev/role", "operator": "In", "values": ["witness", "control"]}
                            ]
                        }
                    }
                ],
                "ports": [{"port": 6379}],
            }
        ],
    },
}
"""The shop's own policy admits the api to Redis by the label that its fault selects on; this one admits ours."""


def each_kind(first: str) -> pytest.MarkDecorator:
    """Parametrize ``via`` with both kinds, of which ``first`` runs in the short set."""
    (other,) = {CILIUM, KUBERNETES} - {first}
    return pytest.mark.parametrize("via", [first, pytest.param(other, marks=pytest.mark.slow)])
