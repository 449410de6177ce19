"""The README: short, its plan is a part of the example, its output has today's columns."""

import re
from typing import Any, Final

import yaml

from gameday.api.checks import check
from gameday.api.crds import DRILL_COLUMNS, GAMEDAY_COLUMNS
from gameday.api.parse import plan_of
from gameday.model.record import Phase, ResultState, Verdict
from pages import DOCS, ROOT, blocks, section, tables

README: Final = ROOT / "README.md"
EXAMPLE: Final = ROOT / "manifests" / "examples" / "redis-failover.yaml"
LONGEST: Final = 150
"""Lines of the README."""


def covered(part: Any, whole: Any) -> bool:
    """Whether all of a part stands in the whole; items of a list may be left out."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and covered(value, whole[key]) for key, value in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return all(any(covered(item, other) for other in whole) for item in part)
    return bool(part == whole)


def test_it_is_short_and_has_no_generated_table() -> None:
    text = README.read_text()
    assert len(text.splitlines()) <= LONGEST
    assert "<!--" not in text


def test_its_plan_is_right_and_a_part_of_the_example() -> None:
    (block,) = blocks(README, "yaml")
    gameday = yaml.safe_load(block)
    assert check(plan_of(gameday["metadata"]["name"], gameday["spec"])) == ()
    assert covered(gameday, yaml.safe_load(EXAMPLE.read_text()))


def test_the_page_of_the_example_is_a_part_of_it() -> None:
    text = "".join(blocks(DOCS / "example.md", "yaml"))
    assert covered(yaml.safe_load(text), yaml.safe_load(EXAMPLE.read_text()))


def test_its_output_has_the_columns_of_today() -> None:
    heads = re.findall(r"^NAME .*$", README.read_text(), re.MULTILINE)
    wanted = [
        ["NAME", *(column.name.upper() for column in columns if not column.wide)]
        for columns in (GAMEDAY_COLUMNS, DRILL_COLUMNS)
    ]
    assert [head.split() for head in heads] == wanted


def test_the_lines_of_its_drill_begin_with_words_of_today() -> None:
    """A phase, a state of an expectation, or what the engine notes in the timeline."""
    lines = re.findall(r"^ +[\d.]+ s  (\w+) {1,}(.*)$", README.read_text(), re.MULTILINE)
    assert len(lines) > 15
    engine = "".join(path.read_text() for path in (ROOT / "operator" / "gameday" / "engine").rglob("*.py"))
    known = {*(phase.value for phase in Phase), *(state.value for state in ResultState)}
    assert [word for word, _ in lines if word not in known and f'"{word}"' not in engine] == []
    spec = yaml.safe_load(EXAMPLE.read_text())["spec"]
    names = {one["name"] for stage in ("steadyState", "outage", "recovery") for one in spec[stage]["expect"]}
    judged = [text for word, text in lines if word in {state.value for state in ResultState}]
    assert judged
    for text in judged:
        assert re.split(r" after |: ", text)[0] in names, text


def test_the_page_of_schedules_has_the_columns_of_today() -> None:
    heads = re.findall(r"^NAME .*$", (DOCS / "how-to" / "schedules.md").read_text(), re.MULTILINE)
    assert [head.split() for head in heads] == [
        ["NAME", *(column.name.upper() for column in GAMEDAY_COLUMNS if not column.wide)]
    ]


def test_each_verdict_and_each_phase_has_its_meaning() -> None:
    for heading, words in (("Verdicts", Verdict), ("Phases", Phase)):
        (rows,) = tables(section(DOCS / "status.md", heading))
        assert [row[0] for row in rows] == [word.value for word in words]


def test_every_page_is_in_a_list_of_pages() -> None:
    """The site's navigation is made of these lists."""
    lists = (DOCS / "index.md", DOCS / "dev" / "README.md", DOCS / "how-to" / "alerts.md")
    listed = {
        (page.parent / link).resolve() for page in lists for link in re.findall(r"\]\(([^)#]+)", page.read_text())
    }
    assert [str(page) for page in DOCS.rglob("*.md") if page not in {*listed, lists[0]}] == []


def test_the_two_commands_stand_there() -> None:
    """Other programs look for them."""
    (commands,) = (block for block in blocks(README, "sh") if "make demo" in block)
    assert [line.split()[:2] for line in commands.splitlines()] == [["make", "demo"], ["make", "test"]]
