"""A user of real Redis servers is switched off and on, by the pod that does so and by its fuse."""

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import pytest
from redis.exceptions import AuthenticationError, RedisError

from gameday.agents import redis_servers, redis_users
from gameday.agents import user_switch as switching
from gameday.agents import waiting_fuse as waiting
from gameday.agents.log import SampleLog
from gameday.agents.peers import Place
from gameday.agents.redis_servers import Trouble
from gameday.agents.redis_users import dry_run, switch_off, switch_on
from gameday.agents.user_fuse import user_fuse
from gameday.agents.user_switch import BAD, user_switch
from gameday.model.agent import Peers, ProbeTask
from gameday.model.redis_user import LOGIN, RedisUser, UserFuseConfig, UserSwitchConfig
from gameday.probes.io.secrets import Secrets
from gameday.probes.redis_login.config import LoginConfig
from gameday.probes.redis_login.runner import RedisLoginRunner
from unit.agents.redis_acl import (
    ADMIN,
    ADMIN_PASSWORD,
    ADMIN_RULES,
    APP,
    APP_PASSWORD,
    connected,
    is_on,
    known,
    user,
    users,
)  # fmt: skip
from unit.ports import free_port
from unit.redis_peers import MASTER, Servers, cluster, servers, watched

HERE: Final = "127.0.0.1"


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switching, "TRY_AGAIN_AFTER", 0.05)
    monkeypatch.setattr(waiting, "LOOK_EVERY", 0.02)


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Servers]:
    async with servers(tmp_path) as all_servers:
        yield all_servers


@pytest.fixture
async def one(made: Servers) -> int:
    """A server with the users."""
    port = await made.start()
    await users(made, [port])
    return port


def nothing(_: tuple[Place, ...]) -> None:
    """Nobody asks what begins."""


async def off(given: RedisUser, *targets: str, others_affected: bool = False, again: bool = False) -> str:
    return await switch_off(given, targets or (HERE,), others_affected=others_affected, starts=nothing, again=again)


async def test_off_refuses_the_user_and_closes_its_connections_and_on_restores_it_exactly(
    made: Servers, one: int, tmp_path: Path
) -> None:
    before = await known(made, one)
    given = user(tmp_path, one)
    async with connected(one) as app, made.client(one) as somebody:
        await somebody.ping()
        number = await somebody.client_id()
        assert await off(given) == "is off on 1 server, and 1 connection of it was closed"
        with pytest.raises(RedisError):
            await app.ping()
        assert await somebody.client_id() == number, "another user's connection stays"
    with pytest.raises(AuthenticationError):
        async with connected(one):
            pass
    assert await switch_on(given, (), forgets=False) == "is on again on 1 server"
    assert await known(made, one) == before
    async with connected(one):
        pass


async def test_both_may_be_done_twice(made: Servers, one: int, tmp_path: Path) -> None:
    given = user(tmp_path, one)
    await off(given)
    assert await off(given, again=True) == "is off on 1 server, and 0 connections of it were closed"
    for _ in range(2):
        assert await switch_on(given, (), forgets=False) == "is on again on 1 server"
    assert await is_on(made, one)


async def test_connections_are_kept_where_the_plan_says_so(made: Servers, one: int, tmp_path: Path) -> None:
    async with connected(one) as app:
        assert await off(replace(user(tmp_path, one), closes=False)) == "is off on 1 server"
        assert await app.ping()


@pytest.mark.parametrize("asked", [0, 1], ids=["the master", "a replica"])
async def test_a_master_and_its_replicas_are_all_switched_whoever_is_asked(
    made: Servers, tmp_path: Path, asked: int
) -> None:
    master = await made.start()
    for _ in range(2):
        await made.start("--replicaof", f"{HERE} {master}")
    await users(made, made.ports)
    async with asyncio.timeout(20), made.client(master) as client:
        while len((await client.execute_command("ROLE"))[2]) < 2:  # noqa: ASYNC110  of another process
            await asyncio.sleep(0.1)
    given = user(tmp_path, made.ports[asked])
    assert await off(given) == "is off on 3 servers, and 0 connections of it were closed"
    assert [await is_on(made, port) for port in made.ports] == [False] * 3
    async with made.client(made.ports[1]) as promoted:
        await promoted.execute_command("REPLICAOF", "NO", "ONE")
    assert not await is_on(made, made.ports[1]), "the new master has no other users"
    everywhere = tuple((HERE, port) for port in made.ports)
    assert await switch_on(given, everywhere, forgets=False) == "is on again on 3 servers"
    assert [await is_on(made, port) for port in made.ports] == [True] * 3


