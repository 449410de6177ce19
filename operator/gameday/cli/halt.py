"""``gameday halt`` and ``gameday resume``: one ConfigMap in the operator's namespace, with the caller's rights.

kubectl does the same: ``kubectl -n gameday-system create configmap gameday-halt --from-literal=reason=TEXT`` halts, and
``kubectl -n gameday-system delete configmap gameday-halt`` resumes.
"""

from typing import Final

from gameday.cluster.client import Cluster
from gameday.cluster.resources import CONFIG_MAPS, DRILLS, LEASES, Object
from gameday.errors import AlreadyExists, Forbidden, GameDayError, NotFound
from gameday.model.halt import CONFIG_MAP, REASON
from gameday.model.record import Phase

LEASE: Final = "gameday-operator"
"""The Lease of the operator that acts, unless it was started with another name."""
NAMED: Final = 10
"""Most drills that are listed by name."""


class CannotHalt(GameDayError):
    """A halt or resume failed; the message says why and what to do."""

    reason = "CannotHalt"
    retry = False


async def halt(cluster: Cluster, namespace: str, reason: str) -> str:
    """Halt all drills; what happened, for a person.

    Raises:
        CannotHalt: when the drills go on.

    """
    body: Object = {
        "apiVersion": CONFIG_MAPS.api_version,
        "kind": CONFIG_MAPS.kind,
        "metadata": {"name": CONFIG_MAP},
        "data": {REASON: reason} if reason else {},
    }
    try:
        await cluster.create(CONFIG_MAPS, namespace, body)
    except AlreadyExists:
        there = await cluster.get(CONFIG_MAPS, namespace, CONFIG_MAP)
        return f"{_halted(there)}; nothing was changed\n{await _undone(cluster, namespace)}"
    except Forbidden as error:
        raise CannotHalt(f"not halted: {error.answer}; {_ask('create', namespace)}") from error
    except NotFound as error:
        raise CannotHalt(f"not halted: {error}; name the operator's namespace with --namespace") from error
    return f"halted: no drill starts until `gameday resume`\n{await _undone(cluster, namespace)}"


async def resume(cluster: Cluster, namespace: str) -> str:
    """Let drills start again; what happened, for a person.

    Raises:
        CannotHalt: when they stay halted.

    """
    try:
        was = await cluster.delete(CONFIG_MAPS, namespace, CONFIG_MAP)
    except Forbidden as error:
        raise CannotHalt(f"not resumed: {error.answer}; {_ask('delete', namespace)}") from error
    if not was:
        return f"there was no halt in namespace {namespace}\n{await _running(cluster, 'running')}"
    return (
        f"resumed: drills may start; drills that were undone do not start again\n{await _running(cluster, 'running')}"
    )


async def status(cluster: Cluster, namespace: str) -> str:
    """Whether drills are halted, for a person.

    Raises:
        CannotHalt: when that is unknown.

    """
    try:
        there = await cluster.get(CONFIG_MAPS, namespace, CONFIG_MAP)
    except Forbidden as error:
        raise CannotHalt(f"not known whether drills are halted: {error.answer}; {_ask('get', namespace)}") from error
    if there is None:
        return f"not halted\n{await _running(cluster, 'running')}"
    return f"{_halted(there)}\n{await _undone(cluster, namespace)}"


def _halted(there: Object | None) -> str:
    if there is None:
        return "halted a moment ago, and resumed by somebody else"
    reason = (there.get("data") or {}).get(REASON, "")
    return f"halted since {there['metadata']['creationTimestamp']}{f': {reason}' if reason else ''}"


def _ask(verb: str, namespace: str) -> str:
    return f"ask whoever runs the operator for the right to {verb} ConfigMap {CONFIG_MAP} in namespace {namespace}"


async def _undone(cluster: Cluster, namespace: str) -> str:
    """What becomes of the drills; whether anybody is there to undo them."""
    lines = [await _running(cluster, "being undone")]
    try:
        lease = await cluster.get(LEASES, namespace, LEASE)
    except Forbidden:
        return lines[0]
    if lease is None or not lease.get("spec", {}).get("holderIdentity"):
        lines.append(
            f"but no operator is running: nobody holds Lease {LEASE} in namespace {namespace}; until "
            "one starts, only the fuses undo faults, at their deadlines"
        )
    return "\n".join(lines)


async def _running(cluster: Cluster, doing: str) -> str:
    try:
        drills, _ = await cluster.list(DRILLS, None)
    except Forbidden as error:
        return f"not known how many drills are {doing}: {error.answer}"
    except NotFound:
        return "the cluster has no resource drills.gameday.dev: install the operator"
    begun = [_name(drill) for drill in drills if _phase(drill) not in {"", Phase.PENDING.value, Phase.FINISHED.value}]
    waiting = [_name(drill) for drill in drills if _phase(drill) in {"", Phase.PENDING.value}]
    return f"{_count(begun, doing)}; {_count(waiting, 'waiting to start')}"


def _count(names: list[str], doing: str) -> str:
    if not names:
        return f"no drill is {doing}"
    left = len(names) - NAMED
    listed = ", ".join(sorted(names)[:NAMED]) + (f" and {left} more" if left > 0 else "")
    return f"{len(names)} {'drills are' if len(names) > 1 else 'drill is'} {doing}: {listed}"


def _name(drill: Object) -> str:
    return f"{drill['metadata']['namespace']}/{drill['metadata']['name']}"


def _phase(drill: Object) -> str:
    return str(drill.get("status", {}).get("phase", ""))
