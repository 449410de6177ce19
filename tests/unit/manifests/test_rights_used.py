"""The comparison of rights given and used: what it takes for a use, for one too few, and for one that was meant."""

import json
from typing import Any

import pytest

from e2e.notes import NamespaceNotes
from e2e.rights import IMPERSONATE, Found, Right, compare, given, rights_of

NAMESPACE = "e2e-town-1"
OPERATOR = f"system:serviceaccount:{NAMESPACE}:gameday-operator"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:gameday"
ROLE = {
    "kind": "ClusterRole",
    "metadata": {"name": "gameday-operator"},
    "rules": [
        {"apiGroups": ["gameday.dev"], "resources": ["drills", "drills/status"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["one", "two"], "verbs": ["list"]},
    ],
}
RIGHTS = list(rights_of(ROLE))
BINDING = f'RBAC: allowed by ClusterRoleBinding "gameday-operator-{NAMESPACE}" of ClusterRole "gameday-operator" to it'


def event(verb: str, resource: str, /, user: str = OPERATOR, reason: str = BINDING, **also: Any) -> dict[str, Any]:
    """One line of the audit log."""
    target = {"resource": resource, "namespace": NAMESPACE, "apiGroup": "gameday.dev"}
    return {
        "stage": "ResponseComplete",
        "requestReceivedTimestamp": "2026-11-27T20:00:05.000000Z",
        "user": {"username": user},
        "verb": verb,
        "objectRef": target | also.pop("target", {}),
        "responseStatus": {"code": 200},
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": reason},
    } | also


FORBIDDEN: Any = {"responseStatus": {"code": 403}, "annotations": {"authorization.k8s.io/decision": "forbid"}}


def stages(*notes: dict[str, str]) -> NamespaceNotes:
    made = {"namespace": NAMESPACE, "at": "2026-11-27T20:00:00.000000Z"}
    return NamespaceNotes.read(json.dumps(note) for note in (made, *notes))


def held(*events: dict[str, Any], seen: NamespaceNotes | None = None) -> Found:
    return compare(events, RIGHTS, seen or stages())


def test_each_verb_of_each_resource_and_name_is_a_right_of_its_own() -> None:
    assert [str(right) for right in RIGHTS] == [
        "ClusterRole gameday-operator: get drills.gameday.dev",
        "ClusterRole gameday-operator: get drills/status.gameday.dev",
        "ClusterRole gameday-operator: list configmaps one",
        "ClusterRole gameday-operator: list configmaps two",
    ]


def test_what_nobody_asked_for_is_unused() -> None:
    found = held(event("get", "drills"))
    assert found.unused(RIGHTS) == sorted(RIGHTS[1:])
    assert not found.refused


def test_a_subresource_is_not_its_resource() -> None:
    found = held(event("get", "drills", target={"subresource": "status"}))
    assert RIGHTS[0] in found.unused(RIGHTS)
    assert RIGHTS[1] not in found.unused(RIGHTS)


def test_a_right_that_is_bound_to_a_name_is_used_by_that_name_only() -> None:
    found = held(event("list", "configmaps", target={"apiGroup": "", "name": "two"}))
    assert RIGHTS[2] in found.unused(RIGHTS)
    assert RIGHTS[3] not in found.unused(RIGHTS)


def test_a_right_is_not_used_by_what_another_role_allowed() -> None:
    found = held(event("get", "drills", reason='RBAC: allowed by RoleBinding "x/y" of Role "of-a-test" to it'))
    assert RIGHTS[0] in found.unused(RIGHTS)
    assert dict(found.elsewhere) == {"Role of-a-test: get drills": 1}


def test_the_role_that_a_stage_names_after_itself_is_the_one_in_the_manifests() -> None:
    dns = Right("Role gameday-operator-dns", "", "services", "kube-dns", "get")
    by = f'RBAC: allowed by RoleBinding "x/kube-system" of Role "gameday-operator-dns-{NAMESPACE}" to it'
    asked = event("get", "services", reason=by, target={"apiGroup": "", "name": "kube-dns", "namespace": "kube-system"})
    assert compare([asked], [dns], stages()).unused([dns]) == []


def test_what_is_refused_is_missing_whoever_asked() -> None:
    found = held(
        event("get", "secrets", target={"apiGroup": "", "name": "x"}, **FORBIDDEN),
        event("list", "pods", user=ACCOUNT, target={"apiGroup": ""}, **FORBIDDEN),
        event("watch", "jobs", impersonatedUser={"username": ACCOUNT}, target={"apiGroup": "batch"}, **FORBIDDEN),
    )
    assert dict(found.refused) == {
        f"operator: get secrets x in {NAMESPACE}": 1,
        f"account: list pods in {NAMESPACE}": 1,
        f"account: watch jobs.batch in {NAMESPACE}": 1,
    }


def test_an_impersonation_that_is_refused_is_missing_and_one_that_is_allowed_is_used() -> None:
    refused = event("get", "drills", responseStatus={"code": 403}, annotations={})
    assert dict(held(refused).refused) == {f"operator: get drills.gameday.dev in {NAMESPACE}": 1}
    assert IMPERSONATE not in held(refused).used
    assert IMPERSONATE in held(event("get", "drills", impersonatedUser={"username": ACCOUNT})).used


def test_what_admission_refuses_is_no_matter_of_rights() -> None:
    assert not held(event("get", "drills", responseStatus={"code": 403})).refused


def test_a_refusal_is_meant_only_after_the_test_said_so_and_only_there() -> None:
    refused = event("get", "secrets", **FORBIDDEN)
    later = {"namespace": NAMESPACE, "at": "2026-11-27T20:00:06.000000Z", "reason": "the account is taken away"}
    earlier = later | {"at": "2026-11-27T20:00:04.000000Z"}
    elsewhere = earlier | {"namespace": "e2e-other-2"}
    assert held(refused, seen=stages(later)).refused
    assert held(refused, seen=stages(elsewhere)).refused
    found = held(refused, seen=stages(earlier))
    assert not found.refused
    assert dict(found.meant) == {"the account is taken away": 1}


def test_others_on_the_same_cluster_are_not_counted() -> None:
    other = "system:serviceaccount:e2e-other-2:gameday-operator"
    found = held(event("get", "secrets", user=other, **FORBIDDEN), event("get", "drills", user="admin"))
    assert found == Found()


@pytest.mark.parametrize(("who", "role"), [("operator", "ClusterRole gameday-operator"), ("account", "Role gameday")])
def test_the_manifests_are_read(who: str, role: str) -> None:
    assert role in {right.role for right in given(who)}
    assert who != "operator" or IMPERSONATE in given(who)
