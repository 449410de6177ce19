"""Whatever a GameDay says, its check ends soon, with findings that name a path, or lets it through."""

import re
import time

import pytest

from gameday.api.parse import PlanTooBig
from gameday.controller.gameday.gamedays import read_all
from gameday.controller.schedule.schedules import _next, _read
from gameday.errors import PlanInvalid
from gameday.model.schedule import ScheduleState
from specs import Case, gamedays

CASES = gamedays(rolled=1500)
PATH = re.compile(r"^spec(\.|\[|$)")


@pytest.mark.parametrize("part", range(10))
def test_a_check_of_any_gameday_ends_with_findings_or_without(part: int) -> None:
    wrong, refused, ready = [], 0, 0
    for case in CASES[part::10]:
        began = time.monotonic()
        try:
            said = checked(case)
        except Exception as error:  # noqa: BLE001  each case is told, not the first alone
            wrong.append(f"{case.what}: {error!r}")
            continue
        refused, ready = refused + bool(said), ready + (not said)
        if not all(PATH.match(path) and len(message) > 8 for path, message in said):
            wrong.append(f"{case.what}: {said}")
        if time.monotonic() - began > 1:
            wrong.append(f"{case.what}: took {time.monotonic() - began:.1f} s")
    assert not wrong, "\n".join(wrong)
    assert min(refused, ready) > 5, "the generator makes both kinds"


def checked(case: Case) -> tuple[tuple[str, str], ...]:
    """What the operator finds in a GameDay, its schedule included."""
    spec = case.body["spec"]
    try:
        read_all(case.body)
    except PlanInvalid as error:
        found = error.findings
    except PlanTooBig as error:
        found = (("spec", str(error)),)
    else:
        found = ()
    # Schedules look by themselves, also at what is not ready.
    schedule, _ = _read(spec)
    if schedule is not None:
        _next(schedule, ScheduleState("digest", 1, 0.0), 1_800_000_000.0)
    return found


def test_the_generator_makes_the_same_cases_each_time() -> None:
    assert [case.body for case in gamedays()] == [case.body for case in gamedays()]
    assert len(gamedays()) >= 200
