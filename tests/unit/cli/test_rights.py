"""Whoever may not do something reads which right is missing, where, and the commands that grant it."""

import shlex

import pytest

from gameday.cli.rights import missing
from gameday.errors import Forbidden


def refusal(user: str, verb: str, resource: str, group: str, where: str) -> Forbidden:
    what = f'User "{user}" cannot {verb} resource "{resource}" in API group "{group}" {where}'
    return Forbidden(f"{verb} {resource}: {resource} is forbidden: {what}; the rights come with `x`", what)


SHOP = 'in the namespace "shop"'


@pytest.mark.parametrize(
    ("verb", "resource", "role", "verbs"),
    [
        ("create", "drills", "gameday-drill-runner", "get,list,watch,create,patch,delete"),
        ("patch", "drills", "gameday-drill-runner", "get,list,watch,create,patch,delete"),
        ("list", "gamedays", "gameday-look", "get,list,watch"),
        ("watch", "drills", "gameday-look", "get,list,watch"),
        ("delete", "gamedays", "gameday-planner", "get,list,watch,create,update,patch,delete"),
    ],
)
def test_the_commands_grant_what_the_same_work_needs(verb: str, resource: str, role: str, verbs: str) -> None:
    said = missing(refusal("jane", verb, resource, "gameday.dev", SHOP))
    assert said.startswith(f"user jane may not {verb} {resource}.gameday.dev in namespace shop. ")
    make, bind = (shlex.split(line) for line in said.splitlines()[1:])
    assert make[:6] == ["kubectl", "-n", "shop", "create", "role", role]
    assert f"--verb={verbs}" in make
    assert f"{resource}.gameday.dev" in next(word for word in make if word.startswith("--resource=")).split("=")[1]
    assert bind[:5] == ["kubectl", "-n", "shop", "create", "rolebinding"]
    assert bind[-2:] == [f"--role={role}", "--user=jane"]


def test_a_right_in_the_whole_cluster_wants_a_clusterrole() -> None:
    said = missing(refusal("jane", "list", "drills", "gameday.dev", "at the cluster scope"))
    assert "in the whole cluster" in said
    assert "kubectl create clusterrole gameday-look " in said
    assert "kubectl create clusterrolebinding gameday-look-jane --clusterrole=gameday-look --user=jane" in said


def test_a_right_on_anything_else_is_granted_alone() -> None:
    said = missing(refusal("jane", "get", "pods/log", "", SHOP))
    assert "create role gameday-get-pods-log --verb=get --resource=pods/log" in said


def test_an_account_is_bound_as_one() -> None:
    said = missing(refusal("system:serviceaccount:ci:bot", "create", "drills", "gameday.dev", SHOP))
    assert "--serviceaccount=ci:bot" in said
    assert "--user" not in said


def test_a_policy_says_itself_what_is_missing() -> None:
    text = "create drills: ValidatingAdmissionPolicy 'gameday-author' denied request: jane may not run drills"
    assert missing(Forbidden(text)) == text
