"""The page of reasons has an entry for every reason that a drill can give."""

from pathlib import Path

from gameday.model.record import Reason

PAGE = Path(__file__).parents[2] / "docs" / "reasons.md"


def test_every_cause_has_its_row() -> None:
    rows = [line.split("|")[1] for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    told = {reason.strip() for row in rows for reason in row.split(",")}
    assert {reason.value for reason in Reason} <= told
    assert told - {reason.value for reason in Reason} == {"reason", "---"}
