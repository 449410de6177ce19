"""The http probe against a real server: what is a sample, and what of it is kept."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gameday.model.agent import RequestHeader
from gameday.probes.http.runner import HttpRunner
from gameday.probes.io.secrets import Secrets
from gameday.probes.runner import ProbeResult
from unit.ports import free_port
from unit.probes.tasks import Paths, http_task

PATHS: tuple[tuple[str | int, ...], ...] = (("status",), ("body", "redis"), ("text",), ("memory_bytes",))


@pytest.fixture
async def url() -> AsyncIterator[str]:
    app = web.Application()

    async def health(_: web.Request) -> web.Response:
        return web.json_response({"redis": "ok", "secret": "not asked for"})

    async def broken(_: web.Request) -> web.Response:
        return web.json_response({"redis": "down"}, status=503)

    async def echo(request: web.Request) -> web.Response:
        return web.json_response({"redis": request.headers.get("X-API-Key", "")[::-1], "body": await request.text()})

    async def echo_body(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    async def text(_: web.Request) -> web.Response:
        return web.Response(text="all is well")

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(text='memory_bytes{pod="a"} 2\nmemory_bytes_max 5\nother 9\n')

    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    async def away(_: web.Request) -> web.Response:
        raise web.HTTPFound("/health")

    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(b"x" * 65536)

    app.add_routes([web.get(f"/{h.__name__}", h) for h in (health, broken, metrics, slow, away, endless)])
    app.add_routes([web.post("/echo", echo), web.post("/echo-body", echo_body), web.get("/text", text)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield f"http://127.0.0.1:{port}"
    await runner.cleanup()


async def ask(url: str, timeout: float = 10.0, paths: Paths = PATHS, **config: Any) -> ProbeResult:
    return await HttpRunner(http_task("probe", 1.0, timeout, paths, url=url, **config), Secrets())()


async def test_a_json_answer_keeps_the_paths_that_expressions_use_and_nothing_else(url: str) -> None:
    result = await ask(f"{url}/health")
    assert result == ProbeResult(ok=True, values={"status": 200, "body": {"redis": "ok"}}, unknown=())


async def test_an_error_status_is_an_answer_that_is_not_ok(url: str) -> None:
    result = await ask(f"{url}/broken")
    assert (result.ok, result.error) == (False, "http 503")
    assert result.values == {"status": 503, "body": {"redis": "down"}}


async def test_text_and_metrics_are_read_where_that_is_asked_for(url: str) -> None:
    assert (await ask(f"{url}/text", parse="text")).values == {"status": 200, "text": "all is well"}
    assert (await ask(f"{url}/metrics", parse="prometheus")).values == {"status": 200, "memory_bytes": 2.0}


async def test_a_header_comes_from_its_file_each_time(url: str, tmp_path: Path) -> None:
    key = tmp_path / "key"
    probe = http_task(
        "probe", 1.0, 10.0, PATHS, url=f"{url}/echo", method="POST", body="{}",
        headers=(RequestHeader("X-API-Key", file=str(key)),),
    )  # fmt: skip
    one = HttpRunner(probe, Secrets())
    for value in ("first", "second"):
        key.write_text(value + "\n")
        assert (await one()).values == {"status": 200, "body": {"redis": value[::-1]}}


@pytest.mark.parametrize(
    ("path", "error"), [("slow", "timeout"), ("endless", None), ("health", None), ("away", "redirect 302")]
)
async def test_what_goes_wrong_is_a_short_word(url: str, path: str, error: str | None) -> None:
    result = await ask(f"{url}/{path}", timeout=0.5 if error == "timeout" else 10.0)
    assert result.error == error


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('[{"x": "a"}, {"x": "b"}]', {"body": [{"x": "a"}, {"x": "b"}]}),
        ("[]", {"body": []}),
        ("17.5", {"body": 17.5}),
        ('"ok"', {"body": "ok"}),
        ("null", {"body": None}),
        ("<html>Bad Gateway</html>", {}),
        ("", {}),
    ],
)
async def test_body_is_whatever_the_json_is(url: str, text: str, values: dict[str, Any]) -> None:
    result = await ask(f"{url}/echo-body", method="POST", body=text, paths=(("body",),))
    assert (result.ok, result.values, result.unknown) == (True, values, ())


async def test_a_body_that_python_cannot_read_is_unknown(url: str) -> None:
    deep = "[" * 20_000 + "]" * 20_000
    result = await ask(f"{url}/echo-body", method="POST", body=deep, paths=(("status",), ("body",)))
    why = "the body is nested too deep to be parsed"
    assert (result.ok, result.values, result.unknown) == (True, {"status": 200}, ((("body",), why),))


@pytest.mark.parametrize("parse", ["json", "text", "prometheus"])
async def test_a_body_beyond_our_bound_is_unknown_and_its_status_a_fact(url: str, parse: str) -> None:
    paths = {"json": ("body",), "text": ("text",), "prometheus": ("up",)}
    result = await ask(f"{url}/endless", parse=parse, paths=(("status",), paths[parse]), timeout=10.0)
    assert (result.ok, result.values) == (True, {"status": 200})
    assert result.unknown == ((paths[parse], "the body is longer than 1 MiB"),)


@pytest.mark.parametrize("url", ["http://", "ftp://x/", "http://x:99999/", "http://[::1/"])
async def test_a_url_that_cannot_be_used_says_nothing_of_the_system(url: str) -> None:
    result = await ask(url)
    assert (result.ok, [path for path, _ in result.unknown]) == (False, [()])


async def test_a_secret_that_is_not_there_says_nothing_of_the_system(url: str, tmp_path: Path) -> None:
    result = await ask(f"{url}/health", headers=(RequestHeader("X-API-Key", file=str(tmp_path / "none")),))
    why = "the value of header X-API-Key cannot be read: check its Secret"
    assert (result.ok, result.unknown) == (False, (((), why),))


async def test_redirects_are_answers_and_not_followed(url: str) -> None:
    result = await ask(f"{url}/away")
    assert (result.ok, result.error, result.values) == (False, "redirect 302", {"status": 302})


async def test_a_refused_connection_and_an_unknown_name_are_samples() -> None:
    assert (await ask(f"http://127.0.0.1:{free_port()}/")).error == "refused"
    result = await ask("http://no-such-host.invalid/")
    why = "the name no-such-host.invalid could not be looked up: check the name, and the namespace's DNS"
    assert (result.ok, result.error, result.unknown) == (False, "dns", (((), why),))
