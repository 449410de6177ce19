"""Kinds of other software, installed without it: objects of them are there to be read, and nobody acts on them."""

import contextlib
from collections.abc import Collection, Iterator
from typing import Final

import yaml

from e2e.namespaces import kubectl
from gameday.cluster.resources import Object, Resource

UNAPPROVED: Final = {"api-approved.kubernetes.io": "unapproved, for a test"}
"""Without it the API server takes no CRD of a group that ends in k8s.io."""


def definition(resource: Resource, scope: str) -> Object:
    """A CRD that takes any spec."""
    loose = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": resource.version, "served": True, "storage": True, "schema": {"openAPIV3Schema": loose}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": resource.full_name, "annotations": UNAPPROVED},
        "spec": {
            "group": resource.group,
            "names": {"plural": resource.plural, "singular": resource.kind.lower(), "kind": resource.kind},
            "scope": scope,
            "versions": [version],
        },
    }


@contextlib.contextmanager
def installed(namespaced: Collection[Resource], of_cluster: Collection[Resource] = ()) -> Iterator[None]:
    """Have these kinds served; those that were not there before go again, with all objects of them."""
    made = []
    try:
        for resource in (*namespaced, *of_cluster):
            if kubectl("get", "crd", resource.full_name, ok=False).returncode != 0:
                body = definition(resource, "Namespaced" if resource in namespaced else "Cluster")
                kubectl("create", "-f", "-", stdin=yaml.safe_dump(body))
                made.append(resource.full_name)
            kubectl("wait", "--for=condition=Established", f"crd/{resource.full_name}", "--timeout=30s")
        yield
    finally:
        if made:
            kubectl("delete", "crd", *made, "--wait=false")
