"""What drills of software that we did not write are made of: packages pinned by hash alone, policies as documented."""

import json
import re

from e2e.foreign import documented
from unit.manifests.reading import ROOT

FOREIGN = ROOT / "tests" / "foreign"


def test_its_node_packages_are_pinned_by_hash_and_by_no_registry() -> None:
    lock = json.loads((FOREIGN / "package-lock.json").read_text())
    packages = {path: one for path, one in lock["packages"].items() if path}
    assert len(packages) > 10
    assert all(one["integrity"].startswith("sha512-") and "resolved" not in one for one in packages.values())
    wanted = json.loads((FOREIGN / "package.json").read_text())["dependencies"]
    assert wanted == {name: packages[f"node_modules/{name}"]["version"] for name in wanted}


def test_the_build_installs_them_from_the_lock_and_runs_no_script_of_theirs() -> None:
    (install,) = re.findall(r"^RUN npm .*$", (FOREIGN / "Dockerfile").read_text(), re.MULTILINE)
    assert {"ci", "--ignore-scripts", "${NPM_OPTIONS}"} <= set(install.split())


def test_what_the_docs_say_of_a_namespace_that_denies_is_applied_for_each_service() -> None:
    names = [body["metadata"]["name"] for body in documented("api", "flower")]
    assert len(names) == len(set(names)) == 5
    assert (ROOT / "docs" / "how-to" / "networks.md").read_text().count("gameday-observer-at-api") == 1
