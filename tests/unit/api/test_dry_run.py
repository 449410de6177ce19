"""The findings of a dry run in a status: they are read back from it, and fit whatever they say."""

from dataclasses import fields, replace
from typing import Any

import pytest

from gameday.api import dry_run
from gameday.api.conditions import conditions_of
from gameday.api.crds import definitions
from gameday.api.fitting import fitted
from gameday.api.record import saved_of, status_of
from gameday.api.summary import summary_of
from gameday.controller.drill.restore import restore
from gameday.model.dry_run import DryRun
from gameday.model.record import DrillRecord, Phase
from gameday.schema.bounds import ENTRIES, LINE, MACHINE_BYTES, SHOWN_BYTES, json_bytes

FOUND = DryRun(refusals=("no pod matches",), targets=("cut: Deployment api, 1 pod: api-0",), rights=("pods: list",))
ENDED = DrillRecord(
    Phase.FINISHED,
    since=9.0,
    started_at=1.0,
    finished_at=9.0,
    reason="Refused",
    message="no pod matches",
    dry_run=FOUND,
)


def test_what_was_found_is_read_back_and_stands_once() -> None:
    status = status_of(ENDED, 1)
    assert status["dryRun"] == {
        "refusals": ["no pod matches"],
        "targets": ["cut: Deployment api, 1 pod: api-0"],
        "rights": ["pods: list"],
    }
    assert "no pod matches" not in str(status["state"])
    saved = saved_of(status)
    assert saved is not None
    assert saved.record == ENDED


def test_a_drill_has_no_findings() -> None:
    status = status_of(replace(ENDED, dry_run=None), 1)
    assert "dryRun" not in status
    saved = saved_of(status)
    assert saved is not None
    assert saved.record.dry_run is None


def test_every_list_of_the_findings_is_in_the_crd() -> None:
    drills = next(crd for name, crd in definitions().items() if "drills" in name)
    schema = drills["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    known = schema["properties"]["status"]["properties"]["dryRun"]["properties"]
    assert set(known) == {one.name for one in fields(DryRun)} == set(dry_run.FIELDS)


@pytest.mark.parametrize("letter", ["x", "ü", "停", "\N{BROKEN HEART}", "\x00"])
def test_findings_fit_whatever_they_say(letter: str) -> None:
    lines = tuple(f"{n} {letter * 2000}" for n in range(3 * ENTRIES))
    status = status_of(replace(ENDED, dry_run=DryRun(**{one.name: lines for one in fields(DryRun)})), 1)
    for found in status["dryRun"].values():
        assert len(found) == ENTRIES
        assert found[-1] == f"and {2 * ENTRIES + 1} more"
        assert max(map(len, found)) <= LINE
    small: dict[str, Any] = fitted(status)
    assert json_bytes({name: value for name, value in small.items() if name != "state"}) <= SHOWN_BYTES
    assert len(small["state"]) <= MACHINE_BYTES


@pytest.mark.parametrize("damaged", [7, "x", [], {"refusals": "x"}, {"targets": 3, "unknown": []}])
def test_damaged_findings_are_left_out(damaged: object) -> None:
    assert dry_run.read({"dryRun": damaged}) == DryRun()


def test_conditions_and_summary_say_how_a_dry_run_ended_without_a_verdict() -> None:
    conditions = {kind: (state, reason, message) for kind, state, reason, message in conditions_of(ENDED)}
    assert conditions["Complete"] == ("True", "Refused", "no pod matches")
    assert conditions["Passed"][0] == "Unknown"
    assert conditions["Ready"] == ("True", "Refused", "Refused: no pod matches")
    said = summary_of(ENDED, "shop", "failover", ())
    assert said == "Dry run of GameDay failover in shop on 1970-01-01 at 00:00 UTC: Refused: no pod matches"


def test_a_dry_run_that_had_ended_stays_ended_where_its_state_is_damaged() -> None:
    status = status_of(ENDED, 1) | {"state": "damaged"}
    left = restore({"spec": {"gameDay": "g", "dryRun": True}, "status": status}, 20.0).record
    assert left is not None
    assert (left.phase, left.verdict, left.dry_run) == (Phase.FINISHED, None, FOUND)
