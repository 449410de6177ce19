"""The alert probe against a real Alertmanager that a real Prometheus sends to: a rule, evaluated, grouped and sent.

What the team would get is taken by a receiver on loopback, so what the probe says can be held against it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from aiohttp import web

from gameday.model.agent import HttpAccess, ProbeTask
from gameday.probes.alert.config import AlertConfig
from gameday.probes.alert.runner import AlertRunner
from gameday.probes.io.secrets import Secrets
from gameday.probes.runner import ProbeResult
from unit.monitoring import alertmanager_options, prometheus_options, running
from unit.ports import free_port

ODD = 'Redis "eu\\1"\nis down'
"""A label's value with all that a matcher must escape."""


@dataclass
class Team:
    """A system with a metric, and the place where the team gets its alerts."""

    redis_up: int = 1
    port: int = 0
    got: list[tuple[float, str, Mapping[str, Any]]] = field(default_factory=list)
    """When each notification came (Unix seconds), its status, and its labels."""

    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def is_told(self, status: str, patience: float = 30.0) -> tuple[float, str, Mapping[str, Any]]:
        """Wait for a notification with this status; the first one."""
        async with asyncio.timeout(patience):
            while (first := next((one for one in self.got if one[1] == status), None)) is None:
                await self.came.wait()
                self.came.clear()
        return first

    def app(self) -> web.Application:
        async def metrics(_: web.Request) -> web.Response:
            return web.Response(text=f"redis_up {self.redis_up}\n")

        async def receive(request: web.Request) -> web.Response:
            told = await request.json()
            self.got += [(time.time(), alert["status"], alert["labels"]) for alert in told["alerts"]]
            self.came.set()
            return web.Response()

        app = web.Application()
        app.add_routes([web.get("/metrics", metrics), web.post("/", receive)])
        return app


@pytest.fixture
async def team() -> AsyncIterator[Team]:
    one = Team()
    runner = web.AppRunner(one.app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    one.port = runner.addresses[0][1]
    yield one
    await runner.cleanup()


def routes(team: Team) -> dict[str, Any]:
    """Alerts are grouped for three seconds, and sent to the team; those of another team go nowhere."""
    return {
        "route": {
            "receiver": "team",
            "group_wait": "3s",
            "group_interval": "1s",
            "routes": [{"matchers": ['owner="others"'], "receiver": "nobody"}],
        },
        "receivers": [
            {"name": "team", "webhook_configs": [{"url": f"http://127.0.0.1:{team.port}/"}]},
            {"name": "nobody"},
        ],
    }


@pytest.fixture
async def alertmanager(team: Team, tmp_path: Path) -> AsyncIterator[AlertConfig]:
    port = free_port()
    async with running("alertmanager", tmp_path, alertmanager_options(tmp_path, routes(team)), port):
        yield AlertConfig(f"http://127.0.0.1:{port}", {"alertname": "RedisDown"})


@pytest.fixture
async def prometheus(team: Team, alertmanager: AlertConfig, tmp_path: Path) -> AsyncIterator[None]:
    rule = {"alert": "RedisDown", "expr": "redis_up == 0", "labels": {"severity": "page"}}
    rules = tmp_path / "rules.yml"
    rules.write_text(yaml.safe_dump({"groups": [{"name": "redis", "rules": [rule]}]}))
    receivers = [{"targets": [alertmanager.url.removeprefix("http://")]}]
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(rules)],
        "scrape_configs": [{"job_name": "app", "static_configs": [{"targets": [f"127.0.0.1:{team.port}"]}]}],
        "alerting": {"alertmanagers": [{"static_configs": receivers}]},
    }
    async with running("prometheus", tmp_path, prometheus_options(tmp_path, config), free_port()):
        yield


def probe(config: AlertConfig, timeout: float = 20.0) -> AlertRunner:
    return AlertRunner(ProbeTask("p", "alert", 1.0, timeout, (("firing",),), asdict(config)), Secrets())


async def ask(config: AlertConfig, timeout: float = 20.0) -> ProbeResult:
    return await probe(config, timeout)()


