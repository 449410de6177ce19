"""How libraries keep their job queues in Redis: which commands give which figure, and what shows that a queue is there.

Standard library only: the operator checks plans by these, agents ask by them. Each figure is the sum of the answers.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_PLACES: Final = re.compile(r"(\{[pn]\})")

Command = tuple[str, ...]
"""A command of Redis whose answer is a whole number."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A library's keys; in commands, ``{p}`` stands for the prefix of the queue's keys and ``{n}`` for its name."""

    figures: Mapping[str, tuple[Command, ...]]
    flags: Mapping[str, Command] = field(default_factory=dict)
    """Figures that are true or false: whether the answer is 1."""
    signs: tuple[Command, ...] = ()
    """Commands of which at least one answers 1 as soon as the queue was used."""
    prefix: str = ""
    """What the library puts before its keys unless it is told otherwise."""
    separator: str = ""
    """What stands between the prefix and the rest of a key."""
    stem: str = ""
    """What all keys of one queue begin with, as in a command; empty where they have nothing in common."""

    @property
    def names(self) -> tuple[str, ...]:
        """All figures."""
        return (*self.figures, *self.flags)

    def own(self, figure: str) -> bool:
        """Whether a figure is of this one queue, and not of all queues together: more than 0 shows that it is there."""
        return any("{n}" in word for command in self.figures.get(figure, ()) for word in command)

    def begins(self, prefix: str, name: str) -> str:
        """What all keys of one queue begin with, or ""."""
        return self.command((self.stem,), prefix, name)[0]

    def command(self, command: Command, prefix: str, name: str) -> Command:
        """The command for one queue."""
        made = {"{p}": f"{prefix}{self.separator}" if prefix else "", "{n}": name}
        return tuple("".join(made.get(part, part) for part in _PLACES.split(word)) for word in command)


_BULL: Final = "{p}{n}:"
_WAITING: Final = (("LLEN", f"{_BULL}wait"), ("LLEN", f"{_BULL}paused"))
"""While a queue is paused, versions before 6 keep its jobs in a list of another name."""
BULLMQ: Final = Layout(
    figures={
        "depth": (*_WAITING, ("ZCARD", f"{_BULL}prioritized"), ("ZCARD", f"{_BULL}delayed")),
        "waiting": _WAITING,
        "active": (("LLEN", f"{_BULL}active"),),
        "delayed": (("ZCARD", f"{_BULL}delayed"),),
        "prioritized": (("ZCARD", f"{_BULL}prioritized"),),
        "failed": (("ZCARD", f"{_BULL}failed"),),
        "completed": (("ZCARD", f"{_BULL}completed"),),
    },
    flags={"paused": ("HEXISTS", f"{_BULL}meta", "paused")},
    signs=tuple(
        ("EXISTS", f"{_BULL}{key}")
        for key in ("meta", "id", "wait", "paused", "active", "delayed", "prioritized", "failed", "completed")
    ),
    prefix="bull",
    separator=":",
    stem=_BULL,
)
"""BullMQ 5 and 6. ``depth`` is what its own ``count()`` gives, without jobs that wait for their children."""

CELERY: Final = Layout(
    figures={
        # Kombu keeps one list for each step of priority; its first one has the queue's bare name.
        "depth": tuple(("LLEN", f"{{p}}{{n}}{step}") for step in ("", *(f"\x06\x16{step}" for step in (3, 6, 9)))),
        "active": (("HLEN", "{p}unacked"),),
    },
    # Lists that are empty are not there; the binding of a queue stays.
    signs=(("EXISTS", "{p}_kombu.binding.{n}"),),
)
"""Celery 4 and 5 with Redis as its broker; ``unacked`` holds jobs of all queues of the broker."""

SIDEKIQ: Final = Layout(
    figures={
        "depth": (("LLEN", "{p}queue:{n}"),),
        "delayed": (("ZCARD", "{p}schedule"),),
        "retrying": (("ZCARD", "{p}retry"),),
        "failed": (("ZCARD", "{p}dead"),),
    },
    signs=(("SISMEMBER", "{p}queues", "{n}"),),
    separator=":",
)
"""Sidekiq 5 to 8. All but ``depth`` stand for all queues together."""

LAYOUTS: Final[Mapping[str, Layout]] = {"bullmq": BULLMQ, "celery": CELERY, "sidekiq": SIDEKIQ}
"""By the ``kind`` of a queue."""
