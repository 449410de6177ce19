"""Messages for a person whom RBAC refuses: the missing right, and the commands that grant it."""

import re
from typing import Final

from gameday.errors import Forbidden

_ANSWER: Final = re.compile(
    r'User "(?P<user>[^"]+)" cannot (?P<verb>\S+) resource "(?P<resource>[^"]+)"'
    r'(?: in API group "(?P<group>[^"]*)")?(?: in the namespace "(?P<namespace>[^"]+)")?'
)
"""How the API server says that an authorizer refused."""
ACCOUNT: Final = "system:serviceaccount:"
READ: Final = ("get", "list", "watch")
LOOK: Final = ("gameday-look", READ, "gamedays.gameday.dev,drills.gameday.dev")
"""A role of those who look on: its name, verbs and resources."""
DRILL: Final = ("gameday-drill-runner", (*READ, "create", "patch", "delete"), "drills.gameday.dev")
"""A role of those who run drills."""
PLAN: Final = ("gameday-planner", (*READ, "create", "update", "patch", "delete"), "gamedays.gameday.dev")
"""A role of those who write plans."""


def missing(error: Forbidden) -> str:
    """The right that is missing and what grants it; the API server's own words where it was not about a right."""
    found = _ANSWER.search(error.answer)
    if found is None:
        return error.answer
    user, verb, resource = found["user"], found["verb"], found["resource"]
    group, namespace = found["group"] or "", found["namespace"] or ""
    what = f"{resource}.{group}" if group else resource
    where = f"in namespace {namespace}" if namespace else "in the whole cluster"
    commands = _grant(user, verb, what, namespace)
    return (
        f"user {user} may not {verb} {what} {where}. Who administers {'it' if namespace else 'the cluster'} "
        f"grants that with\n{commands}"
    )


def _grant(user: str, verb: str, what: str, namespace: str) -> str:
    name, verbs, resources = _role(verb, what)
    scope = f"kubectl -n {namespace}" if namespace else "kubectl"
    kind = "role" if namespace else "clusterrole"
    subject = f"--serviceaccount={user.removeprefix(ACCOUNT)}" if user.startswith(ACCOUNT) else f"--user={user}"
    return (
        f"  {scope} create {kind} {name} --verb={','.join(verbs)} --resource={resources}\n"
        f"  {scope} create {kind}binding {name}-{_label(user)} --{kind}={name} {subject}"
    )


def _role(verb: str, what: str) -> tuple[str, tuple[str, ...], str]:
    """All that the same work needs, so that the next command does not stop at the next right."""
    if what.endswith(".gameday.dev") and verb in READ:
        return LOOK
    for role in (DRILL, PLAN):
        if what == role[2]:
            return role
    plain = re.sub(r"[^a-z0-9]+", "-", what)
    return f"gameday-{verb}-{plain}", (verb,), what


def _label(user: str) -> str:
    """A user's name as a part of an object's."""
    return re.sub(r"[^a-z0-9]+", "-", user.lower()).strip("-")[-40:].strip("-") or "user"
