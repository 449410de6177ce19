"""What the account asks for in whole drills is within the components of the kinds that their plans use."""

from collections.abc import Callable
from typing import Any, Final

import pytest

from gameday.cluster.resources import DEPLOYMENTS, DRILLS, PODS, Resource
from gameday.preflight.rights import may
from granted import role
from simulation import running
from simulation.client import SimulatedCluster
from simulation.scenario import Mitigates, Trial, draw

CUT: Final = ("actions/networkPartition", "probes/kubernetes", "samples")
REPAIRED: Final = (*CUT, "actions/scale", "actions/job", "actions/restart")
Asked = tuple[str, Resource, str]
"""A verb, a kind and a subresource."""
MEANT: Final[dict[tuple[str, Resource], Asked]] = {
    ("log", DRILLS): ("get", PODS, "log"),
    ("get", PODS): ("create", PODS, ""),
    ("evict", PODS): ("create", PODS, "eviction"),
    ("get", DEPLOYMENTS): ("get", DEPLOYMENTS, "scale"),
    ("patch", DEPLOYMENTS): ("patch", DEPLOYMENTS, "scale"),
}
"""What the simulated client calls otherwise: a dry run there is a ``get``."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[Asked]:
    """All that accounts ask of the API server."""
    found: set[Asked] = set()
    ask: Callable[..., Any] = SimulatedCluster._ask

    async def noted(self: SimulatedCluster, verb: str, resource: Resource, *rest: Any) -> Any:
        if self.account:
            found.add(MEANT.get((verb, resource), (verb, resource, "")))
        return await ask(self, verb, resource, *rest)

    monkeypatch.setattr(SimulatedCluster, "_ask", noted)
    return found


def nothing(trial: Trial) -> bool:
    return trial.mitigates is Mitigates.NOTHING


PLANS: Final[dict[str, tuple[tuple[str, ...], Callable[[Trial], bool]]]] = {
    "cuts": (CUT, lambda trial: not trial.rollback and not trial.faults.scales and nothing(trial)),
    "a cut and a scale": ((*CUT, "actions/scale"), lambda trial: trial.faults.scales and nothing(trial)),
    "a mitigation": (
        (*CUT, "actions/scale", "actions/job"),
        lambda trial: not trial.rollback and trial.mitigates.scales,
    ),
    "a mitigation that evicts": ((*CUT, "actions/restart"), lambda trial: trial.mitigates is Mitigates.EVICTS),
    "a rollback": (REPAIRED, lambda trial: trial.rollback),
}


@pytest.mark.parametrize(("components", "wanted"), PLANS.values(), ids=PLANS)
def test_a_drill_asks_for_nothing_that_its_components_do_not_grant(
    asked: set[Asked], components: tuple[str, ...], wanted: Callable[[Trial], bool]
) -> None:
    worlds = [one for one in (draw(seed, 1) for seed in range(400)) if wanted(one.trials[0])]
    assert len(worlds) >= 12
    for world in worlds[:12]:
        running.run(world)
    rules = role(*components)["rules"]
    assert not [(verb, resource.plural, sub) for verb, resource, sub in asked if not may(rules, verb, resource, sub)]
    verbs = {verb for verb, _, _ in asked}
    assert verbs >= {"get", "list", "watch", "create", "delete"} | (
        {"patch"} if "actions/scale" in components else set()
    )
