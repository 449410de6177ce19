"""Workers that work on while they are ending: a rollback that scales them to 0 starts its Job once they are gone."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from deploy import manifests as shop_manifests
from e2e.namespaces import TeamNamespace, missed, small
from gameday.api.lines import steps_of
from gameday.cluster.informer import Informer
from gameday.cluster.resources import JOBS, PODS, Object

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

GRACE = 15
"""Seconds that each worker takes to end."""
IGNORES = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(3600)"
NEVER = {"name": "never so", "eventually": "health.body.redis == 'never'"}
STEPS = [
    {"name": "stop", "scale": {"deployment": "worker", "replicas": 0}},
    {"name": "clear", "job": {"fromCronJob": "clear-stalled"}, "irreversible": True},
    {"name": "start", "restore": {"deployment": "worker"}},
]


@dataclass
class Old:
    """The first two workers: when each was last seen, and the time at which its grace period is over."""

    uids: set[str] = field(default_factory=set)
    seen_at: float = 0.0
    ends: set[str] = field(default_factory=set)

    def look(self, pods: dict[str, Object]) -> None:
        """Note what is there of them."""
        if not self.uids and len(pods) == 2:
            self.uids = {pod["metadata"]["uid"] for pod in pods.values()}
        old = [pod for pod in pods.values() if pod["metadata"]["uid"] in self.uids]
        self.ends |= {pod["metadata"]["deletionTimestamp"] for pod in old if "deletionTimestamp" in pod["metadata"]}
        if old:
            self.seen_at = time.time()


def worker() -> Object:
    """The shop's worker, but that it ignores SIGTERM."""
    (body,) = (one for one in shop_manifests() if (one["kind"], one["metadata"]["name"]) == ("Deployment", "worker"))
    body["spec"]["replicas"] = 2
    pod = body["spec"]["template"]["spec"]
    pod["terminationGracePeriodSeconds"] = GRACE
    pod["containers"][0] = pod["containers"][0] | {"command": ["python3", "-c", IGNORES], "args": []}
    return body


async def test_a_job_step_begins_once_the_last_worker_is_gone(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.deploy(worker())
    await ns.operator()
    old = Old()
    informer = Informer(ns.admin, PODS, ns.namespace, lambda: None, labels="app=worker,!gameday.dev/drill")
    informer._changed = lambda: old.look(informer.objects)
    task = asyncio.create_task(informer.run())
    try:
        rollback = {"ifMissed": [NEVER["name"]], "within": "1m", "steps": STEPS}
        await ns.start(small(recovery__within="5s", recovery__expect=[NEVER], rollback=rollback))
        status = await ns.finishes(patience=300)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert NEVER["name"] in missed(status), status["message"]
    assert [step["state"] for step in steps_of(status)] == ["Done"] * len(STEPS), status["message"]
    (job,) = (await ns.admin.list(JOBS, ns.namespace, "gameday.dev/role=step"))[0]
    began = datetime.fromisoformat(job["metadata"]["creationTimestamp"]).timestamp()
    assert len(old.uids) == 2
    assert old.ends, "they were seen while they were ending"
    # The API server tells whole seconds.
    assert began >= max(datetime.fromisoformat(one).timestamp() for one in old.ends) - 1
    assert began >= int(old.seen_at) - 1
    assert await ns.replicas("worker") == 2
    await ns.nothing_is_left()
