"""A drill under its cut whose state or plan cannot be read: all is undone from the undo log, and the drill ends.

A frozen plan that a newer operator would not let through any more goes on.
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gameday.actions.registry import KINDS as ACTIONS
from gameday.api import undo_log
from gameday.api.migration import VERSION
from gameday.api.packing import packed, unpacked
from gameday.api.record import status_of
from gameday.api.status import UNSEEN
from gameday.api.undo_entries import undo_of
from gameday.cluster.client import Cluster
from gameday.cluster.resources import Object
from gameday.controller.drill.restore import RestoredDrill, restore
from gameday.controller.gameday import gamedays
from gameday.errors import PlanInvalid
from gameday.model.change import Change, ChangeState
from gameday.model.finding import Finding
from gameday.model.plan import NO_PLAN, Plan, Via
from gameday.model.record import DrillRecord, Phase, Reason, Verdict
from gameday.model.setup import Cut, Setup
from unit.api_server import ApiServer
from unit.controller.process.test_operator import GAMEDAY, becomes
from unit.controller.test_halted_drill import POLICY, acting, under_cut
from unit.preflight.things import pod

Damage = Callable[[Object], Object]


def state(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Damage:
    """The state with a change."""
    return lambda status: status | {"state": repacked(change(unpacked(status["state"])))}


def repacked(found: dict[str, Any]) -> str:
    """The text of a state that somebody has changed."""
    return packed(json.dumps(found), found["version"])


def plan(text: str) -> Damage:
    """Another plan, with its digest."""
    digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    return lambda status: state(lambda found: found | {"plan": text})(status) | {"planDigest": digest}


def renamed(status: Object) -> Object:
    found = json.loads(unpacked(status["state"])["plan"])
    return plan(json.dumps(found | {"settles": found["steadyState"]}))(status)


DAMAGES: dict[str, Damage] = {
    "a newer state": state(lambda found: found | {"version": VERSION + 1}),
    "a damaged state": lambda status: status | {"state": status["state"][:-20]},
    "a state that is gone": lambda status: {name: value for name, value in status.items() if name != "state"},
    "a state with a field more": state(lambda found: found | {"engine": found["engine"] | {"mood": "bad"}}),
    "a state with an unknown word": state(lambda found: found | {"engine": found["engine"] | {"phase": "Lunch"}}),
    "a time that no calendar has": state(lambda found: found | {"engine": found["engine"] | {"started_at": 1e30}}),
    "a plan with another form": renamed,
    "a plan that is no JSON": plan("{"),
    "a plan that was edited": state(lambda found: found | {"plan": found["plan"].replace("10m", "59m")}),
    "a line of the timeline without a time": lambda status: (
        state(lambda found: found | {"version": VERSION + 1})(status) | {"timeline": ["soon X: ", "", {}]}
    ),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
async def test_all_that_the_undo_log_names_is_undone_and_the_drill_ends(
    damage: Damage, api_server: ApiServer, cluster: Cluster
) -> None:
    drill = under_cut(api_server)
    uid = drill["metadata"]["uid"]
    for agent in ("observer", "witness-0", "control-3", "client"):
        body = pod(f"first-{agent}", {"gameday.dev/drill": "first", "gameday.dev/agent": agent})
        api_server.put("pods", "shop", body)
    api_server.put("pods", "shop", pod("somebody", {"gameday.dev/drill": "first"}))
    lock = {"metadata": {"name": "gameday"}, "spec": {"holderIdentity": f"{uid}/first"}}
    api_server.put("leases", "shop", lock)
    metadata = drill["metadata"] | {"finalizers": ["gameday.dev/undo"]}
    api_server.put("drills", "shop", drill | {"metadata": metadata, "status": damage(drill["status"])})

    def status() -> Object:
        found: Object = api_server.objects["drills", "shop", "first"]["status"]
        return found

    async with acting(cluster):
        await becomes(lambda: POLICY not in api_server.objects)
        await becomes(lambda: status().get("phase") == "Finished")
        await becomes(lambda: ("jobs", "shop", "first-fuse") not in api_server.objects)
        await becomes(lambda: ("leases", "shop", "gameday") not in api_server.objects)
        await becomes(lambda: not api_server.objects["drills", "shop", "first"]["metadata"]["finalizers"])
    assert (status()["verdict"], status()["reason"]) == ("Inconclusive", "StateUnreadable")
    assert [name for kind, _, name in api_server.objects if kind == "pods"] == ["somebody"]


async def test_a_frozen_plan_is_not_checked_with_newer_rules(
    api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def strict(_: Plan) -> tuple[Finding, ...]:
        return (Finding("spec", "a newer rule"),)

    drill = under_cut(api_server)
    monkeypatch.setattr(gamedays, "check", strict)
    with pytest.raises(PlanInvalid):
        gamedays.read(GAMEDAY)
    restored = restore(drill, 0.0)
    assert restored.unreadable == ""
    assert restored.plan is not None
    assert restored.plan.gameday == "small"
    assert restored.record is not None
    assert restored.record.phase is Phase.OUTAGE
    assert restored.plan_text == unpacked(drill["status"]["state"])["plan"]


HOLDS = (
    Change(
        "cut", "networkPartition", "CiliumNetworkPolicy", "d-cut", "d-fuse", ChangeState.ACTIVE, object_uid="u1",
        fuse_uid="u2", fuse_deadline=50.5, registered_at=1.5, requested_at=2.5,
    ),
    Change(
        "stop", "scale", "Deployment", "worker", "d-fuse-stop", before={"replicas": 3}, wanted={"replicas": 0},
        registered_at=3.5,
    ),
    Change(
        "start", "scale", "Deployment", "api", "d-fuse-start", ChangeState.UNDONE, before={"replicas": 2},
        wanted={"replicas": 1}, fuse_uid="u4", registered_at=4.5, requested_at=5.5, undo_requested_at=6.5,
        undone_at=7.5,
    ),
)  # fmt: skip
SETUP = Setup((Cut("cut", Via.CILIUM),))


def left_of(status: Object) -> DrillRecord:
    """The record that is made of a damaged status."""
    restored = restore({"spec": {"gameDay": "g"}, "status": status | {"state": "damaged"}}, 100.0)
    assert restored.plan is NO_PLAN
    assert restored.setup is not None
    assert restored.record is not None
    return restored.record


def test_the_undo_log_alone_holds_all_that_it_takes_to_undo() -> None:
    status = status_of(DrillRecord(Phase.ROLLBACK, 9.0, started_at=0.5, changes=HOLDS), 1, SETUP)
    record = left_of(status)
    assert record.changes == HOLDS
    assert (record.phase, record.finishing, record.started_at) == (Phase.RECOVERY, True, 0.5)
    assert [doubt.cause for doubt in record.doubts] == [Reason.STATE_UNREADABLE]
    kinds = [(entry["object"]["kind"], entry["fuse"]["kind"]) for entry in undo_of(status)]
    assert kinds == [("CiliumNetworkPolicy", "Job"), ("Deployment", "Job"), ("Deployment", "Job")]


def test_an_entry_of_an_operator_that_knew_two_kinds_is_read() -> None:
    status = status_of(DrillRecord(Phase.ROLLBACK, 9.0, changes=HOLDS), 1, SETUP)
    for entry in status["undo"]:
        entry["kind"] = {"networkPartition": "NetworkPartition", "scale": "Scale"}[entry["kind"]]
        entry.pop("wanted", None)
    assert left_of(status).changes == tuple(replace(change, wanted=None) for change in HOLDS)


def test_an_entry_that_somebody_damaged_keeps_no_other_from_being_undone() -> None:
    status = status_of(DrillRecord(Phase.ROLLBACK, 9.0, changes=HOLDS), 1, SETUP)
    status["undo"][1]["before"] = "many"
    assert [change.name for change in left_of(status).changes] == ["cut", "start"]


def test_where_the_undo_log_is_damaged_nobody_says_that_nothing_was_changed() -> None:
    status = status_of(DrillRecord(Phase.OUTAGE, 9.0, changes=HOLDS[:1]), 1, SETUP)
    status["undo"][0]["times"] = "lunch"
    left = left_of(status)
    assert left.changes == ()
    assert status_of(left, 1, SETUP)["changed"] is True


def test_an_entry_whose_object_its_kind_never_changes_is_damaged() -> None:
    status = status_of(DrillRecord(Phase.ROLLBACK, 9.0, changes=HOLDS), 1, SETUP)
    status["undo"][1]["changes"] = "NetworkPolicy/worker"
    assert [change.name for change in left_of(status).changes] == ["cut", "start"]


def test_the_status_may_name_what_each_kind_changes() -> None:
    objects = {name for kind in ACTIONS.changes.values() for name in kind.objects}
    assert objects | {"Job"} == set(undo_log.KINDS)


def test_a_change_that_may_have_been_made_is_undone_although_its_time_is_gone() -> None:
    status = status_of(DrillRecord(Phase.OUTAGE, 9.0, changes=HOLDS[:1]), 1, SETUP)
    entry = status["undo"][0]
    entry["times"] = re.sub(", requested [^,]*", "", entry["times"])
    assert left_of(status).changes[0].touched


def test_a_drill_that_had_ended_keeps_its_verdict_unless_something_is_still_to_be_undone() -> None:
    done = DrillRecord(Phase.FINISHED, 9.0, verdict=Verdict.PASSED, reason="AllExpectationsMet", finished_at=9.0)
    ended = left_of(status_of(replace(done, changes=(replace(HOLDS[0], state=ChangeState.UNDONE),)), 1, SETUP))
    assert (ended.phase, ended.verdict, ended.reason) == (Phase.FINISHED, Verdict.PASSED, "AllExpectationsMet")
    edited = left_of(status_of(replace(done, changes=HOLDS[:1]), 1, SETUP))
    assert (edited.phase, edited.finishing) == (Phase.RECOVERY, True)


def test_a_drill_that_never_began_has_nothing_to_read() -> None:
    assert restore({"spec": {"gameDay": "g"}}, 0.0) == RestoredDrill()
    assert restore({"spec": {"gameDay": "g"}, "status": UNSEEN}, 0.0) == RestoredDrill(), "as the API server creates it"


def test_what_was_unreadable_once_stays_so_for_the_next_process() -> None:
    """The process that could not read it wrote a state anew, which says little: it is only good for undoing."""
    first = restore(
        {"spec": {"gameDay": "g"}, "status": status_of(DrillRecord(changes=HOLDS), 1, SETUP) | {"state": ""}}, 1.0
    )
    assert first.record is not None
    status = status_of(first.record, 1, first.setup)
    second = restore({"spec": {"gameDay": "g"}, "status": status}, 2.0)
    assert second.unreadable
    assert second.record is not None
    assert second.record.changes == HOLDS
