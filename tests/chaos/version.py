"""The commit at which a case ran."""

import subprocess
from typing import Final

from e2e.dialling import ROOT

PUBLISHED: Final = ("docs/benchmark.md", "docs/chaos.md", "tests/chaos/rows.json")
"""What the tables are written to: a change of these makes no other code."""


def version() -> str:
    """The commit that is checked out, shortened; with ``-dirty`` where anything but the tables differs from it."""
    changed = _git("status", "--porcelain", "--", ".", *(f":(exclude){path}" for path in PUBLISHED))
    return _git("rev-parse", "--short=7", "HEAD") + ("-dirty" if changed else "")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.strip()
