"""The Secrets that an agent was given: read anew each time, and never let out again.

What a system answers may hold what it was sent: an echo, an error text, a debugging page. Values with a Secret in them
are replaced before they are cut or written.
"""

import base64
from collections import deque
from pathlib import Path
from typing import Any, Final

HIDDEN: Final = "[secret]"
"""Stands for a value that held a Secret."""
SHORTEST: Final = 4
"""Minimum length of a Secret that is redacted, in characters; shorter values would match unrelated text."""
SHORTEST_PART: Final = 8
"""Characters from which on a word of a Secret is looked for by itself, as the token after ``Bearer``."""
REMEMBERED: Final = 64
"""Texts that are looked for at most: a Secret may change while the agent runs, and an old answer may hold the old."""


class Secrets:
    """What must not leave this process."""

    def __init__(self) -> None:
        self._sought: deque[str] = deque(maxlen=REMEMBERED)

    def read(self, file: str) -> str:
        """The Secret in a file, as it is now, without the white space around it.

        Raises:
            OSError: when it cannot be read.
            UnicodeDecodeError: when it is no text.

        """
        value = Path(file).read_text(encoding="utf-8").strip()
        parts = [part for part in value.split() if len(part) >= SHORTEST_PART]
        encoded = base64.b64encode(value.encode()).decode().rstrip("=")
        for text in (value, *parts, encoded):
            self._seek(text)
        return value

    def hide_also(self, text: str) -> None:
        """Look for what was made of a Secret, as the user and password of basic auth in base64."""
        self._seek(text.rstrip("="))

    def _seek(self, text: str) -> None:
        if len(text) >= SHORTEST and text not in self._sought:
            self._sought.append(text)

    def hide(self, text: str) -> str:
        """The text, or what stands for one that holds a Secret."""
        return HIDDEN if any(secret in text for secret in self._sought) else text

    def hides(self, value: Any) -> bool:
        """Whether a number is a Secret's, or holds it."""
        return any(self.hide(text) is HIDDEN for text in (repr(value), _plain(value)))


def _plain(value: Any) -> str:
    """A number without the fraction that a parser gave it."""
    return repr(int(value)) if isinstance(value, float) and value.is_integer() else ""
