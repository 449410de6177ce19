"""Gathers what the operator needs to run, and nothing else, into a folder that becomes an image of its own.

Run in the image's build stage by the virtual environment's own python: ``closure.py FOLDER``. It takes the
interpreter, its standard library, the virtual environment, the shared libraries that these load, and the certificates;
so there is no shell, no package manager and no pip in what it makes. It asks the running interpreter where things are,
so it serves any base image with glibc 2.34 or later (which looks up hosts and users without libraries of their own).
"""

import compileall
import importlib
import os
import py_compile
import re
import ssl
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from shutil import copy2
from typing import Final

STDLIB_WITHOUT: Final = (
    "__pycache__", "*.a", "config-*", "site-packages", "dist-packages", # compiled anew; static; not of the library
    "test", "tests", "_test*", "xxlimited*", "lib2to3", "idlelib", "turtle*", "pydoc_data", # for people who develop
    "ensurepip", "venv", "distutils", # they install
    "tkinter", "_tkinter*", "curses", "_curses*", "readline*", # they need a screen
    "sqlite3", "_sqlite3*", "_dbm*", "_gdbm*", "nis.*", "ossaudiodev*", # they need libraries, for what is not here
)  # fmt: skip
"""Names in the standard library that are left behind."""

TYPED: Final = re.compile(r"kubernetes/(aio/)?client/(api|models)/.*\.py")
"""The Kubernetes client's generated classes, half of all that is installed: the generic calls need none of them."""

CERTIFICATES: Final = Path("/etc/ssl/certs/ca-certificates.crt")
USER: Final = 65532


class Incomplete(Exception):
    """Something that the image needs is not in the base image."""


class Image:
    """The folder that becomes the image: files stand in it at the paths where they were found."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: set[Path] = set()

    def at(self, path: Path) -> Path:
        """Where a path of the build stage stands in the folder."""
        return self.root / path.relative_to("/")

    def put(self, path: Path) -> None:
        """Copy a file, and every link on the way to it as a link."""
        there, parts = Path("/"), list(path.parts[1:])
        while parts:
            here = there / parts.pop(0)
            if here.is_symlink():
                target = here.readlink()
                if not self.at(here).is_symlink():
                    self.at(here).symlink_to(target)
                there, parts = Path("/"), [*Path(os.path.normpath(there / target)).parts[1:], *parts]
            elif here.is_dir():
                self.at(here).mkdir(exist_ok=True)
                there = here
            else:
                copy2(here, self.at(here))
                self.files.add(here)

    def put_tree(self, top: Path, wanted: Callable[[Path], bool]) -> None:
        """Copy what is wanted below a folder; what is below an unwanted folder is not looked at."""
        for path in sorted(top.iterdir()):
            if not wanted(path):
                continue
            if path.is_dir() and not path.is_symlink():
                self.put_tree(path, wanted)
            else:
                self.put(path)

    def write(self, path: str, text: str) -> None:
        """Write a file that the build stage has not."""
        self.at(Path(path)).parent.mkdir(parents=True, exist_ok=True)
        self.at(Path(path)).write_text(text)


def put_interpreter(image: Image) -> None:
    """The virtual environment's python, the one that it stands for, and the standard library."""
    for name in ("python", "python3"):
        image.put(Path(sys.prefix, "bin", name))
    image.put(Path(sys.prefix, "pyvenv.cfg"))

    def wanted(path: Path) -> bool:
        return not any(fnmatch(path.name, pattern) for pattern in STDLIB_WITHOUT)

    for place in sorted({sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}):
        base = Path(place.replace(sys.prefix, sys.base_prefix, 1) if place.startswith(sys.prefix) else place)
        image.put_tree(base, wanted)


def put_packages(image: Image) -> None:
    """What pip installed, but for generated classes of the Kubernetes client that nobody asks for."""
    for name in ("kopf", "kubernetes.aio"):
        importlib.import_module(name)  # it loads those few that are asked for
    loaded = {Path(file) for module in sys.modules.values() if (file := getattr(module, "__file__", None))}
    packages = Path(sysconfig.get_path("purelib"))

    def wanted(path: Path) -> bool:
        typed = TYPED.fullmatch(path.relative_to(packages).as_posix()) is not None
        return path.name != "__pycache__" and (not typed or path.name == "__init__.py" or path in loaded)

    image.put_tree(packages, wanted)


