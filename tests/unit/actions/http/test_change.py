"""The kind ``http``: from YAML to the pods that call, and what these pods' words come to; against an API server."""

import json
from dataclasses import replace
from functools import partial
from typing import Any, Final

import pytest

from gameday.actions.http.call import LONGEST, TIMEOUT, Call, Sendable
from gameday.actions.http.change import Http, HttpKind
from gameday.actions.kind import ActionContext
from gameday.actions.made_by_pods import ACTS_FOR, PODS_SEEN
from gameday.actions.preflight import check as preflight
from gameday.actions.registry import KINDS
from gameday.api.actions import fault_model, fault_of, step_model
from gameday.api.checks import check
from gameday.api.undo_entries import read, shown
from gameday.api.undo_log import change_of, entry_of
from gameday.cluster.client import CONTAINER, Cluster
from gameday.cluster.resources import Object
from gameday.controller.drill.agent_pods import PodContext, agent_pod
from gameday.controller.drill.waiting_fuses import waiting_fuse
from gameday.engine.drill import timeouts
from gameday.engine.drill.limits import of_plan
from gameday.errors import Rejected
from gameday.model.agent import SECRETS, CallerConfig, CallFuseConfig, read_config
from gameday.model.change import Change, ChangeState, Presence
from gameday.model.limits import NONE
from gameday.model.plan import Action, ConfigMapKey, Fault, Plan, Rollback, SecretKey, Step
from gameday.preflight.findings import Severity
from gameday.probes.request import Header, HttpRequest
from gameday.probes.web import Access
from gameday.schema.bounds import NOTED
from gameday.schema.named import Dependencies
from gameday.schema.structural import structural
from unit.actions.watched import Watched
from unit.api_server import ApiServer
from unit.preflight.things import a_snapshot, plan

URL: Final = "https://api.render.com/v1/services/srv-1"
TOKEN: Final = {"secretKeyRef": {"name": "render", "key": "token"}}
AUTH: Final = {"bearer": {"tokenFrom": TOKEN}}
SPEC: Final = {
    "do": {"url": f"{URL}/suspend", "method": "POST", "auth": AUTH, "statuses": [202]},
    "undo": {"url": f"{URL}/resume", "method": "POST", "auth": AUTH, "statuses": [202, 409]},
    "verify": {"seen": "!redis.ok", "undone": "redis.ok"},
    "within": "2m",
}
ACCESS: Final = Access(bearer=SecretKey("render", "token"))
SUSPEND: Final = Call(HttpRequest(f"{URL}/suspend", "POST", access=ACCESS), (202,))
RESUME: Final = Call(HttpRequest(f"{URL}/resume", "POST", access=ACCESS), (202, 409))
CALL: Final = Http(SUSPEND, RESUME, "!redis.ok", "redis.ok", 120.0)
MADE, BACK = "first-call-off", "first-callback-0-off"
BEFORE: Final[dict[str, Any]] = {"called": False}


def kind() -> HttpKind:
    made = KINDS.changes["http"]
    assert isinstance(made, HttpKind)
    return made


def parsed(**spec: Any) -> Action:
    fault = fault_model(KINDS).model_validate({"name": "off", "http": SPEC | spec})
    return fault_of(Dependencies((), "spec.outage.faults[0]"), fault, KINDS).action


def planned(*actions: Action) -> Plan:
    whole = plan()
    faults = tuple(Fault(f"f{number}", action) for number, action in enumerate(actions))
    probes = (replace(whole.probes[0], name="redis"), *whole.probes)
    return replace(whole, probes=probes, outage=replace(whole.outage, faults=faults))


CHANGE: Final = Change(
    "off", "http", "Pod", MADE, "first-fuse", ChangeState.REQUESTED, BEFORE, {"undo": RESUME.sendable().noted()},
    fuse_uid="fuse-uid", registered_at=1_800_000_000.0, requested_at=1_800_000_001.0,
)  # fmt: skip
ACTIVE: Final = replace(CHANGE, state=ChangeState.ACTIVE, seen_at=1_800_000_002.0)
UNDOING: Final = replace(ACTIVE, state=ChangeState.UNDOING, undo_requested_at=1_800_000_050.0)
PLACE: Final = PodContext("shop", "first", "drill-uid", "gameday:test", "Never")


