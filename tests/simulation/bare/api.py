"""What the bare API server keeps, and how it fails."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gameday.controller.gameday.gamedays import read_spec
from gameday.model.plan import Plan
from gameday.model.record import DrillRecord
from simulation.mitigating import with_mitigation
from simulation.namespace import SPECS
from simulation.scenario import Faults, Mitigates, Trial
from simulation.world import START

Key = tuple[str, str]
"""A kind of fact and a name."""
LAG = 0.004
"""Seconds that anything takes from a process to the API server, and back."""
DRILL = "drill"
"""Name of the one Drill."""
AGENTS = frozenset({"observer", "witness-0", "control-0"})
"""Our pods in every drill; one that closes connections has two more, and one of two cuts another pair."""
SECOND_PAIR = frozenset({"witness-1", "control-1"})

PLANS: dict[tuple[bool, bool, bool, bool, Faults], Plan] = {
    key: read_spec("plan", spec)[0] for key, spec in SPECS.items()
}
"""The plans, by what their trials are, where the team has no mitigation."""


def plan_of(trial: Trial) -> Plan:
    """The plan of a trial."""
    if trial.mitigates is Mitigates.NOTHING:
        return PLANS[trial.kind]
    return _mitigated(trial.kind, trial.mitigates, trial.unaided)


@functools.cache
def _mitigated(kind: tuple[bool, bool, bool, bool, Faults], mitigates: Mitigates, unaided: bool) -> Plan:
    trial = Trial(mitigates=mitigates, unaided=unaided)
    return read_spec("plan", with_mitigation(SPECS[kind], trial, evicts=False))[0]


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy: which fuse owns it, and since when it is there."""

    uid: str
    fuse_uid: str
    since: float
    changed: bool = False


@dataclass(slots=True)
class Api:
    """What the API server keeps, and how it fails at the moment."""

    facts: dict[Key, Any] = field(default_factory=dict)
    record: DrillRecord | None = None
    saves: int = 0
    """The number of the save that wrote the record; 0 before any."""
    version: int = 0
    lock: str = ""
    gone: bool = False
    down: bool = False
    hangs: bool = False
    up_since: float = START
    refusing: list[str] = field(default_factory=list)
    failed: int = 0
    """Requests so far that it answered with a 500: of three one is not carried out, one is, and one will be."""
    losing: int = 0
    delays: list[float] = field(default_factory=list)
    scale_takes: float = 0.0
    under_way: int = 0
    """Requests that were sent and have not been carried out or refused."""
    answered: DrillRecord | None = None
    """The record of the newest save that was answered."""
    answers: int = 0
    """Answers that are on their way."""
    no_rights: bool = False
    waiting: list[Callable[[], None]] = field(default_factory=list)

    @property
    def works(self) -> bool:
        """Whether it answers."""
        return not (self.down or self.hangs)


class Failed(Exception):
    """A call that was not answered as hoped."""
