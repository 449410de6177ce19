"""Rights: the operator's are these and no other; a namespace's account can do what plans need, and changes no more."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gameday.actions.preflight import needed
from gameday.actions.registry import KINDS
from gameday.api import roles as made
from gameday.api.parse import plan_of
from gameday.cluster.resources import (
    CILIUM_NETWORK_POLICIES,
    CONFIG_MAPS,
    DEPLOYMENTS,
    NETWORK_POLICIES,
    Object,
    Resource,
)
from gameday.preflight.policies.isolators import OF_CLUSTER, OF_NAMESPACE
from gameday.preflight.rights import EVERY_DRILL, EVERY_PREFLIGHT, KEEPING, Right, may, missing
from gameday.preflight.snapshot import ESSENTIAL, NamespaceSnapshot
from gameday.probes.kinds import KINDS as PROBES
from granted import NAMESPACE, components, role
from unit.manifests.reading import MANIFESTS, OPERATOR, only, overlay, rendered, written

EXAMPLE = MANIFESTS / "examples" / "redis-failover.yaml"
OWN = "Role gameday-system"
DNS = "Role kube-system"
EVERYWHERE = "ClusterRole"
Given = tuple[str, str, str, str, str]
"""Where, API group, resource, name or nothing, verb."""

CALICO = ("crd.projectcalico.org", "projectcalico.org")
TIERS = ("admin", "baselineadmin", "cluster")

OPERATOR_MAY: set[Given] = {
    *((EVERYWHERE, "gameday.dev", "gamedays", "", verb) for verb in ("get", "list", "watch")),
    *((EVERYWHERE, "gameday.dev", "drills", "", verb) for verb in ("get", "list", "watch")),
    (EVERYWHERE, "gameday.dev", "gamedays/status", "", "update"),
    (EVERYWHERE, "gameday.dev", "drills/status", "", "update"),
    *((EVERYWHERE, "gameday.dev", "drills", "", verb) for verb in ("create", "patch", "delete")),
    (EVERYWHERE, "coordination.k8s.io", "leases", "", "create"),
    *((EVERYWHERE, "coordination.k8s.io", "leases", "gameday", verb) for verb in ("get", "update", "delete")),
    *((EVERYWHERE, "events.k8s.io", "events", "", verb) for verb in ("create", "patch")),
    *((EVERYWHERE, "", "serviceaccounts", "gameday", verb) for verb in ("list", "watch", "impersonate")),
    *((OWN, "coordination.k8s.io", "leases", "gameday-operator", verb) for verb in ("get", "update")),
    *((OWN, "", "configmaps", "gameday-halt", verb) for verb in ("get", "list", "watch")),
    *((OWN, "", "configmaps", "gameday-limits", verb) for verb in ("list", "watch")),
    (OWN, "", "pods", "", "get"),
    (EVERYWHERE, "cilium.io", "ciliumclusterwidenetworkpolicies", "", "list"),
    *((EVERYWHERE, group, "globalnetworkpolicies", "", "list") for group in CALICO),
    *((EVERYWHERE, "policy.networking.k8s.io", f"{kind}networkpolicies", "", "list") for kind in TIERS),
    (EVERYWHERE, "crd.antrea.io", "clusternetworkpolicies", "", "list"),
    (EVERYWHERE, "networking.k8s.aws", "clusternetworkpolicies", "", "list"),
    (DNS, "", "services", "kube-dns", "get"),
}  # fmt: skip
"""Everything that the operator does as itself. What is added here is added to every installation: ask why twice."""

READS = {"get", "list", "watch"}


def roles() -> list[tuple[str, Object]]:
    bodies = [(path, body) for path, body in written(MANIFESTS) if body["kind"] in {"Role", "ClusterRole"}]
    return [*bodies, ("manifests/namespace", role())]


def rights(body: Object) -> Iterator[Given]:
    """A role's rules, one right at a time."""
    where = " ".join(filter(None, (body["kind"], body["metadata"].get("namespace", ""))))
    for rule in body["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for name in rule.get("resourceNames", [""]):
                    yield from ((where, group, resource, name, verb) for verb in rule["verbs"])


@pytest.mark.parametrize(("path", "body"), roles(), ids=lambda value: value if isinstance(value, str) else "")
def test_no_right_is_a_wildcard(path: str, body: Object) -> None:
    for rule in body["rules"]:
        assert "nonResourceURLs" not in rule
        assert not [word for words in rule.values() for word in words if "*" in word], f"in {path}"


def test_the_operator_may_do_this_and_nothing_else() -> None:
    found = {
        right for _, body in written(OPERATOR) if body["kind"] in {"Role", "ClusterRole"} for right in rights(body)
    }
    assert found == OPERATOR_MAY


WRITABLE = {"drills", "drills/status", "gamedays/status", "events", "leases"}
"""What the operator may change in the whole cluster; the rest it changes as a namespace's account."""


def test_the_operator_changes_its_own_resources_events_and_leases_everywhere_and_nothing_else() -> None:
    body = only((body for _, body in written(OPERATOR)), "ClusterRole")
    writes = [right for right in rights(body) if right[4] not in READS]
    acts = [right for right in writes if right[4] == "impersonate"]
    assert acts == [(EVERYWHERE, "", "serviceaccounts", "gameday", "impersonate")]
    assert {resource for _, _, resource, _, _ in writes if "serviceaccounts" not in resource} == WRITABLE


@pytest.mark.parametrize(("path", "body"), roles(), ids=lambda value: value if isinstance(value, str) else "")
def test_no_right_opens_a_way_to_more(path: str, body: Object) -> None:
    """To read Secrets or make tokens, to grant rights, to run commands in pods, to act as anybody else."""
    for _, group, resource, name, verb in rights(body):
        assert verb not in {"escalate", "bind", "approve", "sign", "deletecollection"}
        assert group not in {"rbac.authorization.k8s.io", "certificates.k8s.io", "admissionregistration.k8s.io"}
        assert resource not in {"secrets", "serviceaccounts/token", "pods/exec", "pods/attach", "pods/portforward"}
        assert resource not in {"pods/ephemeralcontainers", "nodes/proxy", "users", "groups", "userextras", "uids"}
        assert verb != "impersonate" or (resource, name) == ("serviceaccounts", "gameday")
        assert resource != "serviceaccounts" or name == "gameday", f"in {path}"


def test_only_the_operator_gets_the_operators_rights() -> None:
    bindings = [body for _, body in written(OPERATOR) if body["kind"].endswith("Binding")]
    assert len(bindings) == len([body for _, body in written(OPERATOR) if body["kind"] in {"Role", "ClusterRole"}])
    assert bindings
    for binding in bindings:
        (subject,) = binding["subjects"]
        assert subject == {"kind": "ServiceAccount", "name": "gameday-operator", "namespace": "gameday-system"}


def account_rules() -> tuple[Object, ...]:
    return tuple(role()["rules"])


@pytest.mark.parametrize("cilium", [True, False])
def test_a_namespace_that_opted_in_can_run_the_example(cilium: bool) -> None:
    gameday = only((body for _, body in written(EXAMPLE)), "GameDay")
    plan = plan_of(gameday["metadata"]["name"], gameday["spec"])
    assert not list(missing(account_rules(), needed(NamespaceSnapshot("shop", cilium=cilium), plan), "shop"))


@pytest.mark.parametrize(
    "resource",
    [*ESSENTIAL, CILIUM_NETWORK_POLICIES, *OF_NAMESPACE, *(read for kind in KINDS for read in kind.reads)],
    ids=lambda kind: str(kind.full_name),
)
def test_the_account_can_read_what_the_preflight_looks_at(resource: Resource) -> None:
    assert may(account_rules(), "list", resource)


@pytest.mark.parametrize("resource", OF_CLUSTER, ids=lambda kind: str(kind.full_name))
def test_the_operator_can_read_the_policies_of_the_whole_cluster(resource: Resource) -> None:
    rules = only((body for _, body in written(OPERATOR)), "ClusterRole")["rules"]
    assert may(rules, "list", resource)


def test_the_account_can_change_nothing_that_no_plan_needs() -> None:
    gameday = only((body for _, body in written(EXAMPLE)), "GameDay")
    of_deployments = json.dumps(gameday["spec"]["rollback"])
    of_stateful_sets = of_deployments.replace('"deployment"', '"statefulSet"')
    assert of_stateful_sets != of_deployments
    restart = [{"name": "restart", "restart": {"deployment": "worker"}, "irreversible": True}]
    every_rollback = [
        *map(json.loads, (of_deployments, of_stateful_sets)),
        gameday["spec"]["rollback"] | {"steps": restart},
    ]
    specs = [gameday["spec"] | {"rollback": rollback} for rollback in every_rollback]
    of_a_name = json.loads(json.dumps(gameday["spec"]))
    of_a_name["dependencies"] = [one | {"redis": {"host": "r.example.com"}} for one in of_a_name["dependencies"]]
    specs.append(of_a_name)
    plans = [plan_of(gameday["metadata"]["name"], spec) for spec in specs]
    every = [
        right
        for cilium in (True, False)
        for plan in plans
        for right in needed(NamespaceSnapshot("shop", cilium=cilium), plan)
    ]
    used = {(right.resource.group, right.rbac_name, verb) for right in (*every, *KEEPING) for verb in right.verbs}
    granted = {(group, resource, verb) for _, group, resource, _, verb in rights(role()) if verb not in READS}
    assert granted == {right for right in used if right[2] not in READS}


def test_the_account_is_given_what_the_registries_say_and_nothing_else() -> None:
    lists = [Right(read, ("list",)) for kind in KINDS for read in kind.reads]
    said = [*EVERY_DRILL, *EVERY_PREFLIGHT, *KEEPING, *lists, *(right for kind in KINDS for right in kind.grants)]
    wanted = {(right.resource.group, right.rbac_name, verb) for right in said for verb in right.verbs}
    wanted |= {(rule.group, rule.resource, verb) for kind in PROBES for rule in kind.grants for verb in rule.verbs}
    assert {(group, resource, verb) for _, group, resource, _, verb in rights(role())} == wanted


def test_the_files_are_those_that_the_registries_make(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert made.main(["--check", str(NAMESPACE)]) == 0
    assert made.main([str(tmp_path)]) == 0
    assert made.main(["--check", str(tmp_path)]) == 0
    (tmp_path / "base" / "role.yaml").write_text("rules: []")
    left = tmp_path / "components" / "actions" / "freeze" / "kustomization.yaml"
    left.parent.mkdir()
    left.touch()
    assert made.main(["--check", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert all(name in said for name in ("base/role.yaml", "actions/freeze/kustomization.yaml"))
    assert made.main([str(tmp_path)]) == 0
    assert not left.parent.exists()


def test_kustomize_composes_what_the_tests_compose() -> None:
    assert only(rendered(NAMESPACE), "Role")["rules"] == role()["rules"]


def test_a_drill_does_without_the_right_to_keep_samples() -> None:
    """Namespaces that opted in before there were samples go on."""
    rules = tuple(role(*(one for one in components() if one != "samples"))["rules"])
    gameday = only((body for _, body in written(EXAMPLE)), "GameDay")
    plan = plan_of(gameday["metadata"]["name"], gameday["spec"])
    assert not list(missing(rules, needed(NamespaceSnapshot("shop"), plan), "shop"))


def test_each_component_adds_what_its_kind_needs_and_no_other() -> None:
    assert components() == (
        "actions/networkPartition",
        "actions/scale",
        "actions/job",
        "actions/podDelete",
        "actions/restart",
        "probes/kubernetes",
        "samples",
    )
    assert not may(role(*(one for one in components() if one != "samples"))["rules"], "create", CONFIG_MAPS)
    assert not list(missing(tuple(role("samples")["rules"]), KEEPING, "shop"))
    assert not may(role("probes/kubernetes")["rules"], "create", NETWORK_POLICIES)
    assert not may(role("actions/networkPartition")["rules"], "patch", DEPLOYMENTS, "scale")
    for kind in KINDS:
        name = f"actions/{kind.name}"
        alone = role(name if name in components() else "actions/scale")["rules"]
        assert all(may(alone, "list", read) for read in kind.reads)
        assert not list(missing(tuple(alone), kind.grants, "shop"))


def test_a_team_that_grants_less_gets_what_the_page_says(tmp_path: Path) -> None:
    found = overlay(tmp_path, "components/actions/networkPartition")
    assert only(found, "ServiceAccount")["metadata"]["namespace"] == "shop"
    given = only(found, "Role")
    assert given["rules"] == role("actions/networkPartition", "probes/kubernetes")["rules"]


def test_opting_in_is_an_account_with_the_label_and_no_token() -> None:
    account = only((body for _, body in written(MANIFESTS / "namespace")), "ServiceAccount")
    assert account["metadata"] == {"name": "gameday", "labels": {"gameday.dev/opt-in": "true"}}
    assert account["automountServiceAccountToken"] is False
