"""The bill of materials tells what is in the image, and that it is what was pinned."""

import io
import json
import tarfile
from collections.abc import Mapping

import pytest

from image.sbom import Differs, compare, read_image, system

FILES = {
    "usr/lib/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n',
    "opt/gameday/pyvenv.cfg": "home = /usr/bin\nversion = 3.11.2\n",
    "var/lib/dpkg/status.d/libc6": "Package: libc6\nArchitecture: amd64\nSource: glibc\nVersion: 2.36-9+deb12u13\n",
    "var/lib/dpkg/status.d/zlib1g": "Package: zlib1g\nArchitecture: amd64\nVersion: 1:1.2.13.dfsg-1\n",
    "opt/gameday/lib/python3.11/site-packages/common_expression_language-0.10.0.dist-info/METADATA": (
        "Metadata-Version: 2.4\nName: common_expression_language\nVersion: 0.10.0\n\nLong words.\n"
    ),
}
CEL = {"name": "common-expression-language", "version": "0.10.0"}


def tar(files: Mapping[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()


def saved(*layers: Mapping[str, str]) -> io.BytesIO:
    """An image as ``docker save`` writes it."""
    packed = {f"{n}.tar": tar({k: v.encode() for k, v in layer.items()}) for n, layer in enumerate(layers)}
    manifest = json.dumps([{"Config": "c.json", "RepoTags": ["a:b"], "Layers": list(packed)}]).encode()
    return io.BytesIO(tar(packed | {"manifest.json": manifest}))


def test_an_image_tells_by_the_files_of_its_last_layer_that_has_them() -> None:
    older = {"usr/lib/os-release": "ID=old\n", "usr/lib/python3.11/os.py": "import abc"}
    assert read_image(saved(older, FILES)) == FILES


def test_the_system_is_told_with_names_that_scanners_know() -> None:
    assert {part["name"]: part.get("purl") for part in system(FILES)} == {
        "python": "pkg:generic/python@3.11.2",
        "debian": None,
        "libc6": "pkg:deb/debian/libc6@2.36-9%2Bdeb12u13?arch=amd64&distro=debian-12&upstream=glibc",
        "zlib1g": "pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1?arch=amd64&distro=debian-12&upstream=zlib1g",
    }


def test_an_image_that_holds_what_is_pinned_passes() -> None:
    compare([CEL], FILES)


@pytest.mark.parametrize(
    ("pinned", "says"),
    [
        ([], "in the image, not pinned: common-expression-language 0.10.0"),
        ([CEL | {"version": "0.11.0"}], "not in the image: common-expression-language 0.11.0"),
        ([CEL, {"name": "kopf", "version": "1.45.2"}], "pinned, not in the image: kopf 1.45.2"),
    ],
)
def test_an_image_that_differs_from_what_is_pinned_is_refused(pinned: list[dict[str, str]], says: str) -> None:
    with pytest.raises(Differs, match=says):
        compare(pinned, FILES)
