"""What the Dockerfile promises: one pinned base, hashed packages, and an image without root or shell."""

import json
import os
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest

from image.closure import USER
from unit.manifests.reading import ROOT

OURS = ROOT / "Dockerfile"
SHOP = ROOT / "tests" / "shop" / "Dockerfile"
FOREIGN = ROOT / "tests" / "foreign" / "Dockerfile"
MONITORING = ROOT / "tests" / "cluster" / "monitoring" / "Dockerfile"
GIVEN = ("version", "revision", "source", "documentation")
"""What a label says by a build argument."""
Instruction = tuple[str, str]


def instructions(path: Path) -> list[Instruction]:
    """Its instructions and what they say, comments and line ends taken out."""
    lines = [line for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines())]


def stages(path: Path) -> dict[str, list[Instruction]]:
    """The instructions of each stage by its name; the last one's is empty."""
    found: dict[str, list[Instruction]] = {}
    stage: list[Instruction] = []
    for word, rest in instructions(path):
        if word == "FROM":
            stage = found.setdefault(rest.partition(" AS ")[2], [])
        stage.append((word, rest))
    return found


def lineage(path: Path) -> list[Instruction]:
    """All instructions that make the image itself: its stage's, after those of the stages that it starts from."""
    made: list[Instruction] = []
    names = stages(path)
    name = ""
    while name in names:
        made = names[name] + made
        name = names[name][0][1].partition(" AS ")[0]
    return made


def last(path: Path, word: str) -> str:
    return [rest for found, rest in lineage(path) if found == word][-1]


@pytest.mark.parametrize("path", [OURS, SHOP, FOREIGN], ids=["operator", "shop", "foreign"])
def test_it_runs_as_a_user_whom_kubernetes_can_tell_from_root(path: Path) -> None:
    assert last(path, "USER") == f"{USER}:{USER}"


@pytest.mark.parametrize("path", [OURS, SHOP], ids=["operator", "shop"])
def test_it_starts_without_a_shell(path: Path) -> None:
    command = json.loads(last(path, "ENTRYPOINT"))
    assert command[0] in {"gameday", "python3"}


@pytest.mark.parametrize("path", [OURS, SHOP, FOREIGN], ids=["operator", "shop", "foreign"])
def test_what_it_installs_is_pinned_by_hash(path: Path) -> None:
    (install,) = [rest for word, rest in instructions(path) if word == "RUN" and "pip" in rest and " install " in rest]
    assert "--require-hashes" in install
    assert "--requirement /src/requirements" in install


@pytest.mark.parametrize("path", [OURS, SHOP, FOREIGN, MONITORING], ids=["operator", "shop", "foreign", "monitoring"])
def test_its_base_is_pinned_by_digest_and_the_same_for_all(path: Path) -> None:
    (base,) = [rest for word, rest in instructions(path) if word == "ARG" and rest.startswith("BASE_IMAGE=")]
    assert re.search(r":[\w.-]+@sha256:[0-9a-f]{64}$", base)
    assert ("ARG", base) in instructions(OURS)


def test_it_starts_from_nothing_and_only_copies() -> None:
    made = lineage(OURS)
    assert made[0] == ("FROM", "scratch AS image")
    assert {word for word, _ in made} == {"FROM", "COPY", "ARG", "ENV", "LABEL", "USER", "ENTRYPOINT"}


def test_its_labels_say_what_the_package_says() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    labels = dict(label.split("=", 1) for label in shlex.split(last(OURS, "LABEL")))
    assert labels == {
        "org.opencontainers.image.title": project["name"],
        "org.opencontainers.image.description": project["description"],
        "org.opencontainers.image.licenses": project["license"],
        **{f"org.opencontainers.image.{name}": f"${{{name.upper()}}}" for name in GIVEN},
    }


def test_what_the_package_does_not_say_of_an_image_is_given_to_the_build_or_empty() -> None:
    made = [rest for word, rest in stages(OURS)[""] if word == "ARG"]
    assert made == [f'{name.upper()}=""' for name in GIVEN], "before the label, in the stage that has it"
    words = [word for word, _ in stages(OURS)[""]]
    assert words.index("ARG") < words.index("LABEL")


def test_make_says_the_version_of_the_package_and_the_commit() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    done = subprocess.run(
        ["make", "--dry-run", "image", "IMAGE_SOURCE=https://git.example/gameday"],
        cwd=ROOT, capture_output=True, text=True, check=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
    )  # fmt: skip
    given = dict(word.split("=", 1) for word in shlex.split(done.stdout.replace("\\\n", " ")) if "=" in word)
    assert list(given) == [name.upper() for name in GIVEN]
    assert given["VERSION"] == project["version"]
    assert re.fullmatch(r"([0-9a-f]{40}(-dirty)?)?", given["REVISION"])
    assert (given["SOURCE"], given["DOCUMENTATION"]) == ("https://git.example/gameday", "")


def test_the_license_is_the_one_that_the_package_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    title, version = (ROOT / "LICENSE").read_text().split("\n", 3)[1:3]
    assert (project["license"], project["license-files"]) == ("Apache-2.0", ["LICENSE"])
    assert (title.strip(), version.strip()) == ("Apache License", "Version 2.0, January 2004")


def test_no_image_is_made_of_which_a_module_does_not_load() -> None:
    checked = stages(OURS)["checked"]
    assert checked[0] == ("FROM", "image AS checked")
    (command,) = [json.loads(rest) for word, rest in checked if word == "RUN"]
    assert "walk_packages(gameday.__path__" in command[-1]
    assert any(word == "COPY" and rest.startswith("--from=checked ") for word, rest in stages(OURS)[""])


def test_what_the_build_copies_is_not_ignored() -> None:
    admitted = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        source.rstrip("/")
        for path in (OURS, SHOP, FOREIGN)
        for word, rest in instructions(path)
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert copied == admitted
