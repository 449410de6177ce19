"""What is gathered into the image: files where they were found, links kept, libraries complete, and no more."""

import os
import sys
from pathlib import Path

import pytest

from image.closure import TYPED, Image, Incomplete, libraries_of, resolved
from unit.test_package import PACKAGE, imported


@pytest.fixture
def image(tmp_path: Path) -> Image:
    made = Image(tmp_path / "image")
    made.root.mkdir()
    return made


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A base image with a folder that became a link, and a library with a short name."""
    base = tmp_path / "base"
    (base / "usr" / "lib").mkdir(parents=True)
    (base / "usr" / "lib" / "libz.so.1.2").write_text("z")
    (base / "usr" / "lib" / "libz.so.1").symlink_to("libz.so.1.2")
    (base / "lib").symlink_to("usr/lib")
    (base / "absolute").symlink_to(base / "lib" / "libz.so.1")
    return base


def test_a_file_is_found_by_every_name_that_led_to_it(image: Image, base: Path) -> None:
    image.put(base / "lib" / "libz.so.1")
    there = image.at(base)
    assert (there / "lib").readlink() == Path("usr/lib")
    assert (there / "lib" / "libz.so.1").readlink() == Path("libz.so.1.2")
    assert (there / "lib" / "libz.so.1").read_text() == "z"
    assert image.files == {base / "usr" / "lib" / "libz.so.1.2"}


def test_an_absolute_link_leads_to_its_file_too(image: Image, base: Path) -> None:
    image.put(base / "absolute")
    assert (image.at(base) / "usr" / "lib" / "libz.so.1.2").read_text() == "z"


def test_putting_twice_equals_once(image: Image, base: Path) -> None:
    for _ in range(2):
        image.put(base / "lib" / "libz.so.1")
    assert len([path for path in image.root.rglob("*") if not path.is_dir()]) == 2


def test_a_files_mode_is_kept(image: Image, base: Path) -> None:
    (base / "run").write_text("")
    (base / "run").chmod(0o755)
    image.put(base / "run")
    assert (image.at(base) / "run").stat().st_mode & 0o777 == 0o755


def test_of_a_tree_only_what_is_wanted_is_taken(image: Image, base: Path) -> None:
    for name in ("kept/a.py", "test/b.py", "kept/test/c.py"):
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_text("")
    image.put_tree(base, lambda path: path.name != "test")
    assert [path.name for path in image.at(base).rglob("*.py")] == ["a.py"]


def test_the_libraries_of_a_program_are_complete_with_its_loader() -> None:
    found = {path.name for path in libraries_of([Path(os.path.realpath(sys.executable))])}
    assert "libc.so.6" in found
    assert any(name.startswith("ld-") for name in found)


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loader = tmp_path / "ldd"
    loader.write_text("#!/bin/sh\nprintf '\\tlibc.so.6 => /lib/libc.so.6 (0x0)\\n\\tlibgone.so.3 => not found\\n'\n")
    loader.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(Incomplete, match=r"libgone\.so\.3"):
        list(libraries_of([Path("/program")]))


def test_a_path_in_debians_lists_is_known_by_its_place_of_today(base: Path) -> None:
    assert resolved(base / "lib" / "libz.so.1") == base / "usr" / "lib" / "libz.so.1"


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("kubernetes/client/api/core_v1_api.py", True),
        ("kubernetes/aio/client/models/v1_pod.py", True),
        ("kubernetes/aio/client/api_client.py", False),
        ("kubernetes/aio/client/rest.py", False),
        ("kubernetes/config/kube_config.py", False),
    ],
)
def test_of_the_kubernetes_client_only_generated_classes_are_left_behind(path: str, left: bool) -> None:
    assert (TYPED.fullmatch(path) is not None) == left


def test_the_operator_asks_for_nothing_that_is_left_behind() -> None:
    asked = {m for path in PACKAGE.rglob("*.py") for m in imported(path) if m.split(".")[0] == "kubernetes"}
    # Of a package whose names load when they are asked for (client), nobody sees here what is asked for.
    generic = {f"kubernetes.aio.client.{m}" for m in ("api_client", "configuration", "rest")}
    logins = {"kubernetes.aio.config", *(f"kubernetes.aio.config.{m}" for m in ("kube_config", "incluster_config"))}
    assert asked <= {"kubernetes.aio"} | generic | logins
    assert not any(TYPED.fullmatch(f"{module.replace('.', '/')}.py") for module in asked)
