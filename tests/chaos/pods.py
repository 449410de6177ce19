"""The operator's own pods, in the cluster: evicted, and unable to start again."""

from chaos.case import EVICTION, IMAGE, Case, Trial
from chaos.operator_namespace import OperatorNamespace, operator_namespace
from chaos.operator_under_test import NotInjected
from gameday.cluster.resources import PODS


async def evict(trial: Trial, here: OperatorNamespace, pod: str) -> None:
    """Evict a pod, and see that it goes."""
    before = await trial.ns.admin.get(PODS, here.namespace, pod)
    if before is None:
        raise NotInjected("no pod acts")
    await here.evict(pod)

    async def going() -> bool:
        there = await trial.ns.admin.get(PODS, here.namespace, pod)
        same = there is not None and there["metadata"]["uid"] == before["metadata"]["uid"]
        return not same or "deletionTimestamp" in (there or before)["metadata"]

    await trial.happens(EVICTION, going, f"pod {pod} is evicted")


async def evicted(trial: Trial) -> None:
    """The pod that acts is evicted under the cut: the other replica finishes the drill."""
    async with operator_namespace(trial.ns) as here:
        await trial.under_cut(outage__duration="30s")
        leader = await here.leader()
        await evict(trial, here, leader)
        await trial.ends("Passed")
        if await here.leader() == leader:
            trial.wrong("the evicted pod still leads")
        await trial.judge()


async def evicted_alone(trial: Trial) -> None:
    """The only pod is deleted, since its budget forbids its eviction: the one that comes after it goes on."""
    async with operator_namespace(trial.ns, replicas=1) as here:
        await trial.under_cut(outage__duration="30s")
        leader = await here.leader()
        try:
            await evict(trial, here, leader)
        except AssertionError as refused:
            if "disruption budget" not in str(refused):
                raise
            trial.row.note = "the eviction is refused by the operator's PodDisruptionBudget"
            trial.proves(EVICTION, f"refused: {refused}")
        else:
            trial.row.note = "evicted although it was the only one"
        await trial.ends("Passed")
        await trial.judge()


async def image_gone(trial: Trial) -> None:
    """All pods of the operator die under the cut and its image is gone: the fuse reverts."""
    async with operator_namespace(trial.ns) as here:
        await trial.under_cut()
        trial.proves(IMAGE, await here.take_image())
        await trial.undone()
        trial.row.note = "reverted by its fuse while no operator could start"
        here.give_image()
        await trial.ends("Passed", "Inconclusive")
        await trial.judge()


def cases() -> list[Case]:
    """All of them."""
    return [
        Case("operator's pods", "image gone at the restart, under the cut", image_gone, (IMAGE,)),
        Case("operator's pods", "the pod that acts evicted under the cut", evicted, (EVICTION,)),
        Case("operator's pods", "the only pod: its eviction under the cut", evicted_alone, (EVICTION,)),
    ]
