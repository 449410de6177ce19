"""Paths of values in a sample: ``("queue", "body", "x y")`` is written ``queue.body["x y"]``.

A path begins with the probe's name. The first key of a sample is one of ``ALWAYS_THERE`` or a key of its values.
"""

import json
import re
from collections.abc import Iterable, Mapping

from gameday.model.sample import Value

Path = tuple[str | int, ...]
"""A root and the keys (text) and indexes (whole numbers) below it."""

ALWAYS_THERE = frozenset({"ok", "error", "latency"})
"""Keys that every sample has, for every kind of probe; agents need not be configured for them."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def path_text(path: Path) -> str:
    """The path as one writes it in an expression."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        elif _PLAIN.fullmatch(key):
            text += f".{key}" if text else key
        else:
            text += f"[{json.dumps(key, ensure_ascii=False)}]"
    return text


def find(value: Value, path: Path) -> tuple[bool, Value]:
    """What is at a path below ``value``: whether it is there, and it."""
    for key in path:
        if isinstance(key, str):
            if not isinstance(value, Mapping) or key not in value:
                return False, None
            value = value[key]
        else:
            if not isinstance(value, list | tuple) or key >= len(value):
                return False, None
            value = value[key]
    return True, value


def first_missing(value: Value, path: Path) -> str | int | None:
    """The first key of the path that is not there, or None when all are."""
    for depth in range(1, len(path) + 1):
        if not find(value, path[:depth])[0]:
            return path[depth - 1]
    return None


def touches(path: Path, other: Path) -> bool:
    """Whether one of two paths leads to, into or through the other."""
    return all(mine == theirs for mine, theirs in zip(path, other, strict=False))


def paths_by_probe(paths: Iterable[Path]) -> dict[str, tuple[Path, ...]]:
    """What each probe's agent has to report: paths without the probe's name, none below another."""
    wanted: dict[str, set[Path]] = {}
    for path in paths:
        if isinstance(path[0], str):
            below = wanted.setdefault(path[0], set())
            if len(path) > 1 and path[1] not in ALWAYS_THERE:
                below.add(path[1:])
    return {
        probe: tuple(sorted((p for p in below if not _below_another(p, below)), key=path_text))
        for probe, below in wanted.items()
    }


def _below_another(path: Path, paths: set[Path]) -> bool:
    return any(path[:depth] in paths for depth in range(1, len(path)))
