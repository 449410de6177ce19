"""Which pods a scale waits for: all of the workload that have not ended, whatever else says that they are gone."""

from dataclasses import replace

import pytest

from gameday.actions.kind import ActionContext
from gameday.actions.preflight import check, needed
from gameday.actions.registry import KINDS
from gameday.actions.scale.kind import Scale
from gameday.actions.watched_pods import ALL_PODS, SETS
from gameday.actions.workload import Workload
from gameday.cluster.client import Cluster
from gameday.cluster.resources import Object
from gameday.engine.drill import timeouts
from gameday.model.change import Change, ChangeState, Observed, Presence
from gameday.model.plan import Fault, Mitigation, Plan, Step
from gameday.preflight.findings import Severity
from gameday.preflight.rights import WATCH
from unit.actions.watched import Watched
from unit.preflight.things import a_snapshot, plan
from workloads import deployment, stateful_set

WORKER = deployment("worker")
CHANGE = Change(
    "stop", "scale", "Deployment", "worker", "fuse", ChangeState.ACTIVE, before={"replicas": 3}, wanted={"replicas": 0},
    requested_at=0.5,
)  # fmt: skip
OWNER = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "worker", "uid": "worker", "controller": True}
SET: Object = {"metadata": {"name": "worker-5d9", "uid": "set", "ownerReferences": [OWNER]}}
STANDALONE: Object = {"metadata": {"name": "worker-old", "uid": "old"}}
AT_ZERO: Object = {
    "metadata": {"name": "worker", "generation": 4, "resourceVersion": "7"},
    "spec": {"replicas": 0},
    "status": {"observedGeneration": 4},
}


def pod(name: str = "worker-5d9-x", owner: str = "worker-5d9", uid: str = "set", phase: str = "Running") -> Object:
    """One that is ending."""
    by = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "uid": uid, "controller": True}
    return {
        "metadata": {"name": name, "ownerReferences": [by], "deletionTimestamp": "2026-11-30T08:00:00Z"},
        "status": {"phase": phase},
    }


def context(cluster: Cluster, *pods: Object, sets: tuple[Object, ...], unlisted: str = "") -> ActionContext:
    seen = Watched.of({WORKER.watch: (AT_ZERO,), ALL_PODS: pods, SETS: sets}, unlisted=unlisted)
    return ActionContext(cluster, "shop", "first", "uid", seen)


def observe(
    cluster: Cluster, *pods: Object, sets: tuple[Object, ...] = (SET, STANDALONE), unlisted: str = ""
) -> Observed:
    """How the Deployment stands, which is at 0 and whose status has no pods."""
    ctx = context(cluster, *pods, sets=sets, unlisted=unlisted)
    return KINDS.changes["scale"].observe(ctx, "stop", Scale(WORKER, 0), CHANGE)


def test_a_pod_that_is_ending_is_waited_for_until_it_is_gone(cluster: Cluster) -> None:
    assert not observe(cluster, pod()).settled
    assert observe(cluster).settled


@pytest.mark.parametrize(
    ("found", "waits"),
    [
        (pod(phase="Pending"), True),
        (pod(phase="Succeeded"), False),
        (pod(phase="Failed"), False),
        (pod(owner="other-5d9", uid="other"), False),
        (pod(owner="worker-old", uid="old"), False),
    ],
    ids=["pending", "succeeded", "failed", "of another workload", "of a ReplicaSet without a Deployment"],
)
def test_only_pods_of_the_workload_that_have_not_ended_are_waited_for(
    found: Object, waits: bool, cluster: Cluster
) -> None:
    assert observe(cluster, found).settled is not waits


def test_a_pod_whose_replica_set_is_deleted_is_still_waited_for(cluster: Cluster) -> None:
    """The Deployment's controller deletes old ReplicaSets once they count no pod, although some are still ending."""
    assert not observe(cluster, pod(), sets=()).settled
    assert observe(cluster, pod(owner="worker-heavy-5d9"), sets=()).settled


@pytest.mark.parametrize("unlisted", [ALL_PODS, SETS])
def test_pods_that_were_not_listed_do_not_count_as_gone(unlisted: str, cluster: Cluster) -> None:
    found = observe(cluster, unlisted=unlisted)
    assert (found.presence, found.settled, found.followed) == (Presence.PRESENT, False, False)


@pytest.mark.parametrize("unlisted", [WORKER.watch, ALL_PODS, SETS])
def test_nothing_is_known_before_a_change_whose_effect_could_not_be_seen(unlisted: str, cluster: Cluster) -> None:
    ctx, action = context(cluster, sets=(SET,), unlisted=unlisted), Scale(WORKER, 1)
    registered = replace(CHANGE, state=ChangeState.ARMED, requested_at=None)
    for change in (None, registered):
        assert KINDS.changes["scale"].observe(ctx, "stop", action, change).presence is Presence.UNKNOWN
        whole = context(cluster, sets=(SET,))
        assert KINDS.changes["scale"].observe(whole, "stop", action, change).presence is not Presence.UNKNOWN


def test_no_list_of_it_keeps_the_rest_of_a_drill_waiting(cluster: Cluster) -> None:
    for change in (None, CHANGE, replace(CHANGE, undo_requested_at=1.0)):
        watches = KINDS.changes["scale"].watches(context(cluster, sets=()), "stop", Scale(WORKER, 0), change)
        assert not any(watch.blocks for watch in watches)


