"""Who may do what, as the API server enforces it: tried by real users of different rights."""

import contextlib
import json
import os
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any, Final

import pytest
import yaml

from e2e.dialling import ROOT, until
from e2e.namespaces import TeamNamespace, condition, kubectl, small
from e2e.people import EDIT, READ, Person, bound, operator, person
from gameday.api.status import UNSEEN
from gameday.cluster.resources import DRILLS, GAMEDAYS, SERVICE_ACCOUNTS, Object

pytestmark = pytest.mark.e2e

EARLY, LATE = "2030-01-01T00:00:00Z", "2031-01-01T00:00:00Z"
ONE_PLAN: Final = "gameDay is immutable, because a Drill runs one plan once: create a new Drill instead"
ONE_TIME: Final = "startBefore is immutable: create a new Drill instead"
ONE_KIND: Final = "dryRun is immutable"
NO_WAY_BACK: Final = "abort cannot be set back to false: create a new Drill instead"
CHANGES: Final[dict[str, tuple[Object, Object, str]]] = {
    "another-plan": ({}, {"gameDay": "another"}, ONE_PLAN),
    "more-time": ({"startBefore": EARLY}, {"startBefore": LATE}, ONE_TIME),
    "time-added-later": ({}, {"startBefore": EARLY}, ONE_TIME),
    "time-taken-away": ({"startBefore": EARLY}, {"startBefore": None}, ONE_TIME),
    "abort-taken-back": ({"abort": True}, {"abort": False}, NO_WAY_BACK),
    "abort-left-out": ({"abort": True}, {"abort": None}, NO_WAY_BACK),
    "drill-to-dry-run": ({}, {"dryRun": True}, ONE_KIND),
    "dry-run-to-drill": ({"dryRun": True}, {"dryRun": False}, ONE_KIND),
    "dry-run-left-out": ({"dryRun": True}, {"dryRun": None}, ONE_KIND),
    "abort-and-another-plan": ({}, {"abort": True, "gameDay": "another"}, ONE_PLAN),
}
"""A Drill's name, what its spec is made with, what is changed, and the answer."""
DONE: Final = {"phase": "Finished", "verdict": "Passed", "reason": "AllExpectationsMet", "message": "trust me"}


def drill(name: str = "first", **spec: Any) -> Object:
    metadata = {"name": name}
    return {
        "apiVersion": DRILLS.api_version, "kind": "Drill", "metadata": metadata, "spec": {"gameDay": "small"} | spec,
    }  # fmt: skip


def planned(**schedule: Any) -> Object:
    """The small GameDay, with a schedule that never comes up."""
    gameday = small()
    gameday["spec"]["schedule"] = {"cron": "0 0 29 2 *", "timeZone": "Etc/UTC"} | schedule
    return gameday


def patch(kind: str, name: str, body: Object, *more: str) -> tuple[str, ...]:
    """The arguments of a merge patch."""
    return ("patch", kind, name, "--type=merge", "-p", json.dumps(body), *more)


async def test_a_drill_is_what_it_was_made_as_for_everybody_but_it_can_be_aborted(ns: TeamNamespace) -> None:
    sre, lord = person(ns, "sre"), person(ns, "lord")
    for name, (made, change, answer) in CHANGES.items():
        sre.does("create", "-f", "-", body=drill(name, **made))
        assert answer in sre.is_refused(*patch("drills", name, {"spec": change}))
    replaced = drill("time-taken-away")
    assert ONE_TIME in sre.is_refused("replace", "-f", "-", body=replaced)
    applied = drill("more-time", startBefore=LATE)
    assert ONE_TIME in sre.is_refused("apply", "--server-side", "--force-conflicts", "-f", "-", body=applied)
    for name in ("another-plan", "time-added-later", "abort-taken-back"):
        made, change, answer = CHANGES[name]
        assert answer in lord.is_refused(*patch("drills", name, {"spec": change}))
    sre.does(*patch("drills", "another-plan", {"spec": {"abort": True}}))
    spec = json.loads(sre.does("get", "drill", "another-plan", "-o", "json"))["spec"]
    assert spec == {"gameDay": "small", "abort": True}


