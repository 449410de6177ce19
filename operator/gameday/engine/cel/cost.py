"""Estimates the cost of an expression from its text, because ``cel`` has no limit of its own.

Measured on one core of 2020, with the largest sample there is (``VALUES`` values): a value that is named is copied with
its whole probe each time; a comprehension evaluates its body for each item, and ``map`` and ``filter`` copy their list
each time; a pattern is compiled at each evaluation, and each class of letters in it costs as much as a hundred
comparisons. All costs are microseconds, rounded up.
"""

import re
from dataclasses import dataclass, field
from typing import Final

VALUES: Final = 256
"""Most values that a sample holds."""
MOST: Final = 10_000.0
"""Most microseconds that one evaluation may take."""
SHARE: Final = 100_000.0
"""Most microseconds a second that all expressions of a plan may take, one tenth of a core."""

BASE: Final = 20.0
NAMED: Final = 25.0
TOKEN: Final = 0.06
CALL: Final = 2.5
COPIED: Final = 6_500.0
PATTERN: Final = 100.0
CLASS: Final = 900.0
LONGEST_PATTERN: Final = 100
"""Characters of a pattern."""

_CLASS = re.compile(r"\\[^\\]|\(\?|\[\^")


@dataclass(slots=True)
class Cost:
    """What was found so far."""

    micros: float = field(default=BASE)

    def token(self, *, repeated: bool) -> None:
        """Any token; ``repeated`` in a comprehension."""
        self.micros += TOKEN * (VALUES if repeated else 1)

    def named(self, *, repeated: bool) -> None:
        """A value of a probe."""
        self.micros += NAMED * (VALUES if repeated else 1)

    def call(self, function: str, *, repeated: bool) -> None:
        """A call, or a comprehension's beginning."""
        if function in {"map", "filter"}:
            self.micros += COPIED
        self.micros += CALL * (VALUES if repeated else 1)

    def pattern(self, text: str, *, repeated: bool) -> None:
        """A pattern of ``matches``."""
        self.micros += (PATTERN + CLASS * len(_CLASS.findall(text))) * (VALUES if repeated else 1)


def pattern_flaw(text: str) -> str:
    """Why a pattern is refused whatever it costs, or ""."""
    if len(text) > LONGEST_PATTERN:
        return f"a pattern may have at most {LONGEST_PATTERN} characters; shorten it"
    if "{" in text:
        return "a pattern may repeat with *, + and ? only, because a counted repetition may take seconds to prepare"
    return ""
