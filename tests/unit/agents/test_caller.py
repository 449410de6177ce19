"""The caller and the fuse of a call, against a real platform: what they send, how often, and what they leave behind."""

import asyncio
import io
import json
import time
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gameday.agents import caller as module
from gameday.agents import waiting_fuse as waiting
from gameday.agents.call_fuse import call_fuse
from gameday.agents.caller import BAD, caller
from gameday.agents.log import SampleLog
from gameday.model.agent import (
    CallerConfig,
    CallFuseConfig,
    HttpAccess,
    RequestConfig,
    RequestHeader,
    read_config,
)
from hosting import Platform, serve


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture
def server(platform: Platform) -> Iterator[ThreadingHTTPServer]:
    made = serve(platform)
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TRY_AGAIN_AFTER", 0.02)
    monkeypatch.setattr(waiting, "LOOK_EVERY", 0.02)


def request(server: ThreadingHTTPServer, folder: Path, verb: str = "suspend", **more: Any) -> RequestConfig:
    token = folder / "token"
    if not token.exists():
        token.write_text("a-token-for-tests\n")
    host, port = server.server_address[:2]
    url = f"http://{host!s}:{port}/v1/services/api/{verb}"
    return RequestConfig(url, "POST", access=HttpAccess(bearer_file=str(token)), **more)


def config(server: ThreadingHTTPServer, folder: Path, **more: Any) -> CallerConfig:
    sent = request(server, folder, body=more.pop("body", None), headers=more.pop("headers", ()))
    given: dict[str, Any] = {"request": sent, "timeout": 2.0, "tries_for": 2.0, "ends_after": 60.0}
    return CallerConfig(**given | more)


async def called(given: CallerConfig, folder: Path) -> tuple[int | None, dict[str, Any]]:
    """The exit code, and the termination message."""
    message = folder / "message"
    code = await asyncio.wait_for(caller(given, SampleLog(io.StringIO()), asyncio.Event(), message), 10)
    return code, json.loads(message.read_text())


async def test_it_sends_the_request_as_the_plan_says_and_leaves_the_answer(
    server: ThreadingHTTPServer, platform: Platform, tmp_path: Path
) -> None:
    code, said = await called(config(server, tmp_path, body='{"why": "drill"}'), tmp_path)
    assert (code, said) == (None, {"good": True, "text": "was answered with status 202", "acted": True})
    (call,) = platform.calls
    assert (call["path"], call["body"]) == ("/v1/services/api/suspend", '{"why": "drill"}')


async def test_what_may_be_answered_otherwise_later_is_sent_again(
    server: ThreadingHTTPServer, platform: Platform, tmp_path: Path
) -> None:
    platform.answers, platform.loses = [202, 503, 429], 1
    code, said = await called(config(server, tmp_path), tmp_path)
    assert (code, said["good"]) == (None, True)
    assert [call["status"] for call in platform.calls] == [202, 503, 429, 202]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 302])
async def test_what_is_refused_is_not_sent_again(
    status: int, server: ThreadingHTTPServer, platform: Platform, tmp_path: Path
) -> None:
    platform.answers = [status]
    code, said = await called(config(server, tmp_path), tmp_path)
    assert (code, said) == (BAD, {"good": False, "text": f"was answered with status {status}", "acted": False})
    assert len(platform.calls) == 1


async def test_a_refusal_after_a_try_that_may_have_been_carried_out_does_not_say_that_nothing_was(
    server: ThreadingHTTPServer, platform: Platform, tmp_path: Path
) -> None:
    platform.answers, platform.loses = [202, 403], 1
    code, said = await called(config(server, tmp_path), tmp_path)
    assert (code, said["text"], said["acted"]) == (BAD, "was answered with status 403", True)


async def test_only_the_statuses_of_the_plan_are_good(
    server: ThreadingHTTPServer, platform: Platform, tmp_path: Path
) -> None:
    platform.answers = [409]
    code, _ = await called(config(server, tmp_path, statuses=(202, 409)), tmp_path)
    assert code is None
    platform.answers = [202]
    code, said = await called(config(server, tmp_path, statuses=(200,)), tmp_path)
    assert (code, said["text"]) == (BAD, "was answered with status 202")


@pytest.mark.parametrize("trouble", ["no answer", "500"])
async def test_one_that_is_sent_once_is_not_repeated_whatever_comes_of_it(
    trouble: str, server: ThreadingHTTPServer, platform: Platform, tmp_path: Path
) -> None:
    platform.answers, platform.loses = ([500], 0) if trouble == "500" else ([], 1)
    code, said = await called(config(server, tmp_path, tries_for=0.0), tmp_path)
    assert (code, said["good"], said["acted"]) == (BAD, False, True)
    assert len(platform.calls) == 1


