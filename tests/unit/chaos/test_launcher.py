"""What ``make chaos`` starts: the operator with a clock that steps, and one that is killed at a point."""

import sys
import time
from pathlib import Path

import pytest

from chaos import launcher
from gameday.cli import operate as module
from gameday.controller.clock import Clock
from gameday.controller.settings import Settings

OPERATOR = ("operator", "--namespace", "own", "--image", "image", "--identity", "me")


def test_the_operator_is_given_a_clock_that_steps_with_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Clock] = []

    async def operate(_: Settings, clock: Clock) -> int:
        given.append(clock)
        return 0

    monkeypatch.setattr(module, "operate", operate)
    monkeypatch.setattr("gameday.cli.logs.set_up", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["launcher", "faults", "-", str(tmp_path / "mark"), *OPERATOR])
    offset = tmp_path / "clock"
    offset.write_text("+0")
    monkeypatch.setenv("CHAOS_CLOCK", str(offset))
    with pytest.raises(SystemExit):
        launcher.main()
    (clock,) = given
    for step in (0, 30, -3600):
        offset.write_text(f"{step:+d}")
        assert clock.wall() - time.time() == pytest.approx(step, abs=5)
    assert clock.monotonic is time.monotonic
