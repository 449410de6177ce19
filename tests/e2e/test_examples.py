"""The examples, applied as the README says."""

import shutil

import pytest

from e2e.dialling import ROOT
from e2e.namespaces import TeamNamespace, kubectl, ready
from e2e.platforms import allow
from gameday.cluster.resources import DRILLS, GAMEDAYS

pytestmark = pytest.mark.e2e


async def test_applying_the_folder_of_examples_starts_nothing(ns: TeamNamespace) -> None:
    folder = ns.folder / "examples"
    shutil.copytree(ROOT / "manifests" / "examples", folder)
    for file in folder.rglob("*.yaml"):
        file.write_text(file.read_text().replace("namespace: shop", f"namespace: {ns.namespace}"))
    allow(ns, "http", "httpOnce", "redisAcl")
    await ns.operator()
    kubectl("apply", "-f", str(folder))
    gamedays, _ = await ns.admin.list(GAMEDAYS, ns.namespace)
    names = {gameday["metadata"]["name"] for gameday in gamedays}
    assert names == {file.stem for file in folder.glob("*.yaml")}
    for name in sorted(names):
        assert (await ready(ns, name))["status"] == "True", name
    refused = kubectl("apply", "-f", str(folder / "drills"), ok=False)
    assert "generate name" in refused.stderr, "a Drill of an example is created, never applied"
    assert (await ns.admin.list(DRILLS, ns.namespace))[0] == ()
