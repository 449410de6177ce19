"""``gameday version``: what runs here and what runs there."""

import json
import tomllib
from pathlib import Path

from gameday.cli.version import VERSION
from unit.cli.asked import CommandLine

ROOT = Path(__file__).parents[3]
LABELS = {"app.kubernetes.io/name": "gameday-operator", "app.kubernetes.io/version": "0.3.0"}


def install(line: CommandLine) -> None:
    container = {"name": "operator", "image": "registry/gameday:0.3.0"}
    body = {
        "metadata": {"name": "gameday-operator", "labels": LABELS},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }
    line.server.put("deployments", "gameday-system", body)
    about = {"metadata": {"name": "drills.gameday.dev", "labels": {"app.kubernetes.io/version": "0.2.0"}}}
    line.server.put("customresourcedefinitions", "", about)


def test_it_is_that_of_the_package() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION


async def test_all_three_are_told_apart(command_line: CommandLine) -> None:
    install(command_line)
    done = await command_line.run("version", "-o", "json")
    assert done.exit_code == 0, done.output
    wanted = {"client": VERSION, "resources": "gameday.dev/v1alpha1, 0.2.0", "operator": "0.3.0"}
    assert json.loads(done.stdout) == wanted | {"image": "registry/gameday:0.3.0"}
    lines = (await command_line.run("version")).stdout.splitlines()
    assert lines[0].split() == ["client:", VERSION]
    assert lines[2].split() == ["operator:", "0.3.0,", "image", "registry/gameday:0.3.0"]


async def test_a_cluster_with_nothing_of_it_says_so(command_line: CommandLine) -> None:
    done = await command_line.run("version")
    assert done.exit_code == 0, done.output
    assert "resources: none\noperator:  none in namespace gameday-system\n" in done.stdout


async def test_who_may_not_look_still_learns_what_is_served(command_line: CommandLine) -> None:
    install(command_line)
    command_line.server.forbidden |= {"get customresourcedefinitions", "list deployments"}
    command_line.server.groups["gameday.dev"] = {"v1alpha1": ["drills", "gamedays"]}
    done = await command_line.run("version")
    assert done.exit_code == 0, done.output
    assert (
        "gameday.dev/v1alpha1, of a version that is not known: user jane may not get customresourcedef" in done.stdout
    )
    assert "operator:  not known: user jane may not list deployments.apps in namespace gameday-system" in done.stdout


async def test_without_a_cluster_the_client_is_told_and_the_rest_is_an_error(command_line: CommandLine) -> None:
    command_line.server.down = True
    done = await command_line.run("version")
    assert (done.exit_code, done.stdout) == (1, f"client:    {VERSION}\n")
    assert "the server is down" in done.stderr
    asked = command_line.server.asked
    assert (await command_line.run("version", "--client")).exit_code == 0
    assert command_line.server.asked == asked
