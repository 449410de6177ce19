"""Who may begin when many drills are due at once."""

from typing import Any

import pytest

from gameday.api.drill import start_before
from gameday.controller.schedule.start_throttle import MOST_STARTING, STARTS_FOR, StartThrottle
from gameday.model.labels import SLOT

Object = dict[str, Any]


def drill(name: str, namespace: str = "shop", phase: str = "", *, slot: bool = True) -> Object:
    metadata: Object = {"namespace": namespace, "name": name, "labels": {SLOT: "60"} if slot else {}}
    status = {"phase": phase} if phase else {}
    return {"metadata": metadata, "spec": {"startBefore": "1970-01-01T00:10:00Z"}, "status": status}


def entry(*running: Object, now: float = 100.0, deciding: bool = False, since: float = 99.0) -> StartThrottle:
    known = {(d["metadata"]["namespace"], d["metadata"]["name"]): d for d in running}
    return StartThrottle(now, deciding, [(key, since) for key in known], known)


def test_one_scheduled_drill_a_namespace_enters_at_a_time() -> None:
    one = entry()
    assert one.admits(drill("a"))
    assert not one.admits(drill("b"))
    assert one.admits(drill("c", "other"))
    assert not entry(drill("r", phase="Outage")).admits(drill("a"))


def test_a_drill_whose_time_runs_out_enters_to_say_so() -> None:
    running = drill("r", phase="Outage")
    assert not entry(running, now=594.9).admits(drill("a"))
    assert entry(running, now=595.0).admits(drill("a"))


def test_only_some_begin_at_once_and_those_under_way_do_not_count() -> None:
    beginning = [drill(f"d{n}", f"n{n}", "Preflight") for n in range(MOST_STARTING - 1)]
    under_way = [drill(f"u{n}", f"u{n}", "Outage") for n in range(100)]
    one = entry(*beginning, *under_way)
    assert one.admits(drill("a", "a"))
    assert not one.admits(drill("b", "b"))


@pytest.mark.parametrize("phase", ["", "Pending", "Preflight"])
def test_drills_that_wait_for_long_hold_no_schedule_up(phase: str) -> None:
    """Anybody may create Drills of a GameDay that does not exist, as many as they like."""
    waiting = [drill(f"d{n}", f"n{n}", phase, slot=False) for n in range(MOST_STARTING)]
    assert not entry(*waiting, since=100.1 - STARTS_FOR).admits(drill("a"))
    assert entry(*waiting, since=100.0 - STARTS_FOR).admits(drill("a"))


def test_however_many_begin_a_drill_whose_time_runs_out_enters() -> None:
    beginning = [drill(f"d{n}", f"n{n}", "Preflight") for n in range(MOST_STARTING)]
    assert not entry(*beginning, now=594.9, since=594.0).admits(drill("a"))
    assert entry(*beginning, now=595.0, since=594.0).admits(drill("a"))


def test_the_calendar_goes_first() -> None:
    assert not entry(deciding=True).admits(drill("a"))


def test_what_has_begun_and_what_people_created_is_never_held_up() -> None:
    full = [drill(f"d{n}", f"n{n}", "Preflight") for n in range(MOST_STARTING)]
    for one in (entry(*full, deciding=True), entry(drill("r", phase="Outage"))):
        assert one.admits(drill("by-hand", slot=False))
        assert one.admits(drill("begun", phase="Recovery"))
        assert one.admits(drill("to tidy", phase="Finished"))


@pytest.mark.parametrize("odd", ["soon", "2020-01-01t00:00:00z", "2016-12-31T23:59:60Z", "0000-01-01T00:00:00Z"])
def test_a_time_that_no_calendar_has_is_over_and_holds_nobody_up(odd: str) -> None:
    body = drill("a") | {"spec": {"startBefore": odd}}
    assert start_before(body) == 0.0
    assert entry(drill("r", phase="Outage")).admits(body), "it enters to say so"
