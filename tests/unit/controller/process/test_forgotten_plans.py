"""Dry runs that ``gameday plan`` left are deleted once nobody waits for them; drills and other dry runs never are."""

from typing import Any

import pytest

from gameday.api.drill import FORGOTTEN_AFTER
from gameday.api.record import moment
from gameday.cluster.client import Cluster
from gameday.cluster.resources import Object
from gameday.controller.process.forgotten_plans import ForgottenPlans, is_forgotten
from unit.api_server import ApiServer

BORN = "2026-11-29T10:00:00Z"
LATER = moment(BORN) + FORGOTTEN_AFTER + 1


def drill(name: str = "plan-a", *, labelled: str | None = "true", **more: Any) -> Object:
    labels = {"gameday.dev/plan": labelled} if labelled is not None else {}
    metadata = {"name": name, "labels": labels, "creationTimestamp": BORN}
    return {"kind": "Drill", "metadata": metadata, "spec": {"gameDay": "g", "dryRun": True} | more}


def test_an_old_dry_run_of_the_command_is_forgotten() -> None:
    assert is_forgotten(drill(), LATER)


@pytest.mark.parametrize(
    ("thing", "now"),
    [
        (drill(), LATER - 2),
        (drill(labelled=None), LATER),
        (drill(labelled="false"), LATER),
        (drill(dryRun=False), LATER),
        (drill(dryRun="true"), LATER),
    ],
    ids=["young", "a person's own", "another label", "a drill", "not a boolean"],
)
def test_nothing_else_is(thing: Object, now: float) -> None:
    assert not is_forgotten(thing, now)


async def test_they_are_deleted_by_their_uid_and_the_rest_stays(api_server: ApiServer, cluster: Cluster) -> None:
    for thing in (drill("old"), drill("real", dryRun=False), drill("own", labelled=None)):
        api_server.put("drills", "shop", thing)
    known = [thing for (plural, _, _), thing in api_server.objects.items() if plural == "drills"]
    stale = drill("own") | {"metadata": drill("own")["metadata"] | {"namespace": "shop", "uid": "of-an-earlier-one"}}
    await ForgottenPlans(cluster, lambda: LATER).delete([*known, stale])
    assert {name for plural, _, name in api_server.objects if plural == "drills"} == {"real", "own"}
