"""Writes the image's bill of materials, CycloneDX: ``sbom.py PYTHON.json IMAGE.tar SBOM.json``.

The first file is what cyclonedx-py makes of the pinned requirements, hashes included. It is held against the packages
that really are in the image, and what the image has beside them is added: the interpreter and the system's packages,
which the image's build noted as distroless images do.
"""

import json
import re
import sys
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from email.parser import HeaderParser
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

WANTED = re.compile(
    r"var/lib/dpkg/status\.d/[^/]+|usr/lib/os-release|opt/gameday/pyvenv\.cfg"
    r"|opt/gameday/lib/[^/]+/site-packages/[^/]+\.dist-info/METADATA"
)
"""The files of an image that say what is in it."""

Component = dict[str, Any]


class Differs(Exception):
    """The image does not hold what the requirements say."""


def read_image(archive: IO[bytes]) -> dict[str, str]:
    """The files that tell what is in an image, by path; ``archive`` is what ``docker save`` writes."""
    found: dict[str, str] = {}
    with tarfile.open(fileobj=archive) as image:
        (manifest,) = json.loads(content(image, "manifest.json"))
        for layer in manifest["Layers"]:
            with tarfile.open(fileobj=image.extractfile(layer)) as files:
                for name in files.getnames():
                    if WANTED.fullmatch(name.removeprefix("./")):
                        found[name.removeprefix("./")] = content(files, name).decode()
    return found


def content(archive: tarfile.TarFile, name: str) -> bytes:
    """One file of an archive."""
    file = archive.extractfile(name)
    if file is None:
        raise Differs(f"{name} is no file in the image: build it anew with `make image`")
    return file.read()


def compare(python: Iterable[Component], files: Mapping[str, str]) -> None:
    """Hold what is pinned against what is there.

    Raises:
        Differs: naming each package that is only on one side.

    """
    pinned = {(plain(component["name"]), component["version"]) for component in python}
    metadata = [HeaderParser().parsestr(text) for path, text in files.items() if path.endswith("/METADATA")]
    there = {(plain(package["Name"]), package["Version"]) for package in metadata}
    if pinned != there:
        extra, missing = (", ".join(" ".join(p) for p in sorted(side)) for side in (there - pinned, pinned - there))
        raise Differs(f"in the image, not pinned: {extra or 'none'}; pinned, not in the image: {missing or 'none'}")


def plain(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def system(files: Mapping[str, str]) -> Iterator[Component]:
    """The interpreter, the operating system and its packages, as components."""
    version = settings(files["opt/gameday/pyvenv.cfg"])["version"]
    yield component("application", "python", version, f"pkg:generic/python@{version}")
    release = settings(files["usr/lib/os-release"])
    distribution = f"{release['ID']}-{release['VERSION_ID']}"
    yield component("operating-system", release["ID"], release["VERSION_ID"])
    for path, text in sorted(files.items()):
        if path.startswith("var/lib/dpkg/"):
            entry = HeaderParser().parsestr(text)
            # Advisories name the source package, which is said only where its name differs.
            source = (entry["Source"] or entry["Package"]).split()[0]
            where = f"arch={entry['Architecture']}&distro={distribution}&upstream={quote(source, safe='')}"
            purl = f"pkg:deb/{release['ID']}/{quote(entry['Package'])}@{quote(entry['Version'], safe=':~')}?{where}"
            yield component("library", entry["Package"], entry["Version"], purl)


def settings(text: str) -> dict[str, str]:
    """The lines ``name = value`` of a file."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {name.strip(): value.strip().strip('"') for name, _, value in pairs}


def component(kind: str, name: str, version: str, purl: str = "") -> Component:
    """A component as CycloneDX writes it."""
    made = {"type": kind, "name": name, "version": version, "bom-ref": purl or f"{kind}-{name}"}
    return made | ({"purl": purl} if purl else {})


def check(text: str) -> None:
    """Hold the result against CycloneDX' schema.

    Raises:
        Differs: with the first thing that is wrong.

    """
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if wrong is not None:
        raise Differs(f"the SBOM is no CycloneDX 1.6: {wrong}")


def main() -> None:
    """Read, compare, add, check and write."""
    python, archive, out = map(Path, sys.argv[1:])
    bill = json.loads(python.read_text())
    with archive.open("rb") as file:
        files = read_image(file)
    compare(bill["components"], files)
    count = len(bill["components"])
    bill["components"] += system(files)
    text = json.dumps(bill, indent=2, sort_keys=True) + "\n"
    check(text)
    out.write_text(text)
    print(f"{out}: {count} Python packages, {len(bill['components']) - count} of the system", file=sys.stderr)


if __name__ == "__main__":
    main()
