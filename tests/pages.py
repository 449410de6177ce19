"""What stands in pages for people: their fenced blocks and the rows of their tables."""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
DOCS: Final = ROOT / "docs"
_BLOCK: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_CELLS: Final = re.compile(r"(?<!\\)\|")


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a page in this language, in their order."""
    return [text for name, text in _BLOCK.findall(page.read_text()) if name == language]


def section(page: Path, heading: str) -> str:
    """What stands below a heading of the second level."""
    _, found, rest = page.read_text().partition(f"\n## {heading}\n")
    assert found, f"{page.name} has no heading {heading!r}"
    return rest.partition("\n## ")[0]


def tables(text: str) -> list[list[list[str]]]:
    """The tables of a text: the cells of each row, without the head."""
    found: list[list[list[str]]] = []
    for part in text.split("\n\n"):
        rows = [line for line in part.splitlines() if line.startswith("| ")]
        cells = [[cell.strip().replace("\\|", "|") for cell in _CELLS.split(row)[1:-1]] for row in rows]
        if len(cells) > 2:
            found.append(cells[2:])
    return found
