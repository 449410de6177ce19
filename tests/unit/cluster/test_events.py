"""Events: an equal one counts in its series, too many of one object are held back, and little is remembered."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gameday.cluster.events import BURST, MOST, NOTE_BYTES, REFILL, SAME_WITHIN, EventRecorder, Subject
from gameday.cluster.resources import DRILLS, EVENTS, GAMEDAYS, Object, Resource
from gameday.errors import ClusterUnreachable, GameDayError
from gameday.schema.times import moment
from simulation.client import StoreCluster
from simulation.store import Store
from simulation.world import World as Clock

ABOUT = Subject(GAMEDAYS, "shop", "redis", "g")


class Written(StoreCluster):
    """The API server's Events, in the order in which they were made."""

    def __init__(self) -> None:
        super().__init__(Store(Clock(0)), "operator")
        self.now = 1_000_000.0
        self.fails: GameDayError | None = None
        self.patches = 0

    @property
    def events(self) -> dict[str, Object]:
        """Those that there are, by name."""
        return self.store.things.setdefault((EVENTS.plural, "shop"), {})

    async def _ask(self, verb: str, resource: Resource, act: Callable[[], Any], body: Object | None = None) -> Any:
        self.patches += verb == "patch"
        await asyncio.sleep(0)
        if self.fails is not None:
            raise self.fails
        return act()

    def write(self, recorder: EventRecorder, note: str, *, bounded: bool = False, about: Subject = ABOUT) -> None:
        asyncio.run(recorder.write(about, "Suspended", note, action="Decide", warning=False, bounded=bounded))

    @property
    def bodies(self) -> list[Object]:
        return list(self.events.values())


@pytest.fixture
def written() -> Written:
    return Written()


@pytest.fixture
def recorder(written: Written) -> EventRecorder:
    return EventRecorder(written, "one", lambda: written.now)


def test_an_event_has_all_that_the_api_asks_for(written: Written, recorder: EventRecorder) -> None:
    related = Subject(DRILLS, "shop", "first", "d")
    asyncio.run(recorder.write(ABOUT, "Blackout", "why", action="Decide", warning=True, related=related))
    (body,) = written.bodies
    assert moment(body["eventTime"]) == written.now
    assert body["regarding"] == {
        "apiVersion": "gameday.dev/v1alpha1", "kind": "GameDay", "namespace": "shop", "name": "redis", "uid": "g",
    }  # fmt: skip
    assert (body["related"]["kind"], body["related"]["name"], body["related"]["uid"]) == ("Drill", "first", "d")
    assert (body["reason"], body["action"], body["note"], body["type"]) == ("Blackout", "Decide", "why", "Warning")
    assert (body["reportingController"], body["reportingInstance"]) == ("gameday.dev/operator", "one")
    assert "series" not in body
    assert not {"source", "count", "firstTimestamp", "lastTimestamp", "involvedObject", "message"} & body.keys()


def test_an_equal_event_counts_in_its_series_until_it_has_not_happened_for_a_while(
    written: Written, recorder: EventRecorder
) -> None:
    for _ in range(3):
        written.write(recorder, "same")
        written.now += SAME_WITHIN - 1
    (body,) = written.bodies
    assert body["series"]["count"] == 3
    assert moment(body["series"]["lastObservedTime"]) == written.now - SAME_WITHIN + 1
    assert moment(body["eventTime"]) == 1_000_000.0
    written.now += 2
    written.write(recorder, "same")
    assert len(written.bodies) == 2
    assert "series" not in written.bodies[1]


def test_what_differs_in_a_word_is_another_event(written: Written, recorder: EventRecorder) -> None:
    written.write(recorder, "one")
    written.write(recorder, "two")
    written.write(recorder, "two", about=Subject(GAMEDAYS, "shop", "redis", "another"))
    assert len(written.bodies) == 3


def test_equal_events_at_the_same_moment_are_one_series(written: Written, recorder: EventRecorder) -> None:
    async def story() -> None:
        writing = (recorder.write(ABOUT, "Suspended", "same", action="Decide", warning=False) for _ in range(3))
        await asyncio.gather(*writing)

    asyncio.run(story())
    (body,) = written.bodies
    assert body["series"]["count"] == 3


