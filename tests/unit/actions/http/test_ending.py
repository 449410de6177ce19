"""A call of ``http`` that nothing takes back: how YAML says so, who may, and what its one pod comes to."""

import json
from dataclasses import replace
from typing import Any, Final

import pytest

from gameday.actions.http.change import WITH_FUSE, WITHOUT_FUSE, WITHOUT_VERIFY, EndingHttp
from gameday.actions.http.ending import ASKS, BEFORE, noted
from gameday.actions.made_by_pods import ACTS_FOR
from gameday.actions.preflight import check as preflight
from gameday.actions.registry import KINDS
from gameday.api.actions import fault_model, step_model, step_of
from gameday.api.checks import check
from gameday.api.undo_entries import read, shown
from gameday.api.undo_log import change_of, entry_of
from gameday.cluster.client import Cluster
from gameday.cluster.resources import PODS
from gameday.controller.drill.dry_run import parts
from gameday.controller.drill.informers import fuse_acts
from gameday.errors import PlanInvalid
from gameday.model.agent import CallerConfig, read_config
from gameday.model.change import Change, ChangeState, Presence
from gameday.model.plan import Rollback, Step
from gameday.model.setup import Setup
from gameday.preflight.findings import Severity
from gameday.schema.named import Dependencies
from gameday.schema.structural import structural
from unit.actions.http.test_change import (
    CALL,
    MADE,
    PLACE,
    SPEC,
    SUSPEND,
    caller,
    env,
    kind,
    parsed,
    planned,
    said,
    scene,
)
from unit.api_server import ApiServer
from unit.preflight.things import a_snapshot

ALONE: Final[dict[str, Any]] = {"undo": None, "withoutFuse": True}
RESTART: Final = EndingHttp(SUSPEND, None, "!redis.ok", "redis.ok", 120.0)
WHAT: Final = "POST https://api.render.com/v1/services/srv-1/suspend"
CHANGE: Final = Change(
    "off", "http", "Pod", MADE, "", ChangeState.REQUESTED, BEFORE, noted(SUSPEND),
    registered_at=1_800_000_000.0, requested_at=1_800_000_001.0,
)  # fmt: skip
ACTIVE: Final = replace(CHANGE, state=ChangeState.ACTIVE, seen_at=1_800_000_002.0)
UNDOING: Final = replace(ACTIVE, state=ChangeState.UNDOING, undo_requested_at=1_800_000_050.0)


def test_yaml_becomes_its_action_that_no_fuse_undoes() -> None:
    assert parsed(**ALONE) == RESTART
    assert (RESTART.BY_HAND, RESTART.OUTSIDE, CALL.BY_HAND) == (True, True, False)
    assert RESTART.reaches == ("api.render.com/v1/services/srv-1/suspend",)


@pytest.mark.parametrize(
    ("spec", "path", "says"),
    [
        ({"undo": None}, "withoutFuse", WITHOUT_FUSE),
        ({"withoutFuse": True}, "withoutFuse", WITH_FUSE),
        (ALONE | {"verify": None}, "verify", WITHOUT_VERIFY),
    ],
)
def test_it_has_to_be_said_and_to_be_seen(spec: dict[str, Any], path: str, says: str) -> None:
    with pytest.raises(PlanInvalid) as refused:
        parsed(**spec)
    assert refused.value.findings == ((f"spec.outage.faults[0].http.{path}", says),)
    rules = structural(fault_model(KINDS))["properties"]["http"]["x-kubernetes-validations"]
    assert says in {rule["message"] for rule in rules}


def test_no_step_may_be_one() -> None:
    step = step_model(KINDS).model_validate({"name": "restart", "http": SPEC | ALONE})
    action = step_of(Dependencies((), "spec.rollback.steps[0]"), step, KINDS).action
    whole = replace(planned(CALL), rollback=Rollback(("x",), 60.0, (Step("restart", action),)))
    found = {one.path: one.message for one in check(whole)}
    assert found["spec.rollback.steps[restart].http.undo"] == (
        "a step must be taken back if the drill ends: give undo, or use httpOnce with irreversible: true"
    )


def test_the_preflight_says_that_nothing_takes_it_back() -> None:
    (found,) = [one for one in preflight(a_snapshot(), planned(RESTART)) if "http" in one.path]
    assert (found.code, found.severity) == ("WithoutFuse", Severity.WARN)
    assert found.message == "nothing takes this call back if what it starts does not end: no fuse, and no operator"


def test_the_dry_run_tries_its_pod_and_no_fuse() -> None:
    made = [part for part in parts(planned(RESTART), Setup(), PLACE, a_snapshot()) if part.path]
    assert [(part.resource, part.body["metadata"]["name"]) for part in made] == [(PODS, "first-call-f0")]
    assert len([part for part in parts(planned(CALL), Setup(), PLACE, a_snapshot()) if part.path]) > 1


async def test_one_pod_of_the_drill_sends_it_once_and_not_late(api_server: ApiServer, cluster: Cluster) -> None:
    here = scene(cluster)
    for _ in range(2):
        await kind().apply(here, RESTART, CHANGE, "")
        await kind().revert(here, UNDOING)
    (name,) = [name for plural, _, name in api_server.objects if plural == "pods"]
    pod = api_server.objects["pods", "shop", name]
    assert [owner["kind"] for owner in pod["metadata"]["ownerReferences"]] == ["Drill"]
    config = read_config(env(pod), CallerConfig)
    assert (config.tries_for, config.until) == (0.0, 1_800_000_001.0 + ACTS_FOR)


@pytest.mark.parametrize("action", [RESTART, None], ids=["with its plan", "without"])
def test_what_its_pod_says(action: EndingHttp | None, cluster: Cluster) -> None:
    before = kind().observe(scene(cluster), "off", action, CHANGE)
    assert (before.presence, before.shown) == (Presence.ABSENT, f"{WHAT} was not sent yet")
    assert (before.by_hand, before.version, before.may_arrive) == (True, "", True)
    runs = kind().observe(scene(cluster, caller(MADE, "drill-uid")), "off", action, ACTIVE)
    assert (runs.presence, runs.shown, runs.may_arrive) == (Presence.PRESENT, f"{WHAT} was not answered yet", True)
    over = caller(MADE, "drill-uid", said(good=True), "Succeeded")
    ended = kind().observe(scene(cluster, over), "off", action, UNDOING)
    assert (ended.shown, ended.asks, ended.may_arrive) == (f"{WHAT} was answered with status 202", ASKS, False)
    lost = kind().observe(scene(cluster), "off", action, UNDOING)
    assert (lost.presence, lost.shown) == (Presence.PRESENT, f"{WHAT} may have been sent: its pod is gone")


def test_what_was_surely_not_done_needs_no_end(cluster: Cluster) -> None:
    message = json.dumps({"good": False, "text": "was answered with status 401", "acted": False})
    refused = caller(MADE, "drill-uid", message, "Failed")
    seen = kind().observe(scene(cluster, refused), "off", RESTART, UNDOING)
    assert (seen.presence, seen.may_arrive) == (Presence.ABSENT, False)
    assert seen.shown == f"{WHAT} was answered with status 401, so there is nothing to end"


def test_its_entry_of_the_undo_log_has_no_fuse_and_that_of_another_call_must_have_one() -> None:
    written = read(shown(entry_of(UNDOING)))
    assert "fuse" not in written
    assert not fuse_acts(change_of(written))
    assert change_of(written).wanted == {"called": True, "call": WHAT}
    with pytest.raises(KeyError):
        change_of(written | {"wanted": json.dumps({"undo": {}})})
