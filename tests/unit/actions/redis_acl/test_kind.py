"""The kind ``redisAcl``: from YAML to the pods that switch a user, and what these pods' words come to."""

import json
from dataclasses import replace
from typing import Any, Final

import pytest

from gameday.actions.kind import ActionContext
from gameday.actions.made_by_pods import ACTS_FOR
from gameday.actions.preflight import check as preflight
from gameday.actions.redis_acl.kind import FORGETS_AFTER, MOST_TARGETS, TARGETS, RedisAcl, RedisAclKind
from gameday.actions.redis_acl.noted import Administered
from gameday.actions.registry import KINDS
from gameday.api.actions import fault_model, fault_of, step_model
from gameday.api.checks import check
from gameday.api.undo_entries import read, shown
from gameday.api.undo_log import change_of, entry_of
from gameday.cluster.client import Cluster
from gameday.cluster.resources import Object
from gameday.controller.drill.waiting_fuses import waiting_fuse
from gameday.engine.drill import timeouts
from gameday.engine.drill.limits import of_plan
from gameday.errors import Rejected
from gameday.model.agent import SECRETS, read_config
from gameday.model.change import Change, ChangeState, Presence
from gameday.model.labels import DRILL
from gameday.model.limits import NONE
from gameday.model.places import redis_at
from gameday.model.plan import (
    ConfigMapKey,
    Dependency,
    Fault,
    Plan,
    Probe,
    SecretKey,
    Selector,
    Sentinel,
    ServiceRef,
    Trust,
)  # fmt: skip
from gameday.model.redis_user import UserFuseConfig, UserSwitchConfig
from gameday.preflight.findings import Severity
from gameday.probes.redis.kind import RedisProbe
from gameday.probes.redis_login.kind import RedisLoginProbe
from gameday.schema.named import Dependencies
from gameday.schema.structural import structural
from unit.actions.http.test_change import PLACE, caller, env, scene
from unit.api_server import ApiServer
from unit.preflight.things import API, a_snapshot, plan, pod

PLAIN: Final = redis_at(ServiceRef("redis"), username="metrics", password=SecretKey("redis", "password"), database=3)
NAMED: Final = Dependencies((Dependency("redis", ServiceRef("redis"), PLAIN),), "spec.outage.faults[0].redisAcl")
SPEC: Final[dict[str, Any]] = {
    "dependency": "redis",
    "user": "app",
    "administrator": {
        "username": "drill-admin",
        "passwordFrom": {"secretKeyRef": {"name": "redis-admin", "key": "password"}},
    },
    "provenBy": "login",
    "podSelector": {"matchLabels": {"app": "api"}},
}
ADMINISTERED: Final = Administered(
    "app", redis_at(ServiceRef("redis"), username="drill-admin", password=SecretKey("redis-admin", "password"))
)
OFF: Final = RedisAcl("redis", ADMINISTERED, "login", Selector({"app": "api"}))
LOGIN: Final = Probe(
    "login",
    RedisLoginProbe(redis_at(ServiceRef("redis"), username="app", password=SecretKey("app", "password")), "redis"),
)
MADE, BACK = "first-call-off", "first-callback-0-off"
CHANGE: Final = Change(
    "off", "redisAcl", "Pod", MADE, "first-fuse", ChangeState.REQUESTED, {"on": True},
    {"on": False, "redis": ADMINISTERED.noted()}, fuse_uid="fuse-uid", registered_at=1_800_000_000.0,
    requested_at=1_800_000_001.0,
)  # fmt: skip
ACTIVE: Final = replace(CHANGE, state=ChangeState.ACTIVE, seen_at=1_800_000_002.0)
UNDOING: Final = replace(ACTIVE, state=ChangeState.UNDOING, undo_requested_at=1_800_000_050.0)


def kind() -> RedisAclKind:
    made = KINDS.changes["redisAcl"]
    assert isinstance(made, RedisAclKind)
    return made


