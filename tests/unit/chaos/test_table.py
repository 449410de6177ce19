"""The published page: each row with the commit at which it ran, a part of a run beside the rows of earlier ones."""

import subprocess
from pathlib import Path

import pytest

from chaos import table, version
from chaos.__main__ import ROWS, all_cases
from chaos.case import Case, Trial
from chaos.row import Results, Row
from e2e.dialling import ROOT


async def nothing(_: Trial) -> None:
    """Is never run."""


CASES = [Case("clock", name, nothing, ("step",)) for name in ("one", "two", "three")]


@pytest.fixture
def results(tmp_path: Path) -> Results:
    found = Results(tmp_path / "rows.json")
    for case in CASES[:2]:
        found.add(
            Row("clock", case.name, verdict="Passed", commit="0000001", injects=["step"], proofs={"step": "it did"})
        )
    return found


def test_a_part_of_a_run_replaces_its_rows_and_leaves_the_others(results: Results) -> None:
    Results.read(results.path).add(Row("clock", "two", verdict="Failed (X)", commit="0000002-dirty"))
    lines = table.full(Results.read(results.path), CASES).splitlines()
    assert "| one | 0 | 0 | 0.0 | Passed | 0000001 |  |" in lines
    assert "| two | 0 | 0 | 0.0 | Failed (X) | 0000002-dirty |  |" in lines
    (line,) = [line for line in table.summary(Results.read(results.path), CASES).splitlines() if "clock" in line]
    assert line.endswith("| 2 of 3 | 0 | 0 | 0.0 | 1 Failed, 1 Passed | 2 of 2 | 0000001, 0000002-dirty |")


def test_a_row_whose_injection_did_not_happen_is_bad_in_both_tables(results: Results) -> None:
    results.add(Row("clock", "three", verdict="Passed", commit="0000002", injects=["step"]))
    again = Results.read(results.path)
    assert again.bad(case.key for case in CASES) == ["clock: three: not injected: step"]
    assert "| three | 0 | 0 | 0.0 | Passed | 0000002 | **not injected: step** |" in table.full(again, CASES)
    assert "| 2 of 3 | 0000001, 0000002 |" in table.summary(again, CASES)


def test_a_row_that_was_not_run_counts_for_nothing(results: Results) -> None:
    results.add(Row("clock", "three", not_run="it was not stepped"))
    again = Results.read(results.path)
    assert again.bad(case.key for case in CASES) == ["clock: three: not run: it was not stepped"]
    assert "| three | | | | not run | | it was not stepped |" in table.full(again, CASES)
    assert "2 of 3 cases were run, 0 of them" in " ".join(table.full(again, CASES).split())
    assert "| 2 of 3 (1 not run: it was not stepped) | 0 |" in table.summary(again, CASES)


def test_the_row_of_a_case_that_is_no_more_goes(results: Results) -> None:
    results.keep([CASES[0].key])
    assert set(Results.read(results.path).rows) == {CASES[0].key}


def test_what_is_published_is_what_the_rows_say() -> None:
    results, cases = Results.read(ROWS), all_cases()
    assert set(results.rows) <= {case.key for case in cases}
    published = (ROOT / "docs" / "chaos.md").read_text()
    # The machine's name and the day are those of whoever wrote it.
    assert published.splitlines()[5:] == table.full(results, cases).splitlines()[5:]
    assert f"## In short\n\n{table.summary(results, cases)}\n" in published
    assert all(row.commit or row.not_run for row in results.rows.values())


def test_the_version_is_the_commit_and_whether_the_code_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(version, "ROOT", tmp_path)
    (tmp_path / "docs").mkdir()
    for path in ("docs/benchmark.md", "docs/chaos.md", "code.py"):
        (tmp_path / path).write_text("one\n")
    who = ("-c", "user.name=x", "-c", "user.email=x@x")
    for arguments in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "one"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    clean = version.version()
    assert len(clean) == 7
    (tmp_path / "docs" / "benchmark.md").write_text("a new table\n")
    assert version.version() == clean
    (tmp_path / "code.py").write_text("two\n")
    assert version.version() == f"{clean}-dirty"