async def test_each_user_may_do_what_their_rights_say_and_no_more(ns: TeamNamespace) -> None:
    sre, developer, planner = (person(ns, name) for name in ("sre", "developer", "planner"))
    planner.does("create", "-f", "-", body=small())
    sre.does("create", "-f", "-", body=drill())
    for name in ("gamedays", "drills"):
        assert "small" in developer.does("get", name)
    for arguments, body in (
        (("create", "-f", "-"), drill("mine")),
        (patch("drills", "first", {"spec": {"abort": True}}), None),
        (("delete", "drill", "first"), None),
        (patch("gamedays", "small", {"spec": {"description": "mine"}}), None),
    ):
        assert "Forbidden" in developer.is_refused(*arguments, body=body)
    assert "Forbidden" in planner.is_refused("create", "-f", "-", body=drill("mine"))
    assert "Forbidden" in planner.is_refused(*patch("drills", "first", {"spec": {"abort": True}}))
    assert "Forbidden" in sre.is_refused(*patch("gamedays", "small", {"spec": {"description": "mine"}}))
    planner.does(*patch("gamedays", "small", {"spec": {"description": "ours"}}))
    sre.does(*patch("drills", "first", {"spec": {"abort": True}}))
    sre.does("delete", "drill", "first")


async def test_who_edits_drills_writes_no_status_in_any_way(ns: TeamNamespace) -> None:
    sre, planner, developer = (person(ns, name) for name in ("sre", "planner", "developer"))
    sre.does("create", "-f", "-", body=drill() | {"status": DONE})
    planner.does("create", "-f", "-", body=small() | {"status": {"lastVerdict": "Passed"}})
    sre.does("apply", "-f", "-", body=drill("applied") | {"status": DONE})
    sre.does("apply", "--server-side", "-f", "-", body=drill("server-side") | {"status": DONE})
    sre.does(*patch("drills", "first", {"status": DONE}))
    sre.does("replace", "-f", "-", body=drill() | {"status": DONE})
    sre.does("apply", "-f", "-", body=drill("applied") | {"status": DONE})
    for name in ("first", "applied", "server-side"):
        assert (await ns.drill(name)).get("status") == UNSEEN
    gameday = await ns.admin.get(GAMEDAYS, ns.namespace, "small")
    assert gameday is not None
    assert gameday.get("status") == UNSEEN
    status = "--subresource=status"
    for somebody in (sre, developer):
        told = somebody.is_refused(*patch("drills", "first", {"status": DONE}, status))
        assert 'cannot get resource "drills/status"' in told, "kubectl reads before it writes"
        body, place = await ns.drill() | {"status": DONE}, DRILLS.path(ns.namespace, "first", "status")
        told = somebody.is_refused("replace", "--raw", place, "-f", "-", body=body)
        assert 'cannot update resource "drills/status"' in told
    assert "Forbidden" in planner.is_refused(*patch("gamedays", "small", {"status": {"lastVerdict": "Passed"}}, status))
    assert (await ns.drill()).get("status") == UNSEEN