def parsed(**spec: Any) -> Any:
    fault = fault_model(KINDS).model_validate({"name": "off", "redisAcl": SPEC | spec})
    return fault_of(Dependencies(NAMED.all, "spec.outage.faults[0]"), fault, KINDS).action


def planned(*actions: RedisAcl, probes: tuple[Probe, ...] = (LOGIN,)) -> Plan:
    whole = plan()
    faults = tuple(Fault(f"f{number}", action) for number, action in enumerate(actions))
    return replace(whole, probes=(whole.probes[0], *probes), outage=replace(whole.outage, faults=faults))


def said(*, good: bool, text: str = "is off on 1 server", acted: bool = True, **more: Any) -> str:
    return json.dumps({"good": good, "text": text, "acted": acted, **more})


def test_yaml_becomes_its_action_with_the_administrators_credentials() -> None:
    assert parsed() == OFF
    assert OFF.signs == {"seen": "login.refused && !login.held", "undone": "login.ok"}
    kept = parsed(openConnections="Keep", othersAffected=True, podSelector=None, within="1m")
    assert kept.signs["seen"] == "login.refused"
    assert (kept.others_affected, kept.targets, kept.patience) == (True, None, 60.0)


def test_it_is_a_fault_and_no_step() -> None:
    schema = structural(fault_model(KINDS))["properties"]["redisAcl"]
    assert sorted(schema["required"]) == ["administrator", "dependency", "provenBy", "user"]
    assert "redisAcl" not in structural(step_model(KINDS))["properties"]


ROOT: Final = replace(ADMINISTERED, user="drill-admin")
EVERYBODY: Final = replace(ADMINISTERED, user="default")


@pytest.mark.parametrize(
    ("action", "path", "says"),
    [
        (replace(OFF, administered=EVERYBODY), "user", "give the application a user of its own"),
        (replace(OFF, administered=ROOT), "administrator.username", "the administrator would be switched off"),
        (replace(OFF, targets=None), "podSelector", "or write othersAffected: true"),
        (replace(OFF, proven_by="nobody"), "seen", "there is no probe 'nobody'"),
    ],
)
def test_what_would_do_harm_is_refused_with_its_path(action: RedisAcl, path: str, says: str) -> None:
    found = {one.path.removeprefix("spec.outage.faults[0].redisAcl."): one.message for one in check(planned(action))}
    assert says in found[path]


def test_two_faults_that_switch_one_user_are_refused() -> None:
    found = [one.path for one in check(planned(OFF, replace(OFF, proven_by="login"))) if "redisAcl" in one.path]
    assert found == ["spec.outage.faults[1].redisAcl.user"]
    assert not [one for one in check(planned(OFF)) if "redisAcl" in one.path]


def refusals(whole: Plan) -> list[tuple[str, str]]:
    found = preflight(a_snapshot(), whole)
    return [(one.code, one.path.rpartition(".")[2]) for one in found if one.severity is Severity.REFUSE]


def test_what_the_namespace_or_the_plan_lacks_refuses_it() -> None:
    assert refusals(planned(OFF)) == []
    reader = Probe("jobs", RedisProbe(redis_at(ServiceRef("redis"), username="app")))
    assert refusals(planned(OFF, probes=(LOGIN, reader))) == [("ProbeNeedsUser", "user")]
    reader = Probe("jobs", RedisProbe(PLAIN))
    assert refusals(planned(OFF, probes=(LOGIN, reader))) == []
    another = Probe("login", RedisLoginProbe(redis_at(ServiceRef("redis"), username="b"), "redis"))
    assert refusals(planned(OFF, probes=(another,))) == [("NotProvable", "provenBy")]
    assert refusals(planned(replace(OFF, targets=Selector({"app": "nobody"})))) == [("NoTargets", "podSelector")]


def test_who_lets_others_be_affected_is_told_before() -> None:
    found = preflight(a_snapshot(), planned(replace(OFF, targets=None, others_affected=True)))
    assert [one.severity for one in found if one.code == "OthersAffected"] == [Severity.WARN]
    assert not [one for one in preflight(a_snapshot(), planned(OFF)) if one.code == "OthersAffected"]