def scene(cluster: Cluster, *pods: Object) -> ActionContext:
    seen = Watched.of({PODS_SEEN: pods})
    return ActionContext(cluster, "shop", "first", "drill-uid", seen, agent_pod=partial(agent_pod, PLACE))


def caller(name: str, owner: str, message: Any = None, phase: str = "Running") -> Object:
    """A caller's pod; one with a message has ended."""
    state: Object = {"running": {}} if message is None else {"terminated": {"message": message}}
    return {
        "metadata": {"name": name, "namespace": "shop", "uid": f"{name}-uid", "ownerReferences": [{"uid": owner}]},
        "status": {"phase": phase, "containerStatuses": [{"name": CONTAINER, "state": state}]},
    }


def said(*, good: bool, text: str = "was answered with status 202") -> str:
    return json.dumps({"good": good, "text": text, "acted": True})


def env(pod: Object) -> str:
    text: str = pod["spec"]["containers"][0]["env"][0]["value"]
    return text


def test_yaml_becomes_its_action() -> None:
    assert parsed() == CALL
    assert CALL.signs == {"seen": "!redis.ok", "undone": "redis.ok"}
    alone = parsed(verify=None)
    assert (alone.signs, alone.patience) == ({}, 120.0)


def test_what_the_api_server_refuses_stands_in_the_crd() -> None:
    schema = structural(fault_model(KINDS))["properties"]["http"]
    assert schema["required"] == ["do"]
    messages = {rule["message"] for rule in schema["properties"]["do"]["x-kubernetes-validations"]}
    assert "give at most one of json and body" in messages
    assert "http" in structural(step_model(KINDS))["properties"]


def found(action: Action) -> dict[str, str]:
    return {one.path.removeprefix("spec.outage.faults[0].http."): one.message for one in check(planned(action))}


@pytest.mark.parametrize(
    ("action", "path", "says"),
    [
        (
            replace(CALL, do=replace(SUSPEND, request=replace(SUSPEND.request, url="http://me:x@api/"))),
            "do.url",
            "auth",
        ),
        (
            replace(CALL, undo=replace(RESUME, request=replace(RESUME.request, headers=(Header("Connection", "x"),)))),
            "undo.headers[0].name",
            "the caller sets header Connection itself",
        ),
        (
            replace(CALL, undo=replace(RESUME, request=replace(RESUME.request, body="x" * LONGEST))),
            "undo",
            "bytes in the undo log",
        ),
        (replace(CALL, seen="nobody.ok"), "verify.seen", "there is no probe 'nobody'"),
    ],
)
def test_what_cannot_be_sent_or_seen_is_refused_with_its_path(action: Http, path: str, says: str) -> None:
    assert says in found(action)[path]


def test_two_calls_that_one_request_takes_back_are_refused() -> None:
    other = replace(CALL, do=replace(SUSPEND, request=replace(SUSPEND.request, url=f"{URL}/pause")))
    paths = [one.path for one in check(planned(CALL, other))]
    assert "spec.outage.faults[1].http.undo" in paths


def test_one_without_verify_is_warned_of() -> None:
    alone = replace(CALL, seen=None, undone=None)
    finds = [one for one in preflight(a_snapshot(), planned(alone)) if one.code == "NotSeen"]
    assert [(one.path, one.severity) for one in finds] == [("spec.outage.faults[f0].http", Severity.WARN)]
    assert not [one for one in preflight(a_snapshot(), planned(CALL)) if one.severity is Severity.REFUSE]


def test_the_undo_log_alone_is_enough_to_take_it_back() -> None:
    request = replace(
        RESUME.request, headers=(Header("X-Team", "shop"), Header("X-Key", secret=SecretKey("keys", "x"))),
        body='{"why": "over"}', access=Access(ca=ConfigMapKey("ca", "ca.crt"), bearer=SecretKey("render", "token")),
    )  # fmt: skip
    undo = replace(RESUME, request=request)
    change = replace(CHANGE, wanted={"undo": undo.sendable().noted()})
    again = change_of(read(shown(entry_of(change))))
    assert Sendable.read((again.wanted or {})["undo"]) == undo.sendable()
    assert "a-token" not in json.dumps(again.wanted)


