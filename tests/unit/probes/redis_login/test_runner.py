"""The redisLogin probe against a real Redis."""

from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from gameday.model.agent import ProbeTask, RedisAddress
from gameday.model.redis_user import LOGIN
from gameday.probes.io.secrets import Secrets
from gameday.probes.redis_login.config import LoginConfig
from gameday.probes.redis_login.runner import RedisLoginRunner
from gameday.probes.runner import ProbeResult
from unit.agents.redis_acl import APP, APP_PASSWORD, users
from unit.redis_peers import Servers, servers


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Servers]:
    async with servers(tmp_path) as all_servers:
        await users(all_servers, [await all_servers.start()])
        yield all_servers


@pytest.fixture
def task(made: Servers, tmp_path: Path) -> ProbeTask:
    secret = tmp_path / "password"
    secret.write_text(APP_PASSWORD + "\n")
    server = RedisAddress("127.0.0.1", made.ports[0], username=APP, password_file=str(secret))
    return ProbeTask("login", "redisLogin", 1.0, 10.0, (), asdict(LoginConfig(server)))


@pytest.fixture
async def ask(task: ProbeTask) -> AsyncIterator[RedisLoginRunner]:
    runner = RedisLoginRunner(task, Secrets())
    yield runner
    await runner.close()


async def admin(made: Servers, *command: str) -> None:
    async with made.client(made.ports[0]) as client:
        await client.execute_command(*command)


def good(*, held: bool) -> ProbeResult:
    return ProbeResult(ok=True, values={"refused": False, "held": held})


async def test_a_user_that_is_on_logs_in_and_stays(ask: RedisLoginRunner, made: Servers) -> None:
    assert await ask() == good(held=False)
    assert await ask() == good(held=True)
    async with made.client(made.ports[0]) as client:
        names = [one["name"] for one in await client.client_list() if one["user"] == APP]
    assert names == [LOGIN], "of all logins one connection is held, and says what it is"


async def test_a_user_that_is_off_is_refused_and_its_held_connection_goes_on_until_it_is_closed(
    ask: RedisLoginRunner, made: Servers
) -> None:
    await ask()
    await admin(made, "ACL", "SETUSER", APP, "off")
    assert await ask() == ProbeResult(ok=False, error="auth", values={"refused": True, "held": True})
    await admin(made, "CLIENT", "KILL", "USER", APP)
    assert await ask() == ProbeResult(ok=False, error="auth", values={"refused": True, "held": False})
    await admin(made, "ACL", "SETUSER", APP, "on")
    assert await ask() == good(held=False)
    assert await ask() == good(held=True)


async def test_a_server_that_is_down_or_full_refuses_nobody(ask: RedisLoginRunner, made: Servers) -> None:
    """Else a Redis that fails by itself would prove the fault."""
    await admin(made, "CONFIG", "SET", "maxclients", "1")
    async with made.client(made.ports[0]) as client:
        await client.ping()
        full = await ask()
        assert (full.ok, (full.values or {})["refused"]) == (False, False)
    made.processes[0].kill()
    await made.processes[0].wait()
    down = await ask()
    assert (down.ok, down.error, down.values) == (False, "refused", {"refused": False, "held": False})


async def test_a_held_connection_whose_answer_does_not_come_is_never_taken_for_one_that_answers(
    task: ProbeTask, made: Servers
) -> None:
    ask = RedisLoginRunner(replace(task, timeout=2.0), Secrets())
    await ask()
    made.processes[0].send_signal(19)
    frozen = await ask()
    assert (frozen.ok, frozen.error, frozen.values) == (False, "timeout", {"refused": False, "held": False})
    made.processes[0].send_signal(18)
    await admin(made, "ACL", "SETUSER", APP, "off")
    assert (await ask()).values == {"refused": True, "held": False}
    await ask.close()


async def test_a_password_that_cannot_be_read_says_nothing_about_the_user(task: ProbeTask) -> None:
    server = replace(LoginConfig.read(task.config).server, password_file="/nowhere")
    result = await RedisLoginRunner(replace(task, config=asdict(LoginConfig(server))), Secrets())()
    assert result.unknown == (((), "the password of the user cannot be read: check its Secret"),)