async def test_nothing_is_sent_once_its_time_is_over(
    server: ThreadingHTTPServer, platform: Platform, tmp_path: Path
) -> None:
    code, said = await called(config(server, tmp_path, until=time.time() - 1), tmp_path)
    assert (code, said["acted"]) == (BAD, False)
    assert platform.calls == []


async def test_a_call_back_waits_until_the_call_can_be_sent_no_more(
    server: ThreadingHTTPServer, platform: Platform, tmp_path: Path
) -> None:
    begins = time.time() + 0.4
    await called(config(server, tmp_path, waits=0.4), tmp_path)
    assert platform.calls[0]["at"] >= begins


async def test_a_secret_that_cannot_be_read_is_named_and_nothing_is_sent(
    server: ThreadingHTTPServer, platform: Platform, tmp_path: Path
) -> None:
    headers = (RequestHeader("X-Key", file=str(tmp_path / "nowhere")),)
    code, said = await called(config(server, tmp_path, headers=headers, tries_for=0.0), tmp_path)
    assert (code, said["acted"]) == (BAD, False)
    assert said["text"] == "the value of header X-Key cannot be read: check its Secret"
    assert platform.calls == []


async def test_one_whose_pod_dies_while_it_waits_says_that_it_may_have_been_sent(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        await reader.read()
        writer.close()
        await writer.wait_closed()
        gone.set()

    came, gone = asyncio.Event(), asyncio.Event()

    listening = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    message = tmp_path / "message"
    given = CallerConfig(request=RequestConfig(f"http://127.0.0.1:{port}/", "POST"), timeout=20.0, ends_after=60.0)
    calling = asyncio.create_task(caller(given, SampleLog(io.StringIO()), asyncio.Event(), message))
    async with asyncio.timeout(5):
        while not message.exists():  # noqa: ASYNC110  a file has no event
            await asyncio.sleep(0.01)
        await came.wait()
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)
        await gone.wait()
    listening.close()
    assert json.loads(message.read_text())["text"] == "may have been sent: its pod ended before the answer"


def test_its_configuration_comes_back_from_json(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    given = config(server, tmp_path, statuses=(200, 202), headers=(RequestHeader("X-Key", file="/run/x"),))
    assert read_config(given.to_json(), CallerConfig) == given


def fuse_config(server: ThreadingHTTPServer, folder: Path) -> CallFuseConfig:
    sent = request(server, folder, "resume")
    return CallFuseConfig(namespace="shop", lasts=0.3, job="fuse", request=sent, timeout=2.0, ends_after=60.0)


async def burnt(given: CallFuseConfig, folder: Path) -> tuple[int | None, list[tuple[str, bool, str | None]]]:
    out = io.StringIO()
    code = await asyncio.wait_for(call_fuse(given, SampleLog(out), asyncio.Event(), folder / "message"), 10)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    return code, [(line["type"], line["ok"], line.get("error")) for line in lines]


async def test_the_fuse_sends_nothing_before_its_deadline_and_then_until_it_is_answered(
    server: ThreadingHTTPServer, platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fires = waiting.boot() + 0.3
    monkeypatch.setattr(waiting, "look", lambda _: (1000.0, fires))
    platform.answers = [403, 500]
    code, lines = await burnt(fuse_config(server, tmp_path), tmp_path)
    assert code is None
    assert waiting.boot() >= fires
    assert lines == [
        ("armed", True, None),
        ("fired", False, "was answered with status 403"),
        ("fired", False, "was answered with status 500"),
        ("fired", True, None),
    ]
    assert [call["path"] for call in platform.calls] == ["/v1/services/api/resume"] * 3
    assert json.loads((tmp_path / "message").read_text())["good"]


@pytest.mark.parametrize("trouble", ["no Secret", "no server"])
async def test_a_fuse_that_could_not_send_its_request_is_not_armed(
    trouble: str, server: ThreadingHTTPServer, platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "look", lambda _: (1000.0, waiting.boot() + 60))
    given = fuse_config(server, tmp_path)
    if trouble == "no Secret":
        (tmp_path / "token").unlink()
        says = "the value of auth.bearer.tokenFrom cannot be read: check its Secret"
    else:
        server.shutdown()
        server.server_close()
        says = f"127.0.0.1 port {server.server_address[1]}: refused"
    out, ending = io.StringIO(), asyncio.Event()
    burning = asyncio.create_task(call_fuse(given, SampleLog(out), ending, tmp_path / "message"))
    async with asyncio.timeout(5):
        while not out.getvalue():  # noqa: ASYNC110  a line of a log has no event
            await asyncio.sleep(0.01)
    ending.set()
    assert await asyncio.wait_for(burning, 5) == waiting.NOT_FIRED
    first = json.loads(out.getvalue().splitlines()[0])
    assert (first["type"], first["ok"], first["error"]) == ("armed", False, says)
    assert platform.calls == []