def test_the_longest_request_fits_into_the_undo_log() -> None:
    body, action = 1, CALL
    while "undo" not in found(longer := replace(
        CALL, undo=replace(RESUME, request=replace(RESUME.request, body='"' * body))
    )):  # fmt: skip
        body, action = body + 100, longer
    assert body > 500
    assert len(json.dumps(kind().notes(action))) <= NOTED


async def test_the_call_is_made_by_a_pod_that_goes_with_its_fuse(api_server: ApiServer, cluster: Cluster) -> None:
    here = scene(cluster)
    for _ in range(2):
        await kind().apply(here, CALL, CHANGE, "0")
    pod = api_server.objects["pods", "shop", MADE]
    assert pod["metadata"]["ownerReferences"][0]["uid"] == "fuse-uid"
    assert (pod["spec"]["restartPolicy"], pod["spec"]["automountServiceAccountToken"]) == ("Never", False)
    given = read_config(env(pod), CallerConfig)
    assert given.request.url == f"{URL}/suspend"
    assert given.request.access.bearer_file == f"{SECRETS}/render/token"
    assert given.until == 1_800_000_001.0 + ACTS_FOR
    (volume,) = pod["spec"]["volumes"]
    assert volume["secret"] == {"secretName": "render", "items": [{"key": "token", "path": "token"}]}
    assert kind().observe(here, "off", CALL, CHANGE).presence is Presence.PRESENT


async def test_a_pod_of_that_name_that_is_not_the_drills_is_left_alone(api_server: ApiServer, cluster: Cluster) -> None:
    api_server.put("pods", "shop", caller(MADE, "somebody"))
    with pytest.raises(Rejected, match="does not belong to this drill"):
        await kind().apply(scene(cluster), CALL, CHANGE, "0")


def test_how_the_call_stands(cluster: Cluster) -> None:
    def observed(change: Change | None, *pods: Object, action: Action | None = CALL) -> tuple[Presence, bool, str]:
        seen = kind().observe(scene(cluster, *pods), "off", action, change)
        return seen.presence, seen.settled, seen.shown

    fresh = kind().observe(scene(cluster), "off", CALL, None)
    assert (fresh.presence, fresh.object_kind, fresh.object_name) == (Presence.ABSENT, "Pod", MADE)
    assert fresh.before != fresh.wanted == CHANGE.wanted
    what = f"POST {URL}/suspend"
    assert observed(CHANGE) == (Presence.ABSENT, False, f"{what} was not sent yet")
    assert observed(CHANGE, caller(MADE, "fuse-uid")) == (Presence.PRESENT, False, f"{what} was not answered yet")
    good, bad = said(good=True), said(good=False, text="was answered with status 403")
    assert observed(ACTIVE, caller(MADE, "fuse-uid", good)) == (
        Presence.PRESENT, True, f"{what} was answered with status 202",
    )  # fmt: skip
    assert observed(ACTIVE, caller(MADE, "fuse-uid", bad))[1:] == (False, f"{what} was answered with status 403")
    assert observed(ACTIVE, caller(MADE, "an-earlier-fuse", good))[1] is False
    for broken in ("", "not JSON", "[]", "{}"):
        presence, settled, text = observed(ACTIVE, caller(MADE, "fuse-uid", broken, "Failed"))
        assert (presence, settled) == (Presence.PRESENT, False)
        assert "may have been sent" in text


def test_a_call_has_done_something_once_it_has_a_good_answer(cluster: Cluster) -> None:
    """Its pod may wait for its image, or try in vain, while the system recovers by itself."""

    def carried_out(*pods: Object) -> bool:
        return kind().observe(scene(cluster, *pods), "off", CALL, ACTIVE).carried_out

    pending = caller(MADE, "fuse-uid", phase="Pending")
    pending["status"]["containerStatuses"][0]["state"] = {"waiting": {"reason": "ErrImagePull"}}
    assert not carried_out(pending)
    assert not carried_out(caller(MADE, "fuse-uid"))
    assert not carried_out(), "its pod is gone"
    assert not carried_out(caller(MADE, "fuse-uid", said(good=False, text="got no answer (timeout)"), "Failed"))
    assert carried_out(caller(MADE, "fuse-uid", said(good=True), "Succeeded"))


