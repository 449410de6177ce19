"""Draws state diagrams from the tables that the code runs by, into docs/dev: ``python tests/programs/diagrams.py``."""

import re
from collections.abc import Iterable
from pathlib import Path

from gameday.engine.drill.phases.table import PHASES
from gameday.engine.schedule.decisions import RULES

PAGES = Path(__file__).parents[2] / "docs" / "dev"
PHASES_PAGE = PAGES / "phases.md"
SLOTS = PAGES / "slots.md"
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


def phases() -> str:
    """How a drill goes from phase to phase."""
    first = next(iter(PHASES)).value
    ways = (
        (before.value, after.value, when) for before, rules in PHASES.items() for after, when in rules.leads_to.items()
    )
    return mermaid([(None, first, "the Drill is made"), *ways])


def drawn(page: str, diagram: str) -> str:
    """A page with its diagram drawn anew."""
    return BLOCK.sub(lambda _: diagram, page, count=1)


if __name__ == "__main__":
    for page, diagram in ((PHASES_PAGE, phases()), (SLOTS, slots())):
        page.write_text(drawn(page.read_text(), diagram))
