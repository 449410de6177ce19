"""The depths of queues whose jobs were made by the libraries themselves, against what these libraries count.

``tests/foreign/get`` fetches them: BullMQ for Node, Celery, Sidekiq. BullMQ for Python is the shop's.
"""

import asyncio
import json
import os
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import bullmq
import pytest

from gameday.model.agent import RedisAddress
from gameday.probes.io.secrets import Secrets
from gameday.probes.redis.layouts import LAYOUTS
from gameday.probes.redis.runner import RedisRunner
from gameday.probes.runner import ProbeResult
from unit.probes.tasks import redis_task
from unit.redis_server import PASSWORD, RedisServer

FOREIGN = Path(__file__).parents[3] / "foreign"


@cache
def libraries() -> Path:
    """Where the libraries are; they are fetched where they are not there yet."""
    done = subprocess.run([FOREIGN / "get"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(done.stderr, pytrace=False)
    return Path(done.stdout.strip())


async def output(redis: RedisServer, *command: str | Path) -> str:
    """What a program prints that must succeed; it finds Redis by ``REDIS_URL``."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command), env=os.environ | {"REDIS_URL": url(redis)}, cwd=libraries() / "app",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        out, error = await process.communicate()
    assert process.returncode == 0, error.decode()
    return out.decode()


def beside_the_libraries(script: Path) -> Path:
    """A copy of a script that finds the libraries."""
    copied = libraries() / "app" / script.name
    copied.write_text(script.read_text())
    return copied


async def node_output(script: Path, *words: str) -> str:
    """What a program for Node prints that uses the libraries; it must succeed."""
    copied = beside_the_libraries(script)
    process = await asyncio.create_subprocess_exec(
        str(libraries() / "bin" / "node"), str(copied), *words, cwd=libraries() / "app",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        out, error = await process.communicate()
    assert process.returncode == 0, error.decode()
    return out.decode()


def url(redis: RedisServer) -> str:
    return f"redis://:{PASSWORD}@127.0.0.1:{redis.port}/0"


async def figures(redis: RedisServer, folder: Path, kind: str, name: str, prefix: str | None = None) -> ProbeResult:
    """All figures of a queue."""
    secret = folder / "password"
    secret.write_text(PASSWORD)
    layout = LAYOUTS[kind]
    server = RedisAddress("127.0.0.1", redis.port, password_file=str(secret))
    queue = (kind, name, layout.prefix if prefix is None else prefix)
    ask = RedisRunner(redis_task("p", 1.0, 20.0, server, tuple((one,) for one in layout.names), queue), Secrets())
    result = await ask()
    await ask.close()
    return result


async def counted(redis: RedisServer, folder: Path, kind: str, name: str, *prefix: str) -> Mapping[str, Any]:
    """All figures of a queue, each of which is known."""
    result = await figures(redis, folder, kind, name, *prefix)
    assert (result.ok, result.unknown) == (True, ())
    return result.values or {}


async def test_bullmq_for_node_counts_as_many(redis: RedisServer, tmp_path: Path) -> None:
    told = await node_output(FOREIGN / "bull.mjs", str(redis.port), PASSWORD)
    before, paused = map(json.loads, told.splitlines())
    assert (before["count"], paused["count"]) == (4, 5)
    found = await counted(redis, tmp_path, "bullmq", "mails")
    assert found == {
        "depth": paused["count"],
        "waiting": 3,
        "active": 0,
        "delayed": 1,
        "prioritized": 1,
        "failed": 1,
        "completed": 1,
        "paused": True,
    }
    assert {name: paused[name] for name in ("waiting", "delayed", "prioritized", "failed", "completed")} == {
        name: found[name] for name in ("waiting", "delayed", "prioritized", "failed", "completed")
    }


async def test_bullmq_for_python_counts_as_many_while_it_is_paused_and_when_it_goes_on(
    redis: RedisServer, tmp_path: Path
) -> None:
    queue = bullmq.Queue("jobs", {"connection": url(redis)})
    for options in ({}, {}, {"priority": 3}, {"delay": 3_600_000}):
        await queue.add("it", {}, options)
    running = await counted(redis, tmp_path, "bullmq", "jobs")
    await queue.pause()
    await queue.add("it", {}, {})
    paused = await counted(redis, tmp_path, "bullmq", "jobs")
    assert paused["depth"] == await queue.getJobCountByTypes("waiting", "paused", "prioritized", "delayed") == 5
    await queue.resume()
    resumed = await counted(redis, tmp_path, "bullmq", "jobs")
    await queue.close()
    assert [one["depth"] for one in (running, paused, resumed)] == [4, 5, 5]
    assert [one["waiting"] for one in (running, paused, resumed)] == [2, 3, 3]
    assert [one["paused"] for one in (running, paused, resumed)] == [False, True, False]


async def test_jobs_of_older_versions_that_are_kept_apart_while_paused_are_counted(
    redis: RedisServer, tmp_path: Path
) -> None:
    """As BullMQ 4 and 5 do: pausing renames the list."""
    async with redis.client() as client:
        await client.rpush("bull:old:paused", 1, 2)
        await client.hset("bull:old:meta", "paused", 1)
    found = await counted(redis, tmp_path, "bullmq", "old")
    assert (found["depth"], found["waiting"], found["paused"]) == (2, 2, True)


CELERY = """
import sys
from celery import Celery

app = Celery("orders", broker=sys.argv[1], broker_transport_options={"global_keyprefix": sys.argv[2]})


@app.task(name="pay")
def pay(order):
    print(order)


with app.connection_for_write() as connection:
    app.amqp.queues["orders"].bind(connection.default_channel).declare()
    for priority in map(int, sys.argv[3:]):
        pay.apply_async((1,), queue="orders", priority=priority, connection=connection)
"""


@pytest.mark.parametrize("prefix", ["", "shop:"])
async def test_celery_waits_in_as_many_lists_as_it_has_priorities(
    redis: RedisServer, tmp_path: Path, prefix: str
) -> None:
    python = libraries() / "bin" / "python"
    absent = (await figures(redis, tmp_path, "celery", "orders", prefix)).unknown
    assert [path for path, _ in absent] == [("depth",), ("active",)]
    await output(redis, python, "-c", CELERY, url(redis), prefix)
    assert await counted(redis, tmp_path, "celery", "orders", prefix) == {"depth": 0, "active": 0}
    await output(redis, python, "-c", CELERY, url(redis), prefix, *map(str, (0, 1, 3, 5, 9, 9)))
    assert await counted(redis, tmp_path, "celery", "orders", prefix) == {"depth": 6, "active": 0}


HELD = """
import sys, time
from celery import Celery

app = Celery("orders", broker=sys.argv[1])
app.conf.update(worker_prefetch_multiplier=1, worker_redirect_stdouts=False)


@app.task(name="pay", acks_late=True)
def pay(order):
    print("has it", flush=True)
    time.sleep(600)


app.worker_main(["worker", "--pool=solo", "--queues=orders", "--without-gossip", "--without-mingle"])
"""


async def test_what_celerys_workers_have_is_active(redis: RedisServer, tmp_path: Path) -> None:
    python = libraries() / "bin" / "python"
    await output(redis, python, "-c", CELERY, url(redis), "", "0", "0", "0")
    worker = await asyncio.create_subprocess_exec(
        str(python), "-c", HELD, url(redis), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert worker.stdout is not None
    async with asyncio.timeout(60):
        while b"has it" not in await worker.stdout.readline():
            pass
    found = await counted(redis, tmp_path, "celery", "orders")
    worker.kill()
    await worker.wait()
    assert found["active"] >= 1
    assert found["depth"] + found["active"] == 3


SIDEKIQS_OWN = """
stats = Sidekiq::Stats.new
puts [Sidekiq::Queue.new("mails").size, stats.scheduled_size, stats.retry_size, stats.dead_size].to_s
"""


async def test_sidekiq_counts_as_many(redis: RedisServer, tmp_path: Path) -> None:
    libraries()
    await output(redis, "ruby", FOREIGN / "kiq.rb")
    work = ("sidekiq", "--queue", "odd", "--require", str(FOREIGN / "kiq.rb"), "--concurrency", "1")
    worker = await asyncio.create_subprocess_exec(
        *work, env=os.environ | {"REDIS_URL": url(redis)}, cwd=tmp_path,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    async with asyncio.timeout(60):
        found: Mapping[str, Any] = {"retrying": 0, "failed": 0}
        while found["retrying"] + found["failed"] < 2:
            found = await counted(redis, tmp_path, "sidekiq", "mails")
    worker.kill()
    await worker.wait()
    assert found == {"depth": 3, "delayed": 1, "retrying": 1, "failed": 1}
    told = await output(redis, "ruby", "-r", "sidekiq", "-r", "sidekiq/api", "-e", SIDEKIQS_OWN)
    assert json.loads(told) == [found[name] for name in ("depth", "delayed", "retrying", "failed")]
    absent = await figures(redis, tmp_path, "sidekiq", "mail")
    ((path, why), *_) = absent.unknown
    assert (path, why) == (
        ("depth",),
        "there is no sidekiq queue mail in database 0: correct queue, or the dependency's redis.database",
    )


def test_each_figure_of_a_layout_stands_on_the_probes_page() -> None:
    page = (Path(__file__).parents[4] / "docs" / "probes" / "redis.md").read_text()
    missing = [(kind, one) for kind, layout in LAYOUTS.items() for one in layout.names if f"| `{one}` | " not in page]
    assert missing == []
