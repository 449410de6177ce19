"""The servers of a Redis that a host leads to are found by asking: a real Cluster, Sentinels and a DNS server."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gameday.agents import naming, servers
from gameday.agents.log import SampleLog
from gameday.agents.naming import Name
from gameday.agents.servers import Ports, Servers
from gameday.agents.witness import witness
from gameday.model.addresses import OTHER_PORT
from gameday.model.agent import SENTINEL, SERVER, Dial, Peers, RedisAddress, WitnessConfig
from unit import redis_peers
from unit.dns_server import DnsServer, dns_server
from unit.redis_peers import MASTER, cluster, cluster_at, join_cluster, watched_at
from unit.redis_server import PASSWORD

NAME = "sessions.redis.test"
FIRST, SECOND, THIRD, FOURTH, FIFTH, SIXTH = (f"127.0.0.{n}" for n in range(11, 17))


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that answers is heard, however busy the machine is."""
    monkeypatch.setattr(servers, "ANSWERS_WITHIN", 15.0)


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[redis_peers.Servers]:
    async with redis_peers.servers(tmp_path) as one:
        yield one


@pytest.fixture
async def dns(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DnsServer]:
    # What tests can run stands on this machine, whose own addresses are never cut.
    monkeypatch.setattr(naming, "uncuttable", lambda _address: "")
    async with dns_server() as server:
        monkeypatch.setattr(naming, "PORT", server.port)
        yield server


@pytest.fixture
def conf(tmp_path: Path) -> str:
    file = tmp_path / "resolv.conf"
    file.write_text("nameserver 127.0.0.1\n")
    return str(file)


@pytest.fixture
def password(tmp_path: Path) -> str:
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    return str(file)


class Looking:
    """A host whose servers are looked for, and what its log says."""

    def __init__(self, ports: Ports, peers: Peers, password: str, conf: str, host: str = NAME) -> None:
        self.out = io.StringIO()
        redis = RedisAddress(host, ports.redis, password_file=password, database=3)
        self.name = Servers(host, SampleLog(self.out), redis, peers, ports, conf)

    async def look(self) -> dict[str, Any]:
        await self.name.look()
        line: dict[str, Any] = json.loads(self.out.getvalue().splitlines()[-1])
        assert (line["type"], line["values"]["host"]) == ("addresses", self.name.host)
        return line

    async def finds(self, *wanted: str) -> None:
        """Look until these are found, and nothing else: on a busy machine a server may answer too late for one look."""
        async with asyncio.timeout(60):
            while not (line := await self.look())["ok"] or line["values"]["addresses"] != list(wanted):
                assert not line["ok"] or set(line["values"]["addresses"]) < set(wanted), line


async def test_each_node_of_a_cluster_is_found_by_one_of_them_and_also_one_that_comes_later(
    made: redis_peers.Servers, dns: DnsServer, password: str, conf: str
) -> None:
    dns.table[NAME] = (FIRST,)
    port = await cluster_at(made, (FIRST, SECOND, THIRD))
    looking = Looking(Ports(port), Peers(), password, conf)
    await looking.finds(FIRST, SECOND, THIRD)
    await join_cluster(made, port, FOURTH, FIRST)
    await looking.finds(FIRST, SECOND, THIRD, FOURTH)
    by_address = Looking(Ports(port), Peers(), password, conf, SECOND)
    await by_address.finds(FIRST, SECOND, THIRD, FOURTH)


