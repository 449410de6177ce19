"""States that operators of version 1 have written: each is read, goes on, and is saved in the newest version.

``version_1.json`` holds whole statuses as they wrote them: of simulated drills, and of one that a test had left under
its cut. It is never changed: such drills may still be under way where a newer operator is installed.
"""

import copy
import hashlib
import json
from pathlib import Path
from typing import Any, Final

import pytest

from gameday.actions.network_partition.action import cuts_of
from gameday.api.migration import BESIDE, VERSION, from_1, gathered
from gameday.api.packing import unpacked
from gameday.api.record import saved_of, status_of
from gameday.controller.drill.restore import restore
from gameday.model.change import ChangeState
from gameday.model.plan import ServiceRef
from gameday.model.record import Phase

VERSION_1: Final[dict[str, dict[str, Any]]] = json.loads((Path(__file__).parent / "version_1.json").read_text())

DRILL: Final[dict[str, Any]] = {"metadata": {"namespace": "town-0"}, "spec": {"gameDay": "plan"}}


@pytest.mark.parametrize("status", VERSION_1.values(), ids=VERSION_1)
def test_a_drill_of_version_1_is_read_with_its_plan_and_saved_as_the_newest(status: dict[str, Any]) -> None:
    assert json.loads(status["state"])["version"] == 1
    restored = restore(DRILL | {"status": status}, 0.0)
    assert restored.unreadable == ""
    assert restored.record is not None
    assert restored.plan is not None
    assert restored.plan_text == status["plan"]
    assert restored.plan_digest == status["planDigest"]
    assert restored.record.phase is Phase(status["phase"])
    assert [change.state for change in restored.record.changes] == [
        ChangeState(entry["state"]) for entry in status["undo"]
    ]
    assert [r.state.value for r in restored.record.results] == [one["state"] for one in status["expectations"]]
    again = status_of(restored.record, 1, restored.setup, restored.plan_text) | {"planDigest": restored.plan_digest}
    assert unpacked(again["state"])["version"] == VERSION
    assert "plan" not in again
    known, now = saved_of(status), saved_of(again)
    assert known is not None
    assert now is not None
    assert (now.setup, now.plan, now.record.changes) == (known.setup, known.plan, known.record.changes)
    assert restore(DRILL | {"status": again}, 0.0).plan == restored.plan


def test_the_states_are_of_every_part_of_a_drill() -> None:
    phases = {status["phase"] for status in VERSION_1.values()}
    assert phases == {"Preflight", "SteadyState", "Outage", "Rollback", "Finished"}
    held = {entry["kind"] for status in VERSION_1.values() for entry in status["undo"] if entry["state"] == "Active"}
    assert held == {"NetworkPartition", "Scale"}


@pytest.mark.parametrize("status", VERSION_1.values(), ids=VERSION_1)
def test_a_migration_changes_nothing_that_it_is_given(status: dict[str, Any]) -> None:
    state = gathered(json.loads(status["state"]), status)
    before = copy.deepcopy(state)
    moved = from_1(state)
    assert state == before
    assert BESIDE not in moved
    assert moved["plan"] == status["plan"]
    assert from_1(state) == moved


def test_a_drill_of_version_1_that_had_no_plan_yet_has_none() -> None:
    assert "plan" not in from_1(gathered({"version": 1, "engine": {}}, {}))


def test_a_later_version_keeps_nothing_beside_the_state() -> None:
    assert gathered({"version": 2, "engine": {}}, {"plan": "{}"}) == {"version": 2, "engine": {}}


@pytest.mark.parametrize("status", VERSION_1.values(), ids=VERSION_1)
def test_what_version_1_cut_and_asked_is_a_dependency(status: dict[str, Any]) -> None:
    restored = restore(DRILL | {"status": status}, 0.0)
    assert restored.plan is not None
    ((_, partition),) = cuts_of(restored.plan)
    server = next(
        (
            redis
            for probe in restored.plan.probes
            if (redis := probe.settings.destination) is not None and redis.protocol == "redis"
        ),
        None,
    )
    assert partition.dependency.redis == server
    assert partition.to == ServiceRef("redis")
    cuts = restored.setup.cuts if restored.setup is not None else ()
    assert [cut.fault for cut in cuts] in ([], ["partition"])
    assert any(cut.closing is not None for cut in cuts) <= (server is not None)