def test_a_call_that_may_have_been_made_stays_until_it_is_taken_back(cluster: Cluster) -> None:
    def presence(change: Change, *pods: Object) -> Presence:
        return kind().observe(scene(cluster, *pods), "off", None, change).presence

    assert presence(ACTIVE) is Presence.PRESENT, "its pod was deleted"
    assert presence(UNDOING) is Presence.PRESENT
    assert presence(replace(UNDOING, seen_at=None)) is Presence.PRESENT, "a request may still be on its way"
    bad, good = said(good=False, text="got no answer (timeout)"), said(good=True)
    assert presence(UNDOING, caller(BACK, "drill-uid", bad, "Failed")) is Presence.PRESENT
    assert presence(UNDOING, caller(BACK, "another-drill", good)) is Presence.PRESENT
    assert presence(UNDOING, caller(MADE, "fuse-uid", good)) is Presence.PRESENT, "that is the call, not its undo"
    assert presence(UNDOING, caller(BACK, "drill-uid", good, "Succeeded")) is Presence.ABSENT
    fuse = caller("first-fuse-x7", "fuse-uid", good, "Succeeded")
    assert presence(UNDOING, fuse) is Presence.PRESENT
    fuse["metadata"]["ownerReferences"][0]["controller"] = True
    assert presence(UNDOING, fuse) is Presence.ABSENT, "its fuse did"


@pytest.mark.parametrize("acted", [False, True])
def test_a_call_that_was_surely_refused_need_not_be_taken_back(acted: bool, cluster: Cluster) -> None:
    """A wrong token would not take it back either, and the namespace would stay locked."""
    left = json.dumps({"good": False, "text": "was answered with status 401", "acted": acted})
    seen = kind().observe(scene(cluster, caller(MADE, "fuse-uid", left, "Failed")), "off", CALL, UNDOING)
    assert seen.presence is (Presence.PRESENT if acted else Presence.ABSENT)


def backs(api_server: ApiServer) -> list[str]:
    return sorted(name for plural, _, name in api_server.objects if plural == "pods" and "callback" in name)


async def test_it_is_taken_back_by_what_the_undo_log_says_without_a_plan(
    api_server: ApiServer, cluster: Cluster
) -> None:
    here = scene(cluster)
    for _ in range(2):
        await kind().revert(here, UNDOING)
    assert backs(api_server) == [BACK]
    pod = api_server.objects["pods", "shop", BACK]
    assert pod["metadata"]["ownerReferences"][0]["uid"] == "drill-uid"
    given = read_config(env(pod), CallerConfig)
    assert (given.request.url, given.statuses) == (f"{URL}/resume", (202, 409))
    assert given.waits == ACTS_FOR + TIMEOUT, "the call may still be sent until then"


@pytest.mark.parametrize("lost", ["gone", "going", "another"])
async def test_what_takes_it_back_goes_with_its_fuse_and_with_the_drill_where_that_is_lost(
    lost: str, api_server: ApiServer, cluster: Cluster
) -> None:
    fuse: Object = {"metadata": {"name": "first-fuse", "uid": "fuse-uid"}}
    here = scene(cluster)
    here.cache.upsert("jobs", fuse)
    for _ in range(2):
        await kind().revert(here, UNDOING)
    (owner,) = api_server.objects["pods", "shop", BACK]["metadata"]["ownerReferences"]
    assert owner == {"apiVersion": "batch/v1", "kind": "Job", "name": "first-fuse", "uid": "fuse-uid"}
    good = caller(BACK, "fuse-uid", said(good=True), "Succeeded")
    assert kind().observe(scene(cluster, good), "off", CALL, UNDOING).presence is Presence.ABSENT
    api_server.drop("pods", "shop", BACK)
    here = scene(cluster)
    metadata = fuse["metadata"]
    if lost == "going":
        here.cache.upsert("jobs", {"metadata": metadata | {"deletionTimestamp": "2026-11-24T12:00:00Z"}})
    elif lost == "another":
        here.cache.upsert("jobs", {"metadata": metadata | {"uid": "other"}})
    await kind().revert(here, UNDOING)
    assert api_server.objects["pods", "shop", BACK]["metadata"]["ownerReferences"][0]["uid"] == "drill-uid"


