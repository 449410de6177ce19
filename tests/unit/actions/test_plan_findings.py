"""What a dry run shows of a namespace: targets by name, limits, rights."""

from dataclasses import replace

from gameday.actions.blast_radius import blast_radius
from gameday.actions.manual import Manual
from gameday.actions.plan_findings import NAMED, findings
from gameday.model.dry_run import DryRun
from gameday.model.limits import Limits
from gameday.model.observation import Preflight
from gameday.model.plan import Fault
from gameday.preflight.snapshot import NamespaceSnapshot
from unit.actions.test_blast_radius import PLAN, owned, replica_set
from unit.preflight.things import a_snapshot


def found(snapshot: NamespaceSnapshot, limits: Limits | None = None) -> DryRun:
    radius = blast_radius(snapshot, PLAN)
    return findings(snapshot, PLAN, limits or Limits(), radius, Preflight(("refused",), ("warned",)))


def test_targets_are_named_by_workload() -> None:
    pods = (
        owned("api-b", "ReplicaSet", "api-1"),
        owned("api-a", "ReplicaSet", "api-1"),
        owned("q-0", "StatefulSet", "q"),
    )
    dry_run = found(a_snapshot(pods=pods, replicasets=(replica_set("api-1", "api"),)))
    assert dry_run.targets == (
        "partition (networkPartition): Deployment api, 2 pods: api-a, api-b",
        "partition (networkPartition): StatefulSet q, 1 pod: q-0",
    )
    assert (dry_run.refusals, dry_run.warnings) == (("refused",), ("warned",))


def test_of_many_targets_some_are_named() -> None:
    pods = tuple(owned(f"api-{n:03}", "ReplicaSet", "api-1") for n in range(NAMED + 5))
    (line,) = found(a_snapshot(pods=pods, replicasets=(replica_set("api-1", "api"),))).targets
    assert line.startswith(f"partition (networkPartition): Deployment api, {NAMED + 5} pods: api-000, ")
    assert line.endswith(" and 5 more")


def test_no_target_is_said() -> None:
    assert found(a_snapshot(pods=())).targets == ("partition (networkPartition): no pod of this namespace",)


def test_limits_are_shown_with_what_the_plan_needs() -> None:
    pods = (owned("api-a", "ReplicaSet", "api-1"), owned("api-b", "ReplicaSet", "api-1"))
    snapshot = a_snapshot(pods=pods, replicasets=(replica_set("api-1", "api"),))
    (share,) = found(snapshot).limits
    assert share.startswith("blast radius: spec.outage.faults[partition].networkPartition.podSelector selects 2 of 2")
    limits = Limits(max_outage=600, max_pods=1, max_workload_percent=50)
    outage, pods_, percent = found(snapshot, limits).limits
    assert outage == "limits.maxOutage: 1m of at most 10m"
    assert pods_ == "limits.maxPods: 2 of at most 1"
    assert percent.endswith("selects 2 of 2 ready pods of Deployment api, 100% of at most 50%")


def test_the_limit_of_the_outage_shows_how_long_faults_may_stand() -> None:
    later = Fault("act", Manual("do", "undo", "redis.ok", "!redis.ok", within=90))
    plan = replace(PLAN, outage=replace(PLAN.outage, faults=(*PLAN.outage.faults, later)))
    snapshot, limits = a_snapshot(pods=()), Limits(max_outage=600)
    shown = findings(snapshot, plan, limits, blast_radius(snapshot, plan), Preflight()).limits
    assert shown == ("limits.maxOutage: 2m of at most 10m",)


def test_rights_are_listed_and_missing_ones_are_said() -> None:
    snapshot = a_snapshot(pods=())
    assert "jobs.batch: get, list, watch, create, delete" in found(snapshot).rights
    assert not any("missing" in line for line in found(snapshot).rights)
    bare = replace(snapshot, rules=({"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]},))
    assert "pods: list, watch, create, delete; missing: create, delete" in found(bare).rights
