"""The system under test in a simulated world: what it does with and without its dependency, and what is wrong with it.

Both simulations have the same one. It answers one health request a second, and tells its team once when it notices that
its dependency is gone.
"""

from dataclasses import dataclass, field
from typing import Any

from simulation.scenario import Defect

NOTICES = 0.5
"""Seconds after which a good system has noticed that its dependency went, or came back."""
NOTICES_LATE = 5.1
"""The same for a slow one: after the deadline, which counts from a failed dial up to a second after the cut."""
SHOWS_EARLY = 1.2
"""Seconds for which one says that its dependency is gone when the fuse is armed, before anything was cut."""
ANSWERS_ONE_IN = 5
"""Requests of which a silent system answers one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the system answered; ``values`` are empty where it did not."""

    ok: bool
    values: dict[str, Any]


@dataclass(slots=True)
class System:
    """The system, and what it knows. All times are the world's seconds."""

    defect: Defect
    phase: int = 0
    """Which requests a silent one answers."""
    hidden: bool = False
    """Whether it notices nothing of a cut."""
    cut_off: bool = False
    """Whether, under a cut, none of the connections that it had before was left at some time."""
    noticed: bool = False
    stuck: bool = False
    alerts: int = 0
    early: list[float] = field(default_factory=list)
    """When it said that its dependency was gone although nothing was cut yet."""
    late: list[float] = field(default_factory=list)
    """When it said so at all."""
    asked: list[tuple[float, bool]] = field(default_factory=list)
    """When it was asked, and whether it answered."""
    _workers_stopped: bool = False
    _early_until: float = float("-inf")

    def __post_init__(self) -> None:
        """Have told the team of other things before, so that its counter stands at some number."""
        self.alerts = 7

    @property
    def notices(self) -> float:
        """Seconds from a change until it has noticed."""
        return NOTICES_LATE if self.defect is Defect.SLOW and not self.noticed else NOTICES

    def notice(self, *, lost: bool) -> None:
        """Learn whether the dependency is there."""
        if lost and not self.noticed and self.defect is not Defect.MUTE:
            self.alerts += 1
        self.noticed = lost
        self.stuck = self.stuck or (lost and self.defect in {Defect.STUCK, Defect.LOST})

    def restarted(self, ready: int) -> None:
        """Its workers have come to this number."""
        if ready == 0:
            self._workers_stopped = True
        elif self._workers_stopped and self.defect is Defect.STUCK:
            self.stuck = False

    def fuse_armed(self, now: float) -> None:
        """Something of a drill happens before anything is cut: the moment for what has nothing to do with the cut."""
        if self.defect is Defect.EARLY:
            self._early_until = now + SHOWS_EARLY

    def answer(self, now: float, *, flip: bool) -> Answer:
        """Answer a health request; ``flip`` has it say the opposite."""
        answers = self.defect is not Defect.SILENT or (len(self.asked) + self.phase) % ANSWERS_ONE_IN == 0
        self.asked.append((now, answers))
        if not answers:
            return Answer(ok=False, values={})
        if self.defect is Defect.NOISY:
            self.alerts += 1
        lost = (self.noticed or self.stuck) and self.defect is not Defect.BLIND
        if now < self._early_until and not self.noticed:
            self.early.append(now)
            lost = True
        if lost:
            self.late.append(now)
        fallen = self.defect is Defect.FRAGILE and self.noticed
        status = 503 if fallen or flip else 200
        body = {"redis": "down" if lost != flip else "ok", "alerts": self.alerts}
        return Answer(ok=True, values={"status": status, "body": body})
