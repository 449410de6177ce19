"""The shell scripts have none of the faults that shellcheck knows."""

import subprocess
import sys
from pathlib import Path

from pages import ROOT

SHELLCHECK = Path(sys.prefix) / "bin" / "shellcheck"


def _scripts() -> list[Path]:
    """What bash or sh runs, or a script takes in."""
    found = []
    for place in (ROOT / ".ci", ROOT / "tests" / "cluster"):
        for file in place.rglob("*"):
            start = file.read_bytes()[:300] if file.is_file() else b""
            if (
                start.startswith((b"#!/usr/bin/env bash", b"#!/bin/bash", b"#!/bin/sh"))
                or b"# shellcheck shell=" in start
            ):
                found.append(file)
    return sorted(found)


def test_shellcheck_finds_nothing() -> None:
    scripts = _scripts()
    assert {"run", "cluster", "lib.sh", "provider.sh"} <= {script.name for script in scripts}
    command = [str(SHELLCHECK), "--external-sources", "--source-path=SCRIPTDIR", *map(str, scripts)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
