"""The state of an agent's pod: what a cluster injects beside the agent changes nothing."""

from typing import Any

import pytest

from gameday.controller.drill.informers import life_of
from gameday.model.observation import Life

State = dict[str, dict[str, Any]]

RUNNING: State = {"running": {}}
WAITING: State = {"waiting": {"reason": "PodInitializing"}}
OVER: State = {"terminated": {"exitCode": 1}}


def pod(agent: State | None, sidecar: State | None, *, phase: str = "Running") -> dict[str, Any]:
    statuses = [{"name": name, "state": state} for name, state in (("proxy", sidecar), ("agent", agent)) if state]
    spec = {"restartPolicy": "Never"}
    return {"metadata": {"name": "it"}, "spec": spec, "status": {"phase": phase, "containerStatuses": statuses}}


@pytest.mark.parametrize("sidecar", [None, RUNNING, WAITING, OVER], ids=["alone", "runs", "waits", "over"])
def test_a_sidecar_neither_holds_an_agent_up_nor_keeps_it_alive(sidecar: State | None) -> None:
    assert life_of(pod(RUNNING, sidecar)) is Life.RUNNING
    assert life_of(pod(WAITING, sidecar)) is Life.STARTING
    assert life_of(pod(OVER, sidecar)) is Life.ENDED


def test_a_pod_that_is_over_or_going_has_ended() -> None:
    assert life_of(pod(OVER, None, phase="Failed")) is Life.ENDED
    going = pod(RUNNING, RUNNING)
    going["metadata"]["deletionTimestamp"] = "2026-11-29T06:00:00Z"
    assert life_of(going) is Life.ENDED


def test_a_fuse_whose_container_is_started_again_has_not_ended() -> None:
    fuse = pod(OVER, RUNNING)
    fuse["spec"]["restartPolicy"] = "OnFailure"
    assert life_of(fuse) is Life.STARTING
