"""A status that is too large: the oldest lines of its timeline go first, then messages; undo entries never."""

from typing import Any

import pytest

from gameday.api.fitting import bare, fitted
from gameday.api.lines import expectations_of
from gameday.schema.bounds import SHOWN_BYTES, STATUS_BYTES, json_bytes

AT = "2026-11-24T12:00:00.000Z"
UNDO = [{"name": f"step {n}", "kind": "Scale", "before": '{"replicas": 3}'} for n in range(32)]


def status(lines: int, message: str, expectations: int = 96) -> dict[str, Any]:
    return {
        "state": "s" * 1000,
        "phase": "Outage",
        "undo": list(UNDO),
        "message": message,
        "conditions": [{"type": "Complete", "message": message}],
        "summary": message,
        "steps": [f'"stop": Failed at {AT}: {message}'],
        "expectations": [f'Outage "{n}": Unknown at {AT}: {message}' for n in range(expectations)],
        "timeline": [f"{n} Busy: {message}" for n in range(lines)],
    }


def size(of: dict[str, Any]) -> int:
    return json_bytes({name: value for name, value in of.items() if name != "state"})


def test_what_fits_stays_as_it_is() -> None:
    assert fitted(status(20, "short")) == status(20, "short")


def test_the_oldest_lines_go_first_and_only_as_many_as_must() -> None:
    found = fitted(status(100, "x" * 500))
    assert size(found) <= SHOWN_BYTES < size(found) + 600
    assert 0 < len(found["timeline"]) < 100
    assert found["timeline"][-1].startswith("99 ")
    assert found | {"timeline": []} == status(0, "x" * 500)


@pytest.mark.parametrize(("letter", "left"), [("x", 512), ("ü", 256), ("\N{BROKEN HEART}", 128), ("\x00", 64)])
def test_then_messages_are_shortened_by_bytes_and_undo_entries_stay(letter: str, left: int) -> None:
    found = fitted(status(100, letter * 1000))
    assert size(found) <= SHOWN_BYTES
    assert found["timeline"] == []
    assert found["undo"] == UNDO
    assert {len(one["message"]) for one in expectations_of(found)} == {left}


def test_a_large_machine_state_leaves_less_room_for_the_rest() -> None:
    large = status(100, "x" * 500) | {"state": "s" * 100 * 1024}
    found = fitted(large)
    assert json_bytes(found) <= STATUS_BYTES + 2 * len('"state":,')
    assert found["undo"] == UNDO


def test_what_was_refused_is_written_with_no_more_than_it_takes_to_go_on() -> None:
    sent = [{"name": "team", "sent": ["started"]}]
    full = status(100, "x" * 1000) | {"measurements": {"a": "1"}, "notifications": sent}
    found = bare(full, 1_795_521_600.0, "Duplicate")
    assert set(found) == {"state", "phase", "undo", "message", "conditions", "timeline", "notifications"}
    assert found["notifications"] == sent, "or they would be sent again"
    assert len(found["message"]) <= 256
    assert found["undo"] == UNDO
    assert found["timeline"] == ["2026-11-24T12:00:00.000Z Warning StatusRefused: Duplicate"]
