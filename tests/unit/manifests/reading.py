"""What stands in ``manifests/``: as written, and as kustomize renders it."""

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from gameday.cluster.resources import Object

ROOT = Path(__file__).parents[3]
MANIFESTS = ROOT / "manifests"
SHOP = ROOT / "tests" / "shop" / "manifests"
OPERATOR = MANIFESTS / "operator"
DOCS = ROOT / "docs"
TEMPLATES = {
    "Deployment": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
"""Where each kind of workload keeps its pod."""


CHARTS = MANIFESTS / "helm"
"""What stands there is templates, and copies of the rest."""


def written(*places: Path) -> Iterator[tuple[str, Object]]:
    """Every object in the YAML files below some folders, or in some files, with the file it stands in; no charts."""
    for place in places:
        for path in sorted(place.rglob("*.yaml")) if place.is_dir() else [place]:
            if path.is_relative_to(CHARTS):
                continue
            for body in yaml.safe_load_all(path.read_text()):
                if body["kind"] not in {"Kustomization", "Component"}:
                    yield str(path.relative_to(ROOT)), body


def rendered(folder: Path) -> list[Object]:
    """The objects that ``kubectl apply -k`` would apply."""
    kubectl = shutil.which("kubectl")
    render = [kubectl, "kustomize"] if kubectl is not None else [tool("kustomize"), "build"]
    return list(yaml.safe_load_all(said_by(*render, folder)))


def with_components(folder: Path, *components: str) -> list[Object]:
    """What an overlay renders that adds these components to the operator."""
    here = os.path.relpath(MANIFESTS, folder.resolve())
    listed = [f"{here}/components/{component}" for component in components]
    overlay = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [f"{here}/operator"],
        "components": listed,
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    return rendered(folder)


@functools.cache
def tool(name: str) -> str:
    """The path of a program that looks at manifests; all of them are made where they are not there yet."""
    done = subprocess.run([ROOT / "tests" / "cluster" / "tools" / "get"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(done.stderr, pytrace=False)
    return str(Path(done.stdout.strip()) / name)


def said_by(*command: str | Path, environment: Mapping[str, str] | None = None) -> str:
    """What a program that must succeed prints."""
    told = os.environ | dict(environment or {})
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=told)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def overlay(folder: Path, naming: str) -> list[Object]:
    """What the overlay of docs/install.md or docs/how-to renders in which ``naming`` stands."""
    pages = "".join(page.read_text() for page in (DOCS / "install.md", *sorted((DOCS / "how-to").glob("*.md"))))
    blocks = re.findall(r"^```yaml\n(# (?:deploy|team)/.*?)^```$", pages, re.DOTALL | re.MULTILINE)
    (found,) = (block for block in blocks if naming in block)
    here = os.path.relpath(MANIFESTS, folder.resolve())
    (folder / "kustomization.yaml").write_text(found.replace("../manifests", here))
    return rendered(folder)


def only(bodies: Iterable[Object], kind: str, name: str = "") -> Object:
    """The one object of a kind, and of a name where several are of that kind."""
    (found,) = (b for b in bodies if b["kind"] == kind and name in {"", b["metadata"]["name"]})
    return found


def template(workload: Object) -> Object:
    """A workload's pod."""
    for field in TEMPLATES[workload["kind"]]:
        workload = workload[field]
    return workload


def containers(workload: Object) -> list[Object]:
    """All containers of a workload's pod."""
    spec = template(workload)["spec"]
    return [*spec.get("initContainers", ()), *spec["containers"]]
