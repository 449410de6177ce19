"""The policies of ``components/policy``: complete, fail closed, and let the operator of the manifests through."""

from pathlib import Path

import pytest

from gameday.cluster.resources import Object
from unit.manifests.reading import MANIFESTS, OPERATOR, only, overlay, written

POLICY = MANIFESTS / "components" / "policy"
KINDS = {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}


def of_kind(kind: str) -> dict[str, Object]:
    return {body["metadata"]["name"]: body["spec"] for _, body in written(POLICY) if body["kind"] == kind}


def test_every_policy_is_bound_everywhere_denies_and_fails_closed() -> None:
    policies, bindings = of_kind("ValidatingAdmissionPolicy"), of_kind("ValidatingAdmissionPolicyBinding")
    assert set(policies) == {"gameday-status", "gameday-drills", "gameday-schedules"}
    assert bindings == {name: {"policyName": name, "validationActions": ["Deny"]} for name in policies}
    for spec in policies.values():
        assert spec["failurePolicy"] == "Fail"
        for validation in spec["validations"]:
            assert validation["reason"] == "Forbidden"
            assert "message" in validation or "messageExpression" in validation


@pytest.mark.parametrize("name", ["gameday-status", "gameday-drills"])
def test_the_operator_is_let_through_by_the_name_of_its_account(name: str) -> None:
    account = only((body for _, body in written(OPERATOR)), "ServiceAccount")["metadata"]
    spec = of_kind("ValidatingAdmissionPolicy")[name]
    rules = spec.get("matchConditions", ()) or spec["validations"]
    assert f"'system:serviceaccount:{account['namespace']}:{account['name']}'" in rules[0]["expression"]


def test_the_status_of_every_resource_is_kept() -> None:
    (rule,) = of_kind("ValidatingAdmissionPolicy")["gameday-status"]["matchConstraints"]["resourceRules"]
    crds = [body["spec"] for _, body in written(MANIFESTS.parent / "crds")]
    assert {f"{crd['names']['plural']}/status" for crd in crds} == set(rule["resources"])
    assert all("status" in version["subresources"] for crd in crds for version in crd["versions"])


def test_the_verb_that_is_asked_for_is_the_one_that_the_role_holds() -> None:
    role = only((body for _, body in written(POLICY)), "ClusterRole")
    (rule,) = role["rules"]
    (verb,), (resource,), (name,) = rule["verbs"], rule["resources"], rule["resourceNames"]
    asked = f"resource('{resource}').namespace(request.namespace).name('{name}').check('{verb}').allowed()"
    for policy in ("gameday-drills", "gameday-schedules"):
        (validation,) = of_kind("ValidatingAdmissionPolicy")[policy]["validations"]
        assert validation["expression"].endswith(asked)
        assert f"--clusterrole={role['metadata']['name']} " in validation["messageExpression"]
        assert f"the verb {verb} on its ServiceAccount {name}" in validation["messageExpression"]


def test_the_documented_overlay_adds_both_to_the_operator(tmp_path: Path) -> None:
    bodies = overlay(tmp_path, "components/policy/status")
    assert len([body for body in bodies if body["kind"] in KINDS]) == 6
    assert only(bodies, "ClusterRole", "gameday-drill")
    assert only(bodies, "Deployment")