def test_a_cut_of_the_same_dependency_is_refused() -> None:
    whole = plan()
    both = replace(planned(OFF), outage=replace(whole.outage, faults=(*whole.outage.faults, Fault("off", OFF))))
    away = whole.outage.faults[0].action.takes_away
    assert away is not None
    assert ("SharedDependency", "dependency") in refusals(
        replace(
            both,
            outage=replace(
                both.outage, faults=(whole.outage.faults[0], Fault("off", replace(OFF, dependency=away.name)))
            ),
        )
    )


def test_its_targets_count_for_the_limits() -> None:
    field, hit = kind().hits(OFF, a_snapshot())
    assert (field, [one["metadata"]["name"] for one in hit]) == ("podSelector", ["api-1", "api-2"])
    assert kind().hits(replace(OFF, targets=None), a_snapshot()) == ("", ())


def test_it_runs_only_where_the_administrator_allows_it_and_once_for_one_redis() -> None:
    (refused,) = of_plan(NONE, planned(OFF))
    assert "limits.allowedFaults does not name redisAcl" in refused
    assert of_plan(replace(NONE, allowed_faults=frozenset({"redisAcl"})), planned(OFF)) == ()
    other = replace(OFF, administered=replace(ADMINISTERED, redis=redis_at(ServiceRef("redis", "shop"))))
    assert planned(OFF).reaches_from("shop") == planned(other).reaches_from("pay") == ("redis.shop.svc:6379",)
    assert planned(OFF).reaches_from("pay") == ("redis.pay.svc:6379",)


@pytest.mark.parametrize("host", ["redis.shop.svc", "Redis.shop.svc.cluster.local", "redis.shop.svc.cluster.local."])
def test_a_service_is_one_redis_however_plans_name_it(host: str) -> None:
    other = replace(OFF, administered=replace(ADMINISTERED, redis=redis_at(host=host)))
    assert planned(other).reaches_from("pay") == planned(OFF).reaches_from("shop")


def test_a_host_is_one_redis_with_and_without_the_root() -> None:
    hosts = [replace(ADMINISTERED, redis=redis_at(host=host)).address("pay") for host in ("eu1.test", "EU1.test.")]
    assert hosts == ["eu1.test:6379"] * 2


FULL: Final = Administered(
    "app",
    redis_at(
        host="eu1.redis.test", port=6380, tls=True, username_from=SecretKey("admin", "user"),
        password=SecretKey("admin", "password"), trust=Trust(ConfigMapKey("ca", "ca.crt"), "redis.test", "pair"),
        sentinel=Sentinel("main", 5000, "s", None, SecretKey("sentinel", "password")),
    ),
    closes=False,
)  # fmt: skip


@pytest.mark.parametrize(
    "administered",
    [
        ADMINISTERED,
        FULL,
        replace(FULL, redis=replace(FULL.redis, cluster=True, sentinel=None, trust=Trust(SecretKey("ca", "ca.crt")))),
    ],
)
def test_the_undo_log_alone_is_enough_to_switch_it_on(administered: Administered) -> None:
    change = replace(CHANGE, wanted=kind().notes(replace(OFF, administered=administered)))
    again = change_of(read(shown(entry_of(change))))
    assert Administered.read((again.wanted or {})["redis"]) == administered


def listed(cluster: Cluster, *pods: Object) -> ActionContext:
    """Both watches of pods have seen these: the drill's own, and that of the namespace."""
    here = scene(cluster, *pods)
    for one in pods:
        here.cache.upsert(TARGETS, one)
    return here


