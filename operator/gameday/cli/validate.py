"""``gameday validate``: whether the API server and the operator would take what a file says; no cluster is asked."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from gameday.api.crds import GROUP
from gameday.cli.asking import NotDone
from gameday.cli.checks.check import check
from gameday.cli.checks.documents import Document, NotYaml, documents

STDIN: Final = "-"
SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})
"""Of the files that are read where a folder is named, as kubectl does."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, and where: ``path`` is a field's."""

    line: int
    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Checked:
    """The result for one object; ``foreign`` if it is neither GameDay nor Drill, and was not checked."""

    file: str
    line: int
    kind: str
    name: str
    findings: tuple[Finding, ...] = ()
    foreign: bool = False

    def plain(self) -> dict[str, Any]:
        """As programs read it."""
        found = [{"line": one.line, "path": one.path, "message": one.message} for one in self.findings]
        about = {"file": self.file, "line": self.line, "kind": self.kind, "name": self.name}
        return about | ({"checked": False} if self.foreign else {"valid": not found, "findings": found})


@dataclass(frozen=True, slots=True)
class Result:
    """The results for all objects."""

    checked: tuple[Checked, ...] = field(default=())

    @property
    def ours(self) -> tuple[Checked, ...]:
        """Those that were looked at."""
        return tuple(one for one in self.checked if not one.foreign)

    @property
    def valid(self) -> bool:
        """Whether all of them would be taken."""
        return not any(one.findings for one in self.checked)


def validate(paths: Iterable[str]) -> Result:
    """Check every object in files and folders; ``-`` is standard input.

    Raises:
        NotDone: when one cannot be read, or there is no GameDay or Drill in any.

    """
    found = Result(tuple(one for name, text in _texts(paths) for one in checked(name, text)))
    if not found.checked:
        raise NotDone("there is no object in any of these files")
    if not found.ours:
        raise NotDone(
            f"there is no GameDay and no Drill in any of these files, but objects of other groups than {GROUP}"
        )
    return found


def _texts(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    for given in paths:
        path = Path(given)
        folder = given != STDIN and path.is_dir()
        every = sorted(str(p) for p in path.rglob("*") if p.suffix in SUFFIXES) if folder else [given]
        for one in every:
            yield one, text_of(one)


def text_of(file: str) -> str:
    """The text of a file, or of standard input.

    Raises:
        NotDone: when it cannot be read.

    """
    try:
        return sys.stdin.read() if file == STDIN else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise NotDone(f"{file} cannot be read: {error}") from error


def checked(file: str, text: str) -> Iterator[Checked]:
    """The result for each object in a text; ``file`` is what its lines are said to be of."""
    try:
        for document in documents(text):
            yield _one(file, document)
    except NotYaml as error:
        yield Checked(file, 1, "", "", (Finding(1, "", f"it is not YAML that kubectl can read: {error}"),))


def _one(file: str, document: Document) -> Checked:
    body = document.body
    if not isinstance(body, dict):
        finding = Finding(document.line, "", "it is not an object: write apiVersion, kind, metadata and spec")
        return Checked(file, document.line, "", "", (finding,))
    metadata = body.get("metadata")
    named = metadata if isinstance(metadata, dict) else {}
    about = (
        file,
        document.line,
        str(body.get("kind") or ""),
        str(named.get("name") or named.get("generateName") or ""),
    )
    if not str(body.get("apiVersion", "")).startswith(f"{GROUP}/"):
        return Checked(*about, foreign=True)
    return Checked(*about, tuple(Finding(document.line_of(path), path, text) for path, text in check(body)))


def as_lines(one: Checked) -> str:
    """The result for an object: one line, or one per finding, in the format of compilers."""
    what = f"{one.kind} {one.name}".strip() or "document"
    if one.foreign:
        return f"{one.file}:{one.line}: {what} is not checked: it is of another group"
    if not one.findings:
        return f"{one.file}:{one.line}: {what} is valid"
    return "\n".join(
        f"{one.file}:{found.line}: {what}: {f'{found.path}: ' if found.path else ''}{found.message}"
        for found in one.findings
    )
