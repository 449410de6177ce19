"""The kind ``httpOnce``: a step that calls once, records what came of it, and is never repeated."""

from functools import partial
from typing import Any, Final

import pytest

from gameday.actions.http.call import Call
from gameday.actions.http.once import HttpOnce, HttpOnceKind
from gameday.actions.kind import ActionContext
from gameday.actions.made_by_pods import ACTS_FOR, PODS_SEEN
from gameday.actions.registry import KINDS
from gameday.api.actions import step_model, step_of
from gameday.cluster.client import Cluster
from gameday.cluster.resources import Object
from gameday.controller.drill.agent_pods import agent_pod
from gameday.model.agent import CallerConfig, read_config
from gameday.model.change import RunState
from gameday.probes.request import HttpRequest
from gameday.schema.named import Dependencies
from gameday.schema.structural import structural
from unit.actions.http.test_change import PLACE, caller, env, said
from unit.actions.watched import Watched
from unit.api_server import ApiServer

ONCE: Final = HttpOnce(Call(HttpRequest("http://platform/v1/services/api/restart", "POST")))
MADE: Final = "first-call-restart-api"


def kind() -> HttpOnceKind:
    made = KINDS.runs["httpOnce"]
    assert isinstance(made, HttpOnceKind)
    return made


def scene(cluster: Cluster, *pods: Object, synced: bool = True) -> ActionContext:
    seen = Watched.of({PODS_SEEN: pods}, synced=synced)
    made = partial(agent_pod, PLACE)
    return ActionContext(cluster, "shop", "first", "drill-uid", seen, agent_pod=made, clock=lambda: 1_800_000_000.0)


def test_yaml_becomes_its_action_and_says_that_it_is_irreversible() -> None:
    spec = {"url": "http://platform/v1/services/api/restart", "method": "POST"}
    step = step_model(KINDS).model_validate({"name": "restart api", "httpOnce": spec, "irreversible": True})
    assert step_of(Dependencies((), "spec.rollback.steps[0]"), step, KINDS).action == ONCE
    rules = {rule["rule"] for rule in structural(step_model(KINDS))["x-kubernetes-validations"]}
    assert "!has(self.httpOnce) || self.irreversible" in rules


async def test_it_is_sent_once_by_a_pod_of_the_drill(api_server: ApiServer, cluster: Cluster) -> None:
    here = scene(cluster)
    for _ in range(2):
        await kind().run(here, "restart api", ONCE, None)
    pods = [name for plural, _, name in api_server.objects if plural == "pods"]
    assert pods == [MADE]
    pod = api_server.objects["pods", "shop", MADE]
    given = read_config(env(pod), CallerConfig)
    assert given.tries_for == 0.0
    assert given.until == 1_800_000_000.0 + ACTS_FOR, "one that is created late sends nothing"
    assert pod["spec"]["restartPolicy"] == "Never"
    assert kind().ran(here, "restart api", ONCE, None).state is RunState.RUNNING


@pytest.mark.parametrize(
    ("message", "phase", "state", "says"),
    [
        (said(good=True), "Succeeded", RunState.DONE, "was answered with status 202"),
        (said(good=False, text="was answered with status 500"), "Failed", RunState.FAILED, "status 500"),
        (said(good=False, text="got no answer (timeout)"), "Failed", RunState.FAILED, "got no answer (timeout)"),
        ("", "Failed", RunState.FAILED, "may have been sent"),
    ],
)
def test_what_came_of_it(message: str, phase: str, state: RunState, says: str, cluster: Cluster) -> None:
    ran = kind().ran(scene(cluster, caller(MADE, "drill-uid", message, phase)), "restart api", ONCE, None)
    assert ran.state is state
    assert says in ran.shown
    assert ran.carried_out is (state is RunState.DONE), "without a good answer it may have had an effect, or none"


@pytest.mark.parametrize("phase", ["Pending", "Running"])
def test_one_that_was_not_answered_is_not_known_to_have_done_anything(phase: str, cluster: Cluster) -> None:
    ran = kind().ran(scene(cluster, caller(MADE, "drill-uid", phase=phase)), "restart api", ONCE, None)
    assert (ran.state, ran.carried_out, ran.waits) == (RunState.RUNNING, False, False)


@pytest.mark.parametrize(
    ("pods", "synced", "state"),
    [
        ((), True, RunState.ABSENT),
        ((), False, RunState.UNKNOWN),
        ((caller(MADE, "an-earlier-drill", said(good=True)),), True, RunState.ABSENT),
    ],
)
def test_one_that_is_not_there(pods: Any, synced: bool, state: RunState, cluster: Cluster) -> None:
    assert kind().ran(scene(cluster, *pods, synced=synced), "restart api", ONCE, None).state is state
