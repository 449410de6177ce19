"""How large a status may become, and the one way to cut a text.

Lengths are characters, as ``maxLength`` of the CRDs counts them; sizes are bytes of the JSON that is sent. The CRDs are
made from these numbers, and what is written is cut by them where it is written: no save may be refused for its size.
"""

import json
from typing import Any, Final

STATUS_BYTES: Final = 128 * 1024
"""Largest status of a Drill."""
PLAN_BYTES: Final = 24 * 1024
"""Largest canonical plan."""
STATE_BYTES: Final = 32 * 1024
"""Largest machine state: what the engine and the preflight decided."""
MACHINE_BYTES: Final = PLAN_BYTES + STATE_BYTES
"""Longest text of the machine state, which holds both compressed."""
SHOWN_BYTES: Final = 64 * 1024
"""Largest part that people read."""
SETUP_BYTES: Final = 8 * 1024
"""Largest setup, which is a part of the machine state; a cut's addresses may grow up to here."""
SETUP_AT_FIRST: Final = 6 * 1024
"""Largest setup that a drill begins with."""

WORD: Final = 64
"""A reason, a digest, a UID."""
NAME: Final = 63
"""A name within a plan."""
OBJECT: Final = 253
"""Name of an object."""
UNIT: Final = 32
"""A unit, a length of time."""
LINE: Final = 512
"""A sentence in a list."""
MESSAGE: Final = 1024
"""A sentence that stands alone."""
LISTED: Final = LINE + 10 * NAME
"""A line of a list: a name, in which JSON may write six characters for one, words, times and a sentence."""
NOTED: Final = 4096
"""What the undo log notes of an object, as JSON: its state before, or what was wanted."""
ENTRIES: Final = 128
"""Items of a list: each stage has up to 32 expectations, and the recovery may be judged twice."""
SLOTS: Final = 16
"""Decided slots that a GameDay shows."""

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def cut(text: str, most: int) -> str:
    """A text of at most so many characters, with an ellipsis where it was cut, and of nothing that UTF-8 cannot say."""
    if not text.isascii():
        text = text.encode(errors="replace").decode()
    return text if len(text) <= most else f"{text[: most - 1]}…" if most else ""


def json_bytes(value: Any) -> int:
    """Size of a value as JSON, in bytes."""
    return len(_ENCODER.encode(value).encode())
