"""How witnesses find the addresses of a name that is cut, by a real DNS server, and dial all of them."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gameday.agents import naming
from gameday.agents.log import SampleLog
from gameday.agents.naming import Name, NoAnswer, addresses, first_good
from gameday.agents.witness import witness
from gameday.model.addresses import MOST_ADDRESSES
from gameday.model.agent import Dial, WitnessConfig
from unit.dns_server import DnsServer, dns_server
from unit.redis_server import RedisServer

NAME = "eu1.redis.test"


@pytest.fixture
async def dns(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DnsServer]:
    async with dns_server() as server:
        monkeypatch.setattr(naming, "PORT", server.port)
        yield server


@pytest.fixture
def conf(tmp_path: Path) -> str:
    file = tmp_path / "resolv.conf"
    file.write_text("nameserver 127.0.0.1\nsearch shop.svc.cluster.local svc.cluster.local\noptions ndots:5\n")
    return str(file)


async def looked(dns_name: Name, out: io.StringIO) -> dict[str, Any]:
    """The line of one more look."""
    await dns_name.look()
    line: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    assert line["type"] == "addresses"
    assert line["values"]["host"] == dns_name.host
    return line


async def test_both_families_are_found_in_a_fixed_order(dns: DnsServer, conf: str) -> None:
    dns.table[NAME] = ("203.0.113.8", "2001:db8::1", "203.0.113.7")
    assert await addresses(NAME, conf) == ("203.0.113.7", "203.0.113.8", "2001:db8::1")
    assert {family for _, family in dns.asked} == {"A", "AAAA"}


async def test_an_ipv4_mapped_address_is_the_ipv4_address_that_is_cut(dns: DnsServer, conf: str) -> None:
    dns.table[NAME] = ("203.0.113.7", "::ffff:203.0.113.7", "::ffff:203.0.113.8")
    assert await addresses(NAME, conf) == ("203.0.113.7", "203.0.113.8")


async def test_an_answer_that_udp_does_not_hold_is_asked_for_by_tcp(dns: DnsServer, conf: str) -> None:
    dns.table[NAME], dns.truncates = ("203.0.113.7", "203.0.113.8"), True
    assert await addresses(NAME, conf) == ("203.0.113.7", "203.0.113.8")


async def test_a_search_list_counts_as_it_does_for_the_targets(dns: DnsServer, conf: str) -> None:
    dns.table[f"{NAME}.shop.svc.cluster.local"] = ("10.96.0.9",)
    dns.table[NAME] = ("203.0.113.7",)
    assert await addresses(NAME, conf) == ("10.96.0.9",)
    assert await addresses(f"{NAME}.", conf) == ("203.0.113.7",)


@pytest.mark.parametrize("family", ["A", "AAAA"])
async def test_half_an_answer_is_none(dns: DnsServer, conf: str, family: str) -> None:
    """What is in the other family would stay open, and nobody would know."""
    dns.table[NAME], dns.broken = ("203.0.113.7", "2001:db8::1"), frozenset({family})
    with pytest.raises(NoAnswer):
        await addresses(NAME, conf)


async def test_a_name_that_is_not_there_or_not_answered_has_no_addresses(dns: DnsServer, conf: str) -> None:
    with pytest.raises(NoAnswer):
        await addresses("another.redis.test", conf)
    dns.silent = True
    async with asyncio.timeout(naming.ANSWERS_WITHIN + 0.5):
        with pytest.raises(NoAnswer):
            await addresses(NAME, conf)


async def test_without_a_resolv_conf_nothing_is_found(tmp_path: Path) -> None:
    with pytest.raises(NoAnswer):
        await addresses(NAME, str(tmp_path / "not-there"))


async def test_what_was_found_once_is_dialled_until_the_end(dns: DnsServer, conf: str) -> None:
    out = io.StringIO()
    name = Name(NAME, SampleLog(out), conf)
    dns.table[NAME] = ("203.0.113.7",)
    assert (await looked(name, out))["values"]["addresses"] == ["203.0.113.7"]
    dns.table[NAME] = ("203.0.113.8",)
    assert (await looked(name, out))["values"]["addresses"] == ["203.0.113.8"]
    del dns.table[NAME]
    line = await looked(name, out)
    assert (line["ok"], line["error"], "addresses" in line["values"]) == (False, "dns", False)
    assert list(name.known) == ["203.0.113.7", "203.0.113.8"]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (
            ("203.0.113.7", "127.0.0.1"),
            "its address 127.0.0.1 (loopback, link-local, multicast or unspecified) leads to no other machine",
        ),
        (
            ("0.0.0.0",),
            "its address 0.0.0.0 (loopback, link-local, multicast or unspecified) leads to no other machine",
        ),
        (("::1",), "its address ::1 (loopback, link-local, multicast or unspecified) leads to no other machine"),
        (
            ("::ffff:127.0.0.1",),
            "its address 127.0.0.1 (loopback, link-local, multicast or unspecified) leads to no other machine",
        ),
        (
            ("fe80::7",),
            "its address fe80::7 (loopback, link-local, multicast or unspecified) leads to no other machine",
        ),
        (
            ("169.254.169.254",),
            "its address 169.254.169.254 (loopback, link-local, multicast or unspecified) leads to no other machine",
        ),
        (tuple(f"203.0.113.{n}" for n in range(MOST_ADDRESSES + 1)), f"it has more than {MOST_ADDRESSES} addresses"),
    ],
)
async def test_what_cannot_be_cut_is_told_and_not_dialled(
    dns: DnsServer, conf: str, found: tuple[str, ...], told: str
) -> None:
    out = io.StringIO()
    name = Name(NAME, SampleLog(out), conf)
    dns.table[NAME] = found
    line = await looked(name, out)
    assert (line["ok"], line["error"], name.known) == (False, told, {})


async def test_the_line_of_the_most_addresses_fits(dns: DnsServer, conf: str) -> None:
    out = io.StringIO()
    long = ".".join(["a" * 60] * 3)
    name = Name(long, SampleLog(out), conf)
    dns.table[long] = tuple(f"2001:db8:aaaa:bbbb:cccc:dddd:eeee:{n:04x}" for n in range(MOST_ADDRESSES))
    line = await looked(name, out)
    assert len(line["values"]["addresses"]) == MOST_ADDRESSES
    assert "unknown" not in line


async def never() -> str | None:
    await asyncio.Event().wait()
    return None


async def test_a_dial_is_good_where_one_address_answers_and_bad_once_none_does() -> None:
    async def refused() -> str | None:
        return "refused"

    async def slow() -> str | None:
        await asyncio.sleep(0.3)
        return None

    assert await first_good({"a": refused, "b": slow, "c": never}) == (None, "b"), "each has the whole time"
    assert await first_good({"a": refused, "b": refused}) == ("refused", "")
    assert await first_good({}) == ("dns", "")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await first_good({"a": refused, "c": never})


async def test_a_witness_dials_a_name_once_it_is_found_and_says_what_answers(
    dns: DnsServer, conf: str, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(naming, "uncuttable", lambda _address: "")
    monkeypatch.setattr(Name.__init__, "__defaults__", (conf,))
    monkeypatch.setattr(naming, "LOOK_EVERY", 0.2)
    out, ending = io.StringIO(), asyncio.Event()
    config = WitnessConfig(dials=(Dial(f"target:{NAME}:{redis.port}", NAME, redis.port, "redis"),), every=0.05)
    working = asyncio.create_task(witness(config, SampleLog(out), ending))

    async def until(*wanted: str) -> None:
        async with asyncio.timeout(5):
            while not all(one in out.getvalue() for one in wanted):  # noqa: ASYNC110  the log is what users have
                await asyncio.sleep(0.02)

    await until('"error":"dns"')
    dns.table[NAME] = ("127.0.0.1",)
    await until('"values":{"at":"127.0.0.1"}', '"type":"held"')
    dns.table[NAME] = ("127.0.0.2",)
    await until('["127.0.0.2"]')
    await redis.kill()
    await until('"error":"refused"')
    ending.set()
    await working
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    dials = [line for line in lines if line["type"] == "dial"]
    assert dials[0]["ok"], "nobody dials before there is an address"
    assert {line["name"] for line in dials} == {f"target:{NAME}:{redis.port}"}
    assert [line["n"] for line in lines] == list(range(1, len(lines) + 1))


async def test_a_witness_that_never_finds_its_name_ends_when_it_is_told_to(
    dns: DnsServer, conf: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Name.__init__, "__defaults__", (conf,))
    out, ending = io.StringIO(), asyncio.Event()
    config = WitnessConfig(dials=(Dial(f"target:{NAME}:6379", NAME, 6379, "redis"),), every=0.05)
    working = asyncio.create_task(witness(config, SampleLog(out), ending))
    async with asyncio.timeout(5):
        while '"addresses"' not in out.getvalue():  # noqa: ASYNC110  see above
            await asyncio.sleep(0.02)
        ending.set()
        await working
    assert '"dial"' not in out.getvalue()
    assert dns.asked
