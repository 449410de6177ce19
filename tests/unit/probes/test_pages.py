"""Every kind of probe has a page for users, which says what all its fields mean and what it gives."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from gameday.api.parse import probe_of
from gameday.api.probes import probe_model
from gameday.model.places import redis_at
from gameday.model.plan import Dependency, ServiceRef
from gameday.probes.kinds import KINDS, AnyKind
from gameday.schema.named import Dependencies
from gameday.schema.structural import structural

PAGES = Path(__file__).parents[3] / "docs" / "probes"
NAMED = Dependencies((Dependency("redis", ServiceRef("redis"), redis_at(ServiceRef("redis"))),))
EACH = pytest.mark.parametrize("kind", tuple(KINDS), ids=lambda kind: kind.name)


def page(kind: AnyKind) -> str:
    return (PAGES / f"{kind.name}.md").read_text()


@EACH
def test_a_page_says_what_each_field_means(kind: AnyKind) -> None:
    fields: dict[str, Any] = structural(kind.spec)["properties"]
    assert [field for field in fields if f"`{field}`" not in page(kind)] == []


@EACH
def test_a_page_says_what_expressions_find(kind: AnyKind) -> None:
    assert [name for name in kind.gives if f"\n| `{name}` | " not in page(kind)] == []


@EACH
def test_the_example_of_a_page_is_a_probe_of_that_kind(kind: AnyKind) -> None:
    _, block, *_ = page(kind).split("```yaml\n")
    (example,) = yaml.safe_load(block.split("```")[0])
    assert type(probe_of(NAMED, probe_model(KINDS).model_validate(example)).settings) is kind.settings


def test_there_is_no_page_of_another_kind() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} == set(KINDS.names)
