"""What was installed taken away in the wrong order: the cut is reverted, nothing hangs, people are told what to do."""

import asyncio
import contextlib
import functools
from collections.abc import Iterator
from typing import Final

from chaos.case import KILL, REMOVAL, Case, Run, Trial
from chaos.operator_namespace import operator_namespace
from chaos.operator_under_test import NotInjected, OperatorUnderTest
from e2e.dialling import ROLE_BINDINGS, ROOT, until
from e2e.namespaces import kubectl, team_namespace
from gameday.cluster.resources import DRILLS, GAMEDAYS, NAMESPACES, SERVICE_ACCOUNTS, Object, Resource

GONE_WITHIN: Final = 90.0
"""Seconds within which what was deleted must be gone."""
RIGHTS_GONE: Final = 5.0
"""Seconds after which Kubernetes has deleted the account of a namespace that ends, and its rights."""
OPT_IN: Final = "gameday.dev/opt-in"
CRDS: Final = "crds"


async def _drill_gone(trial: Trial) -> None:
    await _removed(trial, DRILLS, "first")
    trial.row.verdict = "gone with its Drill"


async def _removed(trial: Trial, resource: Resource, name: str, patience: float = GONE_WITHIN) -> None:
    """See that an object of the namespace is gone."""

    async def gone() -> bool:
        return await trial.ns.admin.get(resource, trial.ns.namespace, name) is None

    await trial.happens(REMOVAL, gone, f"{resource.kind} {name} is gone", patience)


async def _there(trial: Trial, resource: Resource, name: str) -> Object:
    """An object that is to be taken away.

    Raises:
        NotInjected: when it is not there: its removal would prove nothing.

    """
    found = await trial.ns.admin.get(resource, trial.ns.namespace, name)
    if found is None:
        raise NotInjected(f"there is no {resource.kind} {name}")
    return found


async def drill_in_the_foreground(trial: Trial) -> None:
    """The Drill is deleted with everything that it owns."""
    await trial.place.operator()
    await trial.under_cut()
    kubectl("-n", trial.ns.namespace, "delete", "drills.gameday.dev/first", "--cascade=foreground", "--wait=false")
    await _drill_gone(trial)


async def gameday_in_the_foreground(trial: Trial) -> None:
    """The GameDay is deleted with everything that it owns."""
    await trial.place.operator()
    await trial.under_cut()
    kubectl("-n", trial.ns.namespace, "delete", "gamedays.gameday.dev/small", "--cascade=foreground", "--wait=false")
    await _going(trial, GAMEDAYS, "small")
    await trial.ends("Aborted", patience=60)


async def _going(trial: Trial, resource: Resource, name: str) -> None:
    """See that an object is being deleted, or gone."""

    async def going() -> bool:
        found = await trial.ns.admin.get(resource, trial.ns.namespace, name)
        return found is None or "deletionTimestamp" in found["metadata"]

    await trial.happens(REMOVAL, going, f"{resource.kind} {name} is deleted")


async def drill_by_force(trial: Trial) -> None:
    """The Drill is deleted, and its finalizer taken off by hand."""
    await trial.place.operator()
    await trial.under_cut()
    kubectl("-n", trial.ns.namespace, "delete", "drill", "first", "--wait=false")
    kubectl("-n", trial.ns.namespace, "patch", "drill", "first", "--type=merge", "-p", NO_FINALIZER, ok=False)
    await _drill_gone(trial)


NO_FINALIZER: Final = '{"metadata":{"finalizers":null}}'


async def account_deleted(trial: Trial) -> None:
    """The account goes."""
    await trial.place.operator()
    await trial.under_cut()
    await _there(trial, SERVICE_ACCOUNTS, "gameday")
    kubectl("-n", trial.ns.namespace, "delete", "serviceaccount", "gameday")
    await _removed(trial, SERVICE_ACCOUNTS, "gameday")
    await _revoked(trial)


async def label_revoked(trial: Trial) -> None:
    """The account keeps its rights and loses its label."""
    await trial.place.operator()
    await trial.under_cut()
    if OPT_IN not in (await _there(trial, SERVICE_ACCOUNTS, "gameday"))["metadata"].get("labels", {}):
        raise NotInjected("the account has no label")
    kubectl("-n", trial.ns.namespace, "label", "serviceaccount", "gameday", f"{OPT_IN}-")

    async def bare() -> bool:
        account = await _there(trial, SERVICE_ACCOUNTS, "gameday")
        return OPT_IN not in account["metadata"].get("labels", {})

    await trial.happens(REMOVAL, bare, "the account has no label")
    await _revoked(trial)


async def _revoked(trial: Trial) -> None:
    status = await trial.ends("Inconclusive", patience=60)
    if status["reason"] != "OptInRevoked":
        trial.wrong(f"not OptInRevoked: {status['reason']}")


async def rights_revoked(trial: Trial) -> None:
    """The account loses its rights: the fuse reverts, and the drill says what would help until somebody does that."""
    ns = trial.ns
    await trial.place.operator()
    await trial.under_cut()
    await _there(trial, ROLE_BINDINGS, "gameday")
    kubectl("-n", ns.namespace, "delete", "rolebinding", "gameday")
    await _removed(trial, ROLE_BINDINGS, "gameday")
    await trial.undone()

    async def told() -> bool:
        conditions = {c["type"]: c for c in (await ns.status()).get("conditions", ())}
        said = conditions.get("Stalled", {})
        return said.get("status") == "True" and "manifests/namespace" in said.get("message", "")

    await until(told, "a condition says what would help", 60)
    events = kubectl("-n", ns.namespace, "get", "events", "-o", "jsonpath={.items[*].message}").stdout
    if "manifests/namespace" not in events:
        trial.wrong("no event says what would help")
    ns.opt_in()
    trial.row.note = "reverted by its fuse; tidied up once the rights were there again, as its condition asks"
    await trial.ends("Passed", "Inconclusive")


