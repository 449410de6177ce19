"""What ``make demo`` shows: a plan, a drill, its explanation and its report, by the commands of the program."""

import asyncio
import json

import pytest

from described import LINES, STATE_LINES, measured
from e2e.dialling import kubeconfig
from e2e.namespaces import TeamNamespace, kubectl
from programs import demo
from simulation.demo import demo_plan

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


async def test_the_demo_plans_runs_explains_and_reports_a_drill(
    ns: TeamNamespace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    await ns.shop()
    await ns.operator()
    about = {"apiVersion": "gameday.dev/v1alpha1", "kind": "GameDay", "metadata": {"name": demo.GAMEDAY}}
    ns.apply(about | {"spec": demo_plan()})
    monkeypatch.setattr(demo, "NAMESPACE", ns.namespace)
    monkeypatch.setattr(demo, "REPORT", ns.folder / "demo.html")
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig()))
    code = await asyncio.to_thread(demo.show)
    out, err = capfd.readouterr()
    assert code == 0, out + err
    assert f"Dry run of GameDay {demo.GAMEDAY} in namespace {ns.namespace}: Planned" in out
    assert "CutProven" in err
    assert "Passed (AllExpectationsMet)" in err
    assert "Each fault was proven, and every expectation was met." in out
    assert "Everything was put back." in out
    assert "left behind in the cluster: nothing" in out
    assert "<svg" in (ns.folder / "demo.html").read_text()
    described = kubectl("-n", ns.namespace, "describe", ended_drill(ns)).stdout
    # The dry run before it may still hold the namespace for a moment.
    lines, of_state = measured("\n".join(line for line in described.splitlines() if " Busy" not in line))
    assert lines <= LINES, described
    assert of_state <= STATE_LINES, described


def ended_drill(ns: TeamNamespace) -> str:
    """The drill that has a verdict; that of the plan has none."""
    drills = json.loads(kubectl("-n", ns.namespace, "get", "drills", "-o", "json").stdout)["items"]
    (name,) = (one["metadata"]["name"] for one in drills if "verdict" in one["status"])
    return f"drill/{name}"
