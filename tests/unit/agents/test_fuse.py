"""The deadline of a scale's fuse is its Job's: the same for each pod, whatever clock a node or the operator has."""

import http.client
import json
import ssl
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gameday.agents import fuse as module
from gameday.agents import waiting_fuse as waiting
from gameday.model.agent import FuseConfig

CONFIG = FuseConfig(namespace="shop", workload="worker", job="first-fuse-stop", lasts=90.0)
STARTED, DATE = "2026-11-29T06:00:00Z", "Sun, 29 Nov 2026 06:01:00 GMT"
DEADLINE = 1795932090.0
"""90 s after the Job's start."""


class Connection:
    """Stands for a connection to the API server, which answers with the fuse's Job."""

    status = 200
    date: str | None = DATE
    job: ClassVar[Any] = {"status": {"startTime": STARTED}}
    path = ""

    def __init__(self, *_: Any, **__: Any) -> None:
        """Nothing is opened."""

    def request(self, _: str, path: str, *__: Any) -> None:
        type(self).path = path
        if not self.status:
            raise ConnectionRefusedError

    def getresponse(self) -> "Connection":
        return self

    def read(self) -> bytes:
        return json.dumps(self.job).encode()

    def getheader(self, name: str) -> str | None:
        assert name == "Date"
        return self.date

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[Connection]:
    class Answer(Connection):
        """As this test wants it."""

    (tmp_path / "token").write_text("a token\n")
    trust: Callable[..., object] = lambda **_: object()  # noqa: E731
    monkeypatch.setattr(waiting, "ACCOUNT", tmp_path)
    monkeypatch.setattr(ssl, "create_default_context", trust)
    monkeypatch.setattr(http.client, "HTTPSConnection", Answer)
    monkeypatch.setattr(waiting, "boot", lambda: 1000.0)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    return Answer


def test_what_is_left_is_counted_by_the_control_planes_clock(answers: type[Connection]) -> None:
    assert waiting.look(CONFIG) == (DEADLINE, 1030.0)
    assert answers.path == "/apis/batch/v1/namespaces/shop/jobs/first-fuse-stop"


@pytest.mark.parametrize("ahead", [-3600.0, 3600.0])
def test_a_nodes_wrong_clock_changes_nothing(
    ahead: float, answers: type[Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + ahead)
    assert waiting.look(CONFIG) == (DEADLINE, 1030.0)
    assert answers.path


def test_a_pod_that_comes_later_has_the_same_deadline_and_less_time(answers: type[Connection]) -> None:
    answers.date = "Sun, 29 Nov 2026 06:01:25 GMT"
    assert waiting.look(CONFIG) == (DEADLINE, 1005.0)
    answers.date = "Sun, 29 Nov 2026 06:05:00 GMT"
    assert waiting.look(CONFIG) == (DEADLINE, 790.0)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("status", 403, "http 403"),
        ("status", 404, "http 404"),
        ("status", 0, "ConnectionRefusedError"),
        ("job", {"status": {}}, "its Job has no start time yet"),
        ("job", [], "TypeError"),
    ],
)
def test_what_is_not_known_says_why(name: str, value: Any, says: str, answers: type[Connection]) -> None:
    setattr(answers, name, value)
    assert waiting.look(CONFIG) == says


@pytest.mark.parametrize(("kind", "resource"), [("Deployment", "deployments"), ("StatefulSet", "statefulsets")])
def test_it_puts_back_the_workload_of_the_kind_that_was_scaled(
    kind: str, resource: str, answers: type[Connection]
) -> None:
    answers.job = {"spec": {"replicas": 0}, "metadata": {"resourceVersion": "7"}}
    assert module.patch(replace(CONFIG, kind=kind, replicas=3, wanted=0), dry_run=False) is None
    assert answers.path == f"/apis/apps/v1/namespaces/shop/{resource}/worker/scale"


def test_its_clock_goes_on() -> None:
    first = waiting.boot()
    assert waiting.boot() >= first
