"""The limits that manifests and pages show are ones that the operator takes, and it applies none by itself."""

import re

import pytest
import yaml

from gameday.api.limits import limits_of
from gameday.cluster.resources import Object
from gameday.model.limits import CONFIG_MAP, Limits
from unit.manifests.reading import OPERATOR, ROOT, only, rendered, written


def on_page() -> Object:
    (block,) = re.findall(
        r"^```yaml\n(.*?)^```$", (ROOT / "docs" / "how-to" / "limits.md").read_text(), re.DOTALL | re.MULTILINE
    )
    found: Object = yaml.safe_load(block)
    return found


def in_manifests() -> Object:
    return only((body for _, body in written(OPERATOR)), "ConfigMap")


@pytest.mark.parametrize("shown", [in_manifests(), on_page()], ids=["manifest", "page"])
def test_the_example_is_taken_and_shows_every_limit(shown: Object) -> None:
    metadata = shown["metadata"]
    namespace = only((body for _, body in written(OPERATOR)), "Deployment")["metadata"]["namespace"]
    assert (metadata["name"], metadata["namespace"]) == (CONFIG_MAP, namespace)
    found = limits_of(shown["data"])
    assert not [name for name in Limits.__slots__ if not getattr(found, name)]


def test_installing_the_operator_limits_nothing() -> None:
    assert not [body for body in rendered(OPERATOR) if body["kind"] == "ConfigMap"]
