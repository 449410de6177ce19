"""A drill of two faults, a cut and a scale: in order, each proven, undone in reverse, and put back whoever dies."""

import pytest

from e2e.namespaces import TeamNamespace, happens, small
from gameday.api.lines import events_of
from gameday.api.undo_entries import undo_of
from gameday.cluster.resources import PODS, Object
from gameday.model.labels import DRILL
from gameday.schema.times import moment

pytestmark = pytest.mark.e2e

SCALED = "payments"
REPLICAS = 2
SCALE = {"name": "no-payments", "scale": {"deployment": SCALED, "replicas": 0}}


def drill_of(*order: str, **changes: object) -> Object:
    """The small GameDay with a cut and a scale, in this order."""
    gameday = small(**changes)
    (cut,) = gameday["spec"]["outage"]["faults"]
    faults = {cut["name"]: cut, SCALE["name"]: SCALE}
    gameday["spec"]["outage"]["faults"] = [faults[name] for name in order]
    return gameday


async def shop(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis", SCALED), replicas=1)
    ns.scale(SCALED, REPLICAS)


@pytest.mark.parametrize(
    "order",
    [
        pytest.param(("partition", "no-payments"), id="cut"),
        pytest.param(("no-payments", "partition"), id="scale", marks=pytest.mark.slow),
    ],
)
async def test_both_are_proven_in_order_and_undone_in_reverse(ns: TeamNamespace, order: tuple[str, str]) -> None:
    await shop(ns)
    await ns.operator()
    await ns.start(drill_of(*order))
    await ns.under_cut()
    assert await ns.replicas(SCALED) == 0
    status = await ns.finishes(patience=90)
    assert (status["verdict"], status["reason"]) == ("Passed", "AllExpectationsMet"), status["message"]
    assert proven(status) == list(order)
    first, last = (next(entry for entry in undo_of(status) if entry["name"] == name) for name in order)
    assert moment(last["undoneAt"]) <= moment(first["undoRequestedAt"])
    assert moment(first["requestedAt"]) < moment(last["requestedAt"])
    assert await ns.replicas(SCALED) == REPLICAS
    await ns.nothing_is_left()


def proven(status: Object) -> list[str]:
    """The names of the faults in the order in which they were proven."""
    told = (event["message"] for event in events_of(status) if event["reason"] == "CutProven")
    return [message.partition(":")[0] for message in told]


def two_cuts(second: Object, **changes: object) -> Object:
    """The small GameDay with another cut."""
    gameday = small(**changes)
    for name in ("api", SCALED):
        gameday["spec"]["dependencies"].append({"name": name, "tcp": {"service": {"name": name, "port": 80}}})
    gameday["spec"]["outage"]["faults"].append({"name": "second", "networkPartition": second})
    return gameday


TWO: dict[str, tuple[Object, Object]] = {
    "the same pods, by Cilium": (
        {},
        {"podSelector": {"matchLabels": {"app": "api"}}, "to": ["payments"], "openConnections": "Keep"},
    ),
    "other pods, by NetworkPolicy": (
        {"outage__faults__0__networkPartition__via": "NetworkPolicy"},
        {
            "podSelector": {"matchLabels": {"app": SCALED}},
            "to": ["api"],
            "via": "NetworkPolicy",
            "openConnections": "Keep",
        },
    ),
}


@pytest.mark.parametrize(("changes", "second"), TWO.values(), ids=TWO)
async def test_two_cuts_are_each_proven_by_their_own_witnesses(
    ns: TeamNamespace, changes: Object, second: Object
) -> None:
    await shop(ns)
    await ns.operator()
    await ns.start(two_cuts(second, **changes))
    await ns.under_cut()
    assert len(await ns.policies()) == 2
    status = await ns.finishes(patience=120)
    assert (status["verdict"], status["reason"]) == ("Passed", "AllExpectationsMet"), status["message"]
    assert proven(status) == ["partition", "second"]
    first, last = undo_of(status)
    assert moment(last["undoneAt"]) <= moment(first["undoRequestedAt"])
    await ns.nothing_is_left()


async def test_two_network_policies_for_the_same_pods_are_refused(ns: TeamNamespace) -> None:
    """NetworkPolicies only add: each would open what the other one closes."""
    await shop(ns)
    await ns.operator()
    both = {"podSelector": {"matchLabels": {"app": "api"}}, "to": ["payments"], "via": "NetworkPolicy"}
    await ns.start(two_cuts(both, outage__faults__0__networkPartition__via="NetworkPolicy"))
    status = await ns.finishes(patience=60)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "PreflightFailed")
    assert "two NetworkPolicies on one pod allow what the other blocks" in status["message"]
    assert not status["changed"]
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_a_drill_without_a_cut_needs_no_witness(ns: TeamNamespace) -> None:
    await shop(ns)
    await ns.operator()
    gameday = drill_of("no-payments")
    spec = gameday["spec"]
    spec["probes"] = [
        {"name": "payments", "interval": "1s", "timeout": "1s", "http": {"url": "http://payments/healthz"}}
    ]
    spec["steadyState"]["expect"] = [{"name": "up", "always": "payments.ok"}]
    spec["outage"]["expect"] = [{"name": "down", "becomes": "!payments.ok", "within": "6s"}]
    spec["recovery"]["expect"] = [{"name": "up again", "eventually": "payments.ok", "for": "2s"}]
    await ns.start(gameday)

    async def gone() -> bool:
        return await ns.replicas(SCALED) == 0

    await happens(gone, "payments is scaled away", 60)
    pods, _ = await ns.admin.list(PODS, ns.namespace, DRILL)
    status = await ns.finishes(patience=90)
    assert (status["verdict"], status["reason"]) == ("Passed", "AllExpectationsMet"), status["message"]
    assert proven(status) == ["no-payments"]
    assert {pod["metadata"]["labels"]["gameday.dev/agent"] for pod in pods} == {"observer", "fuse-no-payments"}
    assert await ns.replicas(SCALED) == REPLICAS
    await ns.nothing_is_left()


async def test_an_operator_that_is_killed_under_both_puts_both_back(ns: TeamNamespace) -> None:
    await shop(ns)
    operator = await ns.operator()
    await ns.start(drill_of("partition", "no-payments", outage__duration="15s"))
    await ns.under_cut()
    await operator.kill()
    await ns.operator()
    status = await ns.finishes(patience=120)
    assert status["verdict"] in {"Passed", "Inconclusive"}, status["message"]
    assert await ns.replicas(SCALED) == REPLICAS
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_without_an_operator_the_fuses_put_both_back(ns: TeamNamespace) -> None:
    await shop(ns)
    operator = await ns.operator()
    await ns.start(drill_of("partition", "no-payments"))
    await ns.under_cut()
    await operator.kill()

    async def back() -> bool:
        return not await ns.policies() and await ns.replicas(SCALED) == REPLICAS

    await happens(back, "both fuses have fired", 260)
    await ns.operator()
    await ns.finishes(patience=120)
    await ns.nothing_is_left()


async def test_a_fault_that_takes_what_is_cut_is_refused(ns: TeamNamespace) -> None:
    await shop(ns)
    await ns.operator()
    gameday = drill_of("partition", "no-payments")
    gameday["spec"]["outage"]["faults"][1]["scale"]["deployment"] = "redis"
    await ns.start(gameday)
    status = await ns.finishes(patience=60)
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "PreflightFailed")
    assert "redis is the dependency that networkPartition cuts off" in status["message"]
    assert not status["changed"]
    await ns.nothing_is_left()
