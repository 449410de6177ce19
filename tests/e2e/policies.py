"""Drills that are the same for both kinds of policies: with one kind in the short set, with the other in the whole one.

What differs between the kinds has tests of its own (`test_backends.py`), which always run with both.
"""

import pytest

CILIUM = "CiliumNetworkPolicy"
KUBERNETES = "NetworkPolicy"


def each_kind(first: str) -> pytest.MarkDecorator:
    """Parametrize ``via`` with both kinds, of which ``first`` runs in the short set."""
    (other,) = {CILIUM, KUBERNETES} - {first}
    return pytest.mark.parametrize("via", [first, pytest.param(other, marks=pytest.mark.slow)])
