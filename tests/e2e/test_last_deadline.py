"""An operator that never comes back: after the drill's last deadline no pod of it runs any more."""

import time

import pytest

from e2e.dialling import until
from e2e.namespaces import LABEL, TeamNamespace, small
from gameday.cluster.resources import PODS, Object
from gameday.controller.drill.agent_pods import LINGER
from gameday.model.agent import read_config
from gameday.model.agent_configs import CONFIGS

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


async def test_killed_for_good_its_pods_end_by_the_last_deadline_of_the_drill(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    operator = await ns.operator(module=("e2e.hasty",))
    await ns.start(small(recovery__within="10s"))
    await ns.under_cut()
    began = time.time()
    await operator.kill()

    async def pods() -> list[Object]:
        items, _ = await ns.admin.list(PODS, ns.namespace, LABEL)
        return list(items)

    async def none_runs() -> bool:
        return all(pod["status"]["phase"] in {"Succeeded", "Failed"} for pod in await pods())

    made = await pods()
    assert made
    assert not await none_runs(), "they wait for an operator that takes the drill up again"
    longest = max(read_config(pod["spec"]["containers"][0]["env"][0]["value"], *CONFIGS).ends_after for pod in made)
    assert all(pod["spec"]["activeDeadlineSeconds"] >= longest for pod in made)
    assert longest < 170, "the budgets are short"
    # The agents were made before; the kubelet ends what does not end by itself, and takes a moment to say so.
    await until(none_runs, "no pod of the drill runs", longest + LINGER + 10)
    assert time.time() - began < longest + LINGER + 10
    assert not await ns.policies(), "the fuse reverted the cut long before"

    await ns.operator()
    status = await ns.finishes()
    assert status["verdict"] == "Inconclusive"
    await ns.nothing_is_left()
