"""The kind ``manual``: what a plan must say of it, what it asks for, and that a status without a fuse is read back."""

from dataclasses import replace
from typing import Any, Final

import pytest

from gameday.actions.blast_radius import blast_radius
from gameday.actions.kind import ActionContext
from gameday.actions.manual import WITHOUT_FUSE, Manual, ManualKind
from gameday.actions.preflight import check as preflight
from gameday.actions.registry import KINDS
from gameday.api.actions import fault_model, fault_of
from gameday.api.checks import check
from gameday.api.drill import confirmed_of
from gameday.api.undo_entries import read, shown
from gameday.api.undo_log import change_of, entry_of
from gameday.cluster.client import Cluster
from gameday.engine.drill import timeouts
from gameday.errors import PlanInvalid
from gameday.model.change import Change, ChangeState, Presence
from gameday.model.plan import Action, Fault, Plan
from gameday.preflight.findings import Severity
from gameday.schema.named import Dependencies
from gameday.schema.structural import structural
from unit.actions.watched import Watched
from unit.preflight.things import a_snapshot, plan

SPEC: Final = {"do": "switch it off", "undo": "switch it on", "undone": "redis.ok", "withoutFuse": True}
ACT: Final = Manual("switch it off", "switch it on", "redis.ok", "!redis.ok")


def kind() -> ManualKind:
    made = KINDS.changes["manual"]
    assert isinstance(made, ManualKind)
    return made


def parsed(**spec: Any) -> Action:
    fault = fault_model(KINDS).model_validate({"name": "off", "manual": SPEC | spec})
    return fault_of(Dependencies((), "spec.outage.faults[0]"), fault, KINDS).action


def planned(*actions: Action) -> Plan:
    whole = plan()
    faults = tuple(Fault(f"f{number}", action) for number, action in enumerate(actions))
    return replace(whole, outage=replace(whole.outage, faults=faults))


def scene(cluster: Cluster) -> ActionContext:
    return ActionContext(cluster, "shop", "first", "drill-uid", Watched())


def test_yaml_becomes_its_action() -> None:
    assert parsed(seen="!redis.ok", within="2m") == replace(ACT, within=120.0)
    assert parsed().signs == {"undone": "redis.ok"}


def test_it_must_say_that_it_has_no_fuse() -> None:
    with pytest.raises(PlanInvalid, match=r"spec\.outage\.faults\[0\]\.manual\.withoutFuse: nothing undoes a manual"):
        parsed(withoutFuse=False)
    rules = structural(fault_model(KINDS))["properties"]["manual"]["x-kubernetes-validations"]
    assert {"rule": "self.withoutFuse", "message": WITHOUT_FUSE} in rules


@pytest.mark.parametrize(
    ("sign", "text", "says"),
    [
        ("seen", "nobody.ok", "there is no probe 'nobody'"),
        ("undone", "redis.ok &&", ""),
        ("undone", "true", "the expression uses no probe"),
        ("seen", "increase(redis.latency) > 1", "increase and baseline belong to expectations"),
        ("undone", "redis.latency < baseline.redis.latency", "increase and baseline belong to expectations"),
    ],
)
def test_its_expressions_are_checked_with_their_path(sign: str, text: str, says: str) -> None:
    changed: dict[str, Any] = {sign: text}
    whole = planned(replace(ACT, **changed))
    probes = (replace(whole.probes[0], name="redis"), *whole.probes)
    found = {
        f.message for f in check(replace(whole, probes=probes)) if f.path == f"spec.outage.faults[0].manual.{sign}"
    }
    assert found
    assert any(says in message for message in found)


def test_the_preflight_warns_and_refuses_nothing() -> None:
    found = [one for one in preflight(a_snapshot(), planned(ACT)) if "manual" in one.path]
    assert [(one.code, one.severity) for one in found] == [("WithoutFuse", Severity.WARN)]
    found = [one for one in preflight(a_snapshot(), planned(replace(ACT, seen=None))) if "manual" in one.path]
    assert [one.code for one in found] == ["WithoutFuse", "NotSeen"]


def test_it_hits_no_pods_and_needs_no_rights() -> None:
    assert blast_radius(a_snapshot(), planned(ACT)).pods == {"spec.outage.faults[f0].manual.": 0}
    assert (ManualKind.grants, ManualKind.reads) == ((), ())


def test_it_asks_for_the_act_and_then_for_its_undo_also_without_a_plan(cluster: Cluster) -> None:
    before = kind().observe(scene(cluster), "f0", ACT, None)
    assert (before.presence, before.shown) == (Presence.ABSENT, "do it within 600 s: switch it off")
    assert before.by_hand
    change = Change("f0", "manual", "Drill", "first", "", before=before.before, wanted=before.wanted)
    assert kind().observe(scene(cluster), "f0", ACT, change).presence is Presence.ABSENT
    asked = replace(change, requested_at=1.0, state=ChangeState.ACTIVE)
    for action in (ACT, None):
        there = kind().observe(scene(cluster), "f0", action, asked)
        assert (there.presence, there.shown) == (Presence.PRESENT, "undo it now: switch it on")


def test_an_entry_of_the_undo_log_without_a_fuse_is_read_back() -> None:
    change = Change(
        "f0", "manual", "Drill", "first", "", ChangeState.ACTIVE, {"acted": False}, {"acted": True, "undo": "x"},
        registered_at=1_800_000_000.0, requested_at=1_800_000_001.0,
    )  # fmt: skip
    line = shown(entry_of(change))
    assert "fusedBy" not in line
    again = change_of(read(line))
    assert (again.fuse_name, again.wanted, again.state) == ("", change.wanted, ChangeState.ACTIVE)


def test_an_entry_of_a_kind_with_a_fuse_is_damaged_without_one() -> None:
    change = Change("s", "scale", "Deployment", "worker", "fuse", before={"replicas": 3}, wanted={"replicas": 0})
    line = shown(entry_of(change))
    del line["fusedBy"]
    with pytest.raises(KeyError):
        change_of(read(line))


def test_what_people_confirm_is_read_from_annotations() -> None:
    said = {"confirm.gameday.dev/off": "done", "confirm.gameday.dev/on": "maybe", "other/off": "undone"}
    assert confirmed_of({"metadata": {"annotations": said}}) == {"off": "done"}
    assert confirmed_of({"metadata": {}}) == {}


def test_other_fuses_last_while_a_person_is_waited_for() -> None:
    alone, beside = planned(*[plan().outage.faults[0].action] * 2), planned(plan().outage.faults[0].action, ACT)
    assert timeouts.fuse_of_faults(beside) == timeouts.fuse_of_faults(alone) + 600 - timeouts.PROVE
    assert timeouts.longest(beside) > timeouts.longest(alone) + timeouts.RETRY
