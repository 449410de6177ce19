"""When a command may be given again: after a rest, and after as long as the API server asks to be left alone."""

from itertools import pairwise

import pytest

from gameday.engine.drill.command_queue import CommandQueue
from gameday.engine.drill.commands import AcquireLock, Apply, Command, Revert, StartAgents
from gameday.engine.drill.failing import FORGET_AFTER, LONGEST, RETRY_AFTER
from gameday.model.change import Change

HOLD = Change("partition", "networkPartition", "NetworkPolicy", "first-partition", "first-fuse")


@pytest.mark.parametrize(("asked", "rest"), [(0.0, RETRY_AFTER), (0.1, RETRY_AFTER), (7.0, 7.0)])
def test_the_same_command_rests_as_long_as_the_api_server_asks(asked: float, rest: float) -> None:
    queue, command = CommandQueue(), StartAgents()
    assert queue.start(command, 100.0)
    queue.finish(command, 100.0, "too many requests", after=asked)
    assert not queue.start(command, 100.0 + rest - 0.01)
    assert queue.start(command, 100.0 + rest)


def test_a_revert_waits_for_no_injection_that_was_put_off() -> None:
    queue = CommandQueue()
    assert queue.start(Apply(HOLD), 100.0)
    queue.finish(Apply(HOLD), 100.0, "too many requests", after=10.0)
    assert queue.start(Revert(HOLD), 100.0)


def fails(queue: CommandQueue, command: Command, since: float, until: float) -> list[float]:
    """When it was started, where it fails at once each time and is asked for all the time."""
    starts, now = [], since
    while now < until:
        if queue.start(command, now):
            queue.finish(command, now, "forbidden")
            starts.append(now)
        now += 0.125
    return starts


def test_what_goes_on_failing_is_tried_ever_more_seldom_but_never_later_than_a_tenth_of_that_time() -> None:
    starts = fails(CommandQueue(), StartAgents(), 0.0, 3600.0)
    pauses = [after - before for before, after in pairwise(starts)]
    assert pauses[:5] == [RETRY_AFTER] * 5
    assert pauses == sorted(pauses)
    assert all(pause <= max(RETRY_AFTER, 0.1 * begun) + 0.125 for begun, pause in zip(starts, pauses, strict=False))
    assert pauses[-1] == LONGEST
    assert len(starts) < 3600 / LONGEST + 60


def test_a_drill_that_waits_for_its_turn_goes_on_asking() -> None:
    starts = fails(CommandQueue(), AcquireLock(), 0.0, 600.0)
    assert len(starts) == 600 / RETRY_AFTER


def test_what_was_done_meanwhile_fails_anew() -> None:
    queue, command = CommandQueue(), StartAgents()
    fails(queue, command, 0.0, 100.0)
    assert queue.start(command, 110.0)
    queue.finish(command, 110.0)
    starts = fails(queue, command, 111.0, 113.0)
    assert starts == [111.0, 111.5, 112.0, 112.5]
    # So does what nobody has asked for in a while.
    later = 113.0 + FORGET_AFTER + 1
    assert fails(queue, command, later, later + 1) == [later, later + RETRY_AFTER]
