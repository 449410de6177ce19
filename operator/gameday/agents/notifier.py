"""The notifier: sends the messages of one receiver, in order, then ends. ``python -m gameday.agents.notifier``.

What became of each message is the pod's termination message, which the operator reads from the pod. A message is tried
again while the receiver is away, is busy or limits us, and only within ``tries_for``: a ``Retry-After`` is respected. A
request without an answer may have arrived. It is sent again only if the receiver recognizes a message that it has.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gameday.agents.delivery import Attempt, Sender
from gameday.agents.log import SampleLog
from gameday.agents.runtime import run, until
from gameday.model.agent import Delivery, NotifierConfig
from gameday.model.notice import Delivered, Outcome

TERMINATION: Final = Path("/dev/termination-log")
"""Where the kubelet reads a container's termination message."""
MESSAGE_BYTES: Final = 4096
"""Longest termination message that the kubelet reads."""
FIRST, LONGEST = 1.0, 30.0
"""First and longest pause between two tries, in seconds."""
SHUTDOWN: Final = "the pod was ended before it could send it"


async def notify(config: NotifierConfig, _: SampleLog, ending: asyncio.Event, out: Path = TERMINATION) -> None:
    """Send every message, and write down what became of it; SIGTERM ends the waiting and not a request under way."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + config.tries_for
    sender = Sender()
    known = {delivery.name: Delivered(Outcome.UNSENT, SHUTDOWN) for delivery in config.deliveries}
    for delivery in config.deliveries:
        # A process that is killed leaves no word of what it was just sending, and says that the rest was not sent.
        known.pop(delivery.name)
        _write(out, known)
        known[delivery.name] = done = await _deliver(sender, delivery, deadline, ending)
        sys.stdout.write(f"{delivery.name}: {done.outcome.value} {done.why}\n")
        sys.stdout.flush()
        _write(out, known)


async def _deliver(sender: Sender, delivery: Delivery, deadline: float, ending: asyncio.Event) -> Delivered:
    clock, pause = asyncio.get_running_loop().time, FIRST
    tries, unanswered = 0, ""
    while not ending.is_set():
        tries += 1
        attempt = await sender.send(delivery)
        if attempt.over:
            return attempt.delivered
        if attempt.delivered.outcome is Outcome.UNKNOWN:
            unanswered = attempt.delivered.why
        wait = max(pause, attempt.retry_after or 0.0)
        if clock() + wait > deadline:
            return Delivered(Outcome.UNKNOWN, unanswered) if unanswered else _given_up(attempt, tries)
        if await until(ending, clock() + wait):
            # What is tried again is not there yet, or its receiver recognizes it.
            return Delivered(Outcome.UNSENT, SHUTDOWN)
        pause = min(2 * pause, LONGEST)
    return Delivered(Outcome.UNSENT, SHUTDOWN)


def _given_up(attempt: Attempt, tries: int) -> Delivered:
    why, times = attempt.delivered.why, "once" if tries == 1 else f"{tries} times"
    if attempt.retry_after:
        return Delivered(Outcome.FAILED, f"{why}; it asks to wait for {attempt.retry_after:.0f} s, which is too long")
    return Delivered(Outcome.FAILED, f"{why}; it was tried {times}")


def _write(out: Path, known: Mapping[str, Delivered]) -> None:
    out.write_text(report(known))


def report(known: Mapping[str, Delivered]) -> str:
    """What became of the messages, as JSON that a termination message can hold."""
    for most in (400, 100, 0):
        text = json.dumps({name: [one.outcome.value, one.why[:most]] for name, one in known.items()})
        if len(text) <= MESSAGE_BYTES:
            return text
    return text


if __name__ == "__main__":
    run(notify, NotifierConfig)
