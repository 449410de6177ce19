"""Entries of the undo log in the few lines that people read, and back: nothing of an entry is lost.

The changed object and its fuse would each take many lines in ``kubectl describe``. So they are shown as::

    changes: KIND/NAME[ (UID)]                  fusedBy: KIND/NAME[ (UID)][ until DEADLINE]
    times:   registered TIME[, requested +N s][, undo requested +N s][, undone +N s]

The later times are seconds since the first.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from gameday.schema.bounds import LINE, cut
from gameday.schema.times import moment, timestamp

REFERENCES: Final = {"object": "changes", "fuse": "fusedBy"}
"""Objects that an entry names, and how they are shown."""
FUSES: Final = frozenset({"fuse", REFERENCES["fuse"]})
"""The fields of what undoes a change without the operator: a person undoes that of an entry which has none of them."""
TIMES: Final = {
    "registeredAt": "registered",
    "requestedAt": "requested",
    "undoRequestedAt": "undo requested",
    "undoneAt": "undone",
}
"""Times of an entry, in their order, and how they are shown."""
_FIRST: Final = "registeredAt"
_SECONDS: Final = r"[+-][0-9]+\.[0-9]+"
_TIMES: Final = re.compile(
    rf"registered (?P<first>\S+?)(?:, requested (?P<requested>{_SECONDS}) s)?"
    rf"(?:, undo requested (?P<undo>{_SECONDS}) s)?(?:, undone (?P<undone>{_SECONDS}) s)?"
)
_REFERENCE: Final = re.compile(
    r"(?P<kind>\w+)/(?P<name>[^\s/]+)(?: \((?P<uid>[^\s()]+)\))?(?: until (?P<deadline>\S+))?"
)


def shown(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry as the status has it."""
    kept = {name: value for name, value in entry.items() if name not in REFERENCES and name not in TIMES}
    references = {word: _reference(entry[field]) for field, word in REFERENCES.items() if field in entry}
    return kept | references | {"times": _times(entry)}


def read(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of a status in full; one of an operator of version 1 is in full already.

    Raises:
        ValueError, TypeError, AttributeError: when somebody has edited or damaged it.

    """
    if not entry.keys() & {*REFERENCES.values(), "times"}:
        return dict(entry)
    full = {name: value for name, value in entry.items() if name not in REFERENCES.values() and name != "times"}
    for field, word in REFERENCES.items():
        if field == "fuse" and word not in entry:
            continue
        if (parts := _REFERENCE.fullmatch(entry.get(word, ""))) is None:
            raise ValueError(f"{word} does not name an object")
        full[field] = {name: text for name, text in parts.groupdict().items() if text is not None}
    return full | _moments(entry.get("times", ""))


def undo_of(status: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The undo log of a status, each entry in full."""
    return [read(entry) for entry in status.get("undo", ())]


def _times(entry: Mapping[str, Any]) -> str:
    first = entry[_FIRST]
    began = moment(first)
    later = [
        f"{word} {moment(entry[field]) - began:+.3f} s"
        for field, word in TIMES.items()
        if field in entry and field != _FIRST
    ]
    return ", ".join([f"{TIMES[_FIRST]} {first}", *later])


def _moments(times: str) -> dict[str, str]:
    if (parts := _TIMES.fullmatch(times)) is None:
        raise ValueError(f"times {cut(times, LINE)!r} cannot be read")
    found = {_FIRST: parts["first"]}
    began = moment(parts["first"])
    for field, group in zip(TIMES, ("", "requested", "undo", "undone"), strict=True):
        if group and parts[group]:
            # In the middle of its millisecond: a time is cut to whole ones when it is written.
            found[field] = timestamp((round((began + float(parts[group])) * 1000) + 0.5) / 1000)
    return found


def _reference(thing: Mapping[str, str]) -> str:
    uid = f" ({thing['uid']})" if "uid" in thing else ""
    deadline = f" until {thing['deadline']}" if "deadline" in thing else ""
    return f"{thing['kind']}/{thing['name']}{uid}{deadline}"
