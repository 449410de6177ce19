"""The ClusterRoles of ``components/people``: they aggregate to view, edit and admin, and never give a status."""

from pathlib import Path

import pytest

from gameday.cluster.resources import Object
from unit.manifests.reading import MANIFESTS, OPERATOR, overlay, written
from unit.manifests.test_rights import READS, rights

PEOPLE = MANIFESTS / "components" / "people"
AGGREGATES = "rbac.authorization.k8s.io/aggregate-to-"
WRITES = {"create", "update", "patch", "delete"}


def roles() -> list[Object]:
    return [body for _, body in written(PEOPLE)]


def given(to: str) -> set[tuple[str, str, str]]:
    """What a ClusterRole of Kubernetes' own gets: group, resource and verb."""
    found = [body for body in roles() if body["metadata"]["labels"].get(f"{AGGREGATES}{to}") == "true"]
    return {(group, resource, verb) for role in found for _, group, resource, _, verb in rights(role)}


def everything(verbs: set[str]) -> set[tuple[str, str, str]]:
    return {("gameday.dev", resource, verb) for resource in ("gamedays", "drills") for verb in verbs}


def test_who_may_view_reads_and_who_may_edit_or_administer_also_writes() -> None:
    assert given("view") == everything(READS)
    assert given("edit") == given("admin") == everything(READS | WRITES)


def test_nobody_gets_a_status_or_anything_but_our_own_kinds() -> None:
    every = {right for role in roles() for right in rights(role)}
    assert {(group, resource) for _, group, resource, _, _ in every} == {
        ("gameday.dev", "gamedays"),
        ("gameday.dev", "drills"),
    }
    assert {body["kind"] for body in roles()} == {"ClusterRole"}, "and nobody is bound to one"


def test_the_operator_alone_gives_people_nothing() -> None:
    labels = [body["metadata"].get("labels", {}) for _, body in written(OPERATOR)]
    assert not [label for found in labels for label in found if label.startswith(AGGREGATES)]


def test_the_installation_that_is_shown_renders_with_both_roles(tmp_path: Path) -> None:
    names = {
        body["metadata"]["name"] for body in overlay(tmp_path, "components/people") if body["kind"] == "ClusterRole"
    }
    assert {"gameday-view", "gameday-edit", "gameday-operator"} <= names


@pytest.mark.parametrize("word", ["power of the account `gameday`", "policy/author"])
def test_what_creating_a_drill_means_stands_beside_the_right(word: str) -> None:
    assert word in (PEOPLE / "roles.yaml").read_text()
