"""The Helm charts on a cluster: installed, upgraded, a drill, uninstalled; what must stay stays.

Alone, because the rights and CRDs of a cluster exist once: the release takes over those that other tests have applied,
and its end takes the operator's ClusterRole away, which the next test applies again.
"""

import json
import os
import re
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from e2e.dialling import ROOT, kubeconfig, until
from e2e.namespaces import IMAGE, LABEL, TeamNamespace, kubectl, small, team_namespace, tell
from e2e.notes import note
from gameday.cluster.resources import DEPLOYMENTS, GAMEDAYS, LEASES, PODS, SERVICE_ACCOUNTS

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.alone]

CHARTS: Final = ROOT / "manifests" / "helm"
OPERATOR: Final = "gameday-operator"
TAKEN_OVER: Final = ("--take-ownership", "--force-conflicts")
"""What kubectl applied before, for other tests, becomes the release's."""


@dataclass(frozen=True)
class Helm:
    """Helm, with the test cluster and with folders of its own."""

    folder: Path
    program: str

    def __call__(self, *arguments: str | Path, ok: bool = True) -> str:
        """What it prints; it must succeed, unless that does not matter."""
        homes = {f"HELM_{name}_HOME": str(self.folder / name) for name in ("CACHE", "CONFIG", "DATA")}
        environment = os.environ | homes | {"KUBECONFIG": str(kubeconfig())}
        command = [self.program, *map(str, arguments)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert not ok or done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture
def helm(tmp_path: Path) -> Helm:
    made = subprocess.run([ROOT / "tests" / "cluster" / "tools" / "get"], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return Helm(tmp_path, f"{made.stdout.strip()}/helm")


@pytest.fixture
async def ns(helm: Helm) -> AsyncIterator[TeamNamespace]:
    """A namespace that has not opted in; afterwards neither release is there."""
    async with team_namespace("helm") as one:
        office = f"{one.namespace}-office"
        note(office)
        try:
            yield one
            await tell(one)
        finally:
            note(office, "the test is over and its operator goes")
            helm("uninstall", "opt-in", "--namespace", one.namespace, "--ignore-not-found", ok=False)
            helm("uninstall", "gameday", "--namespace", office, "--ignore-not-found", ok=False)
            kubectl("delete", "namespace", office, "--wait=false", "--ignore-not-found", ok=False)


def values(ns: TeamNamespace) -> list[str]:
    """The image that the tests have, and this test's namespace alone."""
    repository, _, tag = IMAGE.rpartition(":")
    told = {"image.repository": repository, "image.tag": tag, "watchNamespaces[0]": ns.namespace}
    return [f"--set={name}={value}" for name, value in told.items()]


async def leader(ns: TeamNamespace, office: str, argument: str) -> str:
    """The pod that acts, once it is one that was started with this argument and stays."""

    async def found() -> str:
        lease = await ns.admin.get(LEASES, office, OPERATOR)
        holder: str = (lease or {}).get("spec", {}).get("holderIdentity") or ""
        pod = await ns.admin.get(PODS, office, holder) if holder else None
        if pod is None or "deletionTimestamp" in pod["metadata"]:
            return ""
        return holder if argument in pod["spec"]["containers"][0]["args"] else ""

    return await until(found, f"an operator with {argument} acts", 60)


async def images(ns: TeamNamespace) -> set[str]:
    """What the pods of the drill run."""
    pods, _ = await ns.admin.list(PODS, ns.namespace, LABEL)
    return {
        container["image"] for pod in pods for container in pod["spec"]["containers"] if container["name"] == "agent"
    }


async def test_the_charts_are_installed_upgraded_and_removed_and_a_drill_runs_in_between(
    ns: TeamNamespace, helm: Helm
) -> None:
    office = f"{ns.namespace}-office"
    in_office = ("--namespace", office, "--wait", "--timeout=2m")
    helm("install", "gameday", CHARTS / "gameday", *in_office, "--create-namespace", *TAKEN_OVER, *values(ns))
    await leader(ns, office, f"--watch={ns.namespace}")

    changed = ("--reuse-values", "--set=log.format=json")
    helm("upgrade", "gameday", CHARTS / "gameday", *in_office, *TAKEN_OVER, *changed)
    acting = await leader(ns, office, "--log-format=json")
    line = kubectl("-n", office, "logs", acting).stdout.splitlines()[0]
    assert "msg" in json.loads(line), "the upgrade reached the pods"

    helm("install", "opt-in", CHARTS / "gameday-namespace", "--namespace", ns.namespace, *without("job", "podDelete"))
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.start(small())
    await ns.under_cut()
    assert await images(ns) == {IMAGE}, "agents run the image of the operator's pod"
    status = await ns.finishes()
    assert (status["verdict"], status["reason"]) == ("Passed", "AllExpectationsMet")
    await ns.nothing_is_left()

    ns.revokes("the chart of the namespace is uninstalled")
    helm("uninstall", "opt-in", "--namespace", ns.namespace, "--wait")
    assert await ns.admin.get(SERVICE_ACCOUNTS, ns.namespace, "gameday") is None
    note(office, "the chart of the operator is uninstalled")
    told = helm("uninstall", "gameday", *in_office)
    assert await ns.admin.get(DEPLOYMENTS, office, OPERATOR) is None
    assert kubectl("get", "clusterrole", OPERATOR, ok=False).returncode != 0
    kept = set(re.findall(r"\[CustomResourceDefinition\] (\S+)", told))
    assert kept == {"drills.gameday.dev", "gamedays.gameday.dev"}
    assert await ns.admin.get(GAMEDAYS, ns.namespace, "small") is not None, "plans outlive the operator"


def without(*kinds: str) -> list[str]:
    """What a team says that grants less."""
    return [f"--set=actions.{kind}=false" for kind in kinds]
