"""A row of the table: one case, and what was found after it."""

import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final, Self

LATEST: Final = 5.0
"""Seconds that anything may outlive its deadline, counted from the API server's return where it was away."""


@dataclass(slots=True)
class Row:
    """What became of a case. ``wrong`` holds everything that is not as promised; empty is good.

    ``late`` is the most seconds that anything outlived its fuse's deadline, 0 where nothing did. ``injects`` names what
    the case does to the drill, and ``proofs`` how each of these was seen to happen: without its proof it is a fault.
    ``commit`` is that at which the case ran. A row that says why it was ``not_run`` has nothing else to say.
    """

    group: str
    case: str
    restart: str = ""
    """with, without, or nothing where the case has no such question."""
    leftovers: list[str] = field(default_factory=list)
    doubles: int = 0
    late: float = 0.0
    verdict: str = ""
    note: str = ""
    took: float = 0.0
    at: float = field(default_factory=time.time)
    wrong: list[str] = field(default_factory=list)
    injects: list[str] = field(default_factory=list)
    proofs: dict[str, str] = field(default_factory=dict)
    commit: str = ""
    not_run: str = ""

    @property
    def key(self) -> str:
        """What identifies the case."""
        return name_of(self.group, self.case, self.restart)

    def faults(self) -> list[str]:
        """All that is not as promised."""
        if self.not_run:
            return [f"not run: {self.not_run}"]
        found = [f"not injected: {what}" for what in self.injects if what not in self.proofs]
        found += self.wrong
        if self.leftovers:
            found.append(f"left behind: {', '.join(self.leftovers)}")
        if self.doubles:
            found.append(f"{self.doubles} things done twice")
        if self.late > LATEST:
            found.append(f"something outlived its deadline by {self.late:.1f} s")
        return found


def name_of(group: str, case: str, restart: str) -> str:
    """The name of a case, as it is selected by."""
    return f"{group}: {case}" + (f", {restart} restart" if restart else "")


class Results:
    """The rows of all cases so far, in a file: a run in pieces makes one table."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[str, Row] = {}

    @classmethod
    def read(cls, path: Path) -> Self:
        """What is there, or nothing."""
        results = cls(path)
        if path.exists():
            for fields in json.loads(path.read_text()):
                row = Row(**fields)
                results.rows[row.key] = row
        return results

    def add(self, row: Row) -> None:
        """Take a row, in the place of an earlier one of the same case, and write all that there are by now."""
        self.rows = type(self).read(self.path).rows | {row.key: row}
        self._write()

    def keep(self, known: Iterable[str]) -> None:
        """Forget the rows of cases that are there no more."""
        wanted = set(known)
        self.rows = {key: row for key, row in type(self).read(self.path).rows.items() if key in wanted}
        self._write()

    def _write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_suffix(".new")
        new.write_text("[\n" + ",\n".join(map(_line, self.rows.values())) + "\n]\n")
        new.replace(self.path)

    def bad(self, wanted: Iterable[str]) -> list[str]:
        """What is wrong with each of these cases; one that was never run is wrong."""
        found = []
        for key in wanted:
            row = self.rows.get(key)
            if row is None:
                found.append(f"{key}: was not run")
            elif row.faults():
                found.append(f"{key}: {'; '.join(row.faults())}")
        return found


def _line(row: Row) -> str:
    """A row as one line: what it does not say is left out."""
    return json.dumps(
        {key: value for key, value in asdict(row).items() if value not in ("", [], {})}, ensure_ascii=False
    )
