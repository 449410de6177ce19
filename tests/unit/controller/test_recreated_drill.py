"""A Drill that was removed by force and created again under its name: each of the two keeps to what is its own."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import pytest

from gameday.api.drill import FINALIZER
from gameday.api.undo_entries import undo_of
from gameday.cluster.client import Cluster
from gameday.cluster.lease import LOCK
from gameday.cluster.resources import Object
from gameday.controller.gameday.gamedays import read
from gameday.controller.process.operator import Operator
from gameday.engine.drill.timeouts import fuse_of_faults
from gameday.fuses import job as fuse
from unit.api_server import ApiServer
from unit.controller.process.test_operator import GAMEDAY, HALT, OWN, a_drill, becomes
from unit.controller.test_halted_drill import POLICY, UID, acting, the_policy, under_cut

DRILL: Final = ("drills", "shop", "first")
FUSE: Final = ("jobs", "shop", "first-fuse")
LEASE: Final = ("leases", "shop", LOCK)
NEW: Final = "uid-of-second"
"""The UID of the Drill that was created last."""


@pytest.fixture
async def undoing(api_server: ApiServer, cluster: Cluster) -> AsyncIterator[Operator]:
    """An operator that undoes a drill and is refused it, once the status of the Drill says so."""
    under_cut(api_server)
    api_server.put("leases", "shop", {"metadata": {"name": LOCK}, "spec": {"holderIdentity": f"{UID}/first"}})
    api_server.put("pods", "shop", agent("first-observer", UID))
    api_server.put("configmaps", OWN, HALT)
    api_server.forbidden = {"delete networkpolicies"}
    async with acting(cluster) as operator:

        def undone() -> list[str]:
            return [entry["state"] for entry in undo_of(api_server.objects[DRILL]["status"])]

        await becomes(lambda: undone() == ["Undoing"])
        yield operator


def agent(name: str, uid: str, role: str = "agent") -> Object:
    """A pod of the Drill with this UID."""
    owner = {"apiVersion": "gameday.dev/v1alpha1", "kind": "Drill", "name": "first", "uid": uid}
    labels = {"gameday.dev/drill": "first", "gameday.dev/role": role}
    return {"metadata": {"name": name, "labels": labels, "ownerReferences": [owner]}, "spec": {}}


def created_again(server: ApiServer) -> Object:
    """The Drill that takes the place of the one that was there."""
    server.drop(*DRILL)
    drill = a_drill("first")
    return server.put(
        "drills", "shop", drill | {"metadata": drill["metadata"] | {"uid": NEW, "finalizers": [FINALIZER]}}
    )


async def ends(operator: Operator, drill: Object, server: ApiServer) -> None:
    """The earlier drill ends and gives the namespace back; nothing of the new one has changed."""
    await becomes(lambda: not operator.supervisor.runs(UID))
    assert LEASE not in server.objects
    assert server.objects[DRILL] == drill


async def test_the_earlier_one_is_undone_although_another_one_has_its_name(
    undoing: Operator, api_server: ApiServer
) -> None:
    drill = created_again(api_server)
    await asyncio.sleep(0.3)
    assert undoing.supervisor.runs(UID)
    assert POLICY in api_server.objects, "it may not be deleted yet"
    api_server.forbidden = set()
    await becomes(lambda: POLICY not in api_server.objects)
    await ends(undoing, drill, api_server)
    assert FUSE not in api_server.objects
    assert ("pods", "shop", "first-observer") not in api_server.objects


async def test_the_earlier_one_leaves_alone_what_the_new_one_has_made(undoing: Operator, api_server: ApiServer) -> None:
    plan, _, _ = read(GAMEDAY)
    for thing in (POLICY, FUSE, ("pods", "shop", "first-observer")):
        api_server.drop(*thing)
    job = fuse.build("first", NEW, "first-fuse", fuse_of_faults(plan), "image")
    job = api_server.put("jobs", "shop", job)
    caller = agent("first-caller", NEW, "caller")
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": "first-fuse", "uid": job["metadata"]["uid"]}
    called = caller | {"metadata": caller["metadata"] | {"name": "first-called", "ownerReferences": [owner]}}
    made = [
        job,
        api_server.put("networkpolicies", "shop", the_policy(plan, job["metadata"]["uid"])),
        *(api_server.put("pods", "shop", pod) for pod in (agent("first-observer", NEW), caller, called)),
    ]
    drill = created_again(api_server)
    api_server.forbidden = set()
    await ends(undoing, drill, api_server)
    there = {key: thing for key, thing in api_server.objects.items() if key[0] in {"jobs", "networkpolicies", "pods"}}
    assert list(there.values()) == made
