"""``gameday report``: every form of it, with the rights of who asks, and what is missing is said."""

import json
from pathlib import Path

import pytest

from gameday.cluster.resources import Object
from gameday.model.record import Keeping
from unit.cli.asked import CommandLine
from unit.report.drills import an_ended_drill, gameday, its_samples
from unit.report.test_report import GOOD, ITEMS, OLDER

NAME = GOOD.name


def put(line: CommandLine, drill: Object | None = None, *, samples: bool = True) -> None:
    line.server.put("gamedays", "shop", gameday(*ITEMS))
    for one in (drill or an_ended_drill(GOOD), *OLDER[:2]):
        line.server.put("drills", "shop", one)
    if samples:
        line.server.put("configmaps", "shop", its_samples(GOOD))


async def test_a_page_is_written_into_a_file_of_the_drills_name(
    command_line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    put(command_line)
    done = await command_line.run("report", NAME)
    assert (done.exit_code, done.stdout) == (0, ""), done.output
    assert f"{NAME}.html: the report of drill {NAME}" in done.stderr
    page = (tmp_path / f"{NAME}.html").read_text()
    assert "<code>health.<wbr>body.<wbr>redis</code>" in page
    assert "redis-failover-2" in page, "earlier drills"
    assert page.count('<span class="state missed">overdue</span>') == 1, "today is that of the clock"


BEGINS = {"md": "# Passed: ", "json": "{", "junit": "<?xml", "html": "<!doctype html>"}


@pytest.mark.parametrize(("form", "begins"), BEGINS.items())
async def test_each_form_goes_to_standard_output_or_into_a_file(
    form: str, begins: str, command_line: CommandLine, tmp_path: Path
) -> None:
    put(command_line)
    to_file = await command_line.run("report", NAME, "-o", form, "--file", str(tmp_path / "it"))
    assert to_file.exit_code == 0, to_file.output
    printed = await command_line.run("report", NAME, "-o", form, "-f", "-")
    assert printed.stdout.startswith(begins)
    assert (tmp_path / "it").read_text() == printed.stdout


async def why_no_samples(line: CommandLine) -> str:
    done = await line.run("report", NAME, "-o", "json")
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)["samples"]
    assert data["kept"] is False
    return str(data["why"])


async def test_samples_that_were_deleted_leave_a_report_that_says_so(command_line: CommandLine) -> None:
    put(command_line, samples=False)
    assert "deleted: spec.history.samples" in await why_no_samples(command_line)


async def test_samples_that_may_not_be_read_are_said_with_what_grants_it(command_line: CommandLine) -> None:
    put(command_line)
    command_line.server.forbidden = {"get configmaps"}
    why = await why_no_samples(command_line)
    assert "you may not read them" in why
    assert "--verb=get --resource=configmaps" in why


async def test_samples_that_were_not_kept_are_said_with_the_drills_own_reason(command_line: CommandLine) -> None:
    put(command_line, an_ended_drill(GOOD.but(keeping=Keeping(kept=False, why="exceeded quota: full"))))
    assert await why_no_samples(command_line) == "they were not kept: exceeded quota: full"


async def test_a_drill_of_before_there_were_samples_has_a_report(command_line: CommandLine) -> None:
    put(command_line, an_ended_drill(GOOD.but(keeping=None)), samples=False)
    assert "with a version that kept no samples" in await why_no_samples(command_line)


async def test_who_may_read_the_drill_alone_gets_a_report_of_it(command_line: CommandLine) -> None:
    put(command_line)
    command_line.server.forbidden = {"get gamedays", "list drills", "get configmaps"}
    done = await command_line.run("report", NAME, "-o", "json")
    data = json.loads(done.stdout)
    assert (data["verdict"], data["earlier"], data["actionItems"]) == ("Passed", [], [])


async def test_a_drill_that_is_not_there_and_a_file_that_cannot_be_written_are_said(command_line: CommandLine) -> None:
    put(command_line)
    done = await command_line.run("report", "none")
    assert done.exit_code == 1
    assert "there is no Drill none in namespace shop" in done.stderr
    done = await command_line.run("report", NAME, "--file", "/nowhere/report.html")
    assert done.exit_code == 1
    assert "not written to /nowhere/report.html: No such file or directory" in done.stderr


async def test_a_dry_run_has_no_report(command_line: CommandLine) -> None:
    body = {"metadata": {"name": "dry"}, "spec": {"gameDay": "g", "dryRun": True}, "status": {"phase": "Finished"}}
    command_line.server.put("drills", "shop", body)
    done = await command_line.run("report", "dry", "-o", "md")
    assert done.exit_code == 1
    assert "Drill dry is a dry run, of which there is no report: `gameday explain dry` shows it" in done.stderr
