"""Draws state diagrams from the tables that the code runs by, into docs/dev: ``python tests/programs/diagrams.py``."""

import re
from collections.abc import Iterable
from pathlib import Path

from gameday.engine.schedule.decisions import RULES

SLOTS = Path(__file__).parents[2] / "docs" / "dev" / "slots.md"
BLOCK = re.compile(r"(?<=^```mermaid\n).*?(?=^```$)", re.DOTALL | re.MULTILINE)

Edge = tuple[str | None, str, str]
"""What it was, or None at the beginning; what it becomes; and when."""


def mermaid(edges: Iterable[Edge]) -> str:
    """A state diagram in Mermaid's words; one arrow stands for all ways from one state to another."""
    arrows: dict[tuple[str | None, str], list[str]] = {}
    for before, after, when in edges:
        arrows.setdefault((before, after), []).append(when)
    lines = [f"    {before or '[*]'} --> {after}: {' / '.join(when)}" for (before, after), when in arrows.items()]
    ends = dict.fromkeys(after for _, after in arrows)
    lines += [f"    {end} --> [*]" for end in ends if not any(before == end for before, _ in arrows)]
    return "\n".join(["stateDiagram-v2", *lines, ""])


def slots() -> str:
    """What becomes of a slot."""
    return mermaid((rule.before.value if rule.before else None, rule.after.value, rule.when) for rule in RULES)


def drawn(page: str, diagram: str) -> str:
    """A page with its diagram drawn anew."""
    return BLOCK.sub(lambda _: diagram, page, count=1)


if __name__ == "__main__":
    SLOTS.write_text(drawn(SLOTS.read_text(), slots()))
