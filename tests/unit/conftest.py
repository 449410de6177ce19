"""What tests of several layers share."""

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from gameday.cluster.client import Cluster
from unit.api_server import ApiServer
from unit.cli.asked import CommandLine
from unit.ports import free_port
from unit.redis_server import RedisServer

# How long an example takes says how busy the machine is, and nothing about what is tested.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def logging_left_on() -> Iterator[None]:
    """A test that leaves logging switched off fails itself, not a later one of its process that reads the log."""
    yield
    left = logging.root.manager.disable
    logging.disable(logging.NOTSET)
    assert left == logging.NOTSET, f"logging is still switched off up to level {left}"


@pytest.fixture
async def redis() -> AsyncIterator[RedisServer]:
    server = RedisServer(free_port())
    await server.start()
    yield server
    await server.kill()


@pytest.fixture
async def api_server() -> AsyncIterator[ApiServer]:
    server = ApiServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def cluster(api_server: ApiServer, tmp_path: Path) -> AsyncIterator[Cluster]:
    connected = await api_server.connect(tmp_path)
    yield connected
    await connected.close()


@pytest.fixture
def command_line(api_server: ApiServer, tmp_path: Path) -> CommandLine:
    return CommandLine(api_server, tmp_path)
