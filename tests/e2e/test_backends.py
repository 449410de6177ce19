"""Cuts on the real cluster, by both backends, without the operator: packets say what is cut and what is not."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from e2e.dialling import LISTEN, DialResults, NetworkNamespace, network_namespace, now, until, until_seen
from gameday.actions import job as job_step
from gameday.actions.kind import PreflightContext
from gameday.actions.network_partition import policy
from gameday.actions.network_partition.action import NetworkPartition, OpenConnections
from gameday.actions.network_partition.partition import Partition
from gameday.actions.network_partition.targets import endpoint_addresses
from gameday.actions.preflight import check
from gameday.actions.scale.kind import put_back, scale
from gameday.cluster.resources import CRON_JOBS, DEPLOYMENTS, JOBS, NETWORK_POLICIES, PODS, Object
from gameday.errors import Conflict, TooManyRequests
from gameday.fuses import job as fuse
from gameday.fuses.owner import FuseOwner
from gameday.model.change import Observed, Presence
from gameday.model.names import cut_fuse
from gameday.model.observation import Fuse
from gameday.model.plan import Dependency, Fault, Outage, Plan, Recovery, Selector, ServiceRef, SteadyState, Via
from gameday.model.setup import Cut
from gameday.preflight.rights import of_cut
from gameday.preflight.snapshot import NamespaceSnapshot, endpoints_of, take_snapshot
from workloads import deployment

pytestmark = pytest.mark.e2e

BACKENDS = [Via.NETWORK_POLICY, Via.CILIUM]
API = {"app": "api"}
REDIS = {"app": "redis", "part": "store"}
DRILL, CUT = "first", "first-partition"
REDIS_SERVER = ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", ""]
HTTP = ["python3", "-uc", LISTEN]


@pytest.fixture
async def ns() -> AsyncIterator[NetworkNamespace]:
    async with network_namespace() as one:
        await one.opt_in()
        yield one


def partition(via: Via = Via.AUTO) -> NetworkPartition:
    return NetworkPartition(Selector(API), Dependency("redis", ServiceRef("redis")), OpenConnections.KEEP, via)


def plan(via: Via = Via.AUTO) -> Plan:
    return Plan("it", (), SteadyState(1), Outage(10, (Fault("partition", partition(via)),)), Recovery(10))


async def cut_for(ns: NetworkNamespace, via: Via) -> tuple[NamespaceSnapshot, Cut]:
    """What the preflight would decide; asked again, as by a drill, while CRDs of another test are being installed."""

    async def looked() -> NamespaceSnapshot | None:
        try:
            return await take_snapshot(ns.account, ns.admin, ns.namespace, plan(via), Partition.reads)
        except TooManyRequests:
            return None

    snapshot = await until(looked, "the namespace is read")
    assert snapshot is not None
    return snapshot, Partition().prepare(
        partition(via), PreflightContext(snapshot, plan(via), "partition", "networkPartition")
    )


async def light(ns: NetworkNamespace, uid: str, seconds: float) -> Fuse:
    """Light the drill's fuse and wait until it is armed."""
    await fuse.create(ns.account, ns.namespace, fuse.build(DRILL, uid, cut_fuse(DRILL), seconds, "gameday:none"))

    async def armed() -> Fuse | None:
        state = fuse.state_of(await ns.account.get(JOBS, ns.namespace, cut_fuse(DRILL)), seconds)
        return state if state.armed else None

    found = await until(armed, "the fuse is armed")
    assert found is not None
    return found


def policy_of(cut: Cut, fuse_uid: str) -> Object:
    return policy.build(DRILL, CUT, partition(cut.backend), cut, cut_fuse(DRILL), fuse_uid)


async def stands(ns: NetworkNamespace, setup: Cut, wanted: Object) -> Observed:
    resource = policy.kind_of(setup.backend)
    return policy.observed(await ns.account.get(resource, ns.namespace, CUT), wanted)


