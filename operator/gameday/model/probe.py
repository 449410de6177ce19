"""A probe as plans have it: what is measured again and again, and by whom."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from gameday.model.destination import ConfigMapKey, Destination, SecretKey

INTERVALS_OF_PATIENCE = 3
"""How many intervals of a probe may pass without a sample before we no longer know."""


class RunsIn(enum.Enum):
    """Who runs a probe; agents by their names."""

    OBSERVER = "observer"
    CLIENT = "client"
    """An observer with the targets' labels, for what admits them only. The cut spares it."""
    OPERATOR = "operator"
    """The operator itself, which talks to the Kubernetes API and to nothing else."""


class ProbeSettings:
    """What the kind of a probe defines, and what a drill must know of it whatever its kind is.

    Each kind has a frozen dataclass of its own; of these, only the kind itself knows more than what stands here.
    """

    __slots__ = ()
    runs_in: ClassVar[RunsIn] = RunsIn.OBSERVER
    began: ClassVar[Mapping[str, str]] = {}
    """Values that tell of a failure, each with the value that says when that began, in Unix seconds. A true one says
    nothing of a fault that was requested later."""

    @property
    def destination(self) -> Destination | None:
        """Where its requests go; None where that cannot be said, or where it sends none."""
        return None

    @property
    def secrets(self) -> tuple[SecretKey, ...]:
        """What its agent reads of Secrets."""
        return ()

    @property
    def config_maps(self) -> tuple[ConfigMapKey, ...]:
        """What its agent reads of ConfigMaps."""
        return ()


@dataclass(frozen=True, slots=True)
class Probe:
    """A repeated measurement; ``paths`` are those that expressions and measurements read, without the probe's name."""

    name: str
    settings: ProbeSettings
    every: float = 1.0
    timeout: float = 2.0
    paths: tuple[tuple[str | int, ...], ...] = ()

    @property
    def interval(self) -> float:
        """Longest time between two samples when all is well, in seconds: one request is in flight a time."""
        return max(self.every, self.timeout)
