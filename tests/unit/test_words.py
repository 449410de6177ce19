"""Words that were coined for what Kubernetes, the field or plain English has a word for do not come back."""

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
INSTEAD: Final = {
    "twin": "pair, or witness and control",
    "far end": "destination",
    "obstacle": "stalled by",
    "rehearse": "dry run",
    "wear": "have",
    "wears": "has",
    "worn": "set",
    "sight": "snapshot",
    "befall": "inject",
    "deed": "action",
    "vice": "defect",
    "house": "namespace",
    "sever": "close connections",
    "severs": "close connections",
    "severed": "closed",
    "severing": "closing of connections",
    "lift": "revert",
    "lifted": "reverted",
    "lifting": "reverting",
}
"""What to say in the place of a word; its plural counts as the word."""
EXCEPT: Final = {
    "operator/gameday/api/migration.py": "reads the status that an earlier release wrote",
    "tests/unit/api/test_migration.py": "has a status of an earlier release",
    "tests/unit/api/version_1.json": "is the status of an earlier release",
    "operator/gameday/schema/renamed.py": "knows the fields of earlier releases",
    "tests/unit/schema/test_renamed.py": "has the fields of earlier releases",
    "tests/shop/shop/clear_stalled.py": "says 'at first sight', as English does",
    "tests/e2e/test_backends.py": "has a policy called house-rules, as people call them",
    "tests/unit/test_words.py": "lists the words",
}
"""Files that may have a word, and why."""
KINDS: Final = {".py", ".md", ".json", ".yaml", ".j2", ".sh", ".toml"}
WORD: Final = re.compile(
    rf"(?<![a-z])({'|'.join(word.replace(' ', '[ _-]') for word in INSTEAD)})s?(?![a-z])", re.IGNORECASE
)
SNAKE: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def coined(text: str) -> list[str]:
    """The coined words of a line; part of a longer name counts as well."""
    if "of an earlier release" in text:
        return []
    return [found.lower() for found in re.findall(WORD, SNAKE.sub("_", text))]


def places() -> list[Path]:
    roots = [ROOT / "operator", ROOT / "tests", ROOT / "docs"]
    files = [path for root in roots for path in root.rglob("*") if path.suffix in KINDS and path.is_file()]
    return [*(path for path in files if "node_modules" not in path.parts), ROOT / "CONTRIBUTING.md"]


def test_no_coined_word_comes_back() -> None:
    found = []
    for path in places():
        name = str(path.relative_to(ROOT))
        if name in EXCEPT:
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found += [
                f"{name}:{number}: write {INSTEAD[word.replace('_', ' ').replace('-', ' ')]!r} instead of {word!r}"
                for word in coined(line)
            ]
    assert not found, "\n".join(found)


def test_each_exception_is_needed() -> None:
    for name in EXCEPT:
        assert any(map(coined, (ROOT / name).read_text().splitlines())), f"{name} has none of the words any more"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("the far end of a twin", ["far end", "twin"]),
        ("def test_twins_wear_labels", ["twin", "wear"]),
        ("FAR_END = class Twins, CutLifted", ["far_end", "twin", "lifted"]),
        ('Finding("CannotSever")', ["sever"]),
        ("several services, a warehouse, outwear", []),
        ("cut.far_end.cidrs, record.obstacle, NotSevered", ["far_end", "obstacle", "severed"]),
    ],
)
def test_a_word_is_found_as_part_of_a_name_and_not_of_a_word(text: str, words: list[str]) -> None:
    assert coined(text) == words