async def dialled(ns: NetworkNamespace) -> tuple[DialResults, DialResults]:
    """Redis with a second port, pods that resemble it, and who dials them all: a target and a control."""
    redis = await ns.run("redis", REDIS, REDIS_SERVER, HTTP)
    almost = await ns.run("almost-redis", {"app": "redis", "part": "cache"}, REDIS_SERVER)
    other = await ns.run("web", {"app": "web"}, HTTP)
    listed: list[Object] = [{"name": "redis", "port": 7000, "targetPort": 6379}]
    where = {
        "redis by service": (await ns.serve("redis", REDIS, listed), 7000),
        "redis by address": (redis, 6379),
        "another port of redis": (redis, 8080),
        "redis, which is not it": (almost, 6379),
        "web by service": (await ns.serve("web", {"app": "web"}, [{"port": 80, "targetPort": 8080}]), 80),
        "web by address": (other, 8080),
        "web by name": (f"web.{ns.namespace}.svc", 80),
    }
    target = await ns.dial("api", API, where)
    control = await ns.dial("control", API | {"gameday.dev/role": "control"}, where)
    for seen in (target, control):
        await until_seen(lambda seen=seen: seen.reaches(*where, since=0), "everything is reached at first")  # type: ignore[misc]
    return target, control


IS_CUT = ("redis by service", "redis by address")


@pytest.mark.parametrize("via", BACKENDS, ids=lambda via: via.value)
async def test_a_cut_takes_redis_and_nothing_else_and_gives_it_back(ns: NetworkNamespace, via: Via) -> None:
    target, control = await dialled(ns)
    began = now()
    uid = await ns.drill(DRILL)
    snapshot, setup = await cut_for(ns, via)
    assert [finding.code for finding in check(snapshot, plan(via)) if finding.code != "CutsApiServer"] == []
    armed = await light(ns, uid, 60)
    cut = policy_of(setup, armed.uid or "")
    await policy.apply(ns.account, ns.namespace, setup.backend, cut)
    await until_seen(lambda: target.fails(*IS_CUT, since=began), "the target is cut off")
    cut_at = now()
    assert (await stands(ns, setup, cut)).presence is Presence.PRESENT
    again = await policy.apply(ns.account, ns.namespace, setup.backend, cut)
    assert again["metadata"]["generation"] == 1

    await until_seen(lambda: target.fails(*IS_CUT, since=cut_at + 1), "the target stays cut off")
    others = target.dials.keys() - set(IS_CUT)
    await until_seen(lambda: control.reaches(*control.dials, since=cut_at + 1), "the control reaches everything")
    await until_seen(lambda: target.reaches(*others, since=cut_at + 1), "the target reaches all else")
    assert control.cut_off(began) == set()
    assert target.cut_off(began, but=IS_CUT) == set()

    await policy.revert(ns.account, ns.namespace, DRILL, CUT)
    reverted = now()
    await until_seen(lambda: target.reaches(*IS_CUT, since=reverted), "the target is back")
    await policy.revert(ns.account, ns.namespace, DRILL, CUT)
    await fuse.delete(ns.account, ns.namespace, cut_fuse(DRILL), FuseOwner(uid))
    assert (await stands(ns, setup, cut)).presence is Presence.ABSENT


@pytest.mark.slow
@pytest.mark.parametrize("via", BACKENDS, ids=lambda via: via.value)
async def test_with_nothing_of_ours_alive_the_fuse_reverts_the_cut(ns: NetworkNamespace, via: Via) -> None:
    target, _ = await dialled(ns)
    uid = await ns.drill(DRILL)
    _, setup = await cut_for(ns, via)
    armed = await light(ns, uid, 20)
    cut = policy_of(setup, armed.uid or "")
    began = now()
    await policy.apply(ns.account, ns.namespace, setup.backend, cut)
    await until_seen(lambda: target.fails(*IS_CUT, since=began), "the target is cut off")
    assert armed.deadline is not None
    assert now() < armed.deadline
    await until_seen(lambda: target.reaches(*IS_CUT, since=armed.deadline or 0), "the fuse reverted the cut")
    assert now() < armed.deadline + 5
    assert (await stands(ns, setup, cut)).presence is Presence.ABSENT

    late = await policy.apply(ns.account, ns.namespace, setup.backend, cut)

    async def collected() -> bool:
        there = await ns.account.get(policy.kind_of(via), ns.namespace, CUT)
        return there is None or there["metadata"]["uid"] != late["metadata"]["uid"]

    await until(collected, "a policy that comes after its fuse is collected", 5)


