"""Kinds of other software, installed without it: objects of them are there to be read, and nobody acts on them."""

import contextlib
from collections.abc import Collection, Iterator
from typing import Final

import yaml

from e2e.stage import kubectl
from gameday.cluster.kinds import Kind, Object

UNAPPROVED: Final = {"api-approved.kubernetes.io": "unapproved, for a test"}
"""Without it the API server takes no CRD of a group that ends in k8s.io."""


def definition(kind: Kind, scope: str) -> Object:
    """A CRD that takes any spec."""
    loose = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": kind.version, "served": True, "storage": True, "schema": {"openAPIV3Schema": loose}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": kind.full_name, "annotations": UNAPPROVED},
        "spec": {
            "group": kind.group,
            "names": {"plural": kind.plural, "singular": kind.name.lower(), "kind": kind.name},
            "scope": scope,
            "versions": [version],
        },
    }


@contextlib.contextmanager
def installed(namespaced: Collection[Kind], of_cluster: Collection[Kind] = ()) -> Iterator[None]:
    """Have these kinds served; those that were not there before go again, with all objects of them."""
    made = []
    try:
        for kind in (*namespaced, *of_cluster):
            if kubectl("get", "crd", kind.full_name, ok=False).returncode != 0:
                body = definition(kind, "Namespaced" if kind in namespaced else "Cluster")
                kubectl("create", "-f", "-", stdin=yaml.safe_dump(body))
                made.append(kind.full_name)
            kubectl("wait", "--for=condition=Established", f"crd/{kind.full_name}", "--timeout=30s")
        yield
    finally:
        if made:
            kubectl("delete", "crd", *made, "--wait=false")
