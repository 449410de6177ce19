"""What Kubernetes does by itself: it burns fuses, collects what has lost its owner, runs pods, follows scales.

Times are those measured on a real cluster. While the API server is away, controllers wait for it.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from gameday.api.record import timestamp
from gameday.cluster.client import CONTAINER
from gameday.cluster.resources import DEPLOYMENTS, JOBS, NETWORK_POLICIES, PODS, REPLICA_SETS, Object, Resource
from gameday.fuses.pod import pods_of
from gameday.model.labels import AGENT, ROLE
from simulation.client import Server
from simulation.namespace import WORKER_SET, is_worker, worker_pod
from simulation.scenario import What
from simulation.store import SYSTEM, Change, Store

CLOCK_STARTS = 0.2
"""Seconds until the Job controller has started a Job's clock."""
COLLECTED = 0.03
"""Seconds until garbage collection takes what has lost its owner."""
FINISHED_GOES = 0.2
"""Seconds until the TTL controller deletes a Job that has failed."""
POD_RUNS = 0.8
POD_READY = 1.3
"""Seconds until the pod of a ReplicaSet is ready."""
POD_ENDS = 1.0
"""Seconds that it takes to end."""
SCALED = 0.5
REPLACED = 10.0
"""Seconds until the Job controller has made another pod for one that is lost."""

OWNED: tuple[Resource, ...] = (JOBS, PODS, NETWORK_POLICIES)


