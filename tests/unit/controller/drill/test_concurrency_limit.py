"""Turns: never more drills than the administrator allows, counted over all that run, and none lost when one ends."""

from typing import Any

import pytest

from gameday.controller.drill.concurrency_limit import DrillConcurrencyLimit
from gameday.controller.store import Store
from gameday.errors import Rejected


def drill(name: str, **status: str) -> dict[str, Any]:
    return {"metadata": {"namespace": "shop", "name": name}, "status": status}


@pytest.fixture
def store() -> Store:
    return Store(listed=True)


@pytest.fixture
def concurrency(store: Store) -> DrillConcurrencyLimit:
    return DrillConcurrencyLimit(store)


def test_as_many_as_are_allowed_and_the_next_is_told_who_runs(concurrency: DrillConcurrencyLimit) -> None:
    assert concurrency.acquire("1", "shop/a", 2) == ()
    assert concurrency.acquire("2", "pay/b", 2) == ()
    assert concurrency.acquire("3", "web/c", 2) == ("pay/b", "shop/a")
    concurrency.release("1")
    assert concurrency.acquire("3", "web/c", 2) == ()


def test_asking_again_takes_no_second_turn(concurrency: DrillConcurrencyLimit) -> None:
    assert [concurrency.acquire("1", "shop/a", 1) for _ in range(3)] == [(), (), ()]
    concurrency.release("1")
    assert concurrency.acquire("2", "pay/b", 1) == ()


def test_drills_that_began_under_another_process_count_until_they_end(
    concurrency: DrillConcurrencyLimit, store: Store
) -> None:
    store.drills["shop", "old"] = drill("old", startedAt="t", phase="Recovery")
    store.drills["shop", "done"] = drill("done", startedAt="t", phase="Finished")
    store.drills["shop", "new"] = drill("new", phase="Pending")
    assert concurrency.acquire("1", "pay/b", 1) == ("shop/old",)
    store.drills["shop", "old"] = drill("old", startedAt="t", phase="Finished")
    assert concurrency.acquire("1", "pay/b", 1) == ()


def test_a_drill_does_not_stand_in_its_own_way(concurrency: DrillConcurrencyLimit, store: Store) -> None:
    store.drills["shop", "a"] = drill("a", startedAt="t", phase="Outage")
    assert concurrency.acquire("1", "shop/a", 1) == ()


def test_drills_that_were_resumed_keep_their_turn_although_they_are_gone_from_the_cluster(
    concurrency: DrillConcurrencyLimit,
) -> None:
    concurrency.hold("1", "shop/a")
    assert concurrency.acquire("2", "pay/b", 1) == ("shop/a",)


def test_before_all_drills_were_listed_nobody_knows_how_many_run(
    concurrency: DrillConcurrencyLimit, store: Store
) -> None:
    store.listed = False
    with pytest.raises(Rejected, match="not been listed"):
        concurrency.acquire("1", "shop/a", 1)
    assert concurrency.acquire("1", "shop/a", None) == ()
