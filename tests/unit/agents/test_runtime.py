"""An agent ends by itself at the drill's last deadline, whoever is left to end it."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from gameday.agents import fuse as fuses
from gameday.agents import runtime
from gameday.agents import waiting_fuse as waiting
from gameday.model.agent import (
    VARIABLE,
    AgentConfig,
    CounterConfig,
    Dial,
    FuseConfig,
    ObserverConfig,
    RedisAddress,
    WitnessConfig,
)
from unit.ports import free_port
from unit.probes.tasks import tcp_task
from unit.redis_server import RedisServer

PORT = free_port()
DIALS = (Dial("target", "127.0.0.1", PORT, "tcp"),)
PROBES = (tcp_task("port", 0.1, 1.0, "127.0.0.1", PORT),)


def running(agent: str, ends_after: float) -> AgentConfig:
    """What an observer or a witness is given."""
    if agent == "observer":
        return ObserverConfig(probes=PROBES, ends_after=ends_after)
    return WitnessConfig(dials=DIALS, ends_after=ends_after)


async def started(agent: str, config: AgentConfig) -> asyncio.subprocess.Process:
    """An agent as it runs in its pod."""
    path = str(Path(__file__).parents[3] / "operator")
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"gameday.agents.{agent}",
        env=os.environ | {"PYTHONPATH": path, VARIABLE: config.to_json()},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def ended(process: asyncio.subprocess.Process) -> tuple[list[dict[str, Any]], str]:
    """Wait for its end, which must be a good one; its lines, and what it says beside them."""
    async with asyncio.timeout(30):
        out, said = await process.communicate()
    # Its pipes close in callbacks, which a loop that ends at once does not run.
    process._transport.close()  # type: ignore[attr-defined]  # there is no public way
    assert process.returncode == 0, said.decode()
    return [json.loads(line) for line in out.splitlines()], said.decode()


@pytest.mark.parametrize("agent", ["observer", "witness"])
async def test_an_agent_that_nobody_ends_ends_by_itself(agent: str) -> None:
    config = running(agent, 1.0)
    lines, said = await ended(await started(agent, config))
    assert lines[0]["type"] == "started"
    assert len(lines) > 2
    assert "it ends itself" in said


@pytest.mark.parametrize("agent", ["observer", "witness"])
async def test_an_agent_that_is_told_to_end_ends_before(agent: str) -> None:
    process = await started(agent, running(agent, 1000.0))
    assert process.stdout is not None
    await process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    _, said = await ended(process)
    assert said == ""


async def test_a_closer_that_ends_by_itself_ends_no_connection(redis: RedisServer, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("for-tests")
    server = RedisAddress("127.0.0.1", redis.port, password_file=str(tmp_path / "password"))
    lines, said = await ended(
        await started("close_connections", CounterConfig(redis=server, pods=(("it", "127.0.0.2"),), ends_after=1.5))
    )
    assert {line["type"] for line in lines} == {"started", "connections"}
    assert "it ends itself" in said


async def test_a_fuse_fires_when_it_is_due_and_goes_on_trying_until_its_own_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fired: list[bool] = []
    due = waiting.boot() + 0.3

    def refused(_: FuseConfig, dry_run: bool) -> str | None:
        fired.append(not dry_run)
        return None if dry_run else "http 403"

    monkeypatch.setattr(fuses, "patch", refused)
    monkeypatch.setattr(waiting, "look", lambda _: (0.0, due))
    monkeypatch.setattr(waiting, "LOOK_EVERY", 0.05)
    async with asyncio.timeout(20):
        await runtime._run(fuses.fuse, FuseConfig(namespace="shop", workload="worker", lasts=0.3, ends_after=1.0))
    assert fired[0] is False
    assert fired.count(True) > 3
    assert "it ends itself" in capsys.readouterr().err


async def test_an_error_of_its_work_is_not_taken_for_its_end() -> None:
    async def work(*_: object) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await runtime._run(work, WitnessConfig(ends_after=5.0))
