"""Files that are generated: written, or held against what they are to be."""

import sys
from collections.abc import Collection, Mapping
from pathlib import Path


def generate(wanted: Mapping[Path, str], there: Collection[Path], *, check: bool) -> int:
    """Write the files and remove the others that are ``there``, or with ``check`` say which differ; the exit code."""
    gone = set(there) - set(wanted)
    stale = sorted(map(str, gone | {p for p, text in wanted.items() if not p.exists() or p.read_text() != text}))
    if check:
        if stale:
            print(f"not up to date: {', '.join(stale)}; run `make generate` and commit", file=sys.stderr)  # noqa: T201
        return 1 if stale else 0
    for path in gone:
        path.unlink()
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
    for path, content in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return 0