@pytest.mark.slow
async def test_a_replaced_redis_is_cut_as_well_once_the_policy_has_grown(ns: NetworkNamespace) -> None:
    target, control = await dialled(ns)
    uid = await ns.drill(DRILL)
    _, setup = await cut_for(ns, Via.NETWORK_POLICY)
    armed = await light(ns, uid, 120)
    cut = policy_of(setup, armed.uid or "")
    await policy.apply(ns.account, ns.namespace, setup.backend, cut)
    await ns.admin.delete(PODS, ns.namespace, "redis", grace=0)
    await ns.run("redis-again", REDIS, REDIS_SERVER, HTTP)

    async def outgrown() -> tuple[str, ...]:
        seen = endpoint_addresses(await endpoints_of(ns.account, ns.namespace, "redis"))
        return seen if set(seen) - set(setup.destination.addresses) else ()

    now_behind = await until(outgrown, "the new Redis is an endpoint")
    more = replace(setup, destination=replace(setup.destination, addresses=now_behind))
    wanted = policy_of(more, armed.uid or "")
    assert (await stands(ns, more, wanted)).presence is Presence.DRIFTED
    there = await ns.account.get(NETWORK_POLICIES, ns.namespace, CUT)
    grown = replace(more, destination=policy.grown(there, more.destination))
    await policy.apply(ns.account, ns.namespace, grown.backend, policy_of(grown, armed.uid or ""))
    assert (await stands(ns, more, wanted)).presence is Presence.PRESENT
    since = now()
    await until_seen(lambda: control.reaches("redis by service", since=since), "the control reaches the new Redis")
    await until_seen(lambda: target.fails("redis by service", since=since), "the target does not")


@pytest.mark.slow
async def test_where_targets_are_isolated_already_only_cilium_cuts_and_the_other_is_refused(
    ns: NetworkNamespace,
) -> None:
    target, _ = await dialled(ns)
    metadata = {"name": "house-rules"}
    body: Object = {"apiVersion": NETWORK_POLICIES.api_version, "kind": NETWORK_POLICIES.kind, "metadata": metadata}
    spec = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [{"namespaceSelector": {}}]}]}
    await ns.admin.create(NETWORK_POLICIES, ns.namespace, body | {"spec": spec})
    snapshot, _ = await cut_for(ns, Via.NETWORK_POLICY)
    found = {finding.code: finding for finding in check(snapshot, plan(Via.NETWORK_POLICY))}
    assert "NetworkPolicy/house-rules" in found["AlreadyIsolated"].message

    uid = await ns.drill(DRILL)
    snapshot, setup = await cut_for(ns, Via.CILIUM)
    assert check(snapshot, plan()) == ()
    armed = await light(ns, uid, 60)
    began = now()
    await policy.apply(ns.account, ns.namespace, setup.backend, policy_of(setup, armed.uid or ""))
    await until_seen(lambda: target.fails(*IS_CUT, since=began), "the target is cut off")
    assert target.cut_off(began, but=IS_CUT) == set()


@pytest.mark.parametrize("via", BACKENDS, ids=lambda via: via.value)
async def test_a_change_by_hand_is_seen(ns: NetworkNamespace, via: Via) -> None:
    await ns.run("redis", REDIS, REDIS_SERVER)
    await ns.run("api", API, HTTP)
    await ns.serve("redis", REDIS, [{"port": 6379}])
    uid = await ns.drill(DRILL)
    _, setup = await cut_for(ns, via)
    armed = await light(ns, uid, 60)
    cut = policy_of(setup, armed.uid or "")
    await policy.apply(ns.account, ns.namespace, setup.backend, cut)
    field = "podSelector" if via is Via.NETWORK_POLICY else "endpointSelector"
    change: Object = {"spec": {field: {"matchLabels": {"app": "nobody"}}}}
    await ns.admin.patch(policy.kind_of(via), ns.namespace, CUT, change)
    assert (await stands(ns, setup, cut)).detail == "its spec differs from what the drill wrote"
    await ns.admin.patch(JOBS, ns.namespace, cut_fuse(DRILL), {"spec": {"suspend": True}})
    job = await ns.account.get(JOBS, ns.namespace, cut_fuse(DRILL))
    assert "suspended" in (fuse.state_of(job, 60).dead or "")