async def test_the_operators_own_account_is_held_to_its_few_rights(ns: TeamNamespace) -> None:
    itself = operator(ns)
    ns.apply(small(), drill())
    body = json.loads(itself.does("get", "drill", "first", "-o", "json"))
    itself.does("replace", "--subresource=status", "-f", "-", body=body | {"status": {"phase": "Pending"}})
    itself.does(*patch("drills", "first", {"metadata": {"finalizers": ["gameday.dev/undo"]}}))
    assert ONE_PLAN in itself.is_refused(*patch("drills", "first", {"spec": {"gameDay": "another"}}))
    account = f"system:serviceaccount:{ns.namespace}:gameday"
    itself.does("get", "pods", f"--as={account}")
    for arguments in (
        patch("gamedays", "small", {"spec": {"description": "mine"}}),
        ("delete", "gamedays", "small"),
        ("get", "secrets"),
        ("get", "pods"),
        ("get", "configmaps"),
        ("get", "serviceaccounts"),
        ("create", "token", "gameday"),
        ("create", "rolebinding", "more", "--clusterrole=cluster-admin", f"--serviceaccount={ns.namespace}:gameday"),
        ("get", "pods", f"--as=system:serviceaccount:{ns.namespace}:default"),
        ("get", "pods", f"--as={account}", "--as-group=system:masters"),
        ("get", "pods", "--as=admin"),
        ("get", "secrets", f"--as={account}"),
    ):
        assert "orbidden" in itself.is_refused(*arguments)
    itself.does(*patch("drills", "first", {"metadata": {"finalizers": None}}))


def rendered(ns: TeamNamespace, component: str) -> Iterator[Object]:
    """A component of ``manifests/components`` as installed beside this stage's operator."""
    folder = ns.folder / component
    folder.mkdir(parents=True)
    here = os.path.relpath(ROOT / "manifests" / "components" / component, folder.resolve())
    (folder / "kustomization.yaml").write_text(f"components: [{here}]")
    yield from yaml.safe_load_all(kubectl("kustomize", str(folder)).stdout.replace("gameday-system", ns.namespace))


def policies(ns: TeamNamespace, component: str) -> Iterator[Object]:
    """A component of ``manifests/components/policy``, bound to this stage alone."""
    for body in rendered(ns, f"policy/{component}"):
        if body["kind"] != "ClusterRole":
            body["metadata"]["name"] += f"-{ns.namespace}"
        if body["kind"] == "ValidatingAdmissionPolicyBinding":
            body["spec"]["policyName"] += f"-{ns.namespace}"
            selector = {"matchLabels": {"kubernetes.io/metadata.name": ns.namespace}}
            body["spec"]["matchResources"] = {"namespaceSelector": selector}
        yield body


@contextlib.asynccontextmanager
async def policy(ns: TeamNamespace, component: str) -> AsyncIterator[None]:
    """Install a component for this stage."""
    bodies = list(policies(ns, component))
    kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(bodies))
    try:
        yield
    finally:
        for body in bodies:
            if body["kind"] != "ClusterRole":
                kubectl("delete", body["kind"], body["metadata"]["name"], "--ignore-not-found", ok=False)


@contextlib.asynccontextmanager
async def for_people(ns: TeamNamespace) -> AsyncIterator[None]:
    """Install the component for people, by names of this stage, and take it away.

    It reaches the whole cluster meanwhile, by what Kubernetes' own roles aggregate; no other test binds one of these.
    """
    bodies = list(rendered(ns, "people"))
    for body in bodies:
        body["metadata"]["name"] += f"-{ns.namespace}"
    kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(bodies))
    try:
        yield
    finally:
        kubectl("delete", "--ignore-not-found", "-f", "-", stdin=yaml.safe_dump_all(bodies), ok=False)


def rights(somebody: Person) -> set[tuple[str, str]]:
    """What somebody may do with GameDays and Drills in their namespace, as the API server reviews it."""
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview"}
    body = review | {"spec": {"namespace": somebody.namespace}}
    rules = json.loads(somebody.does("create", "--validate=false", "-f", "-", "-o", "json", body=body))["status"][
        "resourceRules"
    ]
    ours = [rule for rule in rules if {"gameday.dev", "*"} & set(rule["apiGroups"])]
    return {(resource, verb) for rule in ours for resource in rule["resources"] for verb in rule["verbs"]}


async def holds(refused: Callable[[], Any]) -> None:
    """Wait until a policy, or a right, has reached the API server's memory."""

    async def tried() -> bool:
        try:
            refused()
        except AssertionError:
            return False
        return True

    await until(tried, "the API server knows", 20)


