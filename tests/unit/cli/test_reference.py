"""The pages of conditions, metrics and commands are made from what the operator runs."""

import re
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from gameday.api.conditions import (
    ABSENT_UNLESS_TRUE,
    OF_A_DRILL,
    OF_A_GAMEDAY,
    ONCE_ENDED,
    ONCE_NOTIFIED,
    conditions_of,
)
from gameday.api.notified import notified_condition
from gameday.cli import reference
from gameday.cli.main import app
from gameday.controller.gameday import gamedays
from gameday.model.change import Change, ChangeState
from gameday.model.record import DrillRecord, Keeping, Phase, Reason, Verdict
from gameday.model.schedule import Decision
from pages import DOCS, blocks, tables

CUT = Change("cut", "networkPartition", "NetworkPolicy", "d-cut", "d-fuse", ChangeState.UNDOING, requested_at=1.0)
RECORDS = (
    DrillRecord(),
    DrillRecord(Phase.RECOVERY, changes=(CUT,), faults_cleared=False),
    DrillRecord(Phase.FINISHED, verdict=Verdict.ABORTED, reason=Reason.HALTED.value, aborted=Reason.HALTED),
    DrillRecord(Phase.FINISHED, verdict=Verdict.PASSED, keeping=Keeping(kept=False, why="forbidden")),
    DrillRecord(Phase.FINISHED, verdict=Verdict.PASSED, keeping=Keeping(kept=True)),
)


def test_the_pages_are_those_that_the_code_makes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reference.main(["--check", str(DOCS)]) == 0
    assert reference.main(["--check", str(tmp_path)]) == 1
    assert reference.main([str(tmp_path)]) == 0
    assert reference.main(["--check", str(tmp_path)]) == 0
    (tmp_path / "cli.md").write_text("")
    assert reference.main(["--check", str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("run `make generate` and commit") == 4


def test_each_condition_of_a_drill_is_described_and_no_other() -> None:
    found = [{kind: state for kind, state, _, _ in conditions_of(record)} for record in RECORDS]
    noted = notified_condition({"notifications": [{"name": "team", "sent": ["verdict"]}]})
    assert {kind for kind, *_ in noted} == ONCE_NOTIFIED
    assert {kind for states in found for kind in states} | ONCE_NOTIFIED == set(OF_A_DRILL)
    assert all(states[kind] == "True" for states in found for kind in states if kind in ABSENT_UNLESS_TRUE)
    assert [bool(states.keys() & ONCE_ENDED) for states in found] == [False, False, False, True, False]


def test_each_condition_of_a_gameday_is_described_and_no_other() -> None:
    text = Path(gamedays.__file__).read_text()
    told = {*re.findall(r'\("(\w+)", "(?:True|False)", ', text), *re.findall(r'_refused\("(\w+)", ', text)}
    assert told == set(OF_A_GAMEDAY)


def test_a_metric_stands_there_under_the_name_that_is_scraped() -> None:
    page = reference.metrics()
    assert "| `gameday_drills_total` | counter | `namespace`, `gameday`, `verdict` |" in page
    assert "| `gameday_api_requests_total` | counter | `resource`, `verb` |" in page
    assert "| `gameday_halted` | gauge |  |" in page
    names = re.findall(r"^\| `(\w+)`", page, re.MULTILINE)
    assert names == sorted(set(names))


def test_an_alert_is_about_a_metric_and_a_value_that_there_is() -> None:
    (group,) = yaml.safe_load(blocks(DOCS / "how-to" / "alerts.md", "yaml")[0])["groups"]
    names = set(re.findall(r"^\| `(\w+)`", reference.metrics(), re.MULTILINE))
    names |= {f"{name.removesuffix('_total')}_created" for name in names if name.endswith("_total")}
    values = {"verdict": {one.value for one in Verdict}, "decision": {one.value for one in Decision}}
    for rule in group["rules"]:
        assert set(re.findall(r"gameday_\w+", rule["expr"])) <= names
        for label, value in re.findall(r'(\w+)="(\w+)"', rule["expr"]):
            assert value in values[label]
    (rows,) = tables((DOCS / "how-to" / "alerts.md").read_text())
    assert [row[0] for row in rows] == ["[{0}](alerts/{0}.md)".format(rule["alert"]) for rule in group["rules"]]


def test_each_command_stands_there_with_its_options() -> None:
    page = reference.commands()
    shown = re.findall(r"^## `gameday (\w+)[^`]*`$", page, re.MULTILINE)
    assert shown == list(get_command(app).commands)  # type: ignore[attr-defined]  # a group has them
    assert "## `gameday next [NAME]`" in page
    assert "## `gameday abort DRILL`" in page
    assert "| **`DRILL`** |  |  | Name of the Drill. |" in page
    assert "| **`--namespace`** | `GAMEDAY_NAMESPACE` |  | Namespace of the operator's Lease. |" in page
    assert "| `--image` | `GAMEDAY_IMAGE` |  | Image of the agents; default: the one of the operator's pod. |" in page
    assert "| `--namespace`, `-n` | `GAMEDAY_NAMESPACE` | `gameday-system` |" in page
    assert "--help" not in page