async def test_a_pod_that_goes_with_its_fuse_switches_it_off_and_knows_the_targets(
    api_server: ApiServer, cluster: Cluster
) -> None:
    ours = pod("witness", API | {DRILL: "first"}, ip="10.0.0.11")
    on_node = pod("api-3", ip="10.1.0.1", hostNetwork=True)
    there = pod("api-1"), pod("other", {"app": "other"}, ip="10.0.0.12"), ours, on_node
    here = listed(cluster, *there)
    for _ in range(2):
        await kind().apply(here, OFF, CHANGE, "0")
    made = api_server.objects["pods", "shop", MADE]
    assert made["metadata"]["ownerReferences"][0]["uid"] == "fuse-uid"
    assert made["spec"]["containers"][0]["command"] == ["python3", "-m", "gameday.agents.user_switch"]
    given = read_config(env(made), UserSwitchConfig)
    assert (given.on, given.user.user, given.user.administrator.host) == (False, "app", "redis.shop.svc")
    assert given.user.administrator.password_file == f"{SECRETS}/redis-admin/password"
    assert (given.targets, given.others_affected) == (("10.0.0.9",), False)
    assert (given.until, given.tries_for) == (1_800_000_001.0 + ACTS_FOR, ACTS_FOR)
    assert [volume["secret"]["secretName"] for volume in made["spec"]["volumes"]] == ["redis-admin"]
    assert kind().observe(here, "off", OFF, CHANGE).presence is Presence.PRESENT


async def test_the_drills_own_pods_are_nobody_else_though_the_user_may_not_name_connections(
    api_server: ApiServer, cluster: Cluster
) -> None:
    observer = pod("first-observer", {DRILL: "first"}, ip="10.0.0.31")
    observer["metadata"]["ownerReferences"] = [{"uid": "drill-uid"}]
    stranger = pod("second-observer", {DRILL: "second"}, ip="10.0.0.32")
    stranger["metadata"]["ownerReferences"] = [{"uid": "another-uid"}]
    await kind().apply(listed(cluster, pod("api-1"), observer, stranger), OFF, CHANGE, "0")
    given = read_config(env(api_server.objects["pods", "shop", MADE]), UserSwitchConfig)
    assert given.targets == ("10.0.0.9", "10.0.0.31")


async def test_a_pod_that_has_ended_is_no_target_since_another_may_have_its_address(
    api_server: ApiServer, cluster: Cluster
) -> None:
    over = [pod("done", ip="10.0.0.21"), pod("failed", ip="10.0.0.22")]
    for one, phase in zip(over, ("Succeeded", "Failed"), strict=True):
        one["status"]["phase"] = phase
    await kind().apply(listed(cluster, pod("api-1"), *over), OFF, CHANGE, "0")
    given = read_config(env(api_server.objects["pods", "shop", MADE]), UserSwitchConfig)
    assert given.targets == ("10.0.0.9",)


async def test_more_targets_than_a_pod_can_be_given_are_refused(cluster: Cluster) -> None:
    many = [pod(f"api-{n}", ip=f"10.0.{n // 250}.{n % 250}") for n in range(MOST_TARGETS + 1)]
    with pytest.raises(Rejected, match="at most 500 may be"):
        await kind().apply(listed(cluster, *many), OFF, CHANGE, "0")


def test_nothing_is_known_before_the_targets_are_listed_but_an_undo_waits_for_nothing(cluster: Cluster) -> None:
    here = listed(cluster)
    here.cache.synced = False  # type: ignore[attr-defined]
    assert kind().observe(here, "off", OFF, None).presence is Presence.UNKNOWN
    assert kind().observe(listed(cluster), "off", OFF, None).presence is Presence.ABSENT
    assert kind().observe(listed(cluster), "off", None, UNDOING).presence is Presence.PRESENT
    assert [watch.blocks for watch in kind().watches(here, "off", OFF, None)] == [False]


def test_what_was_refused_before_the_change_is_said_and_needs_no_undo(cluster: Cluster) -> None:
    text = "was not switched off: user app has 1 connection of others: 10.0.0.12 reports"
    here = listed(cluster, caller(MADE, "fuse-uid", said(good=False, text=text, acted=False), "Failed"))
    seen = kind().observe(here, "off", OFF, ACTIVE)
    assert (seen.presence, seen.refused) == (Presence.PRESENT, f"user app of redis {text}")
    undone = kind().observe(here, "off", None, UNDOING)
    assert (undone.presence, undone.refused) == (Presence.ABSENT, undone.shown)
    begun = listed(cluster, caller(MADE, "fuse-uid", said(good=False, text="may be off"), "Failed"))
    assert kind().observe(begun, "off", OFF, ACTIVE).refused == ""
    still = kind().observe(begun, "off", None, UNDOING)
    assert (still.presence, still.refused) == (Presence.PRESENT, "")


