"""``gameday doctor``: what would keep drills of a namespace from running, as far as the person who asks may look."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rich.text import Text

from gameday.api.limits import LimitsInvalid, limits_of
from gameday.api.record import shown_moment
from gameday.cli.asking import condition, in_words
from gameday.cli.output import console
from gameday.cli.runs import about
from gameday.cli.version import VERSION, installed
from gameday.cluster.client import ACCOUNT, Cluster
from gameday.cluster.http_errors import OPERATOR_COMMAND, OPT_IN_COMMAND
from gameday.cluster.pod_status import PULLING
from gameday.cluster.resources import (
    CALICO_POLICIES,
    CALICO_V3_POLICIES,
    CILIUM_NETWORK_POLICIES,
    CONFIG_MAPS,
    DRILLS,
    GAMEDAYS,
    LEASES,
    PODS,
    SERVICE_ACCOUNTS,
    Object,
    Resource,
)
from gameday.errors import ClusterUnreachable, GameDayError
from gameday.model import halt, limits
from gameday.model.labels import DRILL
from gameday.preflight.rights import may

OK, WARNING, FAILED, UNKNOWN = "ok", "warning", "failed", "unknown"
STYLES: Final = {OK: "green", WARNING: "yellow", FAILED: "bold red", UNKNOWN: "dim"}
LEASE: Final = "gameday-operator"
OPT_IN: Final = "gameday.dev/opt-in"
STALE: Final = 30.0
"""Seconds after which a Lease that is renewed every few seconds is taken for abandoned."""
SKEW: Final = 5.0
"""Seconds by which the operator's clock may be ahead of this machine's before it is said."""
RUNS: Final = tuple((GAMEDAYS, verb, "") for verb in ("get", "list")) + tuple(
    (DRILLS, verb, "") for verb in ("get", "list", "watch", "create", "patch")
)
"""What it takes to run drills with this program."""
WATCHES: Final = ((PODS, "list", ""), (PODS, "watch", ""), (PODS, "get", "log"))
"""What it takes to see their probes."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. ``do`` is what to do where it is not ``ok``."""

    name: str
    state: str
    message: str
    do: str = ""

    def plain(self) -> dict[str, str]:
        """As programs read it."""
        found = {"check": self.name, "state": self.state, "message": self.message}
        return found | ({"do": self.do} if self.do else {})


async def doctor(cluster: Cluster, namespace: str, operator: str, wall: Callable[[], float]) -> AsyncIterator[Check]:
    """Every check; ``operator`` is the operator's namespace.

    Raises:
        ClusterUnreachable: when the API server does not answer, or does not know who asks.

    """
    looks: Sequence[tuple[str, Callable[[], Awaitable[Check]]]] = (
        ("resources", lambda: _resources(cluster)),
        ("versions", lambda: _versions(cluster, operator)),
        ("operator", lambda: _operator(cluster, operator, wall)),
        ("halt", lambda: _halt(cluster, operator)),
        ("limits", lambda: _limits(cluster, operator)),
        ("opt-in", lambda: _opt_in(cluster, namespace)),
        ("rights", lambda: _rights(cluster, namespace)),
        ("network", lambda: _network(cluster)),
        ("images", lambda: _images(cluster, namespace)),
        ("gamedays", lambda: _gamedays(cluster, namespace)),
    )
    for name, look in looks:
        try:
            yield await look()
        except ClusterUnreachable:
            raise
        except GameDayError as error:
            yield Check(name, UNKNOWN, in_words(error))


async def looked(
    cluster: Cluster, namespace: str, operator: str, wall: Callable[[], float], *, quiet: bool
) -> tuple[Check, ...]:
    """All checks, each printed as soon as it is known unless ``quiet``; see ``doctor``."""
    out, found = console(), []
    async for one in doctor(cluster, namespace, operator, wall):
        found.append(one)
        if not quiet:
            out.print(
                Text(f"{one.state:<8} ", style=STYLES[one.state]).append(f"{one.name}: {one.message}", style="none")
            )
            if one.do:
                out.print(f"         {one.do}")
    return tuple(found)


async def _resources(cluster: Cluster) -> Check:
    absent = {GAMEDAYS, DRILLS} - await cluster.served([GAMEDAYS, DRILLS])
    if absent:
        names = " and ".join(sorted(resource.full_name for resource in absent))
        return Check("resources", FAILED, f"the cluster does not serve {names}", f"`{OPERATOR_COMMAND}` installs them")
    return Check("resources", OK, f"the cluster serves {GAMEDAYS.api_version}")


async def _versions(cluster: Cluster, operator: str) -> Check:
    there = await installed(cluster, operator)
    text = f"this program is {VERSION}, the resources are {there.resources}, the operator is {there.operator}"
    if there.operator == VERSION and there.resources.endswith(VERSION):
        return Check("versions", OK, f"all are {VERSION}")
    if any("not known" in one or "none" in one for one in (there.operator, there.resources)):
        return Check("versions", UNKNOWN, text)
    return Check("versions", WARNING, text, "use one version for all three: `gameday version` shows them")