def test_an_event_that_the_api_server_has_forgotten_is_made_again_with_its_count(
    written: Written, recorder: EventRecorder
) -> None:
    written.write(recorder, "same")
    written.events.clear()
    written.write(recorder, "same")
    assert written.bodies[0]["series"]["count"] == 2


def test_what_was_not_written_is_written_the_next_time(written: Written, recorder: EventRecorder) -> None:
    written.fails = ClusterUnreachable("down")
    with pytest.raises(ClusterUnreachable):
        written.write(recorder, "same")
    written.fails = None
    written.write(recorder, "same")
    assert written.bodies[0]["series"]["count"] == 2


def test_an_event_whose_answer_was_lost_is_not_made_twice(written: Written, recorder: EventRecorder) -> None:
    written.fails = ClusterUnreachable("down")
    with pytest.raises(ClusterUnreachable):
        written.write(recorder, "same")
    (series,) = recorder._series.values()
    written.store.place(EVENTS, "shop", {"metadata": {"name": series.name}})
    written.fails = None
    written.write(recorder, "same")
    written.write(recorder, "same")
    assert written.bodies[0]["series"]["count"] == 3
    assert len(written.bodies) == 1


def test_too_many_of_one_object_are_held_back_and_bounded_ones_never(written: Written, recorder: EventRecorder) -> None:
    for number in range(2 * BURST):
        written.write(recorder, f"{number}")
    assert len(written.bodies) == BURST
    for number in range(120):
        written.now += 60
        written.write(recorder, f"slot {number}", bounded=True)
    assert len(written.bodies) == BURST + 120
    written.now += REFILL
    written.write(recorder, "one more")
    assert len(written.bodies) == BURST + 121


def test_a_series_that_is_held_back_is_counted_all_the_same(written: Written, recorder: EventRecorder) -> None:
    for _ in range(3 * BURST):
        written.write(recorder, "same")
    assert written.bodies[0]["series"]["count"] == BURST
    assert written.patches == BURST - 1
    written.now += REFILL
    written.write(recorder, "same")
    assert written.bodies[0]["series"]["count"] == 3 * BURST + 1


@pytest.mark.parametrize("letter", ["x", "é", "語", "😀", "\ud800"])
def test_a_note_keeps_within_the_bytes_that_the_api_server_takes(
    written: Written, recorder: EventRecorder, letter: str
) -> None:
    written.write(recorder, letter * NOTE_BYTES)
    assert NOTE_BYTES - 4 <= len(written.bodies[0]["note"].encode()) <= NOTE_BYTES
    written.write(recorder, "x" * NOTE_BYTES)
    assert written.bodies[-1]["note"] == "x" * NOTE_BYTES


@pytest.mark.parametrize("name", ["a" * 253, f"{'a' * 199}-{'b' * 50}", f"{'a' * 199}.{'b' * 50}"])
def test_the_name_of_an_event_is_valid_however_long_its_objects_is(
    written: Written, recorder: EventRecorder, name: str
) -> None:
    written.write(recorder, "why", about=Subject(GAMEDAYS, "shop", name, "g"))
    (made,) = written.events
    assert len(made) <= 253
    assert all(part and part[0].isalnum() and part[-1].isalnum() for part in made.split("."))


def test_what_is_remembered_is_bounded_and_forgotten_once_it_says_nothing(
    written: Written, recorder: EventRecorder
) -> None:
    async def story() -> None:
        for number in range(MOST + 500):
            about = Subject(GAMEDAYS, "shop", "redis", f"uid-{number}")
            await recorder.write(about, "Suspended", "why", action="Decide", warning=False)

    asyncio.run(story())
    assert (len(recorder._series), len(recorder._tokens)) == (MOST, MOST)
    recorder.tidy()
    assert (len(recorder._series), len(recorder._tokens)) == (MOST, MOST)
    written.now += max(SAME_WITHIN, REFILL)
    recorder.tidy()
    assert (len(recorder._series), len(recorder._tokens)) == (0, 0)


def test_an_object_that_has_used_its_burst_is_not_forgotten_before_it_may_have_another(
    written: Written, recorder: EventRecorder
) -> None:
    for number in range(BURST):
        written.write(recorder, f"{number}")
    written.now += (BURST - 1) * REFILL
    recorder.tidy()
    assert len(recorder._tokens) == 1
    written.now += REFILL
    recorder.tidy()
    assert recorder._tokens == {}
