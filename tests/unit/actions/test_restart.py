"""The kind ``restart``: which pods it evicts, that it waits for each replacement, and that no other pod is evicted."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

import pytest

from gameday.actions.kind import ActionContext
from gameday.actions.preflight import check as preflight
from gameday.actions.registry import KINDS
from gameday.actions.restart import Restart, RestartKind
from gameday.actions.scale.kind import Scale
from gameday.actions.scale.restore import Restore
from gameday.actions.watched_pods import ALL_PODS, SETS
from gameday.api.actions import step_model, step_of
from gameday.api.checks import check
from gameday.cluster.client import Cluster
from gameday.cluster.resources import Object
from gameday.controller.gameday.largest import largest
from gameday.errors import Conflict, Rejected, TooManyRequests
from gameday.model.change import RunState, State
from gameday.model.labels import DRILL
from gameday.model.plan import Action, Plan, Rollback, Step
from gameday.preflight.findings import Severity
from gameday.preflight.snapshot import NamespaceSnapshot
from gameday.schema.base import MOST
from gameday.schema.named import Dependencies
from gameday.schema.structural import structural
from granted import role
from unit.actions.test_pod_delete import SETS_OF_API, owned, workload
from unit.actions.watched import Watched
from unit.api_server import ApiServer
from unit.preflight.things import a_snapshot, plan
from workloads import deployment, stateful_set

API: Final = Restart(deployment("api"))
OLD: Final = tuple(owned(f"api-1-{name}", "api-1") for name in "abc")
NOTED: Final[State] = {"pods": {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in OLD}}
NAME: Final = "restart api"


def kind() -> RestartKind:
    made = KINDS.runs["restart"]
    assert isinstance(made, RestartKind)
    return made


def watched(*pods: Object, replicas: int = 3, there: bool = True) -> Watched:
    """What the watches have seen."""
    seen = Watched()
    for one in pods:
        seen.upsert(ALL_PODS, one)
    for one in SETS_OF_API:
        seen.upsert(SETS, one)
    if there:
        seen.upsert(deployment("api").watch, workload("api", replicas))
    return seen


def scene(cluster: Cluster, seen: Watched) -> ActionContext:
    return ActionContext(cluster, "shop", "first", "drill-uid", seen)


def ending(pod: Object) -> Object:
    return pod | {"metadata": pod["metadata"] | {"deletionTimestamp": "2026-01-01T00:00:00Z"}}


def unready(pod: Object) -> Object:
    return pod | {"status": pod["status"] | {"conditions": [{"type": "Ready", "status": "False"}]}}


def new(names: str) -> tuple[Object, ...]:
    """Replacements that are ready."""
    return tuple(owned(f"api-1-{name}", "api-1") for name in names)


def state(cluster: Cluster, *pods: Object, noted: State | None = NOTED, **seen: Any) -> tuple[RunState, str]:
    ran = kind().ran(scene(cluster, watched(*pods, **seen)), NAME, API, noted)
    return ran.state, ran.shown


def planned(*actions: Action, irreversible: bool = True) -> Plan:
    steps = tuple(Step(f"s{number}", one, irreversible) for number, one in enumerate(actions))
    return replace(plan(), rollback=Rollback(("healthy again",), 60.0, steps))


def found(seen: NamespaceSnapshot, severity: Severity = Severity.REFUSE) -> dict[str, tuple[str, str]]:
    every = preflight(seen, planned(API))
    return {f.code: (f.path, str(f)) for f in every if "restart" in f.path and f.severity is severity}


def there(*pods: Object, **things: Any) -> NamespaceSnapshot:
    kept: dict[str, Any] = {"pods": pods or OLD, "replicasets": SETS_OF_API, "deployments": (workload("api", 3),)}
    return a_snapshot(**kept | things)


def budget(name: str = "api", allowed: int = 1, healthy: int = 3, **spec: Any) -> Object:
    status = {"disruptionsAllowed": allowed, "currentHealthy": healthy, "expectedPods": 3}
    selector = {"matchLabels": {"app": "api"}}
    return {"metadata": {"name": name}, "spec": {"selector": selector} | spec, "status": status}


def test_yaml_becomes_its_action_and_says_that_it_cannot_be_undone() -> None:
    model = step_model(KINDS)
    step = model.model_validate({"name": "s", "irreversible": True, "restart": {"statefulSet": "queue"}})
    made = step_of(Dependencies((), "spec.rollback.steps[0]"), step)
    assert (made.action, made.irreversible) == (Restart(stateful_set("queue")), True)
    assert RestartKind.rules[0] in [
        (rule["rule"], rule["message"]) for rule in structural(model)["x-kubernetes-validations"]
    ]


def test_what_an_earlier_step_holds_is_restored_first() -> None:
    scale, restore = Scale(deployment("api"), 0), Restore(deployment("api"))
    text = "an earlier step (scale) holds api: restore it before its restart"
    held = {finding.path: finding.message for finding in check(planned(scale, API, restore))}
    assert held["spec.rollback.steps[1].restart.deployment"] == text
    for fine in ((scale, restore, API), (Scale(deployment("worker"), 0), API, Restore(deployment("worker")))):
        assert not [one for one in check(planned(*fine)) if "restart" in one.path]


def test_the_preflight_says_what_cannot_be_restarted() -> None:
    assert found(there()) == {}
    path, text = found(there(deployments=()))["NoDeployment"]
    assert path == "spec.rollback.steps[s0].restart.deployment"
    assert text == f"{path}: there is no Deployment api: correct the name, or remove this entry"
    many = tuple(owned(f"api-1-{number}", "api-1") for number in range(MOST + 1))
    assert "has 33 pods, and at most 32 can be evicted in one step" in found(there(*many))["TooManyPods"][1]


def test_budgets_that_never_let_a_pod_go_are_refused() -> None:
    assert found(there(poddisruptionbudgets=(budget(),))) == {}
    _, text = found(there(poddisruptionbudgets=(budget(allowed=0),)))["BudgetAllowsNone"]
    assert "PodDisruptionBudget api lets no pod of Deployment api be evicted although all 3 are ready" in text
    assert found(there(poddisruptionbudgets=(budget(allowed=0, healthy=2),))) == {}, "another may be ready by then"
    two = (budget(), budget("more"))
    _, text = found(there(poddisruptionbudgets=two))["SeveralBudgets"]
    assert "more than one PodDisruptionBudget (api, more), so none can be evicted" in text
    other: dict[str, Any] = {"selector": {"matchLabels": {"app": "worker"}}}
    assert found(there(poddisruptionbudgets=(budget(), budget("other", **other)))) == {}


@pytest.mark.parametrize(("policy", "warned"), [(None, True), ("IfHealthyBudget", True), ("AlwaysAllow", False)])
def test_a_budget_that_protects_pods_which_are_not_ready_is_told(policy: str | None, warned: bool) -> None:
    spec: dict[str, Any] = {"unhealthyPodEvictionPolicy": policy} if policy else {}
    said = found(there(poddisruptionbudgets=(budget(**spec),)), Severity.WARN)
    assert ("BudgetProtectsUnready" in said) is warned


def test_its_rights_are_granted_and_are_no_more_than_it_needs() -> None:
    seen = there()
    seen.rules = tuple(role("actions/job")["rules"])
    said = {one.message for one in preflight(seen, planned(API)) if one.code == "MissingRights"}
    assert "account gameday may not create pods/eviction in namespace shop" in said
    assert any("list, watch deployments" in one for one in said)
    seen.rules = tuple(role("actions/restart", "actions/networkPartition")["rules"])
    assert not [one for one in preflight(seen, planned(API)) if one.code == "MissingRights"]


def test_nothing_is_said_before_the_watches_have_listed(cluster: Cluster) -> None:
    seen = watched(*OLD)
    seen.synced = False
    assert kind().ran(scene(cluster, seen), NAME, API, None).state is RunState.UNKNOWN
    assert {w.name for w in kind().watches(scene(cluster, seen), NAME, API)} >= {ALL_PODS, SETS}
    assert not any(watch.blocks for watch in kind().watches(scene(cluster, seen), NAME, API)), "the rest goes on"


def test_the_running_pods_of_the_workload_are_noted_and_no_others(cluster: Cluster) -> None:
    others = (
        owned("other-1-a", "other-1"),
        ending(owned("api-1-ends", "api-1")),
        owned("api-1-ours", "api-1", labels={"app": "api", DRILL: "first"}),
    )
    ran = kind().ran(scene(cluster, watched(*OLD, *others)), NAME, API, None)
    assert (ran.state, ran.notes) == (RunState.ABSENT, NOTED)
    assert ran.shown == "api-1-a, api-1-b and api-1-c of api are to be evicted, one after another"


def test_what_cannot_be_restarted_by_then_has_failed_before_it_began(cluster: Cluster) -> None:
    assert state(cluster, noted=None) == (
        RunState.FAILED,
        "no pod of Deployment api runs, so there is none to restart",
    )
    assert state(cluster, *OLD, noted=None, there=False)[0] is RunState.FAILED
    many = tuple(owned(f"api-1-{number}", "api-1") for number in range(MOST + 1))
    assert state(cluster, *many, noted=None)[0] is RunState.FAILED


A, B, C = OLD
WAITS: Final = "1 of 3 pods of api is evicted, and not all replacements are ready: 0 of 1"


@pytest.mark.parametrize(
    ("pods", "wanted", "shown"),
    [
        ((A, B, C), RunState.NEXT, "0 of 3 pods of api are replaced"),
        ((ending(A), B, C), RunState.RUNNING, WAITS),
        ((B, C), RunState.RUNNING, WAITS),
        ((ending(A), B, C, *map(unready, new("d"))), RunState.RUNNING, None),
        ((ending(A), B, C, *new("d")), RunState.NEXT, "1 of 3 pods of api is replaced"),
        ((C, *new("d")), RunState.RUNNING, None),
        ((C, *new("de")), RunState.NEXT, "2 of 3 pods of api are replaced"),
        ((ending(C), *new("def")), RunState.RUNNING, "api-1-c of api still ends"),
        (new("def"), RunState.DONE, "3 pods of api were evicted, and replacements are ready"),
        (new("de"), RunState.RUNNING, None),
    ],
)  # fmt: skip
def test_the_next_one_goes_once_the_one_before_is_replaced(
    cluster: Cluster, pods: tuple[Object, ...], wanted: RunState, shown: str | None
) -> None:
    found_, told = state(cluster, *pods)
    assert found_ is wanted
    assert shown in {None, told}


def test_it_has_done_something_once_the_first_pod_goes(cluster: Cluster) -> None:
    def carried_out(*pods: Object, noted: State | None = NOTED) -> bool:
        return kind().ran(scene(cluster, watched(*pods)), NAME, API, noted).carried_out

    assert not carried_out(A, B, C, noted=None)
    assert not carried_out(A, B, C)
    assert carried_out(ending(A), B, C)
    assert carried_out(*new("def"))


def test_pods_that_are_not_ready_do_not_hold_it_up(cluster: Cluster) -> None:
    """A workload whose pods all hang is restarted."""
    assert state(cluster, *map(unready, OLD))[0] is RunState.NEXT
    assert state(cluster, unready(B), unready(C), *new("d"))[0] is RunState.NEXT
    assert state(cluster, unready(B), unready(C), *map(unready, new("d")))[0] is RunState.RUNNING


def test_a_workload_that_was_scaled_down_needs_no_more_replacements_than_it_wants(cluster: Cluster) -> None:
    assert state(cluster, C, *new("d"), replicas=1)[0] is RunState.NEXT
    assert state(cluster, *new("d"), replicas=1)[0] is RunState.DONE
    assert state(cluster, replicas=0)[0] is RunState.DONE


def test_a_pod_of_a_stateful_set_comes_back_under_its_name(cluster: Cluster) -> None:
    seen = Watched()
    for one in (owned("queue-0", "queue", "StatefulSet", uid="new"), owned("queue-1", "queue", "StatefulSet")):
        seen.upsert(ALL_PODS, one)
    seen.upsert(stateful_set("queue").watch, workload("queue"))
    noted = {"pods": {"queue-0": "uid-queue-0", "queue-1": "uid-queue-1"}}
    ran = kind().ran(scene(cluster, seen), NAME, Restart(stateful_set("queue")), noted)
    assert (ran.state, ran.shown) == (RunState.NEXT, "1 of 2 pods of queue is replaced")


def placed(api_server: ApiServer, pods: Iterable[Object]) -> None:
    for one in pods:
        api_server.put("pods", "shop", one)


def left(api_server: ApiServer) -> set[str]:
    return {name for plural, _, name in api_server.objects if plural == "pods"}


async def test_it_evicts_one_pod_and_waits_although_the_watch_is_late(api_server: ApiServer, cluster: Cluster) -> None:
    placed(api_server, (unready(B), A, C))
    here = scene(cluster, watched(A, unready(B), C))
    for _ in range(3):
        await kind().run(here, NAME, API, NOTED)
    assert left(api_server) == {"api-1-a", "api-1-c"}, "the one that is not ready goes first, and alone"
    assert kind().ran(here, NAME, API, NOTED).state is RunState.RUNNING


async def test_another_process_goes_on_with_the_same_pods(api_server: ApiServer, cluster: Cluster) -> None:
    placed(api_server, (B, C, *new("d")))
    await kind().run(scene(cluster, watched(B, C, *new("d"))), NAME, API, NOTED)
    assert left(api_server) == {"api-1-c", "api-1-d"}


async def test_it_asks_the_eviction_api_so_a_budget_can_refuse(api_server: ApiServer, cluster: Cluster) -> None:
    placed(api_server, OLD)
    api_server.put("poddisruptionbudgets", "shop", budget(allowed=0))
    here = scene(cluster, watched(*OLD))
    with pytest.raises(TooManyRequests, match="evict pods api-1-a: Cannot evict pod as it would violate"):
        await kind().run(here, NAME, API, NOTED)
    assert len(left(api_server)) == 3
    assert kind().ran(here, NAME, API, NOTED).state is RunState.NEXT, "it is asked for again"
    api_server.put("poddisruptionbudgets", "shop", budget(allowed=1))
    await kind().run(here, NAME, API, NOTED)
    assert left(api_server) == {"api-1-b", "api-1-c"}


async def test_a_new_pod_under_the_name_is_spared(api_server: ApiServer, cluster: Cluster) -> None:
    placed(api_server, (owned("api-1-a", "api-1", uid="another"), B, C))
    with pytest.raises(Conflict):
        await kind().run(scene(cluster, watched(*OLD)), NAME, API, NOTED)
    assert len(left(api_server)) == 3


async def test_a_pod_that_is_gone_is_not_taken_for_evicted_before_the_watch_says_so(
    api_server: ApiServer, cluster: Cluster
) -> None:
    placed(api_server, (B, C))
    here = scene(cluster, watched(*OLD))
    await kind().run(here, NAME, API, NOTED)
    assert left(api_server) == {"api-1-b", "api-1-c"}
    assert kind().ran(here, NAME, API, NOTED).state is RunState.NEXT


async def test_without_its_notes_it_evicts_nothing(cluster: Cluster) -> None:
    with pytest.raises(Rejected, match="does not name the pods to evict"):
        await kind().run(scene(cluster, watched(*OLD)), NAME, API, None)


def test_a_status_has_room_for_all_that_may_be_evicted() -> None:
    (entry,) = largest(planned(API), "").steps
    assert entry.notes == kind().notes(API)
    assert entry.notes is not None
    assert len(entry.notes["pods"]) == MOST
