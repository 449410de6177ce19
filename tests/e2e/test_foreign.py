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
    bullmq,
    celery,
    claiming,
    closed,
    documented,
    injector,
    injects,
    mails,
    orders,
    requeue,
)
from e2e.namespaces import OperatorProcess, TeamNamespace, missed
from gameday.api.lines import events_of, expectations_of, figures_of, steps_of
from gameday.api.undo_entries import undo_of
from gameday.cluster.resources import PODS, Object

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

AS_CLAIMED = {"Met", "AlwaysTrue"}
PROOF = ("CutProven", "Undone", "CutReverted")
"""What the timeline tells of a cut that was real, and of its end."""
OPEN_ONES_ENDED = {"ConnectionsClosed", "ConnectionsEnded"}
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


async def denying(ns: TeamNamespace) -> OperatorProcess:
    """Celery in a namespace that denies by default, and an operator."""
    await ns.needs_cilium()
    ns.apply(*closed())
    await ns.deploy(*orders())
    return await ns.operator()


async def test_celery_in_a_namespace_that_denies_by_default(ns: TeamNamespace) -> None:
    await denying(ns)
    await ns.start(celery(), "shut-out")
    status = await ns.finishes("shut-out")
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "PreflightFailed")
    places = "Service api, port 80; Service flower, port 80"
    nowhere = f"the observer cannot reach {places}, because NetworkPolicy/default-deny isolates"
    for what in ("the observer for egress", "the pods behind it for ingress"):
        assert f"{nowhere} {what}" in status["message"]
    print(warnings(status))
    assert status["undo"] == []

    ns.apply(*documented("api", "flower"))
    await ns.start(celery(), "hangs")
    status = await ns.finishes("hangs")
    passed(status)
    assert warnings(status) == []
    await ns.nothing_is_left()

    wish = claiming(celery(), "orders hang", "orders answer 503", becomes="order.status == 503", within="10s")
    await ns.start(wish, "wishes")
    status = await ns.finishes("wishes")
    failed_by(status, "orders answer 503")
    await ns.nothing_is_left()


async def test_a_fuse_puts_replicas_back_where_a_namespace_denies_by_default(ns: TeamNamespace) -> None:
    operator = await denying(ns)
    ns.apply(*documented("api", "flower"))
    gives_up = celery()
    spec = gives_up["spec"]
    spec["outage"]["duration"], spec["recovery"]["within"], spec["rollback"]["within"] = "15s", "10s", "20s"
    paid = next(one for one in spec["recovery"]["expect"] if one["name"] == spec["rollback"]["ifMissed"][0])
    paid["eventually"] = paid["eventually"].replace(">= 10", ">= 1000")
    await ns.start(gives_up)

    async def stopped() -> bool:
        return await ns.replicas("worker") == 0

    await until(stopped, "the rollback stops the worker", 120)
    await operator.kill()
    hold = next(one for one in undo_of(await ns.status()) if one["kind"] == "scale")
    deadline = datetime.fromisoformat(hold["fuse"]["deadline"]).timestamp()

    async def back() -> bool:
        return await ns.replicas("worker") == 1

    await until(back, "the fuse puts the worker back", deadline - time.time() + 20)
    assert deadline - 1 <= time.time() <= deadline + 5
    await ns.operator()
    # Where the kill came before the scaling was seen, its request may still arrive for a minute.
    status = await ns.finishes(patience=150)
    assert status["verdict"] in {"Failed", "Inconclusive"}
    assert "orders are paid again" in missed(status)
    await ns.nothing_is_left()


async def test_bullmq_beside_an_injected_sidecar(ns: TeamNamespace) -> None:
    with injector(ns.namespace):
        await injects(ns)
        await ns.deploy(*mails(FAIL_FAST="1"))
        pods, _ = await ns.admin.list(PODS, ns.namespace)
        assert all(SIDECAR in beside(pod) for pod in pods)
        await ns.operator()

        await ns.start(bullmq(), "fails-fast")
        status = await ns.finishes("fails-fast")
        passed(status)
        (warning,) = warnings(status)
        assert f"admission adds {SIDECAR} to the drill's pods" in warning
        await ns.nothing_is_left()

        await ns.deploy(*mails())
        await ns.start(bullmq(), "hangs")
        status = await ns.finishes("hangs")
        failed_by(status, "mails answer 503")
        await ns.nothing_is_left()


@pytest.mark.parametrize("native", [False, True], ids=["ordinary", "native"])
async def test_the_job_of_a_rollback_beside_an_injected_sidecar(ns: TeamNamespace, native: bool) -> None:
    with injector(ns.namespace, native=native):
        await injects(ns)
        await ns.deploy(*mails(FAIL_FAST="1"), requeue())
        await ns.operator()
        gives_up = bullmq()
        spec = gives_up["spec"]
        spec["outage"]["duration"], spec["recovery"]["within"] = "15s", "10s"
        sent = next(one for one in spec["recovery"]["expect"] if one["name"] == "mails are sent again")
        sent["eventually"] = sent["eventually"].replace(">= 10", ">= 1000")
        steps = [{"name": "requeue", "job": {"fromCronJob": "requeue"}, "irreversible": True}]
        spec["rollback"] = {"ifMissed": ["mails are sent again"], "within": "25s", "steps": steps}
        await ns.start(gives_up)
        status = await ns.finishes()
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
        await ns.nothing_is_left()
