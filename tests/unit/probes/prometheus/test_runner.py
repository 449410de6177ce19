"""The prometheus probe against a real Prometheus, behind TLS of a private CA and basic auth.

What a query gives is made by PromQL itself; a warning comes of a remote store that is not there.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from gameday.model.agent import HttpAccess, ProbeTask
from gameday.probes.io.secrets import Secrets
from gameday.probes.prometheus.config import PrometheusConfig
from gameday.probes.prometheus.runner import PrometheusRunner
from gameday.probes.runner import ProbeResult
from unit.monitoring import prometheus_options, running
from unit.ports import free_port
from unit.tls_api import Authority, authority

PASSWORD = "for-tests"
HASH = "$2b$05$W1Locpx3uhqtVzUSvgSe5.SRLDvzlNuA4esmTVYjCRKcc.tnXt3/e"
"""That password, as bcrypt has it."""
READ: tuple[tuple[str | int, ...], ...] = (("value",), ("labels", "job"))


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def server(signer: Authority, tmp_path: Path) -> AsyncIterator[PrometheusConfig]:
    """A Prometheus that scrapes itself, and how a probe asks it."""
    port = free_port()
    certificate, key = signer.pair("server")
    (tmp_path / "password").write_text(PASSWORD)
    web_file, trust = tmp_path / "web.yml", {"ca_file": str(signer.certificate)}
    keys = {"cert_file": str(certificate), "key_file": str(key)}
    web_file.write_text(yaml.safe_dump({"tls_server_config": keys, "basic_auth_users": {"jane": HASH}}))
    itself = {
        "job_name": "itself",
        "scheme": "https",
        "tls_config": trust,
        "basic_auth": {"username": "jane", "password": PASSWORD},
        "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
    }
    nowhere = {
        "url": f"http://127.0.0.1:{free_port()}/read",
        "read_recent": True,
        "required_matchers": {"elsewhere": "yes"},
    }
    config = {"global": {"scrape_interval": "1s"}, "scrape_configs": [itself], "remote_read": [nowhere]}
    options = prometheus_options(tmp_path, config, f"--web.config.file={web_file}")
    asking = {"verify": ssl.create_default_context(cafile=str(signer.certificate)), "auth": ("jane", PASSWORD)}
    async with running("prometheus", tmp_path, options, port, **asking):
        access = HttpAccess("", "jane", str(tmp_path / "password"), str(signer.certificate))
        yield PrometheusConfig(f"https://127.0.0.1:{port}", "1", access)


async def ask(config: PrometheusConfig, query: str = "1", timeout: float = 20.0) -> ProbeResult:
    task = ProbeTask("p", "prometheus", 1.0, timeout, READ, asdict(replace(config, query=query)))
    return await PrometheusRunner(task, Secrets())()


def whole(why: str, word: str = "query") -> ProbeResult:
    return ProbeResult(ok=False, error=word, unknown=(((), why),))


async def scraped(config: PrometheusConfig) -> ProbeResult:
    """The answer to ``up`` once Prometheus has scraped itself."""
    while (result := await ask(config, "up")).error == "no series":
        pass
    return result


async def test_one_number_of_a_scalar_or_of_one_series(server: PrometheusConfig) -> None:
    assert await ask(server, "2 + 1.5") == ProbeResult(ok=True, values={"value": 3.5, "labels": {}})
    assert await ask(server, "vector(3)") == ProbeResult(ok=True, values={"value": 3.0, "labels": {}})
    assert await scraped(server) == ProbeResult(ok=True, values={"value": 1.0, "labels": {"job": "itself"}})
    assert await ask(replace(server, url=f"{server.url}/"), "1") == ProbeResult(
        ok=True, values={"value": 1.0, "labels": {}}
    )


async def test_no_series_is_an_answer_without_a_number(server: PrometheusConfig) -> None:
    for query in ("up == 5", "no_such_metric"):
        assert await ask(server, query) == ProbeResult(ok=False, error="no series")


async def test_what_is_not_one_number_is_unknown_and_says_what_to_write(server: PrometheusConfig) -> None:
    await scraped(server)
    several = await ask(server, "label_replace(up, 'a', 'b', '', '') or up")
    assert several == whole("the query gives 2 series: choose one by its labels, or sum() them")
    matrix = await ask(server, "up[1m]")
    assert matrix == whole("the query gives a matrix: write one that gives one number, as sum(rate(NAME[1m]))")
    text = await ask(server, "'text'")
    assert text == whole("the query gives a string: write one that gives one number, as sum(rate(NAME[1m]))")


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("vector(0) / 0", "its value is NaN, as 0/0 gives: have the query give a number where nothing was counted"),
        ("0 / 0", "its value is NaN, as 0/0 gives: have the query give a number where nothing was counted"),
        ("-1 / 0", "its value is -inf, as a division by 0 gives: have the query give a number there"),
        ("vector(1) / 0", "its value is +inf, as a division by 0 gives: have the query give a number there"),
    ],
)
async def test_a_number_that_is_none_is_unknown(server: PrometheusConfig, query: str, why: str) -> None:
    result = await ask(server, query)
    assert (result.ok, result.values, result.unknown) == (True, {"labels": {}}, ((("value",), why),))


async def test_a_result_that_prometheus_warns_of_is_unknown(server: PrometheusConfig) -> None:
    """Its remote store does not answer, so the result may lack what is there."""
    ((path, why),) = (await ask(server, 'up{elsewhere="yes"}')).unknown
    assert path == ()
    assert why.startswith("Prometheus warns that the result may be wrong: ")


async def test_a_query_that_is_refused_is_unknown_in_prometheus_own_words(server: PrometheusConfig) -> None:
    result = await ask(server, "sum(")
    ((path, why),) = result.unknown
    assert (result.ok, result.error, path) == (False, "http 400", ())
    assert why.startswith("Prometheus refuses the query: ")
    assert "parse error" in why


async def test_a_prometheus_that_does_not_answer_says_nothing_of_the_system(
    server: PrometheusConfig, tmp_path: Path
) -> None:
    away = replace(server, url=f"http://127.0.0.1:{free_port()}")
    assert (await ask(replace(away, access=HttpAccess()))).unknown == (
        ((), "Prometheus did not answer (refused): check url, and whether it is up and can be reached from here"),
    )
    refused = whole("Prometheus does not admit the probe (401): check auth, and its Secret", "http 401")
    (tmp_path / "password").write_text("wrong")
    assert await ask(server) == refused


@pytest.fixture
async def pretending() -> AsyncIterator[str]:
    """What is no Prometheus, and says so in several ways."""
    answers: dict[str, Any] = {
        "page": web.Response(text="<html>sign in</html>", content_type="text/html"),
        "gone": web.Response(status=404, text="404 page not found"),
        "object": web.json_response({"status": "success", "data": {"resultType": "vector"}}),
        "list": web.json_response([1]),
    }

    async def answer(request: web.Request) -> web.Response:
        told: web.Response = answers[request.match_info["how"]]
        return told

    app = web.Application()
    app.add_routes([web.get("/{how}/api/v1/query", answer)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_what_is_no_prometheus_is_unknown(pretending: str) -> None:
    no_api = "prometheus.url does not lead to Prometheus: write it without /api/v1, as http://prometheus:9090"
    gone = "Prometheus answered with status 404: check url, and whether it is up"
    for how, why in {"page": no_api, "gone": gone, "object": no_api, "list": no_api}.items():
        result = await ask(PrometheusConfig(f"{pretending}/{how}", "1"))
        assert (result.ok, result.unknown) == (False, (((), why),)), how


async def test_a_prometheus_that_hangs_is_unknown() -> None:
    held: list[Any] = []
    listening = await asyncio.start_server(lambda *ends: held.append(ends), "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        result = await ask(PrometheusConfig(f"http://127.0.0.1:{port}", "1"), timeout=0.3)
        for _, writer in held:
            writer.transport.abort()
    why = "Prometheus did not answer (timeout): check url, and whether it is up and can be reached from here"
    assert result == whole(why, "timeout")
