"""Every line that the runner logs about a drill or a GameDay names it, with a reason."""

import ast
from collections.abc import Iterator
from typing import NamedTuple

from unit.test_package import PACKAGE

LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
ABOUT_THE_PROCESS = {
    "leading as %s",
    "the Lease was not given up; the next leader waits for its end, %d s: %s",
    "drills and game days were not listed: %s",
    "drills and game days cannot be listed: %s; install the CRDs, or remove the operator as well",
    "drills may start",
    "no drill starts: %s",
    "the image of the agents is not known yet: %s",
    "agents run the image of %s: %s",
    "internal error in notifications",
}
"""All that concerns no drill and no GameDay, or all of them."""
NAMING = {"named", "of_drill"}
"""What gives the fields that name an object."""


class Logged(NamedTuple):
    """A call that logs: where, what it says, and the fields that are bound to its logger or given."""

    where: str
    says: str
    fields: frozenset[str]


def fields_of(call: ast.Call, names: dict[str, frozenset[str]]) -> frozenset[str]:
    """The fields that a call binds; those of a mapping stand for what makes it."""
    found: set[str] = set()
    for keyword in call.keywords:
        if keyword.arg is not None:
            found.add(keyword.arg)
        elif NAMING & {node.id for node in ast.walk(keyword.value) if isinstance(node, ast.Name)}:
            found.add("object")
        elif isinstance(keyword.value, ast.Name):
            found |= names.get(keyword.value.id, frozenset())
    return frozenset(found)


def assigned(tree: ast.AST) -> dict[str, frozenset[str]]:
    """What each logger and mapping of a module is bound to, by how it is written."""
    names: dict[str, frozenset[str]] = {}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Assign) and len(node.targets) == 1):
            continue
        target, value = ast.unparse(node.targets[0]), node.value
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "bind":
            names[target] = fields_of(value, {})
        elif NAMING & {one.id for one in ast.walk(value) if isinstance(one, ast.Name)}:
            names[target] = frozenset({"object"})
    return names


def logged() -> Iterator[Logged]:
    for path in sorted((PACKAGE / "controller").rglob("*.py")):
        tree = ast.parse(path.read_text())
        names = assigned(tree)
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS):
                continue
            receiver = ast.unparse(node.func.value)
            if receiver not in {"log", "self.log", "line"}:
                assert "log" not in receiver.lower(), f"{path.name}:{node.lineno}: is {receiver} a logger?"
                continue
            text = node.args[1 if node.func.attr == "log" else 0]
            says = str(text.value) if isinstance(text, ast.Constant) else ast.unparse(text)
            yield Logged(f"{path.name}:{node.lineno}", says, fields_of(node, names) | names.get(receiver, frozenset()))


def test_every_line_about_a_drill_or_a_gameday_names_it_and_has_a_reason() -> None:
    wrong = [
        f"{one.where}: {one.says}"
        for one in logged()
        if one.says not in ABOUT_THE_PROCESS and not {"object", "reason"} <= one.fields
    ]
    assert wrong == []


def test_what_is_said_of_the_process_is_said() -> None:
    said = {one.says for one in logged()}
    assert said >= ABOUT_THE_PROCESS
    assert len(said) > 20


def test_the_runner_has_no_other_loggers() -> None:
    loggers = {
        path.name
        for path in (PACKAGE / "controller").rglob("*.py")
        if "logging.getLogger" in path.read_text() or "structlog.get_logger" in path.read_text()
    }
    assert loggers == {"logs.py"}
