"""Events: an equal one is told once in a while, too many of one object are held back, bounded ones never."""

import asyncio
from typing import Any

import pytest

from gameday.cluster.events import BURST, REFILL, SAME_WITHIN, Events
from gameday.cluster.kinds import Kind

ABOUT = {
    "apiVersion": "gameday.dev/v1alpha1",
    "kind": "GameDay",
    "metadata": {"namespace": "shop", "name": "redis", "uid": "g"},
}


class Written:
    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.bodies: list[dict[str, Any]] = []

    async def create(self, _kind: Kind, _namespace: str, body: dict[str, Any]) -> None:
        self.bodies.append(body)

    def write(self, events: Events, message: str, *, bounded: bool = False) -> None:
        asyncio.run(events.write(ABOUT, "Suspended", message, warning=False, bounded=bounded))


@pytest.fixture
def written() -> Written:
    return Written()


@pytest.fixture
def events(written: Written) -> Events:
    return Events(written, "one", lambda: written.now)  # type: ignore[arg-type]  # it only creates


def test_an_equal_event_is_told_once_in_a_while(written: Written, events: Events) -> None:
    written.write(events, "same")
    written.now += SAME_WITHIN - 1
    written.write(events, "same")
    assert len(written.bodies) == 1
    written.now += 2
    written.write(events, "same")
    assert len(written.bodies) == 2


def test_too_many_of_one_object_are_held_back_and_bounded_ones_never(written: Written, events: Events) -> None:
    for number in range(2 * BURST):
        written.write(events, f"{number}")
    assert len(written.bodies) == BURST
    for number in range(120):
        written.now += 60
        written.write(events, f"slot {number}", bounded=True)
    assert len(written.bodies) == BURST + 120
    written.now += REFILL
    written.write(events, "one more")
    assert len(written.bodies) == BURST + 121