async def test_sentinels_lead_to_the_master_the_replica_and_each_other_and_the_master_may_move(
    made: redis_peers.Servers, dns: DnsServer, password: str, conf: str
) -> None:
    port, watching = await watched_at(made, (FIRST, SECOND, THIRD), FOURTH, FIFTH)
    dns.table[NAME] = (SECOND,)
    looking = Looking(Ports(port, watching), Peers(MASTER), password, conf)
    every = [FIRST, SECOND, THIRD, FOURTH, FIFTH]
    await looking.finds(*every)
    async with made.client(watching, None, FIRST) as one:
        await one.execute_command("SENTINEL FAILOVER", MASTER)
        async with asyncio.timeout(20):
            while (await one.execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME", MASTER))[0] != FIFTH:
                # A Sentinel may have no connection to a server for a moment, and then does not name it to clients.
                await looking.look()
    await looking.finds(*every)
    assert sorted(looking.name.known) == every, "nothing is forgotten, and nothing else came"


async def test_a_server_that_does_not_answer_leaves_the_set_unknown_until_it_is_named_no_more(
    made: redis_peers.Servers, dns: DnsServer, password: str, conf: str
) -> None:
    dns.table[NAME] = (FIRST,)
    port = await cluster_at(made, (FIRST, SECOND, THIRD))
    await join_cluster(made, port, FOURTH, FIRST)
    looking = Looking(Ports(port), Peers(), password, conf)
    await looking.finds(FIRST, SECOND, THIRD, FOURTH)
    made.processes[3].kill()
    await made.processes[3].wait()
    line = await looking.look()
    told = f"servers: {FOURTH}:{port} is one of its servers and did not answer (refused)"
    assert (line["ok"], line["error"], "addresses" in line["values"]) == (False, told, False)
    await looking.finds(FIRST, SECOND, THIRD)
    assert list(looking.name.known) == [FIRST, SECOND, THIRD, FOURTH], (
        "what was found once is cut and dialled to the end"
    )


async def test_one_that_cannot_be_asked_says_so(
    made: redis_peers.Servers, dns: DnsServer, password: str, conf: str
) -> None:
    port = await made.start(host=FIRST)
    dns.table[NAME] = (FIRST,)

    async def told(ports: Ports, peers: Peers, file: str = password) -> str:
        line = await Looking(ports, peers, file, conf).look()
        assert not line["ok"]
        return str(line["error"])

    assert await told(Ports(port), Peers()) == "servers: CLUSTER SLOTS answered redis ERR"
    assert await told(Ports(1, port), Peers("m", password_file=password)) == "servers: SENTINEL answered redis ERR"
    dns.table[NAME] = (SECOND,)
    assert await told(Ports(port), Peers()) == f"servers: {SECOND}:{port} did not answer (refused)"
    dns.table.clear()
    assert await told(Ports(port), Peers()) == "dns"
    dns.table[NAME] = (FIRST,)
    (Path(password).parent / "wrong").write_text("wrong")
    wrong = await told(Ports(port), Peers(), str(Path(password).parent / "wrong"))
    assert wrong == "servers: CLUSTER SLOTS answered auth: it refuses the password"


async def test_a_silent_server_is_given_up_in_time_for_the_next_look(
    dns: DnsServer, password: str, conf: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "ANSWERS_WITHIN", 1.5)
    ended = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.transport.abort()
        ended.set()

    dns.table[NAME] = (FIRST,)
    async with await asyncio.start_server(hang, FIRST, 0) as server, asyncio.timeout(20):
        port = server.sockets[0].getsockname()[1]
        line = await Looking(Ports(port), Peers(), password, conf).look()
        await ended.wait()
    assert line["error"] == f"servers: {FIRST}:{port} did not answer (timeout)"


async def test_a_server_at_a_port_that_is_not_cut_makes_a_set_that_cannot_be_cut(
    made: redis_peers.Servers, dns: DnsServer, password: str, conf: str
) -> None:
    await cluster(made)
    dns.table[NAME] = ("127.0.0.1",)
    first, second, third = made.ports
    line = await Looking(Ports(first), Peers(), password, conf).look()
    assert line["error"] == f"127.0.0.1:{min(second, third)} {OTHER_PORT}"


async def test_a_name_that_a_server_announces_is_looked_up_as_the_host_is(
    made: redis_peers.Servers, dns: DnsServer, password: str, conf: str
) -> None:
    port = await cluster_at(made, (FIRST, SECOND))
    dns.table[NAME] = (FIRST,)
    async with made.client(port, host=SECOND) as node, made.client(port, host=FIRST) as first:
        await node.config_set("cluster-announce-hostname", "second.redis.test")
        await first.config_set("cluster-preferred-endpoint-type", "hostname")
        await first.config_set("cluster-announce-hostname", NAME)
        async with asyncio.timeout(20):
            while "second.redis.test" not in str(await first.execute_command("CLUSTER SLOTS")):  # noqa: ASYNC110  theirs
                await asyncio.sleep(0.1)
    looking = Looking(Ports(port), Peers(), password, conf)
    assert (await looking.look())["error"] == "dns", "a server whose address is not known would stay open"
    dns.table["second.redis.test"] = (SECOND, "2001:db8::7")
    await looking.finds(FIRST, SECOND, "2001:db8::7")


@pytest.mark.parametrize("host", [NAME, FIRST], ids=["name", "address"])
async def test_a_witness_dials_every_server_that_is_found_by_its_own_port(
    host: str, made: redis_peers.Servers, dns: DnsServer, password: str, conf: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Servers.__init__, "__defaults__", (conf,))
    monkeypatch.setattr(Name.__init__, "__defaults__", (conf,))
    monkeypatch.setattr(naming, "LOOK_EVERY", 0.3)
    port, watching = await watched_at(made, (FIRST, SECOND, THIRD), FOURTH, FIFTH)
    dns.table[NAME] = (FIRST,)
    dials = (
        Dial(f"target:{host}:{port}", host, port, SERVER),
        Dial(f"target:{host}:{watching}", host, watching, SENTINEL),
    )
    redis = RedisAddress(host, port, password_file=password)
    config = WitnessConfig(dials=dials, redis=redis, peers=Peers(MASTER), through=host, every=0.1)
    out, ending = io.StringIO(), asyncio.Event()
    working = asyncio.create_task(witness(config, SampleLog(out), ending))

    def answered() -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for line in map(json.loads, out.getvalue().splitlines()):
            if line["type"] == "dial" and line["ok"]:
                found.setdefault(line["name"], set()).add(line["values"]["at"])
        return found

    async with asyncio.timeout(20):
        while len(answered()) < 2:  # noqa: ASYNC110  the log is what users have
            await asyncio.sleep(0.05)
        for process in made.processes:
            process.kill()
        while out.getvalue().count('"error":"refused"') < 4:  # noqa: ASYNC110  see above
            await asyncio.sleep(0.05)
    ending.set()
    await working
    at = answered()
    assert at[dials[0].name] <= {FOURTH, FIFTH}
    assert at[dials[1].name] <= {FIRST, SECOND, THIRD}