def put_libraries(image: Image) -> None:
    """The shared libraries that the interpreter and all extension modules load, and the loader itself."""
    programs = [Path(os.path.realpath(sys.executable)), *(f for f in image.files if ".so" in f.suffixes)]
    for library in sorted(libraries_of(programs)):
        image.put(library)
    for place in (Path("/etc/ld.so.conf"), *Path("/etc/ld.so.conf.d").glob("*.conf")):
        image.put(place)
    subprocess.run(["/sbin/ldconfig", "-r", str(image.root)], check=True)


def libraries_of(programs: Iterable[Path]) -> Iterator[Path]:
    """The paths of what the loader would load for these programs.

    Raises:
        Incomplete: when the loader would not find one.

    """
    told = subprocess.run(["ldd", *map(str, programs)], capture_output=True, text=True, check=False).stdout
    if missing := sorted(set(re.findall(r"\s(\S+) => not found", told))):
        raise Incomplete(f"the base image has no {', '.join(missing)}: install the package that has it")
    for found in set(re.findall(r"\s(/\S+) \(0x", told)):
        if not Path(found).is_relative_to(sys.prefix):  # a package's own libraries are there already
            yield Path(found)


def put_system(image: Image) -> None:
    """Certificates where OpenSSL looks for them, the user, and what tells scanners which system this is."""
    if not CERTIFICATES.exists():
        raise Incomplete(f"the base image has no {CERTIFICATES}: install ca-certificates")
    image.put(CERTIFICATES)
    default = image.at(Path(ssl.get_default_verify_paths().openssl_cafile))
    default.parent.mkdir(parents=True, exist_ok=True)
    default.unlink(missing_ok=True)
    default.symlink_to(CERTIFICATES)
    image.put(Path("/etc/os-release"))
    image.write("/etc/passwd", f"root:x:0:0::/:/none\ngameday:x:{USER}:{USER}::/:/none\n")
    image.write("/etc/group", f"root:x:0:\ngameday:x:{USER}:\n")
    image.write("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")


def put_origins(image: Image) -> None:
    """Say which Debian packages files came from, as distroless images do: scanners and our SBOM read it."""
    known = Path("/var/lib/dpkg")
    if not (known / "status").exists():
        return
    entries = {m[1]: entry for entry in (known / "status").read_text().split("\n\n") if (m := named(entry))}
    for listing in sorted((known / "info").glob("*.list")):
        name = listing.stem.split(":")[0]
        files = {resolved(Path(line)) for line in listing.read_text().splitlines()}
        if name in entries and (name == "ca-certificates" or files & image.files):  # its bundle is in no list
            image.write(f"/var/lib/dpkg/status.d/{name}", entries[name].strip() + "\n")


def resolved(path: Path) -> Path:
    """A path whose folders are no links: Debian's lists say /lib where that is a link to /usr/lib by now."""
    return Path(os.path.realpath(path.parent)) / path.name


def named(entry: str) -> re.Match[str] | None:
    """The name of the package that an entry of dpkg's status is about."""
    return re.search(r"^Package: (\S+)$", entry, re.MULTILINE)


def compile_all(image: Image) -> None:
    """Compile once for all: the root is read-only where this runs, so each start would compile anew."""
    done = compileall.compile_dir(
        image.root, stripdir=str(image.root), prependdir="/", quiet=1, workers=0, maxlevels=20,
        # Whoever changes a source has to make the image anew anyhow, so no start needs to compare.
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )  # fmt: skip
    if not done:
        raise Incomplete("a module does not compile; the lines above name it")


def main() -> None:
    """Fill the folder that the command line names."""
    image = Image(Path(sys.argv[1]))
    image.root.mkdir(parents=True)
    for step in (put_interpreter, put_packages, put_libraries, put_system, put_origins, compile_all):
        step(image)


if __name__ == "__main__":
    main()
