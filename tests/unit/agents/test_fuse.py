"""The fuse of a scale counts from its first start, however often its container is started again."""

import time
from pathlib import Path

import pytest

from gameday.agents.fuse import first_deadline
from gameday.cluster.client import Cluster
from gameday.engine.evidence import Evidence
from gameday.runner.feed import Feed
from gameday.runner.recall import NO_PLAN
from gameday.runner.telemetry import Metrics
from gameday.runner.view import pod_fuse


def test_the_deadline_counts_from_the_first_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "deadline"
    began = time.time()
    first = first_deadline(90.0, kept)
    assert began + 90 <= first <= time.time() + 90
    monkeypatch.setattr(time, "time", lambda: began + 60)
    assert first_deadline(90.0, kept) == first


def test_a_fuse_is_armed_once_it_has_said_so_and_its_deadline_is_its_own(cluster: Cluster) -> None:
    feed = Feed(cluster, "shop", "first", Metrics(cluster.requests), time.time)
    feed.evidence = Evidence(NO_PLAN)
    pod = {
        "metadata": {"uid": "u", "labels": {"gameday.dev/agent": "fuse-stop"}},
        "status": {"containerStatuses": [{"name": "agent", "state": {"running": {}}}]},
    }
    assert not pod_fuse(pod, "fuse-stop", feed.fuses_armed).armed
    feed._take(
        "fuse-stop", b'{"n":2,"type":"armed","name":"armed","sent":1,"received":2,"ok":true,"values":{"deadline":91.5}}'
    )
    fuse = pod_fuse(pod, "fuse-stop", feed.fuses_armed)
    assert (fuse.armed, fuse.deadline) == (True, 91.5)