@pytest.mark.parametrize("servers", [[], [["10.0.0.3", 6379], ["10.0.0.4", 6379]]])
def test_the_probe_by_which_version_1_closed_connections_is_left_out(servers: list[Any]) -> None:
    severs = {"probe": "jobs", "servers": servers}
    moved = from_1(gathered({"version": 1, "engine": {}, "setup": {"backend": "x", "severs": severs}}, {}))
    assert moved["setup"]["cuts"] == [{"fault": "", "backend": "x", "closing": {"servers": servers}, "bystanders": []}]


def spared(stays: list[Any], field: str = "mustRemainReachable") -> dict[str, Any]:
    """A status of version 1 whose plan spares these; of those that are hosts its setup tells as well."""
    status = VERSION_1["under the cut"]
    plan, state = json.loads(status["plan"]), json.loads(status["state"])
    cut = plan["outage"]["faults"][0]["networkPartition"]
    del cut["mustRemainReachable"]
    cut[field] = stays
    hosts = [[stay["name"], stay["host"], stay["port"]] for stay in stays if "host" in stay]
    text = json.dumps(plan)
    return status | {
        "state": json.dumps(state | {"setup": {"backend": "NetworkPolicy", "bystanders": hosts}}),
        "plan": text,
        "planDigest": f"sha256:{hashlib.sha256(text.encode()).hexdigest()}",
    }


@pytest.mark.parametrize("field", ["mustRemainReachable", "mustStay"])
def test_each_bystander_of_version_1_is_dialled_on(field: str) -> None:
    stays = [
        {"name": "here", "service": {"name": "mail", "port": 25}},
        {"name": "there", "service": {"name": "mail", "namespace": "other", "port": 25}, "apiServer": False},
        {"name": "bank", "host": "bank.example", "port": 443},
        {"name": "api", "apiServer": True},
    ]
    restored = restore(DRILL | {"status": spared(stays, field)}, 0.0)
    assert restored.unreadable == ""
    assert restored.setup is not None
    (cut,) = restored.setup.cuts
    assert sorted(cut.bystanders) == [
        ("api", "kubernetes.default.svc", 443),
        ("bank", "bank.example", 443),
        ("here", "mail.town-0.svc", 25),
        ("there", "mail.other.svc", 25),
    ]


def test_a_bystander_of_version_1_without_a_port_was_never_dialled() -> None:
    restored = restore(DRILL | {"status": spared([{"name": "mail", "service": {"name": "mail"}}])}, 0.0)
    assert restored.setup is not None
    assert [cut.bystanders for cut in restored.setup.cuts] == [()]


def test_a_report_reads_a_bystander_of_version_1_without_the_namespace() -> None:
    saved = saved_of(spared([{"name": "mail", "service": {"name": "mail", "port": 25}}]))
    assert saved is not None
    assert saved.setup is not None
    assert [cut.bystanders for cut in saved.setup.cuts] == [(("mail", "mail", 25),)]


@pytest.mark.parametrize("status", VERSION_1.values(), ids=VERSION_1)
def test_what_version_1_had_proven_is_proven_of_its_fault(status: dict[str, Any]) -> None:
    """A cut that is not known to be proven would not be held to sparing nobody."""
    record = restore(DRILL | {"status": status}, 0.0).record
    assert record is not None
    for change in record.changes:
        cut = change.kind == "networkPartition"
        assert (change.proven_at, change.effect_at) == (
            (record.proven_at, record.outage_started_at) if cut else (None, None)
        )


def test_some_of_version_1_was_proven() -> None:
    assert any('"proven_at"' in status["state"] for status in VERSION_1.values())
