"""Label selectors: Kubernetes compares keys as they are written, Cilium may name a source before a key."""

from typing import Any

import pytest

from gameday.cluster.resources import Object
from gameday.preflight.policies.cilium import selects_place
from gameday.preflight.policies.pod_identity import PodIdentity
from gameday.preflight.policies.selectors import keys, selects

ODD = ["k8s.acme.com/zone", "any.acme.com/zone", "k8s.zone", "any.zone"]


def by_each_means(key: str) -> list[Object]:
    """Selectors of the pods whose label of this key is ``a``."""
    return [
        {"matchLabels": {key: "a"}},
        {"matchExpressions": [{"key": key, "operator": "In", "values": ["a"]}]},
        {"matchExpressions": [{"key": key, "operator": "Exists"}]},
    ]


@pytest.mark.parametrize("key", ODD)
def test_a_key_that_begins_like_a_source_of_ciliums_is_compared_as_it_is_written(key: str) -> None:
    short = key.partition(".")[2]
    for selector in by_each_means(key):
        assert selects(selector, {key: "a"})
        assert not selects(selector, {short: "a"})
        assert list(keys(selector)) == [key]
    for selector in by_each_means(short):
        assert not selects(selector, {key: "a"})


def test_a_key_with_a_source_is_no_key_of_kubernetes() -> None:
    assert not selects({"matchLabels": {"k8s:app": "api"}}, {"app": "api"})


# Cilium's own tools show ``k8s.app`` for ``k8s:app``; in a policy it is a label of that very name.
CILIUM: list[tuple[str, dict[str, str], bool]] = [
    ("app", {"app": "a"}, True),
    ("k8s:app", {"app": "a"}, True),
    ("any:app", {"app": "a"}, True),
    ("k8s.app", {"app": "a"}, False),
    ("any.app", {"app": "a"}, False),
    ("k8s.app", {"k8s.app": "a"}, True),
    ("k8s:k8s.acme.com/zone", {"k8s.acme.com/zone": "a"}, True),
    ("k8s:acme.com/zone", {"k8s.acme.com/zone": "a"}, False),
    ("any:any.acme.com/zone", {"any.acme.com/zone": "a"}, True),
    ("reserved:app", {"app": "a"}, False),
    ("container:app", {"app": "a"}, False),
]


@pytest.mark.parametrize(("key", "labels", "selected"), CILIUM)
def test_a_selector_of_cilium_may_name_a_source_before_a_key(key: str, labels: dict[str, str], selected: bool) -> None:
    for selector in by_each_means(key):
        assert selects_place(selector, PodIdentity("shop", labels)) is selected


@pytest.mark.parametrize("prefix", ["", "k8s:", "any:"])
@pytest.mark.parametrize(
    ("key", "value", "selected"),
    [
        ("io.kubernetes.pod.namespace", "shop", True),
        ("io.kubernetes.pod.namespace", "pay", False),
        ("io.cilium.k8s.namespace.labels.tenant", "green", True),
        ("io.cilium.k8s.namespace.labels.tenant", "blue", False),
        ("io.cilium.k8s.policy.cluster", "west", True),
    ],
)
def test_what_cilium_knows_of_a_pods_place_has_a_source_as_well(
    prefix: str, key: str, value: Any, selected: bool
) -> None:
    here = PodIdentity("shop", {}, namespace_labels={"tenant": "green"})
    assert selects_place({"matchLabels": {prefix + key: value}}, here) is selected
