"""The alert probe against PagerDuty's API as it is documented: no PagerDuty can be run here."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gameday.model.agent import HttpAccess, ProbeTask
from gameday.probes.alert.config import PAGER_DUTY, AlertConfig, Incidents
from gameday.probes.alert.runner import AlertRunner
from gameday.probes.io.secrets import Secrets
from gameday.probes.runner import ProbeResult
from unit.pager_duty_server import KEY, PagerDuty, incident, pager_duty
from unit.ports import free_port

NOW = datetime.now(UTC).replace(microsecond=0)
TITLE = "[FIRING:1] RedisDown shop"


@pytest.fixture
async def account() -> AsyncIterator[PagerDuty]:
    async with pager_duty() as one:
        yield one


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    return file


@pytest.fixture
def strange_key(tmp_path: Path) -> Path:
    file = tmp_path / "strange"
    file.write_text("another-key-of-somebody")
    return file


def probe(url: str, key: Path, services: tuple[str, ...] = ("PSHOP01",), timeout: float = 20.0) -> AlertRunner:
    access = HttpAccess(bearer_file=str(key))
    config = AlertConfig(url, {}, access=access, source=PAGER_DUTY, incidents=Incidents(services, "RedisDown"))
    return AlertRunner(ProbeTask("p", "alert", 5.0, timeout, (("firing",),), asdict(config)), Secrets())


async def ask(account: PagerDuty, key: Path, *services: str) -> ProbeResult:
    result = await probe(account.url, key, services or ("PSHOP01",))()
    assert (result.ok, result.unknown) == (True, ()), result
    return result


async def test_an_open_incident_fires_also_when_it_was_acknowledged(account: PagerDuty, key: Path) -> None:
    assert (await ask(account, key)).values == {"firing": False}
    for status, firing in (("triggered", True), ("acknowledged", True), ("resolved", False)):
        account.incidents = [incident(TITLE, NOW, status=status)]
        expected = {"firing": True, "startsAt": NOW.timestamp()} if firing else {"firing": False}
        assert (await ask(account, key)).values == expected, status


async def test_only_the_services_and_the_title_that_are_meant_count(account: PagerDuty, key: Path) -> None:
    account.incidents = [incident("[FIRING:1] DiskFull", NOW), incident(TITLE, NOW, service="POTHER1")]
    assert (await ask(account, key)).values == {"firing": False}
    assert (await ask(account, key, "PSHOP01", "POTHER1")).values == {"firing": True, "startsAt": NOW.timestamp()}


async def test_the_newest_one_tells_when_it_started_and_one_of_last_year_is_found(
    account: PagerDuty, key: Path
) -> None:
    year = NOW - timedelta(days=365)
    account.incidents = [incident(TITLE, year)]
    assert (await ask(account, key)).values == {"firing": True, "startsAt": year.timestamp()}
    account.incidents = [incident(TITLE, at) for at in (year, NOW, NOW - timedelta(hours=1))]
    assert (await ask(account, key)).values == {"firing": True, "startsAt": NOW.timestamp()}


async def test_pages_are_read_until_one_is_meant_and_a_bound_of_ours_is_unknown(account: PagerDuty, key: Path) -> None:
    others = [incident(f"Other {index}", NOW + timedelta(seconds=index)) for index in range(999)]
    account.incidents = [*others, incident(TITLE, NOW - timedelta(days=1))]
    result = await ask(account, key)
    assert result.values == {"firing": True, "startsAt": (NOW - timedelta(days=1)).timestamp()}
    assert len(account.requests) == 10
    account.requests.clear()
    account.incidents.append(incident(TITLE, NOW + timedelta(days=1)))
    assert ((await ask(account, key)).values or {})["startsAt"] == (NOW + timedelta(days=1)).timestamp()
    assert len(account.requests) == 1, "the newest come first, so no other page is read"
    account.incidents = [incident(f"Other {index}", NOW) for index in range(1001)]
    many = await probe(account.url, key)()
    why = "more than 1000 incidents are open: name fewer services, or resolve what is over"
    assert many == ProbeResult(ok=False, error="protocol", unknown=(((), why),))


async def test_a_key_that_is_not_admitted_or_not_there_is_unknown(account: PagerDuty, strange_key: Path) -> None:
    result = await probe(account.url, strange_key)()
    (((path, why)),) = result.unknown
    assert (result.error, path) == ("http 401", ())
    assert "does not admit the probe (401)" in why
    result = await probe(account.url, strange_key.with_name("none"))()
    why = "the value of pagerDuty.tokenFrom cannot be read: check its Secret"
    assert result == ProbeResult(ok=False, error="the request cannot be sent", unknown=(((), why),))


async def test_after_a_429_no_request_is_sent_until_the_time_that_it_names(account: PagerDuty, key: Path) -> None:
    account.left, account.reset = 0, "1"
    asking = probe(account.url, key)
    for _ in range(3):
        result = await asking()
        limited = "PagerDuty limits requests (429), so none is sent for 1 s"
        why = f"{limited}: raise interval, or give the drill a key of its own"
        assert result == ProbeResult(ok=False, error="http 429", unknown=(((), why),))
    assert len(account.requests) == 1
    account.left = 960
    async with asyncio.timeout(5):
        result = await asking()
        while not result.ok:
            await asyncio.sleep(0.05)
            result = await asking()
    assert result.values == {"firing": False}
    assert len(account.requests) == 2


@pytest.mark.parametrize("reset", ["", "soon", "nan", "inf", "-5", "1e9"])
async def test_a_429_that_names_no_good_time_does_not_stop_the_probe_for_long(
    account: PagerDuty, key: Path, reset: str
) -> None:
    account.left, account.reset = 0, reset
    result = await probe(account.url, key)()
    seconds = 60 if reset == "1e9" else 1
    assert f"none is sent for {seconds} s" in result.unknown[0][1]


async def _serving(body: Any, status: int = 200) -> tuple[web.AppRunner, str]:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(body, status=status) if not isinstance(body, bytes) else web.Response(body=body)

    app = web.Application()
    app.add_routes([web.get("/incidents", answer)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}"


GOOD = incident(TITLE, NOW)


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"incidents": []},
        {"incidents": {}, "more": False},
        {"incidents": [1], "more": False},
        {"incidents": [GOOD | {"status": 1}], "more": False},
        {"incidents": [GOOD | {"service": None}], "more": False},
        {"incidents": [GOOD | {"created_at": "yesterday"}], "more": False},
        {"incidents": [GOOD | {"created_at": "2026-11-29T18:00:00"}], "more": False},
        b"<html>",
        b"[" * 100_000,
        b"x" * (2 * 1024 * 1024),
    ],
)
async def test_what_is_no_pager_duty_is_unknown(key: Path, body: Any) -> None:
    runner, url = await _serving(body)
    try:
        result = await probe(url, key)()
    finally:
        await runner.cleanup()
    assert (result.ok, result.values, [path for path, _ in result.unknown]) == (False, None, [()])


async def test_a_server_that_ignores_the_parameters_is_not_believed(key: Path) -> None:
    others = [GOOD | {"status": "resolved"}, GOOD | {"service": {"id": "POTHER1"}}]
    runner, url = await _serving({"incidents": others, "more": False})
    try:
        assert (await probe(url, key)()).values == {"firing": False}
    finally:
        await runner.cleanup()


async def test_errors_and_silence_say_nothing_of_the_system(key: Path) -> None:
    runner, url = await _serving({}, status=503)
    try:
        result = await probe(url, key)()
    finally:
        await runner.cleanup()
    why = "PagerDuty answered with status 503: check url and services, and its status page"
    assert result == ProbeResult(ok=False, error="http 503", unknown=(((), why),))
    gone = await probe(f"http://127.0.0.1:{free_port()}", key)()
    why = "PagerDuty did not answer (refused): check url, and whether it is up and can be reached from here"
    assert gone == ProbeResult(ok=False, error="refused", unknown=(((), why),))

    ended = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.transport.abort()
        ended.set()

    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        slow = await probe(url, key, timeout=0.3)()
        await ended.wait()
    assert (slow.ok, slow.error, [path for path, _ in slow.unknown]) == (False, "timeout", [()])