def test_an_undo_need_not_see_pods(cluster: Cluster) -> None:
    """It must not wait for a right that a namespace of an earlier version has not granted."""
    ctx = context(cluster, sets=())
    kind = KINDS.changes["scale"]
    asked = replace(CHANGE, undo_requested_at=1.0)
    assert [watch.name for watch in kind.watches(ctx, "stop", None, asked)] == [WORKER.watch]
    assert {watch.name for watch in kind.watches(ctx, "stop", None, CHANGE)} == {WORKER.watch, ALL_PODS, SETS}


def test_the_right_to_see_the_pods_of_a_deployment_is_asked_for() -> None:
    def rights(workload: Workload) -> set[tuple[str, tuple[str, ...]]]:
        whole = plan(None, Step("stop", Scale(workload, 0)))
        return {(right.resource.plural, right.verbs) for right in needed(a_snapshot(), whole)}

    assert {("replicasets", WATCH), ("deployments", WATCH)} <= rights(WORKER)
    assert ("replicasets", WATCH) not in rights(stateful_set("queue"))


def faulty(replicas: int, workload: Workload = WORKER) -> Plan:
    whole = plan()
    return replace(whole, outage=replace(whole.outage, faults=(Fault("no-workers", Scale(workload, replicas)),)))


def mitigated() -> Plan:
    return replace(plan(), mitigations=(Mitigation("runbook", "true", (Step("stop", Scale(WORKER, 0)),), within=120),))


def slow(whole: Plan, grace: int | None, replicas: int = 3, **spec: object) -> list[tuple[str, str, str]]:
    """What is found of pods that may take so long: severity, path and text."""
    template = {"template": {"spec": {} if grace is None else {"terminationGracePeriodSeconds": grace}}}
    there = {"metadata": {"name": "worker"}, "spec": {"replicas": replicas, **template, **spec}}
    seen = a_snapshot(deployments=(there,), statefulsets=(there | {"metadata": {"name": "queue"}},))
    return [(one.severity.value, one.path, str(one)) for one in check(seen, whole) if one.code == "SlowToEnd"]


def test_a_fault_whose_pods_may_end_later_than_it_must_be_proven_is_refused() -> None:
    assert not slow(faulty(0), None)
    assert not slow(faulty(0), 60)
    ((severity, path, text),) = slow(faulty(0), 61)
    assert (severity, path) == ("Refuse", "spec.outage.faults[no-workers].scale.deployment")
    assert text == (
        f"{path}: pods of Deployment worker have 61 s each to end (terminationGracePeriodSeconds), and a fault may "
        "wait 60 s for that: set it to 60 or less in the workload's template, or remove this fault"
    )
    assert not slow(faulty(3), 61), "none is scaled away"
    assert not slow(faulty(5), 61)


def test_pods_of_a_stateful_set_end_one_after_another() -> None:
    queue = stateful_set("queue")
    ((severity, _, text),) = slow(faulty(0, queue), 30)
    assert severity == Severity.WARN.value
    assert "30 s each to end (terminationGracePeriodSeconds), and the 3 that are to go end one after another" in text
    assert not slow(faulty(1, queue), 30)
    assert not slow(faulty(0, queue), 30, podManagementPolicy="Parallel")


@pytest.mark.parametrize(
    ("whole", "field", "within"),
    [
        (plan(None, Step("stop", Scale(WORKER, 0))), "spec.rollback.within", 60),
        (mitigated(), "spec.mitigations[runbook].within", 120),
    ],
    ids=["rollback", "mitigation"],
)
def test_a_step_that_its_time_may_not_be_enough_for_is_warned_of(whole: Plan, field: str, within: int) -> None:
    assert not slow(whole, within - 1)
    ((severity, _, text),) = slow(whole, within)
    assert severity == "Warn"
    assert f"but {field} is {within} s" in text
    assert f"set {field} to more than {within} s" in text


def test_a_fault_has_as_long_to_be_proven_as_such_pods_may_take() -> None:
    usual, whole = plan(), faulty(0)
    assert timeouts.proven_within(Scale(WORKER, 0)) == timeouts.PROVE + 60
    assert timeouts.proven_within(usual.outage.faults[0].action) == timeouts.PROVE
    assert timeouts.fuse_of_faults(whole) == timeouts.fuse_of_faults(usual) + 60


@pytest.mark.parametrize("whole", [faulty(0), mitigated()], ids=["fault", "step"])
def test_a_pod_that_is_ending_before_the_drill_is_told_because_it_may_stay(whole: Plan) -> None:
    """On a lost node it stays for hours, and a scale would take the others away and wait in vain."""
    there = {"metadata": {"name": "worker"}, "spec": {"replicas": 3, "template": {"spec": {}}}}
    stays = pod() | {"spec": {"nodeName": "node-b"}}
    ended, other = pod(name="ended", phase="Failed"), pod(name="other", owner="api-7", uid="api")
    known = a_snapshot(deployments=(there,), replicasets=(SET,), pods=(stays, ended, other))
    (found,) = (one for one in check(known, whole) if one.code == "StillEnding")
    assert found.severity is Severity.WARN
    assert "pod worker-5d9-x of Deployment worker on node node-b is deleted and has not ended yet" in found.message
    assert "kubectl describe pod -n shop worker-5d9-x" in found.remedy