async def test_by_the_policy_for_status_only_the_operator_writes_it(ns: TeamNamespace) -> None:
    lord, itself = person(ns, "lord"), operator(ns)
    ns.apply(small(), drill())
    write = patch("drills", "first", {"status": DONE}, "--subresource=status")
    lord.does(*write)
    async with policy(ns, "status"):
        await holds(lambda: lord.is_refused(*write, "--dry-run=server"))
        for kind, name in (("drills", "first"), ("gamedays", "small")):
            told = lord.is_refused(*patch(kind, name, {"status": {"lastDrill": "x"}}, "--subresource=status"))
            assert "only the operator writes the status of GameDays and Drills" in told
            assert "to end a drill set its spec.abort to true, or delete it" in told
            assert "kubectl delete validatingadmissionpolicybinding gameday-status" in told
            body = json.loads(itself.does("get", kind, name, "-o", "json"))
            itself.does("replace", "--subresource=status", "-f", "-", body=body | {"status": {}})
        itself.does(*patch("drills", "first", {"metadata": {"finalizers": ["gameday.dev/undo"]}}))
        lord.does(*patch("drills", "first", {"spec": {"abort": True}}))
        lord.does("delete", "drill", "first", "--wait=false")
        lord.does(*patch("drills", "first", {"metadata": {"finalizers": None}}))
        assert "NotFound" in lord.is_refused("get", "drill", "first")


async def test_by_the_policy_for_authors_a_drill_needs_the_verb_on_the_account(ns: TeamNamespace) -> None:
    sre, lord, itself = person(ns, "sre"), person(ns, "lord"), operator(ns)
    lord.does("create", "-f", "-", body=drill("of-the-lord"))
    async with policy(ns, "author"):
        await holds(lambda: sre.is_refused("create", "--dry-run=server", "-f", "-", body=drill()))
        told = sre.is_refused("create", "-f", "-", body=drill())
        assert f"{sre.user} may not run drills in namespace {ns.namespace}" in told
        assert "the verb drill on its ServiceAccount gameday" in told
        sre.does(*patch("drills", "of-the-lord", {"spec": {"abort": True}}))
        sre.does("delete", "drill", "of-the-lord")
        lord.does("create", "-f", "-", body=drill("of-the-lord"))
        itself.does("create", "-f", "-", body=drill("of-a-schedule"))
        _run_what_it_says(told)
        await holds(lambda: sre.does("create", "--dry-run=server", "-f", "-", body=drill()))
        sre.does("create", "-f", "-", body=drill())


async def test_by_the_policy_for_authors_a_schedule_needs_it_and_a_plan_does_not(ns: TeamNamespace) -> None:
    planner, lord = person(ns, "planner"), person(ns, "lord")
    async with policy(ns, "author"):
        await holds(lambda: planner.is_refused("create", "--dry-run=server", "-f", "-", body=planned()))
        told = planner.is_refused("create", "-f", "-", body=planned())
        assert f"{planner.user} may not have drills run by a schedule in namespace {ns.namespace}" in told
        assert "Leave spec.schedule out" in told
        planner.does("create", "-f", "-", body=small())
        planner.does(*patch("gamedays", "small", {"spec": {"description": "ours"}}))
        planner.does("replace", "-f", "-", body=planned(suspend=True))
        assert "the verb drill" in planner.is_refused("replace", "-f", "-", body=planned())
        lord.does("replace", "-f", "-", body=planned())
        planner.does("label", "gamedays", "small", "team=ours")
        assert "the verb drill" in planner.is_refused(*patch("gamedays", "small", {"spec": {"description": "mine"}}))
        planner.does(*patch("gamedays", "small", {"spec": {"schedule": {"suspend": True}}}))
        planner.does(*patch("gamedays", "small", {"spec": {"schedule": None}}))
        assert "the verb drill" in planner.is_refused("replace", "-f", "-", body=planned())
        _run_what_it_says(told)
        await holds(lambda: planner.does("replace", "--dry-run=server", "-f", "-", body=planned()))
        planner.does("replace", "-f", "-", body=planned())


