"""A StatefulSet is scaled as a fault and as a step, and has its exact number again, whoever dies."""

import json

import pytest

from e2e.stage import Stage, happens, kubectl, small
from gameday.api.undo_entries import undo_of
from gameday.cluster.kinds import STATEFUL_SETS, Object

pytestmark = pytest.mark.e2e

NAME = "ledger"
REPLICAS = 2
SCALE = {"scale": {"statefulSet": NAME, "replicas": 0}}


async def shop(town: Stage) -> None:
    """A shop with a StatefulSet, and a Deployment of the same name that nobody names."""
    await town.shop(parts=("api", "redis", "payments"), replicas=1)
    payments = json.loads(kubectl("-n", town.namespace, "get", "deployment", "payments", "-o", "json").stdout)
    template = payments["spec"]["template"]

    def workload(kind: str, replicas: int) -> Object:
        labels = {"app": f"{NAME}-{kind.lower()}"}
        pods = template | {"metadata": {"labels": labels}}
        spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": pods}
        return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": NAME}, "spec": spec}

    stateful = workload("StatefulSet", REPLICAS)
    stateful["spec"] |= {"serviceName": NAME, "podManagementPolicy": "Parallel"}
    await town.deploy(stateful, workload("Deployment", 1))

    async def ready() -> bool:
        there = await found(town)
        return int(there.get("status", {}).get("readyReplicas", 0)) == REPLICAS

    await happens(ready, "the StatefulSet is ready", 60)


async def found(town: Stage) -> Object:
    there = await town.admin.get(STATEFUL_SETS, town.namespace, NAME)
    assert there is not None
    return there


async def replicas(town: Stage) -> int:
    return int((await found(town))["spec"]["replicas"])


def with_fault(**changes: object) -> Object:
    """The small GameDay with a scale after its cut."""
    gameday = small(**changes)
    gameday["spec"]["outage"]["faults"].append({"name": "no-ledger", **SCALE})
    return gameday


async def test_as_a_fault_it_is_gone_for_the_outage_and_back_afterwards(town: Stage) -> None:
    await shop(town)
    await town.operator()
    await town.start(with_fault())
    await town.under_cut()
    assert await replicas(town) == 0
    assert await town.replicas(NAME) == 1, "the Deployment of that name was touched"
    status = await town.finishes(patience=90)
    assert (status["verdict"], status["reason"]) == ("Passed", "AllExpectationsMet"), status["message"]
    entry = next(entry for entry in undo_of(status) if entry["name"] == "no-ledger")
    assert (entry["object"]["kind"], entry["object"]["name"]) == ("StatefulSet", NAME)
    assert await replicas(town) == REPLICAS
    assert await town.replicas(NAME) == 1
    await town.nothing_is_left()


@pytest.mark.slow
async def test_without_an_operator_its_fuse_puts_it_back(town: Stage) -> None:
    await shop(town)
    operator = await town.operator()
    await town.start(with_fault(outage__duration="10s"))
    await town.under_cut()
    await operator.kill()

    async def back() -> bool:
        return not await town.policies() and await replicas(town) == REPLICAS

    await happens(back, "both fuses have fired", 260)
    await town.operator()
    await town.finishes(patience=120)
    await town.nothing_is_left()
