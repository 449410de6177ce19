"""What ``manifests/namespace`` lets a namespace's account do, composed as kustomize composes it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

NAMESPACE: Final = Path(__file__).parents[1] / "manifests" / "namespace"
Object = dict[str, Any]


def components() -> tuple[str, ...]:
    """The components that ``kubectl apply -k manifests/namespace`` takes, such as ``actions/scale``."""
    listed: list[str] = yaml.safe_load((NAMESPACE / "kustomization.yaml").read_text())["components"]
    return tuple(one.removeprefix("components/") for one in listed)


def role(*only: str) -> Object:
    """The Role with these components, or with all of them where none is named."""
    body: Object = yaml.safe_load((NAMESPACE / "base" / "role.yaml").read_text())
    added = (rule for name in only or components() for rule in _added(name))
    return {**body, "rules": [*body["rules"], *added]}


def _added(component: str) -> Iterator[Object]:
    """The rules that a component adds."""
    body = yaml.safe_load((NAMESPACE / "components" / component / "kustomization.yaml").read_text())
    for patch in body["patches"]:
        for change in yaml.safe_load(patch["patch"]):
            if (change["op"], change["path"]) != ("add", "/rules/-"):
                raise ValueError(f"{component} does more than to add rules: {change}")
            yield change["value"]
