"""A drill switches a user of a real Redis off, on its master and its replica, and on again."""

import time
from datetime import datetime

import pytest

from e2e.dialling import until
from e2e.namespaces import TeamNamespace, condition, ready
from e2e.redis_users import cli, deployed, front_clients, gameday, known, on, secrets_in
from gameday.api.lines import events_of
from gameday.api.undo_entries import undo_of
from gameday.cluster.resources import PODS
from gameday.model.labels import CALLER, ROLE

pytestmark = [pytest.mark.e2e]


async def off(ns: TeamNamespace) -> None:
    """The fault is proven."""
    await ns.reaches(lambda s: "CutProven" in [line["reason"] for line in events_of(s)], "the user is proven to be off")


async def test_a_user_is_off_on_every_server_and_on_again_as_it_was(ns: TeamNamespace) -> None:
    await deployed(ns)
    before = known(ns)
    await ns.operator()
    await ns.start(gameday(duration="10s"))
    await off(ns)
    assert on(ns) == [False, False]
    assert "user=app" not in cli(ns, 0, "CLIENT", "LIST")
    status = await ns.finishes()
    assert (status["verdict"], status["message"]) == ("Passed", "3 of 3 expectations met")
    assert known(ns) == before
    assert secrets_in(status) == []
    (entry,) = undo_of(status)
    assert entry["state"] == "Undone"
    await ns.nothing_is_left()


async def test_a_kill_between_the_change_and_its_record_leaves_nobody_off(ns: TeamNamespace) -> None:
    await deployed(ns)
    before = known(ns)
    operator = await ns.operator()
    await ns.start(gameday(duration="15s"))

    async def made() -> bool:
        pods, _ = await ns.admin.list(PODS, ns.namespace, f"{ROLE}={CALLER}")
        return bool(pods)

    await until(made, "the pod that switches the user off is there", 120)
    await operator.kill()
    await ns.operator()
    status = await ns.finishes()
    assert status["verdict"] in {"Passed", "Inconclusive"}
    assert known(ns) == before
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_the_fuse_switches_it_on_when_no_operator_is_left_also_after_a_failover(ns: TeamNamespace) -> None:
    await deployed(ns)
    before = known(ns)
    operator = await ns.operator()
    await ns.start(gameday())
    await off(ns)
    await operator.kill()
    cli(ns, 1, "REPLICAOF", "NO", "ONE")
    cli(ns, 0, "REPLICAOF", "store-1.store", "6379")
    assert on(ns) == [False, False], "the new master has no other users"
    (entry,) = undo_of(await ns.status())
    deadline = datetime.fromisoformat(entry["fuse"]["deadline"]).timestamp()

    async def back() -> bool:
        return on(ns) == [True, True]

    assert time.time() < deadline
    await until(back, "the fuse switches the user on", deadline - time.time() + 20)
    assert deadline - 1 <= time.time() <= deadline + 8
    await ns.operator()
    status = await ns.finishes(patience=150)
    assert status["verdict"] == "Inconclusive"
    assert known(ns) == before
    await ns.nothing_is_left()


async def test_other_clients_of_the_user_are_named_and_nothing_is_changed(ns: TeamNamespace) -> None:
    """The front is connected as the user, and the plan names other pods."""
    await deployed(ns)
    before, held = known(ns), front_clients(ns)
    await ns.operator()
    await ns.start(gameday(selects="store"))
    status = await ns.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "InjectionFailed")
    assert "user app has 1 connection of others: " in status["message"]
    assert " front; select them by podSelector, or write othersAffected: true" in status["message"]
    assert known(ns) == before
    assert front_clients(ns) == held
    assert condition(status, "FaultsCleared")["status"] == "True"
    await ns.nothing_is_left()


@pytest.mark.parametrize("trouble", ["a wrong password", "a user that is off"])
async def test_what_the_dry_run_finds_ends_the_drill_before_the_change(ns: TeamNamespace, trouble: str) -> None:
    wrong = trouble == "a wrong password"
    await deployed(ns, **({"admin": "another-password"} if wrong else {}))
    if not wrong:
        # Clients reach the master: only the administrator's look at the replica finds it.
        cli(ns, 1, "ACL", "SETUSER", "app", "off")
    before = known(ns)
    body = gameday()
    if not wrong:
        body["spec"]["dependencies"][0]["redis"] = {"host": f"store-0.store.{ns.namespace}.svc.cluster.local"}
    await ns.operator()
    await ns.start(body)
    status = await ns.finishes()
    # A replica that does not answer the dry run in time is found off by the pod that was to switch it.
    reasons = {"FuseNotArmed"} if wrong else {"FuseNotArmed", "InjectionFailed"}
    assert status["verdict"] == "Inconclusive"
    assert status["reason"] in reasons
    says = "rejects the administrator: correct redisAcl.administrator" if wrong else "user app is off on"
    assert says in status["message"]
    assert known(ns) == before
    assert secrets_in(status) == []
    await ns.nothing_is_left()


async def test_nothing_is_changed_where_the_administrator_does_not_allow_it(ns: TeamNamespace) -> None:
    await deployed(ns, allowed="http")
    before = known(ns)
    await ns.operator()
    await ns.start(gameday())
    status = await ns.finishes()
    assert "limits.allowedFaults does not name redisAcl" in status["message"]
    assert known(ns) == before
    condition_of_gameday = await ready(ns, "user-off")
    assert (condition_of_gameday["status"], condition_of_gameday["reason"]) == ("False", "LimitExceeded")
