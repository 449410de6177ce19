"""How results are shown: as a table for people, and as JSON, YAML or names for programs."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final

import yaml
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gameday.cli.forms import Output
from gameday.cluster.resources import Object, Resource

COLOURS: Final = {
    "Passed": "green",
    "Failed": "bold red",
    "Inconclusive": "yellow",
    "Aborted": "yellow",
    "Met": "green",
    "AlwaysTrue": "green",
    "Missed": "bold red",
    "Unknown": "yellow",
}
"""Colours of words that stand alone in a cell; a terminal without colours, or NO_COLOR, shows none."""
WIDEST: Final = 10_000
"""Columns of an output that is not a terminal: a program reads it, so lines are not wrapped."""


def console(*, stderr: bool = False) -> Console:
    """Where people read; it wraps and colours only on a terminal."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else WIDEST
    return Console(file=stream, width=width, highlight=False, markup=False, soft_wrap=True)


def as_text(value: Any, form: Output) -> str:
    """A value as JSON or YAML, with a line's end."""
    if form is Output.YAML:
        return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120)
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def show(value: Any, form: Output) -> None:
    """Print a value as JSON or YAML; of an object without its managed fields, as kubectl does."""
    if isinstance(value, dict) and "managedFields" in value.get("metadata", {}):
        value = value | {"metadata": {k: v for k, v in value["metadata"].items() if k != "managedFields"}}
    sys.stdout.write(as_text(value, form))


def name_of(resource: Resource, thing: Object) -> str:
    """An object as ``kubectl -o name`` has it: ``drill.gameday.dev/NAME``."""
    return f"{resource.kind.lower()}.{resource.group}/{thing['metadata']['name']}"


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows as kubectl does: headers in capitals, no lines, and one row never on two lines."""
    made = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="")
    for header in headers:
        made.add_column(header.upper(), no_wrap=True, overflow="ignore")
    for row in rows:
        made.add_row(*(Text(cell, style=COLOURS.get(cell, "")) for cell in row))
    console().print(made)