async def namespace_first(trial: Trial, *, killed: bool) -> None:
    """The whole namespace is deleted under the cut, while the operator runs elsewhere, or is killed and comes back."""
    ns = trial.ns
    async with team_namespace("chaos-away") as away:
        operator = await away.operator(also=[ns.namespace])
        await trial.under_cut()
        kubectl("delete", "namespace", ns.namespace, "--wait=false")
        if killed:
            await trial.kill(OperatorUnderTest(operator, operator.log))
            await asyncio.sleep(RIGHTS_GONE)
            await away.operator(also=[ns.namespace])

        async def gone() -> bool:
            return await ns.admin.get(NAMESPACES, None, ns.namespace) is None

        await trial.happens(REMOVAL, gone, "the namespace is gone", GONE_WITHIN)
    trial.namespace_gone = True
    trial.row.verdict = "gone with its namespace"


async def operator_first(trial: Trial) -> None:
    """The operator is uninstalled under the cut: the fuse reverts; docs/how-to/uninstall.md has the rest."""
    async with operator_namespace(trial.ns) as here:
        await trial.under_cut()
        here.close()
        await trial.happens(REMOVAL, here.closed, "the operator is gone", GONE_WITHIN)
        await trial.undone()
        trial.row.note = "reverted by its fuse; the rest by hand as docs/how-to/uninstall.md says"
        by_hand(trial)
        await _drill_gone(trial)


def by_hand(trial: Trial) -> None:
    """What docs/how-to/uninstall.md tells a person to do where no operator is left."""
    namespace = trial.ns.namespace
    kubectl("-n", namespace, "patch", "drill", "first", "--type=merge", "-p", NO_FINALIZER)
    kubectl("-n", namespace, "delete", "drill", "first", ok=False)
    kubectl("-n", namespace, "delete", "lease", "gameday", "--ignore-not-found")


async def crds_first(trial: Trial) -> None:
    """The CRDs are deleted under the cut while the operator runs: it undoes, lets go, and they are gone."""
    async with operator_namespace(trial.ns):
        await trial.under_cut()
        with _without_crds():
            await _crds_gone(trial)
            trial.row.verdict = "gone with its CRD"
            await trial.undone(0.0)


async def crds_after_the_operator(trial: Trial) -> None:
    """The operator is gone, then the CRDs are deleted: the fuse reverts, and a finalizer must go by hand."""
    operator = await trial.place.operator()
    await trial.under_cut()
    await trial.kill(operator)
    with _without_crds():
        await trial.undone()
        trial.row.note = "reverted by its fuse; the finalizer by hand as docs/how-to/uninstall.md says"
        by_hand(trial)
        await _crds_gone(trial)
        trial.row.verdict = "gone with its CRD"


@contextlib.contextmanager
def _without_crds() -> Iterator[None]:
    """Delete the CRDs, and install them again afterwards."""
    kubectl("delete", "-k", str(ROOT / "crds"), "--wait=false")
    try:
        yield
    finally:
        until_gone = ("--for=delete", "crd/drills.gameday.dev", "crd/gamedays.gameday.dev", "--timeout=30s")
        kubectl("wait", *until_gone, ok=False)
        kubectl("apply", "-k", str(ROOT / "crds"))
        kubectl("wait", "--for=condition=Established", "crd/drills.gameday.dev", "crd/gamedays.gameday.dev")


async def _crds_gone(trial: Trial) -> None:
    async def gone() -> bool:
        asked = kubectl("get", "crd", "-o", "name", ok=False)
        # An API server that does not answer lists none either.
        return asked.returncode == 0 and "gameday.dev" not in asked.stdout

    await trial.happens(REMOVAL, gone, "the CRDs are gone", GONE_WITHIN)


def cases() -> list[Case]:
    """All of them."""

    def case(name: str, run: Run, *more: str, alone: str = "", spoils: bool = False) -> Case:
        return Case("uninstall", name, run, (REMOVAL, *more), alone=alone, spoils=spoils)

    return [
        case("the operator first, under the cut", operator_first),
        case("the account's rights, under the cut", rights_revoked),
        case("the account, under the cut", account_deleted, spoils=True),
        case("the account's label, under the cut", label_revoked, spoils=True),
        case("the Drill in the foreground, under the cut", drill_in_the_foreground),
        case("the GameDay in the foreground, under the cut", gameday_in_the_foreground),
        case("the Drill by force, under the cut", drill_by_force),
        case("the namespace first, under the cut", functools.partial(namespace_first, killed=False), spoils=True),
        case(
            "the namespace first, and the operator killed",
            functools.partial(namespace_first, killed=True),
            KILL,
            spoils=True,
        ),
        case("the CRDs first, under the cut", crds_first, alone=CRDS, spoils=True),
        case(
            "the operator, then the CRDs, under the cut",
            crds_after_the_operator,
            KILL,
            alone=f"{CRDS} again",
            spoils=True,
        ),
    ]
