"""Which clock the operator's process goes by: the system's, or the one that whoever starts it hands on."""

import logging
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gameday.cli import operate as module
from gameday.cli.logs import LogFormat, formatter
from gameday.cli.main import app
from gameday.controller.clock import Clock
from gameday.controller.settings import Settings

ARGUMENTS = ("operator", "--namespace", "own", "--image", "image", "--identity", "me")


@pytest.fixture
def handed_on(monkeypatch: pytest.MonkeyPatch) -> list[Clock]:
    """The clocks with which an operator was started."""
    found: list[Clock] = []

    async def operate(_: Settings, clock: Clock) -> int:
        found.append(clock)
        return 0

    monkeypatch.setattr(module, "operate", operate)
    monkeypatch.setattr("gameday.cli.logs.set_up", lambda *_: None)
    return found


def test_the_clock_of_whoever_starts_the_operator_is_handed_on(handed_on: list[Clock]) -> None:
    stepped = Clock(wall=lambda: 5.0)
    result = CliRunner().invoke(app, ARGUMENTS, obj=stepped)
    assert result.exit_code == 0, result.output
    assert handed_on == [stepped]


def test_without_one_it_is_the_systems(handed_on: list[Clock]) -> None:
    result = CliRunner().invoke(app, ARGUMENTS)
    assert result.exit_code == 0, result.output
    assert handed_on == [Clock(time.time, time.monotonic)]


def test_log_entries_tell_the_time_of_the_clock() -> None:
    entry = logging.LogRecord("gameday", logging.INFO, str(Path(__file__)), 1, "hello", (), None)
    made = formatter(LogFormat.TEXT, lambda: 1_800_000_000.25)
    assert made.format(entry).startswith("time=2027-01-15T08:00:00.250Z level=info")
