"""The shop's objects, with defects or without, for tests that make a namespace of their own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

MANIFESTS = Path(__file__).parent / "manifests"
SHAMED = ("api", "worker")
"""Deployments that read the defects."""


def manifests(environment: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """All objects, with these variables set where defects are read; no namespace is set in them."""
    listed = yaml.safe_load((MANIFESTS / "kustomization.yaml").read_text())["resources"]
    objects = [body for name in listed for body in yaml.safe_load_all((MANIFESTS / name).read_text())]
    extra = [{"name": name, "value": value} for name, value in (environment or {}).items()]
    for body in objects:
        if body["kind"] == "Deployment" and body["metadata"]["name"] in SHAMED:
            container = body["spec"]["template"]["spec"]["containers"][0]
            container["env"] = [*container.get("env", ()), *extra]
    return objects
