"""The tutorial as a program: its files, and its commands by section."""

import re
import shlex
from pathlib import Path
from typing import Final

from pages import DOCS, blocks

PAGE: Final = DOCS / "tutorial.md"
NAMESPACE: Final = "shop"
GAMEDAY: Final = "cache-loss"
DRILL: Final = "cache-loss-1"
_NAMED: Final = re.compile(r"# (\S+\.yaml)\n")
_SECTION: Final = re.compile(r"^## \d\. (.*)$", re.MULTILINE)
_COMMANDS: Final = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def files() -> dict[str, str]:
    """The files that a reader saves: the name is the first line of the block."""
    found = {}
    for block in blocks(PAGE, "yaml"):
        named = _NAMED.match(block)
        assert named, f"a block does not begin with the name of its file: {block[:40]!r}"
        found[named[1]] = block
    return found


def commands() -> dict[str, list[list[str]]]:
    """The commands of each section, in words."""
    _, *parts = _SECTION.split(PAGE.read_text())
    return {
        title: [shlex.split(line) for block in _COMMANDS.findall(text) for line in block.splitlines()]
        for title, text in zip(parts[::2], parts[1::2], strict=True)
    }


def save(folder: Path, namespace: str) -> None:
    """Save the files, for another namespace than that of the page."""
    for name, text in files().items():
        (folder / name).write_text(text.replace(f"namespace: {NAMESPACE}", f"namespace: {namespace}"))
