"""Which drills are run, and what an error of one does to the others."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from gameday.api.drill import FINALIZER
from gameday.cluster.lease import LeaseLost
from gameday.controller.drill.persisted_drill import Superseded
from gameday.controller.process import supervisor as module
from gameday.controller.process.supervisor import Supervisor
from gameday.controller.store import Store
from gameday.controller.telemetry import Heartbeat, Metrics
from gameday.errors import ClusterUnreachable

Object = dict[str, Any]


def drill(name: str, version: int = 1, **more: Any) -> Object:
    metadata = {"namespace": "shop", "name": name, "uid": f"uid-{name}", "resourceVersion": str(version), **more}
    return {"kind": "Drill", "metadata": metadata, "spec": {}, "status": {}}


class Runs:
    """Notes which drills were run; each runs until it is told to end or raises what it was told to."""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.errors: dict[str, Exception] = {}

    async def run(self, thing: Object) -> None:
        name = thing["metadata"]["name"]
        self.began.append(name)
        if name in self.errors:
            raise ExceptionGroup("in the runner", [self.errors[name]])
        await asyncio.Event().wait()

    async def check(self, thing: Object) -> None:
        self.began.append(f"check {thing['metadata']['name']}")


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    monkeypatch.setattr(module, "AGAIN_AFTER", 0.01)
    return Runs()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(Counter())


@pytest.fixture
def one(runs: Runs, metrics: Metrics) -> Supervisor:
    heartbeat = Heartbeat(metrics, time.time, time.monotonic)
    return Supervisor(runs.run, runs.check, Store(), metrics, heartbeat, time.time, lambda: False)


async def lead(one: Supervisor, until: Callable[[], bool], seconds: float = 0.1) -> None:
    """Lead until so much has happened, and some ``seconds`` more, in which what must not happen would show."""
    task = asyncio.create_task(one.lead())
    try:
        async with asyncio.timeout(20):
            while not (until() or task.done()):  # noqa: ASYNC110  what is looked at has no event
                await asyncio.sleep(0.005)
        await asyncio.wait({task}, timeout=seconds)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_drill_is_run_once_however_often_it_is_seen(one: Supervisor, runs: Runs) -> None:
    for version in range(3):
        one.known.drill_seen(False, drill("first", version))
    await lead(one, lambda: "first" in runs.began)
    assert runs.began == ["first"]


async def test_an_ended_drill_is_run_only_while_our_finalizer_holds_it(one: Supervisor, runs: Runs) -> None:
    ended = drill("ended") | {"status": {"phase": "Finished"}}
    held = drill("held", finalizers=[FINALIZER]) | {"status": {"phase": "Finished"}}
    one.known.drill_seen(False, ended)
    one.known.drill_seen(False, held)
    await lead(one, lambda: "held" in runs.began)
    assert runs.began == ["held"]


async def test_an_error_of_ours_ends_neither_the_process_nor_another_drill_and_is_tried_again(
    one: Supervisor, runs: Runs, metrics: Metrics
) -> None:
    def broken() -> float:
        return metrics.registry.get_sample_value("gameday_internal_errors_total") or 0.0

    runs.errors["bad"] = KeyError("a defect")
    one.known.drill_seen(False, drill("bad"))
    one.known.drill_seen(False, drill("good"))
    await lead(one, lambda: runs.began.count("bad") > 1 and "good" in runs.began and broken() > 1)
    assert runs.began.count("good") == 1
    assert runs.began.count("bad") > 1
    assert broken() > 1


async def test_an_answer_of_the_api_server_is_no_error_of_ours(one: Supervisor, runs: Runs, metrics: Metrics) -> None:
    runs.errors["asked"] = ExceptionGroup("a task group's", [ClusterUnreachable("update drills: it did not answer")])
    one.known.drill_seen(False, drill("asked"))
    await lead(one, lambda: runs.began.count("asked") > 1)
    assert runs.began.count("asked") > 1
    assert not metrics.registry.get_sample_value("gameday_internal_errors_total")


async def test_a_record_written_by_somebody_else_ends_its_own_runner_alone(one: Supervisor, runs: Runs) -> None:
    newest = drill("taken", 7)

    async def settle(thing: Object) -> Object:
        assert thing["metadata"]["name"] == "taken"
        runs.errors.clear()
        return newest

    runs.errors["taken"] = Superseded("somebody else wrote it")
    one.share("own/lease", lambda _, __: None, settle)
    one.known.drill_seen(False, drill("taken"))
    one.known.drill_seen(False, drill("good"))
    await lead(one, lambda: runs.began.count("taken") > 1 and "good" in runs.began)
    assert Counter(runs.began) == {"taken": 2, "good": 1}
    assert one.known.drills["shop", "taken"] == newest


async def test_a_record_written_by_another_leader_ends_the_process(one: Supervisor, runs: Runs) -> None:
    async def settle(_: Object) -> Object:
        raise LeaseLost("lease own is held by another process")

    runs.errors["taken"] = Superseded("another leader wrote it")
    one.share("own/lease", lambda _, __: None, settle)
    one.known.drill_seen(False, drill("taken"))
    with pytest.raises(ExceptionGroup) as raised:
        await asyncio.wait_for(one.lead(), 20)
    assert raised.value.subgroup(LeaseLost) is not None


async def test_what_another_operator_has_claimed_is_left_alone_and_said_so_once(one: Supervisor, runs: Runs) -> None:
    left: list[tuple[str, str]] = []

    async def settle(thing: Object) -> Object:
        return thing

    one.share("own/lease", lambda thing, other: left.append((thing["metadata"]["name"], other)), settle)
    one.known.drill_seen(False, drill("theirs") | {"status": {"phase": "Outage", "operator": "other/lease"}})
    one.known.drill_seen(False, drill("ours") | {"status": {"phase": "Outage", "operator": "own/lease"}})
    one.known.drill_seen(False, drill("over") | {"status": {"phase": "Finished", "operator": "other/lease"}})
    await lead(one, lambda: "ours" in runs.began and bool(left))
    assert left == [("theirs", "other/lease")]
    assert runs.began == ["ours"]
    one.known.drill_seen(False, drill("theirs", 2) | {"status": {"phase": "Outage"}})
    await lead(one, lambda: "theirs" in runs.began)
    assert "theirs" in runs.began


async def test_what_was_listed_makes_up_for_events_that_never_came(one: Supervisor, runs: Runs) -> None:
    one.known.drill_seen(False, drill("gone", 3))
    one.known.drill_seen(False, drill("new", 20))
    one.known.drill_seen(False, drill("elsewhere", 3, namespace="other"))
    one.known.resync("shop", ((drill("unseen", 5),), "10"), ((), "10"))
    await lead(one, lambda: len(runs.began) >= 3)
    assert sorted(runs.began) == ["elsewhere", "new", "unseen"]


async def test_a_gameday_is_counted_from_zero_as_soon_as_it_is_seen(one: Supervisor, metrics: Metrics) -> None:
    """Slots only where it has a schedule: what an operator decides first it may decide before it is scraped."""

    def count(name: str, metric: str, **labels: str) -> float | None:
        found = {"namespace": "shop", "gameday": name} | labels
        return metrics.registry.get_sample_value(f"gameday_{metric}_total", found)

    for name, spec in {"plain": {}, "nightly": {"schedule": {"cron": "0 3 * * *"}}}.items():
        one.known.gameday_seen(False, drill(name) | {"kind": "GameDay", "spec": spec})
    for name, slots in {"plain": None, "nightly": 0.0}.items():
        assert count(name, "drills", verdict="Failed") == 0.0
        assert count(name, "slots", decision="TooLate") == slots