async def test_every_node_of_a_cluster_is_switched(made: Servers, tmp_path: Path) -> None:
    await cluster(made)
    await users(made, made.ports)
    given = user(tmp_path, made.ports[0], peers=Peers())
    assert (await off(given)).startswith("is off on 3 servers")
    assert [await is_on(made, port) for port in made.ports] == [False] * 3
    await switch_on(given, (), forgets=False)
    assert [await is_on(made, port) for port in made.ports] == [True] * 3


async def test_nodes_of_a_cluster_without_an_endpoint_are_switched_as_well(made: Servers, tmp_path: Path) -> None:
    await cluster(made)
    await users(made, made.ports)
    for port in made.ports:
        async with made.client(port) as node:
            await node.execute_command("CONFIG", "SET", "cluster-preferred-endpoint-type", "unknown-endpoint")
    given = user(tmp_path, made.ports[0], peers=Peers())
    assert (await off(given)).startswith("is off on 3 servers")
    assert [await is_on(made, port) for port in made.ports] == [False] * 3


async def test_sentinels_say_which_servers_there_are(made: Servers, tmp_path: Path) -> None:
    await watched(made)
    await users(made, made.ports)
    given = user(tmp_path, 1, peers=Peers(MASTER), sentinel_port=made.sentinels[0])
    assert (await off(given)).startswith("is off on 2 servers")
    assert [await is_on(made, port) for port in made.ports] == [False] * 2
    await switch_on(given, (), forgets=False)
    assert [await is_on(made, port) for port in made.ports] == [True] * 2


async def test_another_client_of_the_user_is_named_and_nothing_is_changed(
    made: Servers, one: int, tmp_path: Path
) -> None:
    given, began = user(tmp_path, one), list[Any]()
    async with connected(one, "reports"):
        with pytest.raises(Trouble, match=r"user app has 1 connection of others: 127\.0\.0\.1 reports; ") as refused:
            await switch_off(given, ["10.0.0.9"], others_affected=False, starts=began.append)
        assert refused.value.final
        assert not began
        assert await is_on(made, one)
        said = await off(given, "10.0.0.9", others_affected=True)
        assert said.endswith("1 connection of it was closed; 1 connection of others: 127.0.0.1 reports")