def test_it_is_there_until_a_pod_or_the_fuse_says_that_the_user_is_on(cluster: Cluster) -> None:
    off = caller(MADE, "fuse-uid", said(good=True), "Succeeded")
    failed = caller(BACK, "drill-uid", said(good=False, text="may still be off: 10.0.0.3:6379 is silent"), "Failed")
    seen = kind().observe(listed(cluster, off, failed), "off", None, UNDOING)
    assert (seen.presence, seen.shown) == (Presence.PRESENT, "user app may still be off: 10.0.0.3:6379 is silent")
    on = caller(BACK, "drill-uid", said(good=True, text="is on again on 1 server"), "Succeeded")
    seen = kind().observe(listed(cluster, off, on), "off", None, UNDOING)
    assert (seen.presence, seen.shown) == (Presence.ABSENT, "user app is on again on 1 server")


@pytest.mark.parametrize(
    ("servers", "known"),
    [
        ([["10.0.0.3", 6379], ["10.0.0.4", 6379]], (("10.0.0.3", 6379), ("10.0.0.4", 6379))),
        ([["10.0.0.3"], "x", [1, 2]], ()),
        (None, ()),
    ],
)
async def test_the_undo_also_asks_the_servers_on_which_the_user_was_switched_off(
    servers: Any, known: Any, api_server: ApiServer, cluster: Cluster
) -> None:
    here = listed(cluster, caller(MADE, "fuse-uid", said(good=True, servers=servers), "Succeeded"))
    await kind().revert(here, UNDOING)
    given = read_config(env(api_server.objects["pods", "shop", BACK]), UserSwitchConfig)
    assert (given.on, given.servers, given.waits) == (True, known, 0.0)
    assert given.forgets_at == 1_800_000_050.0 + FORGETS_AFTER


async def test_the_undo_waits_for_a_pod_that_may_still_switch_it_off(api_server: ApiServer, cluster: Cluster) -> None:
    await kind().revert(listed(cluster), UNDOING)
    given = read_config(env(api_server.objects["pods", "shop", BACK]), UserSwitchConfig)
    assert given.waits > ACTS_FOR


async def test_a_damaged_entry_is_left_to_its_fuse(cluster: Cluster) -> None:
    with pytest.raises(Rejected, match="its fuse switches it on at its deadline"):
        await kind().revert(listed(cluster), replace(UNDOING, wanted={"redis": {"user": "app"}}))


def test_its_fuse_has_the_administrators_credentials() -> None:
    spec = waiting_fuse(PLACE, 90.0, CHANGE)["spec"]["template"]["spec"]
    assert spec["containers"][0]["command"] == ["python3", "-m", "gameday.agents.user_fuse"]
    given = read_config(spec["containers"][0]["env"][0]["value"], UserFuseConfig)
    assert (given.user, given.job, given.lasts) == (ADMINISTERED.of("shop"), "first-fuse", 90.0)
    assert given.arms_within == timeouts.ARM
    assert [volume["secret"]["secretName"] for volume in spec["volumes"]] == ["redis-admin"]


def test_the_api_server_tries_both_pods() -> None:
    from gameday.actions.kind import DryRunContext
    from gameday.model.setup import Setup

    made: list[tuple[str, Any]] = []

    def agent_pod(agent: str, wanted: Any) -> Object:
        made.append((agent, wanted.config.on))
        return {}

    ctx = DryRunContext(a_snapshot(), Setup(), "first", "drill-uid", "off", "first-fuse", agent_pod)
    assert len(list(kind().creates(OFF, ctx))) == 2
    assert made == [("call-off", False), ("callback-0-off", True)]
