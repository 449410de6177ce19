"""Objects of which exactly one field is given, and that field says of which kind they are."""

from collections.abc import Sequence


def exactly_one(fields: Sequence[str]) -> tuple[str, str]:
    """A CEL rule and its message: exactly one of these optional fields is given."""
    count = " + ".join(f"(has(self.{field}) ? 1 : 0)" for field in fields)
    told = f"give exactly one of {listed(fields)}" if len(fields) > 1 else f"{listed(fields)} is missing: write it"
    return f"{count} == 1", told


def listed(words: Sequence[str]) -> str:
    """Words as a sentence has them: ``http, tcp and redis``."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