@pytest.fixture
async def comes_later(made: Servers, one: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """A server that is found only once the user is off on the first."""
    later = await made.start()
    real, looks = redis_servers.Servers.find, list[int]()

    async def find(self: Any) -> tuple[Place, ...]:
        looks.append(1)
        return (*await real(self), *(((HERE, later),) if len(looks) > 1 else ()))

    monkeypatch.setattr(redis_servers.Servers, "find", find)
    return later


async def test_the_user_is_not_created_on_a_server_that_comes_meanwhile(
    made: Servers, one: int, comes_later: int, tmp_path: Path
) -> None:
    async with made.client(comes_later) as client:
        await client.execute_command("ACL", "SETUSER", ADMIN, *ADMIN_RULES)
        with pytest.raises(Trouble, match=f"there is no user app on {HERE}:{comes_later}"):
            await off(user(tmp_path, one))
        assert await client.execute_command("ACL", "GETUSER", APP) is None


async def test_clients_of_a_server_that_comes_meanwhile_are_asked_for_as_well(
    made: Servers, one: int, comes_later: int, tmp_path: Path
) -> None:
    await users(made, [comes_later])
    async with connected(comes_later, "reports") as app:
        with pytest.raises(Trouble, match=r"1 connection of others: 127\.0\.0\.1 reports"):
            await off(user(tmp_path, one), "10.0.0.9")
        assert await app.ping()
    assert await is_on(made, comes_later)


async def test_the_probe_that_proves_it_is_nobody_else(made: Servers, one: int, tmp_path: Path) -> None:
    async with connected(one, LOGIN):
        assert (await off(user(tmp_path, one), "10.0.0.9")).startswith("is off")


async def test_a_user_of_replication_is_never_switched_off(made: Servers, tmp_path: Path) -> None:
    master = await made.start()
    await users(made, [master])
    async with made.client(master) as client:
        await client.execute_command("ACL", "SETUSER", APP, "+psync", "+replconf", "+ping")
    await made.start("--replicaof", f"{HERE} {master}", "--masteruser", APP, "--masterauth", APP_PASSWORD)
    await users(made, made.ports[1:])
    async with asyncio.timeout(20), made.client(master) as client:
        while not (await client.execute_command("ROLE"))[2]:  # noqa: ASYNC110  of another process
            await asyncio.sleep(0.1)
    with pytest.raises(Trouble, match="replication is user app as well"):
        await off(user(tmp_path, master), others_affected=True)
    assert await is_on(made, master)


async def trouble(given: RedisUser, *, must_be_on: bool = True) -> str:
    with pytest.raises(Trouble) as raised:
        await dry_run(given, must_be_on=must_be_on)
    return str(raised.value)


async def test_the_dry_run_finds_what_would_go_wrong_and_changes_nothing(
    made: Servers, one: int, tmp_path: Path
) -> None:
    where, before = f"{HERE}:{one}", await known(made, one)
    given = user(tmp_path, one)
    assert await dry_run(given, must_be_on=True) == ((HERE, one),)
    wrong = await trouble(user(tmp_path, one, "another"))
    assert wrong == f"{where} rejects the administrator: correct redisAcl.administrator, or its Secret"
    given = user(tmp_path, one)
    assert (await trouble(replace(given, user="nobody"))).startswith(f"there is no user nobody on {where}")
    assert await trouble(replace(given, user=ADMIN)) == f"the administrator is {ADMIN} itself: give another one"
    async with made.client(one) as client:
        assert await client.execute_command("ACL", "GETUSER", "nobody") is None, "it was not created"
        for right, says in (
            ("acl|setuser", "answered ACL SETUSER with NOPERM: grant it to the administrator"),
            ("acl|getuser", "answered ACL GETUSER with NOPERM: grant it to the administrator"),
            ("client|kill", "answered CLIENT KILL with NOPERM: grant it, or write openConnections: Keep"),
        ):
            await client.execute_command("ACL", "SETUSER", ADMIN, f"-{right}")
            assert await trouble(given) == f"{where} {says}"
            await client.execute_command("ACL", "SETUSER", ADMIN, f"+{right}")
    assert await known(made, one) == before
    down = free_port()
    assert await trouble(user(tmp_path, down)) == f"{HERE}:{down} does not answer (refused)"


@pytest.mark.parametrize("peers", [None, Peers()], ids=["one server", "a Cluster"])
async def test_credentials_that_cannot_be_read_are_said(
    made: Servers, one: int, tmp_path: Path, peers: Peers | None
) -> None:
    given = user(tmp_path, one, peers=peers)
    (tmp_path / "admin-password").unlink()
    assert await trouble(given) == f"{HERE}:{one}: the Redis password cannot be read: check its Secret"


async def test_a_user_that_is_off_already_is_refused_until_the_change_may_have_been_made(
    made: Servers, one: int, tmp_path: Path
) -> None:
    async with made.client(one) as client:
        await client.execute_command("ACL", "SETUSER", APP, "off")
    given = user(tmp_path, one)
    assert (await trouble(given)).startswith(f"user app is off on {HERE}:{one} already")
    assert await dry_run(given, must_be_on=False) == ((HERE, one),)
    assert not await is_on(made, one)


async def test_clients_that_nobody_can_list_are_refused_unless_others_may_be_affected(
    made: Servers, one: int, tmp_path: Path
) -> None:
    async with made.client(one) as client:
        await client.execute_command("ACL", "SETUSER", ADMIN, "-client|list")
    given = user(tmp_path, one)
    with pytest.raises(Trouble, match="answered CLIENT LIST with NOPERM, so nobody knows who else is app"):
        await off(given)
    assert await is_on(made, one)
    assert (await off(given, others_affected=True)).startswith("is off")


async def test_a_server_that_is_silent_at_the_undo_is_named_and_the_others_are_switched_on(
    made: Servers, one: int, tmp_path: Path
) -> None:
    given, gone = user(tmp_path, one), (HERE, free_port())
    await off(given)
    with pytest.raises(Trouble, match=f"{HERE}:{gone[1]} does not answer \\(refused\\)"):
        await switch_on(given, (gone,), forgets=False)
    assert await is_on(made, one)
    said = await switch_on(given, (gone,), forgets=True)
    assert said.endswith(
        f"{HERE}:{gone[1]} does not answer (refused), and no other names it: "
        "if it comes back, run ACL SETUSER app on there"
    )


async def strange(made: Servers) -> Place:
    """The address of another Redis, which knows neither of the users: it has taken that of a server that is gone."""
    return HERE, await made.start()


async def test_a_server_that_rejects_the_administrator_keeps_no_other_one_off(
    made: Servers, one: int, tmp_path: Path
) -> None:
    given, other = user(tmp_path, one), await strange(made)
    await off(given)
    with pytest.raises(Trouble, match=f"{HERE}:{other[1]} rejects the administrator"):
        await switch_on(given, (other,), forgets=False)
    assert await is_on(made, one)
    said = await switch_on(given, (other,), forgets=True)
    assert said.startswith("is on again on 1 server; ")
    assert f"{HERE}:{other[1]} rejects the administrator" in said


async def test_a_replica_whose_name_is_gone_keeps_no_other_one_off(made: Servers, tmp_path: Path) -> None:
    master = await made.start()
    await made.start("--replicaof", f"{HERE} {master}", "--replica-announce-ip", "redis-1.invalid")
    await users(made, made.ports)
    given = replace(user(tmp_path, master))
    async with asyncio.timeout(20), made.client(master) as client:
        await client.execute_command("ACL", "SETUSER", APP, "off")
        while not (await client.execute_command("ROLE"))[2]:  # noqa: ASYNC110  of another process
            await asyncio.sleep(0.1)
    with pytest.raises(Trouble, match=r"the name redis-1\.invalid could not be looked up"):
        await switch_on(given, (), forgets=False)
    assert await is_on(made, master)
    with pytest.raises(Trouble, match=r"the name redis-1\.invalid could not be looked up"):
        await off(given)
    assert await is_on(made, master), "what cannot be switched everywhere is switched nowhere"


async def test_servers_that_are_known_are_switched_on_without_their_sentinels(
    made: Servers, one: int, tmp_path: Path
) -> None:
    await off(user(tmp_path, one))
    given = user(tmp_path, 1, peers=Peers(MASTER), sentinel_port=free_port())
    with pytest.raises(Trouble, match="no Sentinel says who its servers are"):
        await switch_on(given, ((HERE, one),), forgets=False)
    assert await is_on(made, one)


async def test_a_silent_server_is_waited_for_once_however_many_name_it(
    made: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await cluster(made, 4)
    await users(made, made.ports)
    given = user(tmp_path, made.ports[3], peers=Peers())
    await off(given)
    asked, real = list[Place](), redis_servers.Servers._others

    async def noting(self: Any, place: Place) -> Any:
        asked.append(place)
        return await real(self, place)

    monkeypatch.setattr(redis_servers.Servers, "_others", noting)
    frozen = made.processes[0]
    frozen.send_signal(19)
    try:
        with pytest.raises(Trouble, match=f"{HERE}:{made.ports[0]} does not answer"):
            await switch_on(given, ((HERE, made.ports[0]),), forgets=True)
    finally:
        frozen.send_signal(18)
    assert asked.count((HERE, made.ports[0])) == 1
    assert [await is_on(made, port) for port in made.ports[1:]] == [True] * 3


async def test_a_replica_that_a_master_still_names_is_never_given_up(made: Servers, tmp_path: Path) -> None:
    master = await made.start()
    replica = await made.start("--replicaof", f"{HERE} {master}")
    await users(made, made.ports)
    async with asyncio.timeout(20), made.client(master) as client:
        while not (await client.execute_command("ROLE"))[2]:  # noqa: ASYNC110  of another process
            await asyncio.sleep(0.1)
    given = user(tmp_path, master)
    await off(given)
    frozen = made.processes[1]
    frozen.send_signal(19)
    try:
        with pytest.raises(Trouble, match=f"{HERE}:{replica} does not answer"):
            await switch_on(given, ((HERE, replica),), forgets=True)
    finally:
        frozen.send_signal(18)
    await switch_on(given, (), forgets=False)
    assert await is_on(made, replica)


async def test_a_user_that_somebody_deleted_is_not_created_again(made: Servers, one: int, tmp_path: Path) -> None:
    given = user(tmp_path, one)
    await off(given)
    async with made.client(one) as client:
        await client.execute_command("ACL", "DELUSER", APP)
        await switch_on(given, (), forgets=False)
        assert await client.execute_command("ACL", "GETUSER", APP) is None


async def switched(folder: Path, given: RedisUser, *, on: bool = False, **more: Any) -> tuple[int | None, Any]:
    """The exit code of the pod, and its termination message."""
    message = folder / "message"
    options: dict[str, Any] = {"targets": (HERE,), "tries_for": 1.0} | more
    config = UserSwitchConfig(user=given, on=on, ends_after=60.0, **options)
    code = await asyncio.wait_for(user_switch(config, SampleLog(io.StringIO()), asyncio.Event(), message), 20)
    return code, json.loads(message.read_text())


async def test_the_pod_says_what_it_did_and_where(made: Servers, one: int, tmp_path: Path) -> None:
    code, said = await switched(tmp_path, user(tmp_path, one))
    text = "is off on 1 server, and 0 connections of it were closed"
    assert (code, said) == (None, {"good": True, "text": text, "acted": True, "servers": [[HERE, one]]})
    code, said = await switched(tmp_path, user(tmp_path, one), on=True)
    assert (code, said["good"], said["text"]) == (None, True, "is on again on 1 server")


async def test_what_was_refused_was_not_done_and_is_not_tried_again(made: Servers, one: int, tmp_path: Path) -> None:
    async with connected(one, "reports"):
        began = time.monotonic()
        code, said = await switched(tmp_path, user(tmp_path, one), targets=(), tries_for=15.0)
    assert time.monotonic() - began < 5
    assert (code, said["good"], said["acted"], said["servers"]) == (BAD, False, False, [])
    assert said["text"].startswith("was not switched off: user app has 1 connection of others")
    assert ADMIN_PASSWORD not in json.dumps(said)
    assert await is_on(made, one)


async def test_a_pod_that_dies_in_the_middle_has_said_that_it_may_be_off_and_where(
    made: Servers, one: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    message, seen = tmp_path / "message", list[Any]()
    real = redis_users._off

    async def noting(*args: Any) -> int:
        seen.append(json.loads(message.read_text()))
        return await real(*args)

    monkeypatch.setattr(redis_users, "_off", noting)
    await switched(tmp_path, user(tmp_path, one))
    assert (seen[0]["good"], seen[0]["acted"], seen[0]["servers"]) == (False, True, [[HERE, one]])


async def test_a_user_that_somebody_else_switched_off_is_not_taken_for_the_drills(
    made: Servers, one: int, tmp_path: Path
) -> None:
    async with made.client(one) as client:
        await client.execute_command("ACL", "SETUSER", APP, "off")
    code, said = await switched(tmp_path, user(tmp_path, one))
    assert (code, said["acted"], said["servers"]) == (BAD, False, [])
    assert said["text"].startswith(f"was not switched off: user app is off on {HERE}:{one} already")


async def test_a_sentinel_that_is_the_user_ends_the_drill_whoever_else_may_be_affected(
    made: Servers, one: int, tmp_path: Path
) -> None:
    async with connected(one, "sentinel-0a1b2c3d-cmd"):
        with pytest.raises(Trouble, match=r"a Sentinel is user app as well \(127\.0\.0\.1\)"):
            await off(user(tmp_path, one), others_affected=True)
    assert await is_on(made, one)


async def test_nothing_is_switched_off_after_its_time(made: Servers, one: int, tmp_path: Path) -> None:
    code, said = await switched(tmp_path, user(tmp_path, one), until=time.time() - 1)
    assert (code, said["acted"]) == (BAD, False)
    assert await is_on(made, one)


async def fused(
    folder: Path, given: RedisUser, fires_in: float = 0.3, out: io.StringIO | None = None, **more: Any
) -> tuple[int | None, list[Any]]:
    """The fuse's exit code and its lines, which it writes into ``out``; it is ended at the first one that is not ok."""
    options: dict[str, Any] = {"arms_within": 30.0, "lasts": fires_in, "forgets_after": 300.0} | more
    config = UserFuseConfig(namespace="shop", job="fuse", user=given, ends_after=60.0, **options)
    out, ending = io.StringIO() if out is None else out, asyncio.Event()
    burning = asyncio.create_task(user_fuse(config, SampleLog(out), ending, folder / "message"))
    async with asyncio.timeout(30):
        while not burning.done() and not any('"ok":false' in line for line in out.getvalue().splitlines()):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    ending.set()
    code = await asyncio.wait_for(burning, 30)
    return code, [json.loads(line) for line in out.getvalue().splitlines()]


async def test_the_fuse_switches_the_user_on_at_its_deadline(
    made: Servers, one: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = waiting.boot
    fires = real() + 60
    monkeypatch.setattr(waiting, "look", lambda _: (1000.0, fires))
    given, out = user(tmp_path, one), io.StringIO()
    burning = asyncio.create_task(fused(tmp_path, given, 60.0, out))
    async with asyncio.timeout(20):
        while '"armed"' not in out.getvalue():  # noqa: ASYNC110  a line of a log has no event
            await asyncio.sleep(0.02)
    await off(given)
    await asyncio.sleep(0.1)
    assert not await is_on(made, one), "before its deadline the fuse does nothing"
    monkeypatch.setattr(waiting, "boot", lambda: real() + 100)
    code, lines = await burning
    assert code is None
    assert [(line["type"], line["ok"]) for line in lines] == [("armed", True), ("fired", True)]
    assert await is_on(made, one)
    assert json.loads((tmp_path / "message").read_text())["text"] == "is on again on 1 server"


@pytest.mark.parametrize("age", [5.0, 40.0])
async def test_a_fuse_that_takes_anothers_place_accepts_a_user_that_is_off(
    made: Servers, one: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age: float
) -> None:
    given = user(tmp_path, one)
    await off(given)
    fires = waiting.boot() + 0.3
    monkeypatch.setattr(waiting, "look", lambda _: (1000.0, waiting.boot() + 100.0 - age if age < 30 else fires))
    code, lines = await fused(tmp_path, given, 100.0 if age < 30 else 0.3 + age, arms_within=30.0)
    if age < 30:
        assert code == waiting.NOT_FIRED
        assert lines[0]["error"].startswith("user app is off on")
    else:
        assert (code, await is_on(made, one)) == (None, True)


async def test_a_fuse_that_takes_anothers_place_acts_although_a_server_is_silent(
    made: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    master = await made.start()
    await made.start("--replicaof", f"{HERE} {master}")
    await users(made, made.ports)
    async with asyncio.timeout(20), made.client(master) as client:
        while not (await client.execute_command("ROLE"))[2]:  # noqa: ASYNC110  of another process
            await asyncio.sleep(0.1)
    given = user(tmp_path, master)
    await off(given)
    fires = waiting.boot() + 0.3
    monkeypatch.setattr(waiting, "look", lambda _: (1000.0, fires))
    config = UserFuseConfig(
        namespace="shop", job="fuse", user=given, ends_after=60.0, arms_within=30.0, lasts=40.0, forgets_after=300.0
    )
    frozen, ending = made.processes[1], asyncio.Event()
    frozen.send_signal(19)
    burning = asyncio.create_task(user_fuse(config, SampleLog(io.StringIO()), ending, tmp_path / "message"))
    try:
        async with asyncio.timeout(15):
            while not await is_on(made, master):  # noqa: ASYNC110  of another process
                await asyncio.sleep(0.1)
    finally:
        frozen.send_signal(18)
    assert await asyncio.wait_for(burning, 10) is None
    assert [await is_on(made, port) for port in made.ports] == [True] * 2


async def test_a_fuse_that_was_never_armed_switches_nobody_on(
    made: Servers, one: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with made.client(one) as client:
        await client.execute_command("ACL", "SETUSER", APP, "off")
    fires = waiting.boot() + 0.1
    monkeypatch.setattr(waiting, "look", lambda _: (1000.0, fires))
    code, lines = await fused(tmp_path, user(tmp_path, one), 0.1)
    assert (code, lines[0]["ok"]) == (waiting.NOT_FIRED, False)
    assert not await is_on(made, one)


async def test_a_fuse_with_a_wrong_password_is_not_armed(
    made: Servers, one: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "look", lambda _: (1000.0, waiting.boot() + 60))
    code, lines = await fused(tmp_path, user(tmp_path, one, "another"), 60.0)
    assert code == waiting.NOT_FIRED
    assert (lines[0]["type"], lines[0]["ok"]) == ("armed", False)
    assert "rejects the administrator" in lines[0]["error"]
    assert "another" not in lines[0]["error"]


async def test_the_login_of_a_user_who_may_not_name_its_connection_comes_from_a_pod_of_the_drill(
    made: Servers, one: int, tmp_path: Path
) -> None:
    """Its name does not tell it from others then: the pod that switches is given the address."""
    async with made.client(one) as client:
        await client.execute_command("ACL", "SETUSER", APP, "-client|setname")
    file = tmp_path / "app-password"
    file.write_text(APP_PASSWORD)
    server = replace(user(tmp_path, one).administrator, username=APP, password_file=str(file))
    probe = RedisLoginRunner(ProbeTask("login", "redisLogin", 1.0, 2.0, (), asdict(LoginConfig(server))), Secrets())
    try:
        assert (await probe()).ok
        with pytest.raises(Trouble, match="1 connection of others"):
            await off(user(tmp_path, one), "10.0.0.9")
        assert (await off(user(tmp_path, one), "10.0.0.9", HERE)).startswith("is off")
    finally:
        await probe.close()
