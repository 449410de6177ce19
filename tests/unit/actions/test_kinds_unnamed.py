"""Nobody but the package of actions names a kind or its fields: what is said of one elsewhere is wrong of the next."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import gameday
from gameday.actions.registry import KINDS
from gameday.probes.kinds import KINDS as PROBES

PACKAGE: Final = Path(gameday.__file__).parent
OWN: Final = "actions"
"""The package of the kinds."""

EXCEPTIONS: Final = {
    "agents/redis_servers.py": "the agent of redisAcl",
    "agents/redis_users.py": "the agent of redisAcl",
    "api/migration.py": "states of version 1, which knew two kinds",
    "api/undo_log.py": "how the undo log called these two",
    "schema/frozen.py": "plans that were frozen before there were dependencies, whose faults were of one kind",
    "schema/renamed.py": "earlier names of fields",
    "engine/drill/connections.py": "openConnections: Keep is said to people where a cut is the only one who keeps any",
}
"""Modules that name a kind all the same, and why."""

KUBERNETES: Final = frozenset({"podSelector"})
"""Fields of kinds that are words of Kubernetes too, as of its NetworkPolicy."""


def _fields() -> dict[str, set[str]]:
    """The fields of each kind's spec, by its name."""
    return {kind.name: {info.alias or name for name, info in kind.spec.model_fields.items()} for kind in KINDS}


def patterns() -> dict[str, re.Pattern[str]]:
    """What names a kind: a name or field of two words, ``kind.field``, and a whole text that is its name.

    A name of one word is a word of English too. One that a kind of probe has as well may mean that.
    """
    fields = _fields()
    probes = {probe.name for probe in PROBES}
    two = {one for one in (*fields, *(field for every in fields.values() for field in every)) if one.lower() != one}
    found = {word: rf"\b{word}\b" for word in two - KUBERNETES}
    for kind, known in fields.items():
        found |= {f"{kind}.{field}": rf"\b{kind}\.{field}\b" for field in known}
        if kind not in probes:
            found[kind] = found.get(kind, rf"\A{kind}\Z")
    return {word: re.compile(pattern) for word, pattern in found.items()}


def texts(source: str) -> Iterator[tuple[int, str]]:
    """The strings of a module by their lines, but for its docstrings."""
    tree = ast.parse(source)
    bodies = [body for node in ast.walk(tree) if isinstance(body := getattr(node, "body", None), list)]
    said = {id(one.value) for body in bodies for one in body if isinstance(one, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.lineno, node.value


def named(source: str) -> list[str]:
    """What a module names of kinds, each with its line."""
    known = patterns()
    return [
        f"{line}: {word} in {text!r}"
        for line, text in texts(source)
        for word, pattern in known.items()
        if pattern.search(text)
    ]


MODULES: Final = {
    path.relative_to(PACKAGE).as_posix(): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.relative_to(PACKAGE).parts[0] != OWN
}


def test_no_module_outside_of_the_kinds_names_one() -> None:
    found = {name: said for name, path in MODULES.items() if (said := named(path.read_text()))}
    assert {name: said for name, said in found.items() if name not in EXCEPTIONS} == {}
    assert EXCEPTIONS.keys() <= found.keys(), "a module that names no kind any more needs no exception"


@pytest.mark.parametrize(
    "source",
    [
        'KIND = "manual"',
        'rule = f"self.faults.filter(f, has(f.networkPartition)).size() <= {MOST}"',
        'path = f"spec.outage.faults[{fault}].networkPartition"',
        'why = "give http.verify of this fault"',
        'KEPT = "open connections were kept (openConnections: Keep)"',
        'def f(x):\n    """Says nothing."""\n    return x == "scale"',
    ],
)
def test_each_way_to_name_one_is_found(source: str) -> None:
    assert len(named(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        '"""The kind ``networkPartition``."""',
        'X = 1\n"""As of networkPartition."""',
        'where = "http.url"',
        'scheme = "http"',
        'path = "/scale"',
        'why = "restart the process to use it"',
    ],
    ids=["a docstring", "of a constant", "a probe's field", "a scheme", "a subresource", "a word"],
)
def test_what_only_sounds_like_one_is_not(source: str) -> None:
    assert named(source) == []
