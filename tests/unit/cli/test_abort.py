"""``gameday abort``: the one change that a Drill allows, once, and nothing else."""

import json

import pytest

from unit.cli.asked import CommandLine

KEY = ("drills", "shop", "first")


def put(line: CommandLine, **status: str) -> None:
    line.server.put("drills", "shop", {"metadata": {"name": "first"}, "spec": {"gameDay": "g"}, "status": status})


async def test_a_drill_is_asked_to_end(command_line: CommandLine) -> None:
    put(command_line, phase="Outage")
    done = await command_line.run("abort", "first")
    assert done.exit_code == 0, done.output
    assert command_line.server.objects[KEY]["spec"] == {"gameDay": "g", "abort": True}
    assert "Drill first will end" in done.stdout
    again = await command_line.run("abort", "first", "-o", "name")
    assert (again.exit_code, again.stdout) == (0, "drill.gameday.dev/first\n")


async def test_one_that_has_ended_stays_as_it_is(command_line: CommandLine) -> None:
    put(command_line, phase="Finished", verdict="Passed")
    version = command_line.server.objects[KEY]["metadata"]["resourceVersion"]
    done = await command_line.run("abort", "first")
    assert done.exit_code == 0
    assert "has ended already, Passed; nothing was changed" in done.stdout
    assert command_line.server.objects[KEY]["metadata"]["resourceVersion"] == version


async def test_programs_get_the_drill(command_line: CommandLine) -> None:
    put(command_line, phase="Outage")
    done = await command_line.run("abort", "first", "-o", "json")
    assert json.loads(done.stdout)["spec"]["abort"] is True


async def test_one_that_is_not_there_is_said(command_line: CommandLine) -> None:
    done = await command_line.run("abort", "none")
    assert done.exit_code == 1
    assert "there is no Drill none in namespace shop: `kubectl -n shop get drills` lists them" in done.stderr


@pytest.mark.parametrize("verb", ["get", "patch"])
async def test_who_may_not_reads_which_right_is_missing(command_line: CommandLine, verb: str) -> None:
    put(command_line, phase="Outage")
    command_line.server.forbidden.add(f"{verb} drills")
    done = await command_line.run("abort", "first")
    assert done.exit_code == 1
    assert f"user jane may not {verb} drills.gameday.dev in namespace shop" in done.stderr
    assert "abort" not in command_line.server.objects[KEY]["spec"]
