"""What contributors are told to run, open and follow is there."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGES = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / ".github").rglob("*.md"),
    ROOT / "tests" / "README.md",
]
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z][a-z-]*):(?!=)", MAKEFILE, re.MULTILINE))
CALL = re.compile(r"^(?:\$ )?make ([a-z][a-z-]*)", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
MODULE = re.compile(r"^[\w./]*/[\w./]*\.py$")
PACKAGES = "sudo apt-get update && sudo apt-get install -y --no-install-recommends redis-tools ruby-sidekiq"
ROOTS = (ROOT, ROOT / "operator" / "gameday", ROOT / "tests")
"""Where a page may begin the path of a module."""


def lines_of(target: str) -> list[str]:
    """The commands of a target, as a shell gets them."""
    (recipe,) = re.findall(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    return [line.strip().replace("$(BIN)", ".venv/bin") for line in recipe.splitlines()]


def anchors(page: Path) -> set[str]:
    """What a link may name in a page: its headings, as GitHub writes them."""
    prose = FENCED.sub("", page.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(prose)}


def broken(page: Path) -> list[str]:
    """The links of a page to files and headings of this repository that are not there."""
    found = []
    for link in LINK.findall(FENCED.sub("", page.read_text())):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        aim = (page.parent / path).resolve() if path else page
        if not aim.exists() or (anchor and anchor not in anchors(aim)):
            found.append(link)
    return found


def test_the_hooks_are_the_checks_of_make_lint() -> None:
    (repo,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    hooks = [hook["entry"].removeprefix("env ") for hook in repo["hooks"]]
    assert repo["repo"] == "local"
    assert hooks == [line.removesuffix(" >/dev/null") for line in lines_of("lint")]


def test_the_workflow_calls_targets_of_make_and_what_they_need() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    runs = {step["run"] for job in jobs.values() for step in job["steps"] if "run" in step}
    assert runs == {PACKAGES, *(f"make {name}" for name in jobs)}
    assert set(jobs) <= TARGETS
    assert CALL.findall((ROOT / ".ci" / "run").read_text().replace("exec ", "")) == ["test"]


def test_the_workflow_pins_each_action_by_a_full_version() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    used = {step["uses"] for job in jobs.values() for step in job["steps"] if "uses" in step}
    assert {name for name in used if not re.fullmatch(r"[\w-]+/[\w-]+@v\d+\.\d+\.\d+", name)} == set()


def test_every_target_of_make_is_phony() -> None:
    (phony,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert set(phony.split()) >= TARGETS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_only_what_exists(page: Path) -> None:
    text = page.read_text()
    code = [*FENCED.findall(text), *CODE.findall(FENCED.sub("", text))]
    modules = [name for name in CODE.findall(FENCED.sub("", text)) if MODULE.match(name)]
    assert {name for part in code for name in CALL.findall(part)} <= TARGETS
    assert [name for name in modules if not any((place / name).is_file() for place in ROOTS)] == []
    assert broken(page) == []