async def test_nothing_is_waited_for_once_the_call_has_ended(api_server: ApiServer, cluster: Cluster) -> None:
    await kind().revert(scene(cluster, caller(MADE, "fuse-uid", said(good=True))), UNDOING)
    assert read_config(env(api_server.objects["pods", "shop", BACK]), CallerConfig).waits == 0.0


async def test_a_try_that_failed_is_followed_by_another(api_server: ApiServer, cluster: Cluster) -> None:
    failed = api_server.put("pods", "shop", caller(BACK, "drill-uid", said(good=False), "Failed"))
    here = scene(cluster, failed)
    await kind().revert(here, UNDOING)
    assert backs(api_server) == []
    here.cache.evict("pods", BACK)
    await kind().revert(here, UNDOING)
    assert backs(api_server) == [BACK]


async def test_a_pod_whose_node_is_lost_holds_up_no_other_try(api_server: ApiServer, cluster: Cluster) -> None:
    lost = caller(BACK, "drill-uid")
    lost["metadata"]["deletionTimestamp"] = "2026-11-24T12:00:00Z"
    await kind().revert(scene(cluster, lost), UNDOING)
    assert backs(api_server) == ["first-callback-1-off"]


async def test_a_damaged_entry_is_left_to_its_fuse(cluster: Cluster) -> None:
    with pytest.raises(Rejected, match="its fuse sends it at its deadline"):
        await kind().revert(scene(cluster), replace(UNDOING, wanted={"undo": {"url": "x"}}))


def test_its_fuse_can_send_the_request_that_takes_it_back() -> None:
    job = waiting_fuse(PLACE, 90.0, CHANGE)
    spec = job["spec"]["template"]["spec"]
    assert spec["containers"][0]["command"] == ["python3", "-m", "gameday.agents.call_fuse"]
    given = read_config(spec["containers"][0]["env"][0]["value"], CallFuseConfig)
    assert (given.request.url, given.statuses, given.job, given.lasts) == (
        f"{URL}/resume",
        (202, 409),
        "first-fuse",
        90,
    )
    assert [volume["secret"]["secretName"] for volume in spec["volumes"]] == ["render"]
    assert spec["automountServiceAccountToken"] is True


def test_probes_look_for_its_end_as_long_as_its_fuse_goes_on_trying() -> None:
    whole = planned(CALL)
    assert timeouts.longest(whole) > timeouts.fuse_of_faults(whole) + timeouts.RETRY
    assert timeouts.fuse_of_faults(whole) >= whole.outage.duration + CALL.within


def test_the_signs_of_a_step_are_looked_at_as_well() -> None:
    rollback = Rollback(("healthy again",), 60.0, (Step("off", replace(CALL, undone="nobody.ok")),))
    whole = replace(planned(replace(CALL, seen=None, undone=None)), rollback=rollback)
    assert whole.signs() == ("!redis.ok", "nobody.ok")
    assert "spec.rollback.steps[off].http.verify.undone" in {one.path for one in check(whole)}


def test_it_runs_only_where_the_administrator_allows_its_kind() -> None:
    (refused,) = of_plan(NONE, planned(CALL))
    assert refused.startswith("f0 is of kind http, ")
    assert "limits.allowedFaults does not name http" in refused
    assert of_plan(replace(NONE, allowed_faults=frozenset({"httpOnce"})), planned(CALL)) == (refused,)
    assert of_plan(replace(NONE, allowed_faults=frozenset({"http"})), planned(CALL)) == ()
    assert of_plan(NONE, plan()) == (), "a cut reaches nobody else"


@pytest.mark.parametrize("host", ["API.render.com", "api.render.com.", "api.render.com:443"])
def test_two_plans_that_call_the_same_name_the_same_address(host: str) -> None:
    url = f"https://{host}/v1/services/srv-1/suspend/?reason=drill"
    other = replace(CALL, do=replace(SUSPEND, request=replace(SUSPEND.request, url=url)))
    assert set(planned(CALL).reaches_from("shop")) == set(planned(other).reaches_from("shop"))
    assert planned(CALL).reaches_from("shop") == (
        f"{URL}/suspend".removeprefix("https://"),
        f"{URL}/resume".removeprefix("https://"),
    )
