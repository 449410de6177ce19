"""When a command may be given again: after a rest, and after as long as the API server asks to be left alone."""

import pytest

from gameday.engine.drill.command_queue import RETRY_AFTER, CommandQueue
from gameday.engine.drill.commands import Apply, Revert, StartAgents
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