async def becomes(config: AlertConfig, firing: bool, patience: float = 45.0) -> ProbeResult:
    """The first answer that says so."""
    async with asyncio.timeout(patience):
        while True:
            result = await ask(config)
            assert (result.ok, result.unknown) == (True, ()), result
            if (result.values or {})["firing"] is firing:
                return result


async def send(config: AlertConfig, *alerts: Mapping[str, Any]) -> None:
    """Give Alertmanager alerts, as Prometheus does."""
    async with httpx.AsyncClient(trust_env=False) as client:
        (await client.post(f"{config.url}/api/v2/alerts", json=list(alerts))).raise_for_status()


@pytest.mark.usefixtures("prometheus")
async def test_a_rule_fires_and_the_team_is_told_within_a_minute(team: Team, alertmanager: AlertConfig) -> None:
    assert await ask(alertmanager) == ProbeResult(ok=True, values={"firing": False})
    failed = time.time()
    team.redis_up = 0
    result = await becomes(alertmanager, True)
    seen = time.time()
    started = (result.values or {})["startsAt"]
    assert failed - 1 <= started <= seen, "a rule's evaluation bears the time that it was due at"
    told, _, labels = await team.is_told("firing")
    assert (labels["alertname"], labels["severity"]) == ("RedisDown", "page")
    print(f"started {started - failed:.1f} s, seen {seen - failed:.1f} s, told {told - failed:.1f} s after the failure")
    assert told - failed < 60
    assert seen < told, "grouping holds the notification back, and the probe sees the alert before"

    team.redis_up = 1
    over = await becomes(alertmanager, False)
    assert over.values == {"firing": False}
    await team.is_told("resolved")

    again = time.time()
    team.redis_up = 0
    second = (await becomes(alertmanager, True)).values or {}
    assert second["startsAt"] >= again - 1 > started, "it is a new alert, although its labels are the same"


async def test_all_labels_must_be_those_and_the_newest_start_counts(alertmanager: AlertConfig) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    old, new = (now - timedelta(hours=1)), (now - timedelta(minutes=1))
    both = {"alertname": "RedisDown", "odd": ODD}
    await send(
        alertmanager,
        {"labels": {**both, "pod": "a"}, "startsAt": new.isoformat()},
        {"labels": {**both, "pod": "b"}, "startsAt": old.isoformat()},
        {"labels": {"alertname": "DiskFull"}, "startsAt": now.isoformat()},
    )
    wanted = replace(alertmanager, labels=both)
    result = await becomes(wanted, True)
    assert result.values == {"firing": True, "startsAt": new.timestamp()}
    only = await ask(replace(wanted, labels=both | {"pod": "b"}))
    assert only.values == {"firing": True, "startsAt": old.timestamp()}
    for other in ({"pod": "c"}, {"odd": "Redis"}, {"severity": "page"}):
        assert (await ask(replace(wanted, labels=both | other))).values == {"firing": False}


async def test_an_alert_that_is_over_or_kept_back_does_not_fire(alertmanager: AlertConfig) -> None:
    now = datetime.now(UTC)
    ago, over = (now - timedelta(hours=1)).isoformat(), (now - timedelta(minutes=1)).isoformat()
    await send(alertmanager, {"labels": {"alertname": "RedisDown", "pod": "a"}, "startsAt": ago, "endsAt": over})
    await send(alertmanager, {"labels": {"alertname": "RedisDown", "pod": "b"}, "startsAt": ago})
    await becomes(alertmanager, True)
    assert (await ask(replace(alertmanager, labels={"pod": "a"}))).values == {"firing": False}
    matcher = {"name": "pod", "value": "b", "isRegex": False, "isEqual": True}
    until = (now + timedelta(hours=1)).isoformat()
    silence = {"matchers": [matcher], "startsAt": now.isoformat(), "endsAt": until, "createdBy": "t", "comment": "t"}
    async with httpx.AsyncClient(trust_env=False) as client:
        (await client.post(f"{alertmanager.url}/api/v2/silences", json=silence)).raise_for_status()
    await becomes(alertmanager, False)


