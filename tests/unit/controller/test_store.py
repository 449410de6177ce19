"""Who hears of a GameDay or Drill that came, changed or went, and what the store says then."""

from typing import Any

import pytest

from gameday.controller.store import Key, Object, Store, key_of


def thing(name: str, version: int, **more: str) -> Object:
    return {
        "metadata": {"namespace": "shop", "name": name, "uid": f"uid-{name}", "resourceVersion": str(version)} | more
    }


class Heard:
    """Notes of each object which version the store had when it was told."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.drills: list[tuple[str, str | None]] = []
        self.gamedays: list[tuple[str, str | None]] = []

    def drill_changed(self, drill: Object) -> None:
        self.drills.append((drill["metadata"]["name"], _version(self.store.drills, key_of(drill))))

    def gameday_changed(self, key: Key) -> None:
        self.gamedays.append((key[1], _version(self.store.gamedays, key)))


def _version(known: dict[Key, Object], key: Key) -> Any:
    return known[key]["metadata"]["resourceVersion"] if key in known else None


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def heard(store: Store) -> Heard:
    one = Heard(store)
    store.listen(one)
    return one


def test_everybody_hears_of_what_came_changed_and_went_once_the_store_says_so(store: Store, heard: Heard) -> None:
    other = Heard(store)
    store.listen(other)
    for seen in (store.drill_seen, store.gameday_seen):
        seen(False, thing("one", 1))
        seen(False, thing("one", 2))
        seen(True, thing("one", 3))
    assert heard.drills == heard.gamedays == [("one", "1"), ("one", "2"), ("one", None)]
    assert (other.drills, other.gamedays) == (heard.drills, heard.gamedays)


def test_a_watch_that_is_behind_takes_nothing_back(store: Store, heard: Heard) -> None:
    store.drill_seen(False, thing("one", 5))
    store.drill_seen(False, thing("one", 4))
    store.drill_seen(True, thing("one", 4))
    assert {version for _, version in heard.drills} == {"5"}


def test_what_this_process_wrote_counts_only_for_the_drill_that_is_known(store: Store, heard: Heard) -> None:
    store.drill_written(thing("unknown", 1))
    store.drill_seen(False, thing("one", 1))
    store.drill_written(thing("one", 2, uid="an earlier one"))
    assert heard.drills == [("one", "1")]
    store.drill_written(thing("one", 2))
    store.drill_written(thing("one", 3), gone=True)
    assert heard.drills[1:] == [("one", "2"), ("one", None)]


def test_a_listing_makes_up_for_events_that_never_came(store: Store, heard: Heard) -> None:
    for name, version in {"gone": 3, "same": 4, "newer": 5, "younger": 20}.items():
        store.drill_seen(False, thing(name, version))
        store.gameday_seen(False, thing(name, version))
    store.drill_seen(False, thing("elsewhere", 3, namespace="other"))
    heard.drills.clear()
    heard.gamedays.clear()
    listed = (thing("same", 4), thing("newer", 6), thing("unseen", 7)), "10"
    store.resync("shop", listed, listed)
    assert heard.drills == heard.gamedays == [("gone", None), ("newer", "6"), ("unseen", "7")]
    assert {name for _, name in store.drills} == {"same", "newer", "unseen", "younger", "elsewhere"}
