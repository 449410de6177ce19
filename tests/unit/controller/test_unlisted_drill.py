"""A drill that is taken over while a list that a step needs fails: abort and undo wait for no list."""

import copy
import time

import pytest

from gameday.api.record import status_of
from gameday.cluster.client import Cluster
from gameday.cluster.resources import Object
from gameday.controller.gameday.gamedays import read
from gameday.engine.drill.timeouts import fuse_of_faults
from gameday.model.change import Change, ChangeState
from gameday.model.record import DrillRecord, MitigationEntry, Phase, StepEntry, StepState
from unit.api_server import ApiServer
from unit.controller.process.test_operator import GAMEDAY, becomes
from unit.controller.test_halted_drill import POLICY, SETUP, a_hold, acting, under_cut
from unit.controller.test_stalled_drill import stalled

DRILL = ("drills", "shop", "first")
WORKER = ("deployments", "shop", "worker")
STEP = {"name": "hold workers", "scale": {"deployment": "worker", "replicas": 0}}
WITHIN = 20.0
"""Seconds within which a cut must be gone; its fuse would take minutes."""


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gameday.engine.drill.loop.BLIND_AFTER", 0.1)
    monkeypatch.setattr("gameday.engine.drill.loop.CATCH_UP", 0.1)


def with_workers_away(server: ApiServer, *, abort: bool) -> Object:
    """A drill that an earlier process left under its cut, after a mitigation had scaled the workers away."""
    gameday = copy.deepcopy(GAMEDAY)
    one = {"name": "runbook", "when": "!health.ok", "steps": [STEP]}
    gameday["spec"]["mitigations"] = [one]
    drill = under_cut(server)
    server.put("gamedays", "shop", gameday)
    plan, text, digest = read(gameday)
    assert fuse_of_faults(plan) > 10 * WITHIN
    metadata = {"name": "worker", "uid": "uid-of-worker", "generation": 2}
    server.put(
        "deployments",
        "shop",
        {"metadata": metadata, "spec": {"replicas": 0}, "status": {"observedGeneration": 2, "replicas": 0}},
    )
    cut, job = server.objects[POLICY], server.objects["jobs", "shop", "first-fuse"]
    asked = time.time() - 5
    scale = Change(
        "hold workers", "scale", "Deployment", "worker", "first-fuse-hold-workers", ChangeState.ACTIVE,
        before={"replicas": 3}, wanted={"replicas": 0}, object_uid="uid-of-worker", fuse_uid="uid-of-fuse",
        registered_at=asked, requested_at=asked, seen_at=asked,
    )  # fmt: skip
    hold = a_hold(job["metadata"]["uid"], cut["metadata"]["uid"])
    record = DrillRecord(
        Phase.OUTAGE, asked - 5, started_at=asked - 20, steady_from=asked - 15, inject_requested_at=asked - 5,
        outage_started_at=asked - 4, proven_at=asked - 3, changes=(hold, scale),
        steps=(StepEntry("hold workers", StepState.DONE, asked),),
        mitigations=(MitigationEntry("runbook", asked - 2, asked, asked + 1),),
    )  # fmt: skip
    status = status_of(record, 1, SETUP, text) | {"planDigest": digest}
    return server.put("drills", "shop", drill | {"status": status, "spec": drill["spec"] | {"abort": abort}})


def replicas(server: ApiServer) -> int:
    """The workers that are wanted."""
    number: int = server.objects[WORKER]["spec"]["replicas"]
    return number


@pytest.mark.parametrize("plural", ["replicasets", "deployments"])
@pytest.mark.parametrize("abort", [True, False], ids=["aborted", "a fuse is gone"])
async def test_what_it_holds_is_reverted_and_it_says_what_fails(
    abort: bool, plural: str, api_server: ApiServer, cluster: Cluster
) -> None:
    api_server.forbidden = {f"list {plural}"}
    with_workers_away(api_server, abort=abort)
    async with acting(cluster):
        await becomes(lambda: POLICY not in api_server.objects, WITHIN)
        await becomes(lambda: replicas(api_server) == 3, WITHIN)
        assert cluster.requests["list", plural]
        if plural == "deployments":
            await becomes(lambda: "deployments" in stalled(api_server), WITHIN)
            assert api_server.objects[DRILL]["status"]["phase"] != "Finished", "nobody has seen that they are back"