class Controllers:
    """Listens to the store and does its part a little later."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.store: Store = server.store
        self.world = self.store.world
        self.pods_take = POD_RUNS
        self.runs: Callable[[Object], None] = lambda _: None
        """Called when a pod's container has started."""
        self.ends: Callable[[Object], float] = lambda _: 0.0
        """Called when a pod is to end; how many seconds it takes."""
        self.gone: Callable[[Object], None] = lambda _: None
        self.job_fails: set[str] = set()
        """Namespaces in which Jobs of rollback steps fail."""
        self._made = 0
        self._owners: dict[str, list[tuple[Resource, str, str]]] = {}
        self.store.listeners.append(self._hear)

    def _later(self, delay: float, what: Callable[..., None], *args: Any) -> None:
        self.world.after(delay, self._when_up, what, args)

    def _when_up(self, what: Callable[..., None], args: tuple[Any, ...]) -> None:
        if self.server.works:
            what(*args)
        else:
            self.world.after(0.5, self._when_up, what, args)

    def _hear(self, change: Change) -> None:
        thing, metadata = change.thing, change.thing["metadata"]
        if change.resource is PODS and change.before is not None:
            self._pod_of_job(change, thing)
        if change.after is None:
            self._later(COLLECTED, self._collect, metadata["uid"])
            if change.resource is PODS:
                self.gone(thing)
            return
        if change.before is None:
            for owner in metadata.get("ownerReferences", ()):
                self._owners.setdefault(owner["uid"], []).append(
                    (change.resource, metadata["namespace"], metadata["name"])
                )
                self._later(COLLECTED, self._orphan, change.resource, thing, owner)
        match change.resource.plural:
            case "jobs":
                self._job(change, thing)
            case "pods":
                self._pod(change, thing)
            case "deployments" if change.verb == "update":
                self._later(SCALED, self._scaled, thing)

    # Owners

    def _orphan(self, resource: Resource, thing: Object, owner: Object) -> None:
        metadata = thing["metadata"]
        if not self._exists(metadata["namespace"], owner):
            self._drop(resource, metadata["namespace"], metadata["name"], metadata["uid"])

    def _exists(self, namespace: str, owner: Object) -> bool:
        things = self.store.things
        plural = f"{owner['kind'].lower()}s"
        found = things.get((plural, namespace), {}).get(owner["name"])
        return found is not None and found["metadata"]["uid"] == owner["uid"]

    def _collect(self, uid: str) -> None:
        for resource, namespace, name in self._owners.pop(uid, ()):
            there = self.store.get(resource, namespace, name)
            owners = (there or {}).get("metadata", {}).get("ownerReferences", ())
            if there is not None and any(owner["uid"] == uid for owner in owners):
                self._drop(resource, namespace, name, there["metadata"]["uid"])

    def _drop(self, resource: Resource, namespace: str, name: str, uid: str) -> None:
        there = self.store.get(resource, namespace, name)
        if there is not None and there["metadata"]["uid"] == uid:
            self.store.delete(SYSTEM, resource, namespace, name)

    # Jobs

    def _job(self, change: Change, job: Object) -> None:
        if begins(change):
            self._later(CLOCK_STARTS, self._start_clock, job)
            if job["metadata"]["labels"].get(ROLE) == "step":
                self._later(1.0, self._step_ends, job)
            if job["spec"].get("parallelism"):
                self._later(CLOCK_STARTS, self._job_pod, job)
        elif change.before is not None and job["spec"].get("suspend") and not change.before["spec"].get("suspend"):
            for pod in self._pods_of(job):
                self._drop(PODS, pod["metadata"]["namespace"], pod["metadata"]["name"], pod["metadata"]["uid"])

    def _start_clock(self, job: Object) -> None:
        metadata = job["metadata"]
        newest = self.store.get(JOBS, metadata["namespace"], metadata["name"])
        if newest is None or newest["metadata"]["uid"] != metadata["uid"] or newest["spec"].get("suspend"):
            return
        started = timestamp(self.world.now)[:-5] + "Z"
        self.store.status(JOBS, metadata["namespace"], metadata["name"], metadata["uid"], startTime=started)
        allowed = newest["spec"].get("activeDeadlineSeconds")
        if allowed is not None:
            ends = datetime.fromisoformat(started).timestamp() + allowed
            self.world.at(ends, self._when_up, self._deadline, (job,))

    def _pods_of(self, job: Object) -> tuple[Object, ...]:
        pods = list(self.store.all_of(PODS, job["metadata"]["namespace"]))
        return pods_of(job, pods)

    def _job_pod(self, job: Object) -> None:
        """A Job that is not over and has no pod gets one: its first, or one for a pod that is lost or going."""
        metadata = job["metadata"]
        newest = self.store.get(JOBS, metadata["namespace"], metadata["name"])
        if newest is None or newest["metadata"]["uid"] != metadata["uid"] or newest["spec"].get("suspend"):
            return
        pods = self._pods_of(job)
        over = newest.get("status", {}).get("conditions")
        if any("deletionTimestamp" not in pod["metadata"] and not _failed(pod) for pod in pods) or over:
            return
        self._made += 1
        template = newest["spec"]["template"]
        owner = {"apiVersion": JOBS.api_version, "kind": JOBS.kind, "name": metadata["name"], "uid": metadata["uid"]}
        owner |= {"controller": True}
        body = {
            "metadata": template["metadata"] | {"name": f"{metadata['name']}-{self._made}", "ownerReferences": [owner]},
            "spec": template["spec"],
        }
        self.store.create(SYSTEM, PODS, metadata["namespace"], body)

    def _pod_of_job(self, change: Change, pod: Object) -> None:
        """What becomes of a Job's pod becomes of the Job."""
        for owner in pod["metadata"].get("ownerReferences", ()):
            job = self.store.get(JOBS, pod["metadata"]["namespace"], owner["name"])
            if not owner.get("controller") or owner["kind"] != JOBS.kind or job is None:
                continue
            if job["metadata"]["uid"] != owner["uid"]:
                continue
            if change.after is not None and pod.get("status", {}).get("phase") == "Succeeded":
                done, metadata = [{"type": "Complete", "status": "True"}], job["metadata"]
                self.store.status(JOBS, metadata["namespace"], metadata["name"], metadata["uid"], conditions=done)
                self._collect_later(job)
            elif change.after is None or _failed(pod) or "deletionTimestamp" in pod["metadata"]:
                self._later(REPLACED, self._job_pod, job)

    def _deadline(self, job: Object) -> None:
        metadata = job["metadata"]
        newest = self.store.get(JOBS, metadata["namespace"], metadata["name"])
        if newest is None or newest["metadata"]["uid"] != metadata["uid"] or newest["spec"].get("suspend"):
            return
        failed = [{"type": "Failed", "status": "True"}]
        self.store.status(JOBS, metadata["namespace"], metadata["name"], metadata["uid"], conditions=failed)
        self._collect_later(newest)

    def _collect_later(self, job: Object) -> None:
        """Delete a Job that has ended, after its time to live."""
        metadata, ttl = job["metadata"], job["spec"].get("ttlSecondsAfterFinished")
        if ttl is not None:
            wait = FINISHED_GOES + ttl
            self._later(wait, self._drop, JOBS, metadata["namespace"], metadata["name"], metadata["uid"])

    def _step_ends(self, job: Object) -> None:
        metadata = job["metadata"]
        how = "Failed" if metadata["namespace"] in self.job_fails else "Complete"
        if how == "Failed":
            self.world.tally.took_effect(What.JOB_FAILS)
        ended = [{"type": how, "status": "True"}]
        self.store.status(JOBS, metadata["namespace"], metadata["name"], metadata["uid"], conditions=ended)

    # Pods

    def _pod(self, change: Change, pod: Object) -> None:
        if AGENT not in (pod["metadata"].get("labels") or {}):
            self._pod_of_set(change, pod)
            return
        if change.before is None:
            self._later(self.pods_take, self._run_pod, pod)
            if self.pods_take > POD_RUNS:
                self.world.tally.took_effect(What.SLOW_PODS)
                self._later(POD_RUNS, self._cannot_pull, pod)
        elif "deletionTimestamp" in pod["metadata"] and "deletionTimestamp" not in change.before["metadata"]:
            self._later(self.ends(pod), self._end_pod, pod)

    def _cannot_pull(self, pod: Object) -> None:
        """The kubelet says why a pod takes long."""
        metadata = pod["metadata"]
        state = {"waiting": {"reason": "ErrImagePull", "message": "the registry does not answer"}}
        said = {"phase": "Pending", "containerStatuses": [{"name": CONTAINER, "state": state}]}
        self.store.status(PODS, metadata["namespace"], metadata["name"], metadata["uid"], **said)

    def _run_pod(self, pod: Object) -> None:
        metadata = pod["metadata"]
        there = self.store.get(PODS, metadata["namespace"], metadata["name"])
        if there is None or there["metadata"]["uid"] != metadata["uid"] or "deletionTimestamp" in there["metadata"]:
            return
        running: list[Object] = [{"name": CONTAINER, "state": {"running": {}}}]
        self.store.status(
            PODS, metadata["namespace"], metadata["name"], metadata["uid"], phase="Running", containerStatuses=running
        )
        self.runs(pod)
        if "activeDeadlineSeconds" in pod["spec"]:
            self._later(pod["spec"]["activeDeadlineSeconds"], self._pod_overdue, pod)

    def _pod_overdue(self, pod: Object) -> None:
        """The kubelet ends a pod that has run for longer than it may."""
        metadata = pod["metadata"]
        there = self.store.get(PODS, metadata["namespace"], metadata["name"])
        if there is None or there["metadata"]["uid"] != metadata["uid"] or "deletionTimestamp" in there["metadata"]:
            return
        if there.get("status", {}).get("phase") == "Running":
            self.ends(pod)
            self.store.status(PODS, metadata["namespace"], metadata["name"], metadata["uid"], phase="Failed")

    def _end_pod(self, pod: Object) -> None:
        metadata = pod["metadata"]
        there = self.store.get(PODS, metadata["namespace"], metadata["name"])
        if there is not None and there["metadata"]["uid"] == metadata["uid"]:
            self.store.remove(SYSTEM, PODS, metadata["namespace"], metadata["name"])

    def _pod_of_set(self, change: Change, pod: Object) -> None:
        """A ReplicaSet makes another pod for one that ends, which has its grace, unless its Deployment wants fewer."""
        owner = next((one for one in pod["metadata"].get("ownerReferences", ()) if one["kind"] == "ReplicaSet"), None)
        if owner is None:
            return
        if change.before is None:
            if "phase" not in pod["status"]:
                self._later(POD_READY, self._ready, pod)
        elif "deletionTimestamp" in pod["metadata"] and "deletionTimestamp" not in change.before["metadata"]:
            self._later(COLLECTED, self._fill, pod["metadata"]["namespace"], owner["name"])
            self._later(POD_ENDS, self._end_pod, pod)

    def _fill(self, namespace: str, name: str) -> None:
        """Have a ReplicaSet make as many pods as its Deployment wants, or delete the others."""
        controller = self.store.get(REPLICA_SETS, namespace, name)
        if controller is None:
            return
        wanted = self.store.need(DEPLOYMENTS, namespace, "worker")["spec"]["replicas"]
        pods = [pod for pod in self.store.all_of(PODS, namespace) if is_worker(pod)]
        active = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
        for pod in active[wanted:]:
            self.store.delete(SYSTEM, PODS, namespace, pod["metadata"]["name"])
        for _ in range(wanted - len(active)):
            self._made += 1
            made = worker_pod(f"{name}-new-{self._made}", controller, ready=False)
            self.store.create(SYSTEM, PODS, namespace, made)

    def _ready(self, pod: Object) -> None:
        metadata = pod["metadata"]
        self.store.status(
            PODS, metadata["namespace"], metadata["name"], metadata["uid"],
            phase="Running", conditions=[{"type": "Ready", "status": "True"}],
        )  # fmt: skip

    # Deployments

    def _scaled(self, deployment: Object) -> None:
        metadata = deployment["metadata"]
        newest = self.store.get(DEPLOYMENTS, metadata["namespace"], metadata["name"])
        if newest is None or newest["metadata"]["generation"] != metadata["generation"]:
            return
        count = newest["spec"]["replicas"]
        self._fill(metadata["namespace"], WORKER_SET)
        # As a real one's, the status leaves out pods that are ending.
        self.store.status(
            DEPLOYMENTS, metadata["namespace"], metadata["name"], metadata["uid"],
            observedGeneration=metadata["generation"], replicas=count, readyReplicas=count, updatedReplicas=count,
            availableReplicas=count,
        )  # fmt: skip


def begins(change: Change) -> bool:
    """Whether a Job begins to run with this change: it is created, or resumed."""
    if change.after is None or change.after["spec"].get("suspend"):
        return False
    return change.before is None or bool(change.before["spec"].get("suspend"))


def _failed(pod: Object) -> bool:
    return bool(pod.get("status", {}).get("phase") == "Failed")
