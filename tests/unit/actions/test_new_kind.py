"""A kind of action that is added: a file and a line of a registry, and it goes all the way from YAML to its revert."""

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest
from pydantic import ValidationError

from gameday.actions.job import RunJobKind
from gameday.actions.kind import (
    ActionContext,
    ActionKind,
    DryRunContext,
    PlannedKind,
    PreflightContext,
    RunKind,
    Use,
    Watch,
)
from gameday.actions.kinds import AnyKind, Kinds
from gameday.actions.network_partition.partition import Partition
from gameday.actions.preflight import check as preflight
from gameday.actions.preflight import needed
from gameday.actions.registry import KINDS
from gameday.api.actions import fault_model, fault_of, step_model
from gameday.api.checks import check
from gameday.api.reference import page
from gameday.api.roles import files
from gameday.cluster.client import Cluster
from gameday.errors import PlanInvalid, Rejected
from gameday.model.change import Change, Observed, Presence, RunState
from gameday.model.labels import DRILL
from gameday.model.plan import Action, Fault, Plan
from gameday.preflight.rights import Right
from gameday.schema.named import Dependencies
from gameday.schema.structural import structural
from unit.actions.example.no_evictions import BUDGETS, NoEvictions, NoEvictionsKind, NoEvictionsSpec
from unit.actions.watched import Watched
from unit.api_server import ApiServer
from unit.documented import stale
from unit.preflight.things import a_snapshot, plan

MORE: Final = Kinds((*KINDS, NoEvictionsKind()))
EXAMPLE: Final = Path(__file__).parent / "example" / "no_evictions.py"
PAGE: Final = Path(__file__).parents[3] / "docs" / "dev" / "add-an-action.md"
ACTION: Final = NoEvictions({"app": "api"})
CHANGE: Final = Change("hold", "noEvictions", "PodDisruptionBudget", "first-hold", "first-fuse", fuse_uid="fuse-uid")


def parsed(**kinds: Any) -> Fault:
    """A fault from YAML."""
    fault = fault_model(MORE).model_validate({"name": "hold", **kinds})
    return fault_of(Dependencies((), "spec.outage.faults[0]"), fault, MORE)


def planned(action: Action) -> Plan:
    """A plan with one fault."""
    whole = plan()
    return replace(whole, outage=replace(whole.outage, faults=(Fault("hold", action),)))


def kind() -> NoEvictionsKind:
    found = MORE.changes["noEvictions"]
    assert isinstance(found, NoEvictionsKind)
    return found


def scene(cluster: Cluster, seen: Watched) -> ActionContext:
    return ActionContext(cluster, "shop", "first", "drill-uid", seen)


def test_the_crd_has_its_field_and_its_rule_where_it_may_be_used() -> None:
    schema = structural(fault_model(MORE))
    assert list(schema["properties"]) == [
        "name",
        "networkPartition",
        "scale",
        "podDelete",
        "manual",
        "http",
        "redisAcl",
        "noEvictions",
    ]
    assert schema["properties"]["noEvictions"]["description"] == "Let nobody evict some pods."
    assert schema["properties"]["noEvictions"]["required"] == ["matchLabels"]
    rules = {rule["message"]: rule["rule"] for rule in schema["x-kubernetes-validations"]}
    assert (
        "(has(self.noEvictions) ? 1 : 0) == 1"
        in rules["give exactly one of networkPartition, scale, podDelete, manual, http, redisAcl and noEvictions"]
    )
    assert list(structural(step_model(MORE))["properties"]) == [
        "name",
        "irreversible",
        "scale",
        "restore",
        "job",
        "restart",
        "http",
        "httpOnce",
    ]


def test_the_page_of_fields_has_it() -> None:
    made = page(structural(fault_model(MORE)))
    assert "| `noEvictions` | object | Let nobody evict some pods. |" in made
    assert "| **`matchLabels`** | map to strings | Labels that the pods have. |" in made


def test_a_rule_of_a_kind_is_one_of_what_holds_it() -> None:
    rules = structural(step_model(MORE))["x-kubernetes-validations"]
    assert RunJobKind.rules[0] in [(rule["rule"], rule["message"]) for rule in rules]


def test_yaml_becomes_its_action() -> None:
    assert parsed(noEvictions={"matchLabels": {"app": "api"}}) == Fault("hold", ACTION)
    with pytest.raises(ValidationError):
        parsed(noEvictions={"matchLabels": {"app": "api"}, "all": True})


CUT: Final = {"podSelector": {"matchLabels": {"app": "api"}}, "to": ["redis"]}


