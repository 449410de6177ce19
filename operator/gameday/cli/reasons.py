"""What to do about each reason, as docs/reasons.md has it: made by ``python -m gameday.cli.reasons [--check]``.

The page is where it is written; the package has the texts without their links, since a person has no docs at hand.
"""

import json
import re
import sys
from functools import lru_cache
from pathlib import Path
from typing import Final

from gameday.api.generated import generate

PAGE: Final = Path("docs") / "reasons.md"
FILE: Final = Path(__file__).with_suffix(".json")
_ROW: Final = re.compile(r"\| (?P<reasons>[A-Z]\w+(?:, [A-Z]\w+)*) \| (?P<what>.*) \| (?P<do>.*) \|")
_LINK: Final = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_ASIDE: Final = re.compile(r" ?\(\[[^\]]*\]\([^)]*\)\)")


@lru_cache(maxsize=1)
def _known() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def meaning(reason: str) -> str:
    """What happened, or "" for a reason that needs no words."""
    return _known().get(reason, {}).get("means", "")


def remedy(reason: str) -> str:
    """What to do, or ""."""
    return _known().get(reason, {}).get("do", "")


def of_page(text: str) -> dict[str, dict[str, str]]:
    """The table of a page, by reason."""
    found: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        if (row := _ROW.fullmatch(line)) is not None:
            texts = {"means": _plain(row["what"]), "do": _plain(row["do"])}
            found |= dict.fromkeys(row["reasons"].split(", "), texts)
    return found


def _plain(text: str) -> str:
    """Without links: what stands in brackets is but a pointer, any other link has words of its own."""
    return _LINK.sub(r"\1", _ASIDE.sub("", text)).strip()


def main(arguments: list[str]) -> int:
    """Write the texts, or with ``--check`` return 1 where they are not those of the page."""
    text = json.dumps(of_page(PAGE.read_text(encoding="utf-8")), indent=1, ensure_ascii=False) + "\n"
    return generate({FILE: text}, (), check="--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
