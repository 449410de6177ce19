"""When the fuse of a scale fires, what it asks of the API server, and when it does nothing."""

import asyncio
import http.client
import io
import json
import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gameday.agents import fuse as module
from gameday.agents import waiting_fuse as waiting
from gameday.agents.log import SampleLog
from gameday.model.agent import FuseConfig

CONFIG = FuseConfig(namespace="shop", workload="worker", job="first-fuse-stop", replicas=3, wanted=0, lasts=0.3)
DEADLINE = 1795932090.0


class Calls:
    """Stands for a fuse's two calls: when they came, and what a test has them answer. The fuse has 0.3 s left."""

    def __init__(self) -> None:
        self.asked: list[tuple[bool, float]] = []
        self.answers: list[str | None] = []
        self.unknown: list[str] = []
        """What the first looks at the Job say."""
        self.left = CONFIG.lasts
        self.began = waiting.boot()

    def patch(self, config: FuseConfig, dry_run: bool) -> str | None:
        assert config == CONFIG
        self.asked.append((dry_run, waiting.boot()))
        return self.answers.pop(0) if self.answers else None

    def look(self, config: FuseConfig) -> tuple[float, float] | str:
        assert config == CONFIG
        return self.unknown.pop(0) if self.unknown else (DEADLINE, self.began + self.left)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    made = Calls()
    monkeypatch.setattr(module, "patch", made.patch)
    monkeypatch.setattr(waiting, "look", made.look)
    monkeypatch.setattr(waiting, "LOOK_EVERY", 0.02)
    return made


def lines(out: io.StringIO) -> list[tuple[str, bool, Any]]:
    read = (json.loads(line) for line in out.getvalue().splitlines())
    return [(line["type"], line["ok"], line.get("error")) for line in read]


async def burnt(out: io.StringIO) -> int | None:
    return await asyncio.wait_for(module.fuse(CONFIG, SampleLog(out), asyncio.Event()), 5)


async def ended(out: io.StringIO, after: int) -> int | None:
    """What a fuse answers that is told to end once its log has some lines."""
    ending = asyncio.Event()
    burning = asyncio.create_task(module.fuse(CONFIG, SampleLog(out), ending))
    async with asyncio.timeout(5):
        while len(lines(out)) < after:  # noqa: ASYNC110  a line of a log has no event
            await asyncio.sleep(0.01)
    ending.set()
    return await asyncio.wait_for(burning, 5)


async def test_it_does_a_dry_run_at_once_and_fires_at_its_deadline_and_not_before(calls: Calls) -> None:
    out = io.StringIO()
    assert await burnt(out) is None
    (tried, first), (dry, fired) = calls.asked
    assert (tried, dry) == (True, False)
    assert first < calls.began + CONFIG.lasts <= fired
    assert lines(out) == [("armed", True, None), ("fired", True, None)]
    assert {json.loads(line)["values"]["deadline"] for line in out.getvalue().splitlines()} == {DEADLINE}


async def test_one_that_is_told_to_end_before_its_deadline_fails_so_that_its_job_makes_another(
    calls: Calls,
) -> None:
    calls.left = 60.0
    assert await ended(io.StringIO(), 1) == waiting.NOT_FIRED
    assert [dry for dry, _ in calls.asked] == [True]


async def test_one_that_starts_after_the_deadline_fires_at_once(calls: Calls) -> None:
    calls.left = -10.0
    assert await burnt(io.StringIO()) is None
    assert [dry for dry, _ in calls.asked] == [True, False]


async def test_one_that_does_not_know_its_deadline_is_not_armed_until_it_does(calls: Calls) -> None:
    calls.unknown = ["http 503", "its Job has no start time yet"]
    out = io.StringIO()
    assert await burnt(out) is None
    assert lines(out) == [
        ("armed", False, "http 503"),
        ("armed", False, "its Job has no start time yet"),
        ("armed", True, None),
        ("fired", True, None),
    ]


async def test_what_is_refused_is_tried_until_it_is_done(calls: Calls) -> None:
    calls.answers = ["http 403", None, "ConnectionRefusedError", "http 500", None]
    out = io.StringIO()
    assert await burnt(out) is None
    assert [dry for dry, _ in calls.asked] == [True, True, False, False, False]
    assert lines(out) == [
        ("armed", False, "http 403"),
        ("armed", True, None),
        ("fired", False, "ConnectionRefusedError"),
        ("fired", False, "http 500"),
        ("fired", True, None),
    ]


@pytest.mark.parametrize("refused", [["http 403"] * 1000, [None, *["http 500"] * 1000]], ids=["unarmed", "due"])
async def test_one_that_is_refused_and_told_to_end_fails(refused: list[str | None], calls: Calls) -> None:
    calls.answers = refused
    assert await ended(io.StringIO(), 3) == waiting.NOT_FIRED


class Connection:
    """Stands for connections to the API server: each answers with what a test says; no rule of Kubernetes is in it."""

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
        return json.dumps({"metadata": {"resourceVersion": "7", "uid": "of worker"}, "spec": spec}).encode()

    def getheader(self, _: str) -> str:
        return "Sun, 29 Nov 2026 06:01:00 GMT"

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[Connection]:
    (tmp_path / "token").write_text("a token\n")
    trust: Callable[..., object] = lambda **_: object()  # noqa: E731
    monkeypatch.setattr(waiting, "ACCOUNT", tmp_path)
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


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(("uid", "changes"), [("of worker", True), ("of another", False)])
def test_a_workload_that_was_created_again_stays(
    uid: str, changes: bool, dry_run: bool, connection: type[Connection]
) -> None:
    assert module.patch(replace(CONFIG, uid=uid), dry_run) is None
    back = {"metadata": {"resourceVersion": "7", "uid": uid}, "spec": {"replicas": 3}}
    assert [body for verb, _, body in asked(connection) if verb == "PATCH"] == ([back] if changes else [])


def test_its_dry_run_passes_whatever_number_is_there(
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
