"""What holds for every module of the package. Who may import whom stands in pyproject.toml (import-linter)."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gameday.actions.registry import KINDS

PACKAGE = Path(__file__).parents[2] / "operator" / "gameday"
UNIT = Path(__file__).parent
LONGEST_BODY = 55
"""Lines; the longest are tables of cases."""


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, as written."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            yield node.module
            if node.module == "gameday":
                yield from (f"gameday.{alias.name}" for alias in node.names)


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


def test_no_package_holds_a_quarter_of_the_code() -> None:
    lines = {
        path.name: sum(len(module.read_text().splitlines()) for module in path.rglob("*.py"))
        for path in PACKAGE.iterdir()
        if (path / "__init__.py").exists()
    }
    whole = sum(lines.values())
    assert {name: of for name, of in lines.items() if of * 4 >= whole} == {}, "part it by what it knows"


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(p.relative_to(PACKAGE)) for p in PACKAGE.rglob("*.py") if not ast.get_docstring(ast.parse(p.read_text()))
    ]
    assert silent == []


def test_every_body_is_short_enough_to_read_at_once() -> None:
    long = {
        f"{p.relative_to(PACKAGE)}: {node.name}": n
        for p in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(p.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (n := lines_of(node)) > LONGEST_BODY
    }
    assert long == {}


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function's body, without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def contract(name: str) -> dict[str, Any]:
    """A contract of import-linter."""
    project = tomllib.loads((PACKAGE.parents[1] / "pyproject.toml").read_text())
    contracts: list[dict[str, Any]] = project["tool"]["importlinter"]["contracts"]
    (found,) = [one for one in contracts if one["name"] == name]
    return found


def test_the_contracts_on_kinds_of_actions_name_each_kind() -> None:
    kinds = {".".join(type(kind).__module__.split(".")[:3]) for kind in KINDS}
    unknown = contract("Nobody knows a kind of action but the registry and the kind itself")
    assert set(unknown["forbidden_modules"]) == kinds
    assert set(contract("No kind of action knows another")["modules"]) == kinds


def test_all_but_the_kinds_and_their_registry_are_held_to_that() -> None:
    held = set(contract("Nobody knows a kind of action but the registry and the kind itself")["source_modules"])
    packages = {f"gameday.{name}" for name in modules_of(PACKAGE)} - {"gameday.actions"}
    kinds = {type(kind).__module__.split(".")[2] for kind in KINDS}
    shared = {f"gameday.actions.{name}" for name in modules_of(PACKAGE / "actions") - kinds - {"registry"}}
    assert held == packages | shared


def modules_of(folder: Path) -> set[str]:
    """The modules and packages of a folder."""
    found = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    return found - {"__init__"}


def test_the_tests_of_a_package_stand_in_the_folder_of_its_name_or_the_readme_says_where() -> None:
    packages = {path.parent.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*/__init__.py")}
    without = {name for name in packages if not list((UNIT / name).glob("**/test_*.py"))}
    table = (UNIT.parent / "README.md").read_text().partition("| package | its tests |")[2].partition("\n\n")[0]
    told = {name for row in table.splitlines()[2:] for name in re.findall(r"`([^`]+)`", row.split("|")[1])}
    assert without == told


def test_the_store_stands_below_all_folders_of_the_controller() -> None:
    *above, store = contract("Within the controller, imports go down only")["layers"]
    folders = {path.name for path in (PACKAGE / "controller").iterdir() if (path / "__init__.py").exists()}
    assert store == "store"
    assert {folder for layer in above for folder in layer.split(" | ")} == folders