async def test_a_namespace_whose_role_is_gone_is_told_every_missing_right(ns: NetworkNamespace) -> None:
    await ns.run("redis", REDIS, REDIS_SERVER)
    await ns.serve("redis", REDIS, [{"port": 6379}])
    await ns.run("api", API, HTTP)
    snapshot, _ = await cut_for(ns, Via.CILIUM)
    assert snapshot.cilium
    assert check(snapshot, plan()) == ()
    snapshot.rules = tuple(rule for rule in snapshot.rules if "ciliumnetworkpolicies" not in rule["resources"])
    (finding,) = check(snapshot, plan(Via.CILIUM))
    assert finding.code == "MissingRights"
    assert all(verb in finding.message for verb in of_cut(policy.kind_of(Via.CILIUM)).verbs)


async def test_a_step_scales_there_and_back_and_a_job_runs_once(ns: NetworkNamespace) -> None:
    labels = {"app": "worker"}
    container = {"name": "worker", "image": "gameday:none", "imagePullPolicy": "Never"}
    spec: Object = {
        "replicas": 3,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }
    body: Object = {"apiVersion": DEPLOYMENTS.api_version, "kind": DEPLOYMENTS.kind, "metadata": {"name": "worker"}}
    await ns.admin.create(DEPLOYMENTS, ns.namespace, body | {"spec": spec})

    async def replicas() -> int:
        there = await ns.admin.get(DEPLOYMENTS, ns.namespace, "worker")
        return int(there["spec"]["replicas"]) if there is not None else -1

    async def scaled(number: int) -> bool:
        # Its controller writes the Deployment as well: who lost that race looks again, as the engine does.
        with contextlib.suppress(Conflict):
            there = await ns.admin.get(DEPLOYMENTS, ns.namespace, "worker")
            assert there is not None
            await scale(ns.account, ns.namespace, deployment("worker"), number, there["metadata"]["resourceVersion"])
        return await replicas() == number

    async def put(before: int, wanted: int) -> bool:
        with contextlib.suppress(Conflict):
            await put_back(ns.account, ns.namespace, deployment("worker"), before, wanted)
        return await replicas() == before

    for number in (0, 0):
        await until(lambda number=number: scaled(number), f"the worker has {number} replicas", 10)  # type: ignore[misc]
    assert not await put(3, 2), "2 is not its number: somebody else has set that"
    assert await replicas() == 0
    await until(lambda: put(3, 0), "the worker has 3 replicas", 10)
    await scale(ns.account, ns.namespace, deployment("gone"), 3, "1")
    await put_back(ns.account, ns.namespace, deployment("gone"), 3, 0)
    uid = await ns.drill(DRILL)
    await _cron_job(ns)
    for _ in range(2):
        await job_step.create(ns.account, ns.namespace, "clear-stalled", "first-step-clear", DRILL, uid)
    (made,), _ = await ns.account.list(JOBS, ns.namespace)
    assert made["metadata"]["name"] == "first-step-clear"
    assert made["spec"]["suspend"]

    async def started() -> bool:
        there = await ns.account.get(JOBS, ns.namespace, "first-step-clear")
        assert there is not None
        if there["spec"]["suspend"]:
            # Its controller writes the Job as well.
            with contextlib.suppress(Conflict):
                await job_step.release(ns.account, ns.namespace, there)
        return "startTime" in there["status"]

    await until(started, "the Job is started", 10)
    version = made["metadata"]["resourceVersion"]
    with pytest.raises(Conflict):
        await ns.account.delete(JOBS, ns.namespace, "first-step-clear", version=version)


async def _cron_job(ns: NetworkNamespace) -> None:
    container = {"name": "clear", "image": "gameday:none", "imagePullPolicy": "Never"}
    template = {"spec": {"containers": [container], "restartPolicy": "Never"}}
    spec = {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": {"template": template}}}
    body: Object = {"apiVersion": CRON_JOBS.api_version, "kind": CRON_JOBS.kind, "metadata": {"name": "clear-stalled"}}
    await ns.admin.create(CRON_JOBS, ns.namespace, body | {"spec": spec})