@pytest.mark.parametrize("kinds", [{}, {"networkPartition": CUT, "noEvictions": {"matchLabels": {"app": "api"}}}])
def test_none_and_two_of_the_kinds_are_refused(kinds: dict[str, Any]) -> None:
    kinds_are = "networkPartition, scale, podDelete, manual, http, redisAcl and noEvictions"
    message = rf"spec\.outage\.faults\[0\]: give exactly one of {kinds_are}"
    with pytest.raises(PlanInvalid, match=message):
        parsed(**kinds)


def test_of_one_kind_the_message_says_that_it_is_missing() -> None:
    alone = Kinds((Partition(),))
    fault = fault_model(alone).model_validate({"name": "cut"})
    with pytest.raises(PlanInvalid, match="networkPartition is missing: write it"):
        fault_of(Dependencies(()), fault, alone)


def test_its_findings_stand_below_its_key() -> None:
    found = check(planned(NoEvictions({DRILL: "first"})), actions=MORE)
    assert "spec.outage.faults[0].noEvictions.matchLabels" in [finding.path for finding in found]


def test_its_preflight_stands_below_its_key_and_asks_for_its_rights() -> None:
    budget = {"metadata": {"name": "api"}, "spec": {"selector": {"matchLabels": {"app": "api"}}}}
    found = preflight(a_snapshot(poddisruptionbudgets=(budget,)), planned(ACTION), MORE)
    assert [one.path for one in found if one.code == "AlreadyHeld"] == [
        "spec.outage.faults[hold].noEvictions.matchLabels"
    ]
    (missing,) = [one.message for one in found if one.code == "MissingRights"]
    assert "may not get, watch, create, delete poddisruptionbudgets" in missing
    assert BUDGETS in MORE.reads(planned(ACTION))
    assert BUDGETS not in MORE.reads(plan())


def test_a_team_can_grant_its_rights() -> None:
    made = files(MORE)
    assert "- components/actions/noEvictions\n" in made["kustomization.yaml"]
    assert "resources: [poddisruptionbudgets]" in made["components/actions/noEvictions/kustomization.yaml"]
    assert "poddisruptionbudgets" not in made["base/role.yaml"]


def of_state(seen: Watched, cluster: Cluster, change: Change | None = CHANGE) -> Observed:
    return kind().observe(scene(cluster, seen), "hold", ACTION, change)


def test_it_is_observed_from_its_watch(cluster: Cluster) -> None:
    (watch,) = kind().watches(scene(cluster, Watched()), "hold", ACTION, None)
    assert watch == Watch("noEvictions", BUDGETS, labels=f"{DRILL}=first", blocks=False)
    there = {"metadata": {"name": "first-hold", "uid": "u"}, "spec": {"maxUnavailable": 0}}
    assert of_state(Watched.of({"noEvictions": (there,)}, synced=False), cluster).presence is Presence.UNKNOWN
    before = of_state(Watched(), cluster, None)
    assert (before.presence, before.object_name) == (Presence.ABSENT, "first-hold")
    present = of_state(Watched.of({"noEvictions": (there,)}), cluster)
    assert (present.presence, present.uid) == (Presence.PRESENT, "u")
    changed = there | {"spec": {"maxUnavailable": 1}}
    assert of_state(Watched.of({"noEvictions": (changed,)}), cluster).presence is Presence.TAMPERED


async def test_it_is_applied_and_reverted_twice_alike(api_server: ApiServer, cluster: Cluster) -> None:
    seen = Watched()
    for _ in range(2):
        await kind().apply(scene(cluster, seen), ACTION, CHANGE, "")
    made = api_server.objects["poddisruptionbudgets", "shop", "first-hold"]
    assert made["metadata"]["ownerReferences"][0]["uid"] == "fuse-uid"
    assert of_state(seen, cluster).presence is Presence.PRESENT
    for _ in range(2):
        await kind().revert(scene(cluster, seen), CHANGE)
    assert not api_server.objects
    assert of_state(seen, cluster).presence is Presence.ABSENT


async def test_what_is_not_the_drills_is_left_alone(api_server: ApiServer, cluster: Cluster) -> None:
    theirs = {"metadata": {"name": "first-hold"}, "spec": {"maxUnavailable": 0}}
    api_server.put("poddisruptionbudgets", "shop", theirs)
    with pytest.raises(Rejected, match="belongs to somebody else: delete it, or rename the Drill"):
        await kind().apply(scene(cluster, Watched()), ACTION, CHANGE, "")
    await kind().revert(scene(cluster, Watched()), CHANGE)
    assert api_server.objects


