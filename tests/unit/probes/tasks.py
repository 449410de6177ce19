"""Probes as agents are given them, for tests."""

from dataclasses import asdict
from typing import Any

from gameday.model.agent import ProbeTask, RedisAddress
from gameday.probes.http.config import HttpConfig
from gameday.probes.redis.config import RedisConfig

Paths = tuple[tuple[str | int, ...], ...]


def http_task(name: str, every: float, timeout: float, paths: Paths = (), **config: Any) -> ProbeTask:
    """An http probe."""
    return ProbeTask(name, "http", every, timeout, paths, asdict(HttpConfig(**config)))


def tcp_task(name: str, every: float, timeout: float, host: str, port: int) -> ProbeTask:
    """A tcp probe."""
    return ProbeTask(name, "tcp", every, timeout, (), {"host": host, "port": port})


def redis_task(
    name: str,
    every: float,
    timeout: float,
    server: RedisAddress,
    paths: Paths = (),
    queue: tuple[str, str, str] = ("", "", ""),
    *,
    cluster: bool = False,
) -> ProbeTask:
    """A redis probe; ``queue`` is the kind, the name and the prefix of a queue."""
    return ProbeTask(name, "redis", every, timeout, paths, asdict(RedisConfig(server, *queue, cluster)))
