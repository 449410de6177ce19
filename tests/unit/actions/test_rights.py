"""What the account must be allowed for a plan, and what is said where it is not."""

from gameday.actions.preflight import needed
from gameday.actions.scale.kind import Scale
from gameday.model.plan import Probe, Step
from gameday.preflight.rights import missing
from gameday.probes.http.kind import HttpProbe
from gameday.probes.kubernetes.kind import KubernetesProbe
from unit.preflight.things import a_snapshot, plan
from workloads import deployment

HEALTH = Probe("health", HttpProbe("http://api/healthz"))
WORKERS = Probe("workers", KubernetesProbe("worker"))
ALL_BUT_DEPLOYMENTS = (
    {
        "apiGroups": ["", "batch", "networking.k8s.io", "discovery.k8s.io"],
        "resources": ["*"],
        "verbs": ["*"],
    },
)


def of_deployments(*probes: Probe, steps: tuple[Step, ...] = ()) -> list[str]:
    """What is said of an account that may do nothing to Deployments."""
    rights = needed(a_snapshot(cilium=False), plan(None, *steps, probes=probes))
    return list(dict.fromkeys(str(one) for one in missing(ALL_BUT_DEPLOYMENTS, rights, "shop")))


def test_a_probe_that_the_operator_watches_asks_for_the_right_to() -> None:
    assert of_deployments(HEALTH) == []
    (finding,) = of_deployments(HEALTH, WORKERS)
    assert "account gameday may not list, watch deployments in namespace shop" in finding


def test_a_right_that_is_needed_twice_is_missed_once() -> None:
    found = of_deployments(WORKERS, steps=(Step("stop", Scale(deployment("worker"), 0)),))
    named = [one.count("deployments") for one in found if "replicasets" not in one]
    assert named == [1, 1], "watching them, and their scale"
    assert "may not get, patch deployments/scale" in found[1]