class Other(NoEvictions):
    """An action that says another name than its kind."""

    KIND: ClassVar[str] = "other"


class Named(NoEvictionsKind):
    planned = Other


class Nowhere(NoEvictionsKind):
    uses = frozenset[Use]()


class Once(NoEvictions):
    REVERSIBLE: ClassVar[bool] = False


class RunsOnce(NoEvictionsKind):
    planned = Once


class Reverts(NoEvictions):
    REVERTS: ClassVar[str] = "scale"


class BothWays(NoEvictionsKind):
    planned = Reverts


class Unmarked(PlannedKind[NoEvictionsSpec, NoEvictions]):
    """It makes a change, and says neither how nor that another kind makes it."""

    name = "noEvictions"
    planned = NoEvictions
    uses = frozenset({Use.FAULT})

    def parse(self, spec: NoEvictionsSpec, named: Dependencies) -> NoEvictions:
        return NoEvictions(spec.match_labels)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (NoEvictionsKind(), "two kinds of actions are called 'noEvictions'"),
        (Named(), "'noEvictions' plans actions whose KIND is 'other'"),
        (Nowhere(), "may be neither a fault nor a step"),
        (RunsOnce(), "a RunKind plans actions that are not REVERSIBLE"),
        (BothWays(), "an ActionKind makes a change of its own"),
        (Unmarked(), "an ActionKind makes a change of its own"),
    ],
)
def test_a_kind_that_does_not_fit_what_it_says_is_refused(wrong: AnyKind, says: str) -> None:
    first = (NoEvictionsKind(),) if type(wrong) is NoEvictionsKind else ()
    with pytest.raises(ValueError, match=says):
        Kinds((*first, wrong))


def test_each_action_needs_no_more_than_its_kind_grants() -> None:
    cut = plan().outage.faults[0].action
    for cilium in (True, False):
        here = a_snapshot(cilium=cilium)
        allowed = {(r.resource, r.subresource, verb) for r in KINDS.of(cut).grants for verb in r.verbs}
        assert {(r.resource, r.subresource, v) for r in KINDS.of(cut).rights(cut, here) for v in r.verbs} <= allowed
    assert Right(BUDGETS, ("get", "list", "watch", "create", "delete")) in list(
        needed(a_snapshot(), planned(ACTION), MORE)
    )


@pytest.mark.parametrize("name", [name for name, one in KINDS.changes.items() if one.fused])
def test_each_kind_with_a_fuse_says_what_its_fuse_does(name: str) -> None:
    made = KINDS.changes[name]
    assert made.fuse_does != ActionKind.fuse_does, f"{type(made).__name__} says nothing: give it fuse_does"


def test_the_page_on_adding_a_kind_shows_this_very_one() -> None:
    assert f"```python\n{EXAMPLE.read_text()}```" in PAGE.read_text()


def test_the_page_names_the_members_of_a_kind_as_they_are() -> None:
    assert stale(PAGE, PlannedKind, ActionKind, RunKind) == []


def test_what_the_page_says_of_a_context_is_a_field_of_it() -> None:
    known = {one.name for context in (ActionContext, PreflightContext, DryRunContext) for one in fields(context)}
    prose = PAGE.read_text().replace(EXAMPLE.read_text(), "")
    named = set(re.findall(r"`ctx\.(\w+)", prose))
    assert {"snapshot", "cache", "agent_pod"} <= named
    assert named <= known


def test_the_page_names_states_and_what_is_observed_as_they_are() -> None:
    """In the tables of what a kind says, and of what the engine does then."""
    said = {word for line in PAGE.read_text().splitlines() for word in re.findall(r"`([A-Z_]{2,})`", line)}
    states = {*Presence.__members__, *RunState.__members__}
    assert states <= said, "each has a row"
    actions = {name for name in dir(Action) if name.isupper()}
    constants = {"KIND", "KINDS", "NOTED", "EVERY_DRILL", "REFUSE", "WARN"}
    assert said <= states | actions | constants


def test_the_page_names_all_kinds_in_the_order_of_the_registry() -> None:
    first = PAGE.read_text().split("\n\n")[1]
    assert re.findall(r"`(\w+)`", first) == [one.name for one in KINDS]
    _, _, registry = PAGE.read_text().partition("KINDS: Final = Kinds(")
    made = re.findall(r"^ +(\w+)\(\),$", registry.partition("```")[0], re.MULTILINE)
    assert made == [type(one).__name__ for one in MORE]
