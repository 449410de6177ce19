"""The table of allowed imports, from the design: a room may use those to its right, and nothing else of ours."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "operator" / "gameday"

ALLOWED = {
    "cli": {"handlers", "controller", "api", "cluster", "agents", "engine", "model", "errors"},
    "handlers": {"controller", "api", "errors"},
    "controller": {"engine", "faults", "steps", "cluster", "api", "model", "errors"},
    "engine": {"model"},
    "faults": {"cluster", "model", "errors"},
    "steps": {"cluster", "model", "errors"},
    "agents": {"probes", "model"},
    "probes": {"model"},
    "cluster": {"errors"},
    "api": {"model", "errors"},
    "model": set[str](),
}
"""What each room may import of ours, beside itself."""

PARTS = {
    "process": {"schedule", "gameday", "drill"},
    "drill": {"gameday"},
    "schedule": set[str](),
    "gameday": set[str](),
}
"""What each part of the controller may import of the others; what stands beside the parts imports none of them."""

FOREIGN = {
    "engine": {"kopf", "kubernetes", "httpx", "redis", "aiohttp", "pydantic", "asyncio", "time", "random", "os"},
    "model": {"kopf", "kubernetes", "httpx", "redis", "aiohttp", "pydantic", "asyncio", "cel"},
    "agents": {"kopf", "kubernetes", "pydantic", "aiohttp"},
    "probes": {"kopf", "kubernetes", "pydantic", "aiohttp"},
    "api": {"kopf", "kubernetes", "httpx", "redis", "aiohttp"},
    "controller": {"kopf", "kubernetes"},
    "faults": {"kopf", "kubernetes"},
    "steps": {"kopf", "kubernetes"},
    "cluster": {"kopf"},
}
"""What a room must not import of others: the engine has no clock, only ``cluster`` knows the client, and so on."""


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, as written."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            yield node.module
            if node.module == "gameday":
                yield from (f"gameday.{alias.name}" for alias in node.names)


def test_the_table_names_every_room() -> None:
    assert {path.parent.name for path in PACKAGE.glob("*/__init__.py")} == set(ALLOWED)


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_a_room_imports_only_what_the_design_allows(room: str) -> None:
    allowed = ALLOWED[room] | {room}
    wrong = [
        f"{path.relative_to(PACKAGE)}: {module}"
        for path in sorted((PACKAGE / room).rglob("*.py"))
        for module in imported(path)
        if module.startswith("gameday.") and module.split(".")[1] not in allowed
    ]
    assert wrong == []


@pytest.mark.parametrize("part", ["", *sorted(PARTS)])
def test_a_part_of_the_controller_imports_only_what_the_table_allows(part: str) -> None:
    folder = PACKAGE / "controller" / part
    assert {path.parent.name for path in (PACKAGE / "controller").glob("*/__init__.py")} == set(PARTS)
    files = sorted(folder.rglob("*.py") if part else folder.glob("*.py"))
    assert files
    forbidden = set(PARTS) - PARTS.get(part, set()) - {part}
    wrong = [
        f"{path.relative_to(PACKAGE)}: {module}"
        for path in files
        for module in imported(path)
        if module.startswith("gameday.controller.") and module.split(".")[2] in forbidden
    ]
    assert wrong == []


@pytest.mark.parametrize("room", sorted(FOREIGN))
def test_a_room_stays_clear_of_foreign_libraries(room: str) -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)}: {module}"
        for path in sorted((PACKAGE / room).rglob("*.py"))
        for module in imported(path)
        if module.split(".")[0] in FOREIGN[room]
    ]
    assert wrong == []


WALL_CLOCK = {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "set_to_current_time", "date.today"}
"""What reads the wall clock, by the end of its dotted name."""
READERS = {"controller/clock.py"}
"""Where the operator takes the wall clock from. Agents read that of their own node."""


def wall_clocks(path: Path) -> set[str]:
    """What a module reads the wall clock by; ``time.strftime`` and its like do so where they are given no time."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            found |= {f"from time import {alias.name}" for alias in node.names if alias.name != "monotonic"}
        if isinstance(node, ast.Attribute):
            dotted = ast.unparse(node)
            found |= {name for name in WALL_CLOCK if dotted == name or dotted.endswith(f".{name}")}
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"time.gmtime", "time.localtime", "time.strftime"}:
            found |= {ast.unparse(node)} if not node.args or ast.unparse(node.func) == "time.strftime" else set()
    return found


def test_the_operator_takes_the_wall_clock_from_one_place() -> None:
    reading = {str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py") if wall_clocks(path)}
    assert {path for path in reading if not path.startswith("agents/")} == READERS
    assert any(path.startswith("agents/") for path in reading)


def test_every_module_is_short_enough_to_read_at_once() -> None:
    long = {
        str(p.relative_to(PACKAGE)): n for p in PACKAGE.rglob("*.py") if (n := len(p.read_text().splitlines())) > 400
    }
    assert long == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(p.relative_to(PACKAGE)) for p in PACKAGE.rglob("*.py") if not ast.get_docstring(ast.parse(p.read_text()))
    ]
    assert silent == []