async def test_an_alert_counts_only_if_it_is_routed_to_the_receiver(alertmanager: AlertConfig) -> None:
    await send(alertmanager, {"labels": {"alertname": "RedisDown", "owner": "others"}})
    await becomes(alertmanager, True)
    assert (await ask(replace(alertmanager, receiver="team"))).values == {"firing": False}
    assert ((await ask(replace(alertmanager, receiver="nobody"))).values or {})["firing"] is True


async def test_an_alertmanager_that_does_not_answer_says_nothing_of_the_system(alertmanager: AlertConfig) -> None:
    gone = await ask(replace(alertmanager, url=f"http://127.0.0.1:{free_port()}"))
    why = "Alertmanager did not answer (refused): check url, and whether it is up and can be reached from here"
    assert gone == ProbeResult(ok=False, error="refused", unknown=(((), why),))
    elsewhere = await ask(replace(alertmanager, url=f"{alertmanager.url}/elsewhere"))
    why = "Alertmanager answered with status 404: check url and labels, and whether it is up"
    assert elsewhere == ProbeResult(ok=False, error="http 404", unknown=(((), why),))


@pytest.fixture
async def pretending() -> AsyncIterator[str]:
    """What has the path, and another API behind it."""
    alert = {"labels": {"alertname": "RedisDown"}, "status": {"state": "active"}, "receivers": [1]}
    answers: dict[str, Any] = {
        "object": {"status": "success"},
        "numbers": [1, 2],
        "stateless": [{"labels": {}}],
        "undated": [alert],
        "unzoned": [alert | {"startsAt": "2026-11-29T18:00:00"}],
        "unfiltered": [alert | {"labels": {"alertname": "Other"}, "startsAt": "2026-11-29T18:00:00Z"}],
        "suppressed": [alert | {"status": {"state": "suppressed"}, "startsAt": "2026-11-29T18:00:00Z"}],
        "good": [alert | {"startsAt": "2026-11-29T18:00:00.123456789Z"}],
    }

    async def answer(request: web.Request) -> web.Response:
        if request.match_info["how"] == "guarded":
            return web.Response(status=403)
        return web.json_response(answers[request.match_info["how"]])

    app = web.Application()
    app.add_routes([web.get("/{how}/api/v2/alerts", answer)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_what_is_no_alertmanager_is_unknown_and_its_answers_are_looked_at_again(pretending: str) -> None:
    for how in ("object", "numbers", "stateless", "undated", "unzoned"):
        result = await ask(AlertConfig(f"{pretending}/{how}", {"alertname": "RedisDown"}))
        why = "what answers does not have Alertmanager's API: check url, which ends before /api/v2"
        assert (result.ok, result.unknown) == (False, (((), why),)), how
    for how in ("unfiltered", "suppressed"):
        result = await ask(AlertConfig(f"{pretending}/{how}", {"alertname": "RedisDown"}))
        assert result.values == {"firing": False}, how
    good = await ask(AlertConfig(f"{pretending}/good/", {"alertname": "RedisDown"}))
    assert good.values == {"firing": True, "startsAt": pytest.approx(1795975200.123, abs=0.001)}
    guarded = await ask(AlertConfig(f"{pretending}/guarded", {"alertname": "RedisDown"}))
    why = "Alertmanager does not admit the probe (403): check auth, and its Secret"
    assert guarded == ProbeResult(ok=False, error="http 403", unknown=(((), why),))


async def test_a_token_is_sent_and_a_slow_answer_is_unknown(tmp_path: Path) -> None:
    sent: list[str] = []
    ended = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sent.append((await reader.readuntil(b"\r\n\r\n")).decode())
        await reader.read()
        writer.transport.abort()
        ended.set()

    (tmp_path / "token").write_text("jane")
    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        config = AlertConfig(url, {"a": "b"}, access=HttpAccess(bearer_file=str(tmp_path / "token")))
        result = await ask(config, timeout=0.3)
        await ended.wait()
    assert (result.ok, result.error, [path for path, _ in result.unknown]) == (False, "timeout", [()])
    assert "Authorization: Bearer jane" in sent[0]
