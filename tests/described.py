"""What ``kubectl describe`` prints of a custom resource, as its generic describer does (kubectl v1.37).

Fields come in the order of their names, each on a line; a list's items follow one another; values stand below one
another as far as lines with a value follow each other. It differs in one thing: kubectl escapes control characters.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from gameday.cluster.resources import Object

LINES: Final = 100
COLUMNS: Final = 120
"""What people get of the demo's drill that has ended: so many lines of so many columns, of which the machine state, a
text that nobody reads, counts as one."""
STATE_LINES: Final = 30
"""Most lines of that width that a terminal makes of the machine state; on the bed they were 28."""
SKIPPED: Final = frozenset({"managedFields", "name", "namespace", "labels", "annotations"})
ACRONYMS: Final = frozenset({"API", "URL", "UID", "GUID"})
PADDING: Final = 2

Row = tuple[str, ...]
"""Cells of a line; all but the last end with a tab."""


def describe(thing: Object, events: Iterable[Row] = ()) -> str:
    """The whole text; ``events`` are type, reason, age, source and message of each."""
    metadata = thing["metadata"]
    rows: list[Row] = [("Name:", metadata["name"]), ("Namespace:", metadata["namespace"])]
    rows += _pairs("Labels:", metadata.get("labels", {}), "=")
    rows += _pairs("Annotations:", metadata.get("annotations", {}), ": ")
    kept = {name: value for name, value in metadata.items() if name not in SKIPPED}
    rows += _fields(thing | {"metadata": kept}, 0)
    text = _aligned(rows)
    listed = list(events)
    if not listed:
        return _aligned([*rows, ("Events:", "<none>")])
    head = ("Type", "Reason", "Age", "From", "Message")
    table = [head, tuple("-" * len(cell) for cell in head), *listed]
    # The describer writes what it has before it begins the table.
    return text + _aligned([("Events:",), *((f"  {row[0]}", *row[1:]) for row in table)])


def screen_lines(text: str, columns: int = 120) -> int:
    """How many lines of a terminal of this width a text takes."""
    return sum(max(1, -(-len(line) // columns)) for line in text.splitlines())


def measured(text: str) -> tuple[int, int]:
    """How many lines of a terminal a Drill's text takes, with its state as one of them, and how many the state."""
    (state,) = (line for line in text.splitlines() if '"gzip":' in line)
    wrapped = screen_lines(state, COLUMNS)
    return screen_lines(text, COLUMNS) - wrapped + 1, wrapped


def label(field: str) -> str:
    """A field's name as people read it: ``observedGeneration`` is ``Observed Generation``."""
    if not re.fullmatch(r"[A-Za-z-]+", field):
        return field
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]*|[a-z]+|-+", field)
    return " ".join(_word(part) for part in parts)


def _word(part: str) -> str:
    if part.upper() in ACRONYMS:
        return part.upper()
    return part.capitalize() if part == part.lower() else part


def _pairs(title: str, pairs: dict[str, str], between: str) -> Iterator[Row]:
    if not pairs:
        yield (title, "<none>")
    for number, name in enumerate(sorted(pairs)):
        yield ("" if number else title, f"{name}{between}{pairs[name]}")


def _fields(content: dict[str, Any], level: int) -> Iterator[Row]:
    indent = "  " * level
    for field in sorted(content):
        value, name = content[field], f"{indent}{label(field)}:"
        if isinstance(value, dict):
            yield (name,)
            yield from _fields(value, level + 1)
        elif isinstance(value, list | tuple):
            yield (name,)
            for child in value:
                if isinstance(child, dict):
                    yield from _fields(child, level + 1)
                else:
                    yield (f"{indent}  {_value(child)}",)
        else:
            yield (name, _value(value))


def _value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _aligned(rows: list[Row]) -> str:
    """The lines of a tabwriter: a column is as wide as the widest of the cells that stand below one another."""
    return "".join(f"{line}\n" for line in _columns(rows, 0))


def _columns(rows: list[Row], column: int) -> list[str]:
    lines: list[str] = []
    start = 0
    while start < len(rows):
        if len(rows[start]) <= column + 1:
            lines.append(rows[start][column] if len(rows[start]) > column else "")
            start += 1
            continue
        end = start
        while end < len(rows) and len(rows[end]) > column + 1:
            end += 1
        block = rows[start:end]
        width = max(len(row[column]) for row in block) + PADDING
        rest = _columns(block, column + 1)
        lines += [f"{row[column].ljust(width)}{tail}" for row, tail in zip(block, rest, strict=True)]
        start = end
    return lines
