"""An entry of the undo log is shown in few lines, and nothing of it is lost: it alone must be enough to undo."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gameday.api.undo_entries import read, shown, undo_of
from gameday.schema.times import timestamp

ENTRY: dict[str, Any] = {
    "name": "partition",
    "kind": "NetworkPartition",
    "object": {"kind": "NetworkPolicy", "name": "first-partition", "uid": "6f1f7a52"},
    "fuse": {"kind": "Job", "name": "first-fuse", "uid": "0d5c1f1b", "deadline": "2027-01-15T08:02:39.000Z"},
    "state": "Undone",
    "registeredAt": "2027-01-15T08:00:13.914Z",
    "requestedAt": "2027-01-15T08:00:14.120Z",
    "undoRequestedAt": "2027-01-15T08:00:55.914Z",
    "undoneAt": "2027-01-15T08:00:56.922Z",
}
SCALE: dict[str, Any] = {
    "name": "stop, now",
    "kind": "Scale",
    "object": {"kind": "Deployment", "name": "worker.v2"},
    "fuse": {"kind": "Job", "name": "first-fuse-stop"},
    "state": "Registered",
    "before": '{"replicas": 3}',
    "registeredAt": "2027-01-15T08:00:13.914Z",
}


def test_it_is_shown_in_lines_that_people_can_read() -> None:
    assert shown(ENTRY) == {
        "name": "partition",
        "kind": "NetworkPartition",
        "state": "Undone",
        "changes": "NetworkPolicy/first-partition (6f1f7a52)",
        "fusedBy": "Job/first-fuse (0d5c1f1b) until 2027-01-15T08:02:39.000Z",
        "times": "registered 2027-01-15T08:00:13.914Z, requested +0.206 s, undo requested +42.000 s, undone +43.008 s",
    }


@pytest.mark.parametrize("entry", [ENTRY, SCALE], ids=["a cut", "a scale"])
def test_nothing_of_it_is_lost(entry: dict[str, Any]) -> None:
    assert read(shown(entry)) == entry
    assert undo_of({"undo": [shown(entry)]}) == [entry]


def test_times_are_read_back_to_the_millisecond_also_where_a_clock_was_set_back() -> None:
    dice = Random(1)
    for _ in range(2000):
        first, later = (timestamp(1_800_000_000 + dice.random() * 10_000) for _ in range(2))
        entry = SCALE | {"registeredAt": first, "undoneAt": later}
        assert read(shown(entry)) == entry


def test_one_that_an_operator_of_version_1_wrote_is_read_as_it_is() -> None:
    written = json.loads((Path(__file__).parent / "version_1.json").read_text())
    entries = [entry for status in written.values() for entry in status["undo"]]
    assert len(entries) > 3
    assert [read(entry) for entry in entries] == entries


@pytest.mark.parametrize(
    "damage",
    [
        {"changes": "worker"},
        {"changes": "Deployment/worker; and another"},
        {"fusedBy": ""},
        {"times": "soon"},
        {"times": "registered 2027-01-15T08:00:14.120Z, cancelled +1.000 s"},
        {"times": "registered yesterday, requested +1.000 s"},
    ],
)
def test_one_that_somebody_has_edited_is_refused(damage: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"does not name an object|times .* cannot be read|Invalid isoformat"):
        read(shown(SCALE) | damage)
