"""When the fuse of a scale fires, what it asks of the API server, and when it does nothing."""

import asyncio
import http.client
import io
import json
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gameday.agents import fuse as module
from gameday.agents.log import SampleLog
from gameday.model.agent import AgentConfig

CONFIG = AgentConfig(namespace="shop", deployment="worker", replicas=3, wanted=0, lasts=0.3)


class Patches:
    """Stands for the API server: what was asked of it, when, and what it answers."""

    def __init__(self) -> None:
        self.asked: list[tuple[bool, float]] = []
        self.answers: list[str | None] = []

    def __call__(self, config: AgentConfig, dry_run: bool) -> str | None:
        assert config == CONFIG
        self.asked.append((dry_run, time.time()))
        return self.answers.pop(0) if self.answers else None


@pytest.fixture
def patches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Patches:
    made = Patches()
    monkeypatch.setattr(module, "patch", made)
    monkeypatch.setattr(module, "DEADLINE", tmp_path / "deadline")
    monkeypatch.setattr(module, "LOOK_EVERY", 0.02)
    return made


def lines(out: io.StringIO) -> list[tuple[str, bool, Any]]:
    read = (json.loads(line) for line in out.getvalue().splitlines())
    return [(line["type"], line["ok"], line.get("error")) for line in read]


async def test_it_rehearses_at_once_and_fires_at_its_deadline_and_not_before(patches: Patches) -> None:
    out, began = io.StringIO(), time.time()
    await asyncio.wait_for(module.fuse(CONFIG, SampleLog(out), asyncio.Event()), 5)
    (rehearsed, first), (dry, fired) = patches.asked
    assert (rehearsed, dry) == (True, False)
    assert first < began + CONFIG.lasts <= fired
    assert lines(out) == [("armed", True, None), ("fired", True, None)]


async def test_one_that_is_not_needed_any_more_never_fires(patches: Patches) -> None:
    out, ending = io.StringIO(), asyncio.Event()
    burning = asyncio.create_task(module.fuse(CONFIG, SampleLog(out), ending))
    async with asyncio.timeout(5):
        while not lines(out):  # noqa: ASYNC110  a line of a log has no event
            await asyncio.sleep(0.01)
    ending.set()
    await asyncio.wait_for(burning, 5)
    assert [dry for dry, _ in patches.asked] == [True]


async def test_one_that_is_started_again_after_its_deadline_fires_at_once(patches: Patches) -> None:
    module.DEADLINE.write_text(str(time.time() - 10))
    await asyncio.wait_for(module.fuse(CONFIG, SampleLog(io.StringIO()), asyncio.Event()), 5)
    assert [dry for dry, _ in patches.asked] == [True, False]


async def test_what_is_refused_is_tried_until_it_is_done(patches: Patches) -> None:
    patches.answers = ["http 403", None, "ConnectionRefusedError", "http 500", None]
    out = io.StringIO()
    await asyncio.wait_for(module.fuse(CONFIG, SampleLog(out), asyncio.Event()), 5)
    assert [dry for dry, _ in patches.asked] == [True, True, False, False, False]
    assert lines(out) == [
        ("armed", False, "http 403"),
        ("armed", True, None),
        ("fired", False, "ConnectionRefusedError"),
        ("fired", False, "http 500"),
        ("fired", True, None),
    ]


async def test_one_that_is_refused_ends_when_it_is_not_needed_any_more(patches: Patches) -> None:
    patches.answers = ["http 403"] * 1000
    out, ending = io.StringIO(), asyncio.Event()
    burning = asyncio.create_task(module.fuse(CONFIG, SampleLog(out), ending))
    async with asyncio.timeout(5):
        while len(lines(out)) < 3:  # noqa: ASYNC110  a line of a log has no event
            await asyncio.sleep(0.01)
    ending.set()
    await asyncio.wait_for(burning, 5)
    assert {dry for dry, _ in patches.asked} == {True}


class Connection:
    """Stands for connections to the API server: one answers for the Deployment's scale, as it is."""

    replicas: int | None = 0
    """None: left out, as the API server does with 0."""
    statuses: dict[str, int]
    requests: list[tuple[Any, ...]]

    def __init__(self, *where: Any, **_: Any) -> None:
        self.requests.append(where)

    def request(self, verb: str, path: str, body: str | None, headers: dict[str, str]) -> None:
        self.requests.append((verb, path, json.loads(body) if body else None, headers))
        self.status = self.statuses[verb]
        if self.status == 0:
            raise ConnectionRefusedError

    def getresponse(self) -> "Connection":
        return self

    def read(self) -> bytes:
        spec = {} if self.replicas is None else {"replicas": self.replicas}
        return json.dumps({"metadata": {"resourceVersion": "7"}, "spec": spec}).encode()

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[Connection]:
    (tmp_path / "token").write_text("a token\n")
    trust: Callable[..., object] = lambda **_: object()  # noqa: E731
    monkeypatch.setattr(module, "ACCOUNT", tmp_path)
    monkeypatch.setattr(ssl, "create_default_context", trust)
    monkeypatch.setattr(http.client, "HTTPSConnection", Connection)
    monkeypatch.setattr(Connection, "requests", [], raising=False)
    monkeypatch.setattr(Connection, "statuses", {"GET": 200, "PATCH": 200}, raising=False)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    return Connection


def asked(connection: type[Connection]) -> list[tuple[str, str, Any]]:
    """The requests, each with the account's token at the API server."""
    wheres, requests = connection.requests[::2], connection.requests[1::2]
    assert set(wheres) == {("10.96.0.1", 443)}
    assert all(headers["Authorization"] == "Bearer a token" for *_, headers in requests)
    return [(verb, path, body) for verb, path, body, _ in requests]


SCALE = "/apis/apps/v1/namespaces/shop/deployments/worker/scale"
BACK = {"metadata": {"resourceVersion": "7"}, "spec": {"replicas": 3}}


@pytest.mark.parametrize(
    ("status", "says"),
    [(200, None), (404, None), (403, "http 403"), (409, "http 409"), (500, "http 500"), (0, "ConnectionRefusedError")],
)
@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("verb", ["GET", "PATCH"])
def test_it_reads_the_scale_and_changes_that_version(
    verb: str, status: int, says: str | None, dry_run: bool, connection: type[Connection]
) -> None:
    connection.statuses[verb] = status
    assert module.patch(CONFIG, dry_run) == says
    read, *changed = asked(connection)
    assert read == ("GET", SCALE, None)
    assert changed == ([("PATCH", SCALE + ("?dryRun=All" if dry_run else ""), BACK)] if read_ok(verb, status) else [])


def read_ok(verb: str, status: int) -> bool:
    return verb == "PATCH" or status == 200


@pytest.mark.parametrize(("there", "changes"), [(0, True), (None, True), (3, False), (5, False)])
def test_a_number_that_somebody_else_has_set_stays(
    there: int | None, changes: bool, connection: type[Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "replicas", there)
    assert module.patch(CONFIG, False) is None
    assert ("PATCH" in {verb for verb, *_ in asked(connection)}) is changes


def test_it_is_rehearsed_whatever_number_is_there(
    connection: type[Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "replicas", 3)
    assert module.patch(CONFIG, True) is None
    assert [verb for verb, *_ in asked(connection)] == ["GET", "PATCH"]


def test_an_answer_that_is_none_of_an_api_server_is_tried_again(
    connection: type[Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "read", lambda _: b"<html>")
    assert module.patch(CONFIG, False) == "JSONDecodeError"
