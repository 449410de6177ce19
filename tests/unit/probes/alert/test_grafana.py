"""The alert probe with Grafana: its path and its token, in front of a real Alertmanager.

Grafana has Alertmanager inside and serves its API under a path of its own, so what stands here in front of it does
what Grafana does: it admits a service account by its token and hands the request on. No Grafana can be run here.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from gameday.model.agent import HttpAccess, ProbeTask
from gameday.probes.alert.config import GRAFANA, AlertConfig
from gameday.probes.alert.runner import AlertRunner
from gameday.probes.io.secrets import Secrets
from gameday.probes.runner import ProbeResult
from unit.monitoring import alertmanager_options, running
from unit.ports import free_port

TOKEN = "glsa_HOruNAb7SOiCdshU9algkrq7FDsNSLAa_54e2f8be"
LABELS = {"alertname": "RedisDown", "grafana_folder": "Shop", "__alert_rule_uid__": "bdp8k3"}
"""The labels that an alert of Grafana's own rules has."""


@dataclass
class Grafana:
    """What answers for a Grafana, and how: with a status of its own where it is given one."""

    behind: str
    status: int = 0
    url: str = ""

    async def alerts(self, request: web.Request) -> web.Response:
        if self.status:
            return web.json_response({"message": "no"}, status=self.status, headers={"Location": "/login"})
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"message": "Invalid API key", "statusCode": 401}, status=401)
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"{self.behind}/api/v2/alerts?{request.query_string}")
        return web.Response(body=answer.content, status=answer.status_code, content_type="application/json")


@asynccontextmanager
async def standing(grafana: Grafana) -> AsyncIterator[Grafana]:
    app = web.Application()
    app.add_routes([web.get("/sub/api/alertmanager/grafana/api/v2/alerts", grafana.alerts)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        grafana.url = f"http://127.0.0.1:{runner.addresses[0][1]}/sub/"
        yield grafana
    finally:
        await runner.cleanup()


def config(grafana: Grafana, folder: Path, token: str = TOKEN, **more: Any) -> AlertConfig:
    (folder / "token").write_text(token)
    access = HttpAccess(bearer_file=str(folder / "token"))
    return AlertConfig(grafana.url, LABELS, access=access, source=GRAFANA, **more)


async def ask(one: AlertConfig) -> ProbeResult:
    return await AlertRunner(ProbeTask("p", "alert", 1.0, 20.0, (("firing",),), asdict(one)), Secrets())()


async def test_an_alert_of_a_rule_fires_for_its_contact_point_until_it_is_silenced(tmp_path: Path) -> None:
    routes = {"route": {"receiver": "shop-team", "group_wait": "1s"}, "receivers": [{"name": "shop-team"}]}
    port = free_port()
    async with (
        running("alertmanager", tmp_path, alertmanager_options(tmp_path, routes), port),
        standing(Grafana(f"http://127.0.0.1:{port}")) as grafana,
        httpx.AsyncClient(trust_env=False, base_url=grafana.behind) as client,
    ):
        wanted = config(grafana, tmp_path)
        assert (await ask(wanted)).values == {"firing": False}
        started = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
        alert = {"labels": LABELS, "startsAt": started.isoformat(), "generatorURL": "http://grafana/alerting/x/edit"}
        (await client.post("/api/v2/alerts", json=[alert])).raise_for_status()
        for receiver, values in (
            ("", {"firing": True, "startsAt": started.timestamp()}),
            ("shop-team", {"firing": True, "startsAt": started.timestamp()}),
            ("others", {"firing": False}),
        ):
            assert (await ask(replace(wanted, receiver=receiver))).values == values, receiver
        silence = {
            "matchers": [{"name": "alertname", "value": "RedisDown", "isRegex": False, "isEqual": True}],
            "startsAt": datetime.now(UTC).isoformat(),
            "endsAt": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
            "createdBy": "t",
            "comment": "t",
        }
        (await client.post("/api/v2/silences", json=silence)).raise_for_status()
        assert (await ask(wanted)).values == {"firing": False}

        stranger = await ask(config(grafana, tmp_path, "glsa_of_somebody_else"))
        why = (
            "Grafana does not admit the probe (401): "
            "check tokenFrom, and that the service account may read alert instances (role Viewer)"
        )
        assert stranger == ProbeResult(ok=False, error="http 401", unknown=(((), why),))


@pytest.mark.parametrize(
    ("status", "word", "says"),
    [
        (403, "http 403", "does not admit the probe (403)"),
        (302, "redirect 302", "write url with https://"),
        (409, "http 409", "has not started yet"),
        (500, "http 500", "answered with status 500"),
    ],
)
async def test_a_grafana_that_does_not_say_is_unknown(tmp_path: Path, status: int, word: str, says: str) -> None:
    async with standing(Grafana("", status)) as grafana:
        result = await ask(config(grafana, tmp_path))
    ((path, why),) = result.unknown
    assert (result.ok, result.error, path) == (False, word, ())
    assert says in why


async def test_a_url_with_another_path_is_told(tmp_path: Path) -> None:
    async with standing(Grafana("")) as grafana:
        result = await ask(replace(config(grafana, tmp_path), url=f"{grafana.url}api"))
    assert "Grafana answered with status 404: check url" in result.unknown[0][1]
