"""What was there in a namespace while a case ran, by watches of the admin's own: each cut, each scaling, each fuse."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from e2e.namespaces import LABEL, POLICIES
from gameday.api.record import moment
from gameday.api.undo_entries import undo_of
from gameday.cluster.client import Cluster
from gameday.cluster.informer import Informer
from gameday.cluster.resources import DEPLOYMENTS, DRILLS, JOBS, PODS, Object, Resource
from gameday.model.labels import ROLE

PATIENCE: Final = 0.2
"""Longest pause of these watches while the API server is away, in seconds: what they see is timed."""


@dataclass(slots=True)
class Span:
    """How long something was held, in Unix seconds; ``fuse`` is the UID of its fuse's Job, nothing for a scaling."""

    name: str
    since: float
    fuse: str = ""
    until: float | None = None


@dataclass
class Watcher:
    """Fills itself while ``watching``. ``before`` is the number of replicas that the Deployment had."""

    admin: Cluster
    namespace: str
    deployment: str = ""
    before: int = 0
    cuts: dict[str, Span] = field(default_factory=dict)
    """By the policy's UID."""
    scalings: list[Span] = field(default_factory=list)
    step_jobs: set[str] = field(default_factory=set)
    exits: dict[str, set[int]] = field(default_factory=dict)
    """Exit codes of the containers of our pods, by the pod's name."""
    to_zero: int = 0
    returned: float = 0.0
    """When the API server came back, where a case took it away."""
    _job_deadlines: dict[str, float] = field(default_factory=dict)
    _pod_deadline: float | None = None
    """Of the scaling's fuse, as the undo log has it since before the scaling."""
    _replicas: int | None = None

    def doubles(self) -> int:
        """How many things were done a second time."""
        cuts = Counter(span.name for span in self.cuts.values()).values()
        return sum(max(0, times - 1) for times in (*cuts, self.to_zero, len(self.step_jobs)))

    def late(self) -> float:
        """Seconds that anything outlived its fuse's deadline by, or the API server's return where that came later."""
        spans = (*self.cuts.values(), *self.scalings)
        return max((self._late(span) for span in spans), default=0.0)

    def deadline(self) -> float:
        """The Unix second by which all that is in place now must be gone; the past where nothing is."""
        return max((self._deadline(span) or 0.0 for span in self.held()), default=0.0)

    def forget(self) -> None:
        """Begin anew, with another drill."""
        self.cuts.clear()
        self.scalings.clear()
        self.step_jobs.clear()
        self.exits.clear()
        self.to_zero = 0

    def held(self) -> list[Span]:
        """What is in place now."""
        return [span for span in (*self.cuts.values(), *self.scalings) if span.until is None]

    def _deadline(self, span: Span) -> float | None:
        return self._job_deadlines.get(span.fuse) if span.fuse else self._pod_deadline

    def _late(self, span: Span) -> float:
        deadline = self._deadline(span)
        if deadline is None:
            return 0.0
        return max(0.0, (span.until or time.time()) - max(deadline, self.returned))

    def _see(self, resource: Resource, objects: dict[str, Object]) -> None:
        now = time.time()
        if resource in POLICIES:
            self._see_policies(resource, objects, now)
        elif resource is DEPLOYMENTS:
            self._see_replicas(objects, now)
        elif resource is DRILLS:
            self._see_undo_log(objects)
        elif resource is PODS:
            self._see_pods(objects)
        else:
            self._see_jobs(objects)

    def _see_policies(self, resource: Resource, objects: dict[str, Object], now: float) -> None:
        there = {policy["metadata"]["uid"]: policy for policy in objects.values()}
        for uid, policy in there.items():
            if uid not in self.cuts:
                fuse = next((owner["uid"] for owner in policy["metadata"].get("ownerReferences") or ()), "")
                name = f"{resource.plural}/{policy['metadata']['name']}"
                self.cuts[uid] = Span(name, now, fuse)
        for uid, span in self.cuts.items():
            if uid not in there and span.until is None and span.name.startswith(f"{resource.plural}/"):
                span.until = now

    def _see_replicas(self, objects: dict[str, Object], now: float) -> None:
        found = objects.get(self.deployment)
        if found is None:
            return
        replicas = int(found["spec"]["replicas"])
        if replicas == 0 and self._replicas != 0:
            self.to_zero += 1
        self._replicas = replicas
        open_ones = [span for span in self.scalings if span.until is None]
        if replicas != self.before and not open_ones:
            self.scalings.append(Span(f"deployments/{self.deployment}", now))
        elif replicas == self.before:
            for span in open_ones:
                span.until = now

    def _see_jobs(self, objects: dict[str, Object]) -> None:
        for job in objects.values():
            role = job["metadata"]["labels"].get(ROLE)
            if role == "step":
                self.step_jobs.add(job["metadata"]["uid"])
            elif started := job.get("status", {}).get("startTime"):
                self._job_deadlines[job["metadata"]["uid"]] = moment(started) + job["spec"]["activeDeadlineSeconds"]

    def _see_pods(self, objects: dict[str, Object]) -> None:
        for pod in objects.values():
            for container in pod.get("status", {}).get("containerStatuses", ()):
                ends = [container.get(state, {}).get("terminated") for state in ("state", "lastState")]
                codes = {int(end["exitCode"]) for end in ends if end}
                self.exits.setdefault(pod["metadata"]["name"], set()).update(codes)

    def _see_undo_log(self, objects: dict[str, Object]) -> None:
        for drill in objects.values():
            for hold in undo_of(drill.get("status", {})):
                if hold["kind"] == "scale" and "deadline" in hold.get("fuse", {}):
                    self._pod_deadline = moment(hold["fuse"]["deadline"])


@contextlib.asynccontextmanager
async def watching(admin: Cluster, namespace: str, deployment: str = "", before: int = 0) -> AsyncIterator[Watcher]:
    """Watch a namespace, from now on."""
    watcher = Watcher(admin, namespace, deployment, before)
    informers = [(resource, _mirror(watcher, resource)) for resource in (*POLICIES, JOBS, PODS, DRILLS, DEPLOYMENTS)]
    tasks = [asyncio.create_task(informer.run()) for _, informer in informers]
    try:
        yield watcher
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _mirror(watcher: Watcher, resource: Resource) -> Informer:
    labels = LABEL if resource in {*POLICIES, JOBS, PODS} else ""

    def changed() -> None:
        # While the API server is away a mirror keeps what was.
        if informer.synced and not informer.error:
            watcher._see(resource, informer.objects)

    informer = Informer(watcher.admin, resource, watcher.namespace, changed, labels=labels, patience=PATIENCE)
    return informer
