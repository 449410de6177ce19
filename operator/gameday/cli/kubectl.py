"""``kubectl_complete-gameday``: kubectl runs it to complete ``kubectl gameday``."""

import os
import sys
from typing import Final

from gameday.cli.main import app

NO_FILES: Final = ":4"
"""The last line of an answer: names of files do not fit."""


def complete() -> None:
    """Answer with what may come next; the arguments are the words so far, the last of which is begun."""
    words = ["gameday", *sys.argv[1:]]
    os.environ |= {
        "_GAMEDAY_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    try:
        app(args=[], prog_name="gameday")
    finally:
        print(NO_FILES)  # noqa: T201