def _run_what_it_says(told: str) -> None:
    """Whoever runs the cluster does what the message says."""
    (command,) = (line.partition("kubectl ")[2] for line in told.splitlines() if "kubectl " in line)
    kubectl(*command.split())


async def test_by_the_component_for_people_kubernetes_own_roles_give_what_the_docs_say(ns: TeamNamespace) -> None:
    viewer, editor, admin = (bound(ns, f"has-{role}", role) for role in ("view", "edit", "admin"))
    for somebody in (viewer, editor, admin):
        assert rights(somebody) == set(), "without the component nobody has any"
    looks = {(kind, verb) for kind in ("gamedays", "drills") for verb in READ}
    writes = {(kind, verb) for kind in ("gamedays", "drills") for verb in EDIT}
    async with for_people(ns):
        await holds(lambda: viewer.does("get", "drills"))
        for writer in (editor, admin):
            await holds(partial(writer.does, "create", "--dry-run=server", "-f", "-", body=drill()))
        assert (rights(viewer), rights(editor), rights(admin)) == (looks, writes, writes)
        for writer in (editor, admin):
            writer.does("create", "-f", "-", body=small())
            writer.does("create", "-f", "-", body=drill())
            for kind in ("gamedays", "drills"):
                assert "small" in viewer.does("get", kind)
            assert "Forbidden" in viewer.is_refused(*patch("drills", "first", {"spec": {"abort": True}}))
            assert "Forbidden" in viewer.is_refused(*patch("gamedays", "small", {"spec": {"description": "mine"}}))
            assert "Forbidden" in viewer.is_refused("delete", "drill", "first")
            assert "Forbidden" in viewer.is_refused("create", "-f", "-", body=drill("mine"))
            writer.does(*patch("gamedays", "small", {"spec": {"description": "ours"}}))
            writer.does(*patch("drills", "first", {"spec": {"abort": True}}))
            body, place = await ns.drill() | {"status": DONE}, DRILLS.path(ns.namespace, "first", "status")
            for somebody in (viewer, writer):
                told = somebody.is_refused("replace", "--raw", place, "-f", "-", body=body)
                assert 'cannot update resource "drills/status"' in told
            writer.does("delete", "drill", "first")
            writer.does("delete", "gameday", "small")
    for somebody in (viewer, editor, admin):
        await holds(partial(somebody.is_refused, "get", "drills"))


@pytest.mark.slow
async def test_under_both_policies_a_schedule_runs_its_drill_to_the_end(ns: TeamNamespace) -> None:
    await ns.admin.delete(SERVICE_ACCOUNTS, ns.namespace, "gameday")  # so that the drill ends at once
    sre, lord = person(ns, "sre"), person(ns, "lord")
    lord.does("create", "-f", "-", body=small())
    write = patch("gamedays", "small", {"status": {"lastDrill": "x"}}, "--subresource=status", "--dry-run=server")
    async with policy(ns, "status"), policy(ns, "author"):
        await holds(lambda: lord.is_refused(*write))
        await holds(lambda: sre.is_refused("create", "--dry-run=server", "-f", "-", body=drill()))
        lord.does("replace", "-f", "-", body=planned(cron="* * * * *"))
        await ns.operator()

        async def ended() -> Object:
            drills, _ = await ns.admin.list(DRILLS, ns.namespace)
            return next((one for one in drills if one.get("status", {}).get("phase") == "Finished"), {})

        found = await until(ended, "a slot's drill has ended", 90)
        assert found["status"]["reason"] == "PreflightFailed"
        gameday = await ns.admin.get(GAMEDAYS, ns.namespace, "small")
        assert gameday is not None
        assert condition(gameday["status"], "Ready")["status"] == "True"
