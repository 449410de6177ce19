"""Software that we did not write, drilled: Celery with Flower, and BullMQ with ioredis.

A GameDay that claims what the software really does passes; one that claims what its users wish fails by that claim.
"""

import time
from datetime import datetime

import pytest

from e2e.dialling import until
from e2e.foreign import (
    SIDECAR,
    beside,
    claiming,
    closed,
    documented,
    gameday,
    injector,
    injects,
    mails,
    orders,
    requeue,
)
from e2e.stage import OperatorProcess, Stage, missed
from gameday.api.lines import events_of, expectations_of, figures_of, steps_of
from gameday.api.undo_entries import undo_of
from gameday.cluster.kinds import PODS, Object

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

AS_CLAIMED = {"Met", "AlwaysTrue"}
PROOF = ("CutProven", "Undone", "CutLifted")
"""What the timeline tells of a cut that was real, and of its end."""
OPEN_ONES_ENDED = {"Severed", "ConnectionsEnded"}
"""The two ways in which open connections are seen to be gone; the first one that shows it is told."""


def judged(status: Object, *otherwise: str, verdict: str) -> None:
    """The cut was proven, open connections ended, and all but these expectations came as claimed."""
    states = {one["name"]: one["state"] for one in expectations_of(status)}
    assert status["verdict"] == verdict, status["message"]
    assert {name: state for name, state in states.items() if state not in AS_CLAIMED} == dict.fromkeys(
        otherwise, "Missed"
    )
    reasons = [line["reason"] for line in events_of(status)]
    assert [r for r in reasons if r in PROOF] == list(PROOF)
    assert len(OPEN_ONES_ENDED & set(reasons)) == 1


def passed(status: Object) -> None:
    """Everything came as claimed; the figures are those of what has a deadline and was not true before."""
    judged(status, verdict="Passed")
    figures = {one["name"]: one["value"] for one in figures_of(status)}
    assert 0 <= figures["timeToDetect"] <= 10
    assert 0 <= figures["timeToRecover"] <= 90


def failed_by(status: Object, claim: str) -> None:
    """The claim alone was missed, and the message names it."""
    judged(status, claim, verdict="Failed")
    count = len(expectations_of(status))
    assert status["message"] == f"missed: {claim}; {count - 1} of {count} expectations met"
    (one,) = (e for e in expectations_of(status) if e["name"] == claim)
    assert "never true" in one["message"]


def warnings(status: Object) -> list[str]:
    """What the preflight warned of."""
    return [line["message"] for line in events_of(status) if line["reason"] == "PreflightWarning"]


async def denying(town: Stage) -> OperatorProcess:
    """Celery in a namespace that denies by default, and an operator."""
    await town.needs_cilium()
    town.apply(*closed())
    await town.deploy(*orders())
    return await town.operator()


async def test_celery_in_a_namespace_that_denies_by_default(town: Stage) -> None:
    await denying(town)
    await town.start(gameday("orders"), "shut-out")
    status = await town.finishes("shut-out")
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "PreflightFailed")
    places = "Service api, port 80; Service flower, port 80"
    nowhere = f"the observer cannot reach {places}, because NetworkPolicy/default-deny isolates"
    for what in ("the observer for egress", "the pods behind it for ingress"):
        assert f"{nowhere} {what}" in status["message"]
    print(warnings(status))
    assert status["undo"] == []

    town.apply(*documented("api", "flower"))
    await town.start(gameday("orders"), "hangs")
    status = await town.finishes("hangs")
    passed(status)
    assert warnings(status) == []
    await town.nothing_is_left()

    wish = claiming(gameday("orders"), "orders hang", "orders answer 503", becomes="order.status == 503", within="10s")
    await town.start(wish, "wishes")
    status = await town.finishes("wishes")
    failed_by(status, "orders answer 503")
    await town.nothing_is_left()


async def test_a_fuse_puts_replicas_back_where_a_namespace_denies_by_default(town: Stage) -> None:
    operator = await denying(town)
    town.apply(*documented("api", "flower"))
    gives_up = gameday("orders")
    spec = gives_up["spec"]
    spec["outage"]["duration"], spec["recovery"]["within"], spec["rollback"]["within"] = "15s", "10s", "20s"
    paid = next(one for one in spec["recovery"]["expect"] if one["name"] == spec["rollback"]["ifMissed"][0])
    paid["eventually"] = paid["eventually"].replace(">= 10", ">= 1000")
    await town.start(gives_up)

    async def stopped() -> bool:
        return await town.replicas("worker") == 0

    await until(stopped, "the rollback stops the worker", 120)
    await operator.kill()
    hold = next(one for one in undo_of(await town.status()) if one["kind"] == "scale")
    deadline = datetime.fromisoformat(hold["fuse"]["deadline"]).timestamp()

    async def back() -> bool:
        return await town.replicas("worker") == 1

    await until(back, "the fuse puts the worker back", deadline - time.time() + 20)
    assert deadline - 1 <= time.time() <= deadline + 5
    await town.operator()
    # Where the kill came before the scaling was seen, its request may still arrive for a minute.
    status = await town.finishes(patience=150)
    assert status["verdict"] in {"Failed", "Inconclusive"}
    assert "orders are paid again" in missed(status)
    await town.nothing_is_left()


async def test_bullmq_beside_an_injected_sidecar(town: Stage) -> None:
    with injector(town.namespace):
        await injects(town)
        await town.deploy(*mails(FAIL_FAST="1"))
        pods, _ = await town.admin.list(PODS, town.namespace)
        assert all(SIDECAR in beside(pod) for pod in pods)
        await town.operator()

        await town.start(gameday("mails"), "fails-fast")
        status = await town.finishes("fails-fast")
        passed(status)
        (warning,) = warnings(status)
        assert f"admission adds {SIDECAR} to our pods" in warning
        await town.nothing_is_left()

        await town.deploy(*mails())
        await town.start(gameday("mails"), "hangs")
        status = await town.finishes("hangs")
        failed_by(status, "mails answer 503")
        await town.nothing_is_left()


@pytest.mark.parametrize("native", [False, True], ids=["ordinary", "native"])
async def test_the_job_of_a_rollback_beside_an_injected_sidecar(town: Stage, native: bool) -> None:
    with injector(town.namespace, native=native):
        await injects(town)
        await town.deploy(*mails(FAIL_FAST="1"), requeue())
        await town.operator()
        gives_up = gameday("mails")
        spec = gives_up["spec"]
        spec["outage"]["duration"], spec["recovery"]["within"] = "15s", "10s"
        sent = next(one for one in spec["recovery"]["expect"] if one["name"] == "mails are sent again")
        sent["eventually"] = sent["eventually"].replace(">= 10", ">= 1000")
        steps = [{"name": "requeue", "job": {"fromCronJob": "requeue"}, "irreversible": True}]
        spec["rollback"] = {"ifMissed": ["mails are sent again"], "within": "25s", "steps": steps}
        await town.start(gives_up)
        status = await town.finishes()
        assert status["verdict"] == "Failed"
        assert "mails are sent again" in missed(status)
        (step,) = steps_of(status)
        said = [line["message"] for line in events_of(status) if line["reason"] == "RollbackFailed"]
        if native:
            assert (step["state"], said, warnings(status)) == ("Done", [], [])
        else:
            (why,) = said
            assert "step requeue was not done within 25 s: its Job first-" in why
            assert "still runs and was not stopped" in why
            assert [f"admission adds {SIDECAR} to" in warning for warning in warnings(status)] == [True, True]
        await town.nothing_is_left()
