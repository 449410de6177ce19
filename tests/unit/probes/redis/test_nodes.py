"""A queue on a real Redis Cluster: the node that has it is found and asked, wherever that is and moves to."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gameday.model.agent import RedisAddress
from gameday.model.places import redis_at
from gameday.probes.io.secrets import Secrets
from gameday.probes.redis.kind import KIND, Queue, RedisProbe
from gameday.probes.redis.layouts import LAYOUTS
from gameday.probes.redis.nodes import hash_tag, slot_of
from gameday.probes.redis.runner import RedisRunner
from gameday.probes.runner import ProbeResult
from unit.probes.redis.test_queues import FOREIGN, node_output
from unit.probes.tasks import redis_task
from unit.redis_peers import Servers, cluster, servers, serving
from unit.redis_server import PASSWORD

BULL = LAYOUTS["bullmq"]


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Servers]:
    async with servers(tmp_path) as one:
        yield one


@pytest.fixture
def password(tmp_path: Path) -> str:
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    return str(file)


class Asking:
    """Makes runners of the probe, and closes them all in the end."""

    def __init__(self, password: str) -> None:
        self._password = password
        self.made: list[RedisRunner] = []

    def __call__(self, port: int, name: str, *wanted: str, prefix: str = "{bull}", cluster: bool = True) -> RedisRunner:
        paths = tuple((one,) for one in wanted or ("depth",))
        server = RedisAddress("127.0.0.1", port, password_file=self._password)
        task = redis_task("p", 1.0, 5.0, server, paths, ("bullmq", name, prefix), cluster=cluster)
        self.made.append(RedisRunner(task, Secrets()))
        return self.made[-1]


@pytest.fixture
async def asking(password: str) -> AsyncIterator[Asking]:
    one = Asking(password)
    yield one
    for runner in one.made:
        await runner.close()


async def asked(runner: RedisRunner) -> Mapping[str, Any]:
    result = await runner()
    assert (result.ok, result.unknown) == (True, ()), result
    return result.values or {}


@pytest.mark.parametrize(
    ("key", "tag", "slot"),
    [("123456789", "", 12739), ("{123456789}:jobs", "123456789", 12739), ("a{}b", "", None), ("a{b", "", None)],
)
def test_a_slot_is_that_of_the_hash_tag(key: str, tag: str, slot: int | None) -> None:
    assert hash_tag(key) == tag
    assert slot is None or slot_of(key) == slot


async def test_slots_are_those_of_redis(made: Servers) -> None:
    port = await made.start("--cluster-enabled", "yes")
    async with made.client(port) as client:
        for key in ("jobs", "{bull}:jobs:wait", "a{}b", "a{b", "{{a}}b", "}{x}", "{ü}", ""):
            assert await client.execute_command("CLUSTER KEYSLOT", key) == slot_of(key), key


async def test_a_queue_is_found_on_whichever_node_it_lies(made: Servers, asking: Asking) -> None:
    await cluster(made)
    await serving(made)
    for name in ("mails", "jobs", "a"):
        prefix = f"{{{name}}}"
        told = json.loads(await node_output(FOREIGN / "bull_cluster.mjs", str(made.ports[0]), PASSWORD, prefix, name))
        for port in made.ports:
            runner = asking(port, name, "depth", "waiting", "prioritized", "delayed", "role", prefix=prefix)
            found = await asked(runner)
            assert found == {"depth": 4, "waiting": 2, "prioritized": 1, "delayed": 1, "role": "master"}
        assert (told["count"], told["waiting"], told["delayed"], told["prioritized"]) == (4, 2, 1, 1)
    slots = {slot_of(f"{{{name}}}:") * 3 // 16384 for name in ("mails", "jobs", "a")}
    assert len(slots) == 3, "each lies on another node"


async def test_a_queue_that_moves_to_another_node_is_found_there(made: Servers, asking: Asking) -> None:
    await cluster(made)
    await serving(made)
    slot = slot_of("{bull}:")
    owner = made.ports[slot * 3 // 16384]
    other = next(port for port in made.ports if port != owner)
    async with made.client(owner) as source, made.client(other) as target:
        await source.rpush("{bull}:jobs:wait", 1, 2, 3)
        runner = asking(made.ports[0], "jobs")
        assert await asked(runner) == {"depth": 3}
        to, of = [await node.execute_command("CLUSTER MYID") for node in (target, source)]
        await target.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", of)
        await source.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", to)
        words = ("127.0.0.1", other, "", 0, 5000, "AUTH", PASSWORD, "KEYS", "{bull}:jobs:wait")
        await source.execute_command("MIGRATE", *words)
        moving = await runner()
        why = "the queue's keys are being moved to another node of the Redis Cluster: wait until that is over"
        assert moving == ProbeResult(ok=True, values={}, unknown=((("depth",), why),))
        for node in (target, source):
            await node.execute_command("CLUSTER SETSLOT", slot, "NODE", to)
        assert await asked(runner) == {"depth": 3}


async def test_a_node_that_dies_is_the_systems_doing_and_is_found_again(made: Servers, asking: Asking) -> None:
    await cluster(made)
    await serving(made)
    owner = slot_of("{bull}:") * 3 // 16384
    async with made.client(made.ports[owner]) as node:
        await node.rpush("{bull}:jobs:wait", 1)
    runner = asking(made.ports[(owner + 1) % 3], "jobs")
    assert await asked(runner) == {"depth": 1}
    made.processes[owner].kill()
    await made.processes[owner].wait()
    errors = [(await runner()).error for _ in range(3)]
    assert set(errors) <= {"refused", "reset", "closed"}, errors


async def test_a_slot_that_is_not_served_and_a_user_who_may_not_ask(made: Servers, asking: Asking) -> None:
    port = await made.start("--cluster-enabled", "yes")
    down = await asking(port, "jobs")()
    assert down == ProbeResult(ok=False, error="redis CLUSTERDOWN")
    async with made.client(port) as node:
        await node.execute_command("ACL", "SETUSER", "default", "-cluster|slots")
    denied = await asking(port, "jobs")()
    ((path, why),) = denied.unknown
    assert (denied.ok, path) == (False, ())
    assert "Redis answered CLUSTER SLOTS with NOPERM: grant the probe's user this command" in why
    plain = await made.start()
    single = await asking(plain, "jobs")()
    assert "Redis answered CLUSTER SLOTS with ERR" in single.unknown[0][1]


@pytest.mark.parametrize(
    "reply",
    [b"*1\r\n*2\r\n:0\r\n:16383\r\n", b"*1\r\n:1\r\n", b"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n"],
)
async def test_an_answer_that_is_no_list_of_slots_is_no_redis_cluster(asking: Asking, reply: bytes) -> None:
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            if line == b"AUTH\r\n":
                await reader.readline()
                await reader.readline()
                writer.write(b"+OK\r\n")
            if line == b"SLOTS\r\n":
                writer.write(reply)
        writer.transport.abort()
        ended.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, asyncio.timeout(5):
        result = await asking(server.sockets[0].getsockname()[1], "jobs")()
        await ended.wait()
    assert result == ProbeResult(ok=False, error="protocol")


async def test_a_cluster_of_which_the_plan_does_not_say_so_is_unknown(made: Servers, asking: Asking) -> None:
    await cluster(made)
    await serving(made)
    other = next(port for index, port in enumerate(made.ports) if index != slot_of("{bull}:") * 3 // 16384)
    runner = asking(other, "jobs", cluster=False)
    why = "this is a Redis Cluster: write cluster: {} in the dependency"
    assert (await runner()).unknown == ((("depth",), why),)


CLUSTER = redis_at(host="sessions.example.com", cluster=True)


@pytest.mark.parametrize(
    ("queue", "path"),
    [
        (Queue("bullmq", "jobs", "{bull}"), None),
        (Queue("bullmq", "{jobs}"), None),
        (Queue("bullmq", "jobs"), "queue.prefix"),
        (Queue("bullmq", "jobs", "{}"), "queue.prefix"),
        (Queue("celery", "{orders}"), "queue"),
        (Queue("sidekiq", "{mails}"), "queue"),
    ],
)
def test_a_queue_whose_keys_lie_on_several_nodes_is_refused(queue: Queue, path: str | None) -> None:
    assert [finding.path for finding in KIND.check(RedisProbe(CLUSTER, queue))] == ([path] if path else [])
    assert KIND.config(RedisProbe(CLUSTER, queue), "shop")["cluster"] is True


def test_every_key_of_bullmq_has_the_slot_that_is_asked_for() -> None:
    commands = [*(one for all_of in BULL.figures.values() for one in all_of), *BULL.flags.values(), *BULL.signs]
    keys = {BULL.command(one, "{bull}", "jobs")[1] for one in commands}
    assert {slot_of(key) for key in keys} == {slot_of(BULL.begins("{bull}", "jobs"))}
