"""The package as people install it: the wheel alone, with the packages that it declares and no others."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from simulation.demo import demo_drill
from unit.api_server import ApiServer

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def closure(requirements: list[str]) -> Iterator[Distribution]:
    """The distributions that these requirements bring, as this environment has them."""
    seen, todo = set(), [Requirement(text) for text in requirements]
    while todo:
        one = todo.pop()
        if canonicalize_name(one.name) in seen or (one.marker and not one.marker.evaluate({"extra": ""})):
            continue
        seen.add(canonicalize_name(one.name))
        found = distribution(one.name)
        yield found
        todo += [Requirement(text) for text in found.requires or ()]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a fresh environment with the wheel in it; nothing is downloaded."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    source = folder / "source"
    source.mkdir()
    shutil.copytree(ROOT / "operator", source / "operator")  # a build writes beside what it builds
    for name in ("pyproject.toml", "LICENSE"):
        (source / name).symlink_to(ROOT / name)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder), "."]
    subprocess.run(build, check=True, cwd=source, env=environment)
    (wheel,) = folder.glob("gameday-*.whl")
    venv.create(folder / "fresh", symlinks=True)
    place = next((folder / "fresh" / "lib").glob("python3*")) / "site-packages"
    for one in closure(PROJECT["dependencies"]):
        for file in one.files or ():
            if not file.parts[0].startswith("..") and "__pycache__" not in file.parts:
                (place / file).parent.mkdir(parents=True, exist_ok=True)
                (place / file).symlink_to(one.locate_file(file))  # type: ignore[arg-type]  # a path of this machine
    fresh = str(folder / "fresh" / "bin" / "python")
    install = [*pip, "--python", fresh, "install", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(install, check=True, env=environment)
    return folder / "fresh" / "bin"


def run(program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "NO_COLOR": "1"}
    return subprocess.run([str(program), *arguments], env=environment, capture_output=True, text=True, check=False)


def test_the_wheel_runs_with_what_it_declares(installed: Path) -> None:
    done = run(installed / "gameday", "version", "--client")
    assert (done.returncode, done.stdout) == (0, f"client:    {PROJECT['version']}\n"), done.stderr
    assert run(installed / "kubectl-gameday", "next", "--help").returncode == 0
    assert ":4" in run(installed / "kubectl_complete-gameday", "ver").stdout.split()


def test_the_wheel_has_all_that_its_commands_read(installed: Path, tmp_path: Path) -> None:
    example = ROOT / "manifests" / "examples" / "redis-failover.yaml"
    good = run(installed / "gameday", "validate", str(example))
    assert good.returncode == 0, good.stdout + good.stderr
    assert "GameDay redis-failover is valid" in good.stdout
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(example.read_text().replace("becomes: ", "becomes: 7 + ", 1))
    bad = run(installed / "gameday", "validate", str(wrong))
    assert bad.returncode == 1, bad.stdout + bad.stderr
    code = "from gameday.cli.reasons import remedy; print(remedy('NotSteady'))"
    done = run(installed / "python", "-c", code)
    assert done.stdout.strip(), done.stderr


async def test_the_wheel_reports_a_drill(installed: Path, tmp_path: Path, api_server: ApiServer) -> None:
    """A report is made of templates, styles and fonts: files that a package can forget."""
    drill = demo_drill()
    api_server.put("drills", "shop", {key: drill[key] for key in ("metadata", "spec", "status")})
    name = drill["metadata"]["name"]
    config = api_server.kubeconfig(tmp_path, "shop")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "NO_COLOR": "1", "KUBECONFIG": str(config)}
    said: dict[str, str] = {}
    for form in ("html", "md", "json", "junit"):
        command = [str(installed / "gameday"), "report", name, "-o", form, "-f", "-"]
        process = await asyncio.create_subprocess_exec(
            *command, cwd=tmp_path, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        said[form] = out.decode()
    assert said["html"].lstrip().lower().startswith("<!doctype html>")
    assert "<style" in said["html"]
    assert "<svg" in said["html"]
    assert name in said["html"]
    assert name in said["md"]
    assert json.loads(said["json"])
    assert said["junit"].startswith("<?xml")


def test_every_command_for_people_loads_with_it(installed: Path) -> None:
    done = run(installed / "gameday", "next")
    assert done.returncode == 1
    assert "name one with --kubeconfig or KUBECONFIG" in done.stderr


def test_what_only_the_operator_needs_is_not_there_and_is_named(installed: Path) -> None:
    done = run(installed / "gameday", "operator", "--namespace", "own", "--image", "image")
    assert done.returncode == 2
    assert "install the package as 'gameday[operator]'" in done.stderr


def test_all_that_the_image_installs_is_declared() -> None:
    """The image is made from requirements.in; the wheel and its extra must need no more and no less."""
    lines = (ROOT / "requirements.in").read_text().splitlines()
    pinned = {canonicalize_name(line.split("#")[0].strip()) for line in lines if line.split("#")[0].strip()}
    declared = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["operator"]]
    assert {canonicalize_name(re.split(r"[<>=\[]", text)[0]) for text in declared} == pinned


def test_each_distribution_is_found() -> None:
    """A closure that stopped short would make a smaller environment, and another error than the one looked for."""
    names = {canonicalize_name(one.metadata["name"]) for one in closure(PROJECT["dependencies"])}
    assert {"typer", "rich", "pydantic-core", "multidict"} <= names
    assert {"kopf", "httpx"}.isdisjoint(names)
    assert {canonicalize_name(one.metadata["name"]) for one in distributions()} >= names
