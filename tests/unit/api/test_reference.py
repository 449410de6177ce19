"""The page of all fields: made from the CRD, with every field that may be given, and none that is only refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from gameday.api import reference
from gameday.api.gameday import GameDaySpec
from gameday.probes.registry import PACKAGES
from gameday.schema.one_of import listed
from gameday.schema.structural import structural

PAGE: Final = Path(__file__).parents[3] / "docs" / "fields.md"
SPEC: Final = structural(GameDaySpec)


def fields(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field of a schema with its own."""
    for name, one in schema.get("properties", {}).items():
        yield name, one
        yield from fields(one.get("items", one))


def test_the_page_is_the_one_that_the_models_make(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reference.main(["--check", str(PAGE)]) == 0
    other = tmp_path / "fields.md"
    assert reference.main(["--check", str(other)]) == 1
    assert reference.main([str(other)]) == 0
    assert reference.main(["--check", str(other)]) == 0
    other.write_text("")
    assert reference.main(["--check", str(other)]) == 1
    assert capsys.readouterr().err.count("run `make generate` and commit") == 2


def test_each_field_is_there_with_what_it_says_unless_it_is_refused() -> None:
    page = reference.page()
    for name, one in fields(SPEC):
        row = f"`{name}`** | " if f"**`{name}`**" in page else f"`{name}` | "
        said = one.get("description", "")
        if said.endswith("refused."):
            assert said not in page
        else:
            assert row in page, name
            assert said in page, name


@pytest.mark.parametrize("name", ["probes", "duration", "dependency", "podSelector", "to", "fromCronJob"])
def test_a_field_that_must_be_given_is_in_bold(name: str) -> None:
    """Also where the API server asks for it by a rule, beside an earlier name or as the only kind."""
    assert f"| **`{name}`** | " in reference.page()
    assert f"\n- {name} is missing" not in reference.page()


def test_rules_stand_below_their_object_once() -> None:
    assert reference.page().count(f"- give exactly one of {listed([*PACKAGES])}\n") == 1
    assert "is called" not in reference.page(), "rules that refuse earlier names are no part of it"
