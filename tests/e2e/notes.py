"""What a run notes of its stages, so that ``rights.py`` knows afterwards whose requests were the run's."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class NamespaceNotes:
    """The namespaces of a run, each with when it was made; and from when, and why, what is refused there is meant."""

    made: Mapping[str, str]
    meant: Mapping[str, tuple[str, str]]

    @classmethod
    def read(cls, lines: Iterable[str]) -> "NamespaceNotes":
        """From what ``note`` wrote."""
        made: dict[str, str] = {}
        meant: dict[str, tuple[str, str]] = {}
        for line in lines:
            told = json.loads(line)
            if "reason" in told:
                meant.setdefault(told["namespace"], (told["at"], told["reason"]))
            else:
                made[told["namespace"]] = told["at"]
        return cls(made, meant)


def note(namespace: str, reason: str = "") -> None:
    """Note a namespace of this run, or why refusals in it are meant from now on; moments as the audit log has them."""
    path = os.environ.get("GAMEDAY_STAGES")
    if path is None:
        return
    line = {"namespace": namespace, "at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")}
    with Path(path).open("a") as notes:
        notes.write(json.dumps(line | ({"reason": reason} if reason else {})) + "\n")
