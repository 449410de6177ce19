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


URL, OTHER = "api.example.com/v1/services/a/suspend", "api.example.com/v1/services/b/suspend"


def test_one_drill_of_the_cluster_has_an_address_at_a_time(concurrency: DrillConcurrencyLimit) -> None:
    assert concurrency.take("1", [URL]) == ""
    assert concurrency.acquire("1", "shop/a", None) == ()
    assert (
        concurrency.take("2", [OTHER, URL])
        == f"drill shop/a already calls {URL}, and only one drill of the cluster may call it at a time"
    )
    assert concurrency.take("3", [OTHER]) == "", "one that is refused has taken nothing"
    assert concurrency.take("1", [URL]) == ""
    concurrency.release("1")
    concurrency.release("3")
    assert concurrency.take("2", [OTHER, URL]) == ""


def test_what_a_drill_of_an_earlier_process_has_is_kept(store: Store) -> None:
    store.drills["pay", "b"] = drill("b", startedAt="2026-11-24T12:00:00Z", operator="us")
    concurrency = DrillConcurrencyLimit(store, "us")
    with pytest.raises(Rejected, match="the operator has not read drill pay/b again since its restart"):
        concurrency.take("1", [URL])
    assert concurrency.take("1", []) == "", "one that changes nothing for others need not wait"
    concurrency.release("1")
    concurrency.hold("2", "pay/b", [URL])
    assert concurrency.take("1", [URL]).startswith("drill pay/b already calls")


def test_drills_of_another_installation_and_those_that_have_ended_hold_nothing_up(store: Store) -> None:
    store.drills["pay", "b"] = drill("b", startedAt="2026-11-24T12:00:00Z", operator="them")
    store.drills["pay", "c"] = drill("c", startedAt="2026-11-24T12:00:00Z", phase="Finished", operator="us")
    assert DrillConcurrencyLimit(store, "us").take("1", [URL]) == ""


def test_nothing_is_given_before_the_drills_are_listed() -> None:
    with pytest.raises(Rejected, match="have not been listed yet"):
        DrillConcurrencyLimit(Store()).take("1", [URL])
