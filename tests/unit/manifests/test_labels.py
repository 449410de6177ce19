"""Every object that is installed says by the common labels what it is, what it belongs to, and of which version."""

import tomllib
from pathlib import Path
from typing import Final

import pytest

from gameday.cluster.resources import Object
from unit.manifests.reading import MANIFESTS, OPERATOR, ROOT, TEMPLATES, rendered, template, written

VERSION: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
COMMON: Final = {
    "app.kubernetes.io/part-of": "gameday",
    "app.kubernetes.io/managed-by": "kustomize",
    "app.kubernetes.io/version": VERSION,
}


def labels(body: Object) -> dict[str, str]:
    found: dict[str, str] = body["metadata"].get("labels", {})
    return found


@pytest.mark.parametrize("folder", [OPERATOR, MANIFESTS / "namespace"], ids=["operator", "namespace"])
def test_everything_that_is_installed_has_them(folder: Path) -> None:
    bodies = rendered(folder)
    pods = [template(body) for body in bodies if body["kind"] in TEMPLATES]
    for body in (*bodies, *pods):
        assert COMMON.items() <= labels(body).items()
        assert {"app.kubernetes.io/name", "app.kubernetes.io/component"} <= labels(body).keys()


def test_the_parts_are_told_apart() -> None:
    of = {(body["kind"], labels(body)["app.kubernetes.io/component"]) for body in rendered(OPERATOR)}
    assert {component for kind, component in of if kind == "CustomResourceDefinition"} == {"crds"}
    assert {component for kind, component in of if kind != "CustomResourceDefinition"} == {"operator"}


def test_the_components_have_those_that_no_version_changes() -> None:
    """An overlay adds a component to what it is of; the version stands there already."""
    for path, body in written(MANIFESTS / "components"):
        assert labels(body).get("app.kubernetes.io/part-of") == "gameday", path
        assert {"app.kubernetes.io/name", "app.kubernetes.io/component"} <= labels(body).keys(), path


def test_no_selector_of_ours_names_a_label_that_a_new_version_changes() -> None:
    (deployment,) = (body for body in rendered(OPERATOR) if body["kind"] == "Deployment")
    assert deployment["spec"]["selector"]["matchLabels"] == {"app.kubernetes.io/name": "gameday-operator"}