async def _operator(cluster: Cluster, operator: str, wall: Callable[[], float]) -> Check:
    """Whether an operator acts; its clock stands in its Lease, which it renews every few seconds."""
    see = f"`kubectl -n {operator} get pods` shows whether it runs"
    lease = await cluster.get(LEASES, operator, LEASE)
    holder = (lease or {}).get("spec", {}).get("holderIdentity")
    if lease is None or not holder:
        return Check("operator", FAILED, f"no operator holds Lease {LEASE} in namespace {operator}", see)
    age = wall() - shown_moment(lease["spec"].get("renewTime", ""))
    if age < -SKEW:
        text = f"the clock of operator {holder} is {about(-age)} ahead of this machine's"
        return Check("operator", WARNING, text, "synchronize the clocks: times that are shown would be off by as much")
    if age > STALE:
        text = (
            f"operator {holder} renewed its Lease {about(age)} ago: it does not act, or this machine's clock is ahead"
        )
        return Check("operator", FAILED, text, see)
    return Check("operator", OK, f"{holder} acts; its clock and this machine's agree to within {STALE:.0f} s")


async def _halt(cluster: Cluster, operator: str) -> Check:
    there = await cluster.get(CONFIG_MAPS, operator, halt.CONFIG_MAP)
    if there is None:
        return Check("halt", OK, "drills are not halted")
    reason = (there.get("data") or {}).get(halt.REASON, "")
    text = f"drills are halted since {there['metadata']['creationTimestamp']}{f': {reason}' if reason else ''}"
    return Check("halt", FAILED, text, "`gameday resume` lets them start again")


async def _limits(cluster: Cluster, operator: str) -> Check:
    there = await cluster.get(CONFIG_MAPS, operator, limits.CONFIG_MAP)
    if there is None:
        return Check("limits", OK, "there are no limits of an administrator")
    try:
        limits_of(there.get("data") or {})
    except LimitsInvalid as error:
        text = f"ConfigMap {limits.CONFIG_MAP} in namespace {operator}: {error}"
        return Check("limits", FAILED, text, "no drill starts until its owner corrects it")
    return Check("limits", OK, "the administrator's limits can be read")


async def _opt_in(cluster: Cluster, namespace: str) -> Check:
    account = await cluster.get(SERVICE_ACCOUNTS, namespace, ACCOUNT)
    labels = (account or {"metadata": {}})["metadata"].get("labels", {})
    if labels.get(OPT_IN) != "true":
        text = f"namespace {namespace} has no ServiceAccount {ACCOUNT} with the label {OPT_IN}=true"
        return Check("opt-in", FAILED, text, f"`{OPT_IN_COMMAND.format(namespace=namespace)}` opts in")
    return Check("opt-in", OK, f"namespace {namespace} has opted in")


async def _rights(cluster: Cluster, namespace: str) -> Check:
    rules = await cluster.rules(namespace)
    lacking = [_words(*one) for one in RUNS if not may(rules, one[1], one[0], one[2])]
    blind = [_words(*one) for one in WATCHES if not may(rules, one[1], one[0], one[2])]
    do = f"whoever administers namespace {namespace} grants it, as docs/how-to/people.md says"
    if lacking:
        return Check("rights", WARNING, f"you may not run drills: {', '.join(lacking)} is missing", do)
    if blind:
        text = f"you may run drills, but `gameday watch` shows no probes: {', '.join(blind)} is missing"
        return Check("rights", WARNING, text, do)
    return Check("rights", OK, "you may run, watch and abort drills")


def _words(resource: Resource, verb: str, subresource: str) -> str:
    return f"{verb} {resource.full_name}{f'/{subresource}' if subresource else ''}"


async def _network(cluster: Cluster) -> Check:
    """What enforces policies. That a cut takes effect is proven with packets in each drill, and only there."""
    served = await cluster.served([CILIUM_NETWORK_POLICIES, CALICO_POLICIES, CALICO_V3_POLICIES])
    if CILIUM_NETWORK_POLICIES in served:
        return Check("network", OK, "Cilium enforces policies")
    if served:
        return Check("network", OK, "Calico enforces policies")
    text = "neither Cilium nor Calico is found; whether NetworkPolicies are enforced shows only in a drill"
    return Check("network", UNKNOWN, text, "where they are not, a drill ends Inconclusive with reason NoEffect")


async def _images(cluster: Cluster, namespace: str) -> Check:
    pods, _ = await cluster.list(PODS, namespace, DRILL)
    if not pods:
        return Check("images", UNKNOWN, "not checked: image pulls show only while a drill runs")
    if stuck := list(_stuck(pods)):
        return Check(
            "images", FAILED, "; ".join(stuck), f"`kubectl -n {namespace} get events` says why it is not pulled"
        )
    return Check("images", OK, f"{len(pods)} pods of drills have their images")


def _stuck(pods: Sequence[Object]) -> Iterator[str]:
    for pod in pods:
        for container in pod.get("status", {}).get("containerStatuses", ()):
            waiting = container.get("state", {}).get("waiting", {})
            if waiting.get("reason") in PULLING:
                why = waiting.get("message", container["image"])
                yield f"pod {pod['metadata']['name']}: {waiting['reason']}: {why}"


async def _gamedays(cluster: Cluster, namespace: str) -> Check:
    found, _ = await cluster.list(GAMEDAYS, namespace)
    wrong = [one for one in found if condition(one, "Ready").get("status") == "False"]
    unseen = [str(one["metadata"]["name"]) for one in found if not condition(one, "Ready")]
    if wrong:
        text = "; ".join(f"{one['metadata']['name']}: {condition(one, 'Ready')['message']}" for one in wrong)
        return Check(
            "gamedays", FAILED, text, "correct the fields that are named, and run `gameday validate` on the file"
        )
    if unseen:
        return Check("gamedays", WARNING, f"no operator has seen {', '.join(unseen)}", "see the check of the operator")
    return Check(
        "gamedays",
        OK,
        f"{len(found)} in namespace {namespace}, all ready" if found else f"none in namespace {namespace}",
    )
