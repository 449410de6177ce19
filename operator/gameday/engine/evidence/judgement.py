"""The window in which a series is judged, and the judgement."""

from dataclasses import dataclass, replace
from typing import Final

from gameday.model.record import ResultState

SKEW_WIDENS: Final = 0.2
"""Clock difference between nodes, in seconds, above which it counts towards a resolution."""

SKEW_VOIDS: Final = 2.0
"""Clock difference between nodes, in seconds, above which no time is given."""

SURE_WITHIN: Final = 5.0
"""Seconds of doubt about the start of a stage up to which the moment counts at which it was seen. Beyond that, as after
a change of the operator that nobody saw take effect, a result counts only if the earliest start gives the same one."""


@dataclass(frozen=True, slots=True)
class Window:
    """The span in which an expectation is judged. All times are Unix seconds, all lengths seconds.

    ``requested_at`` is when the stage's change was requested (the start of the steady state), ``started_at`` when it is
    proven to have taken effect; that was up to ``start_resolution`` earlier. ``ends_at`` is the end of the stage once
    that is known, ``length`` the stage's length, ``grace`` how long samples may trail a deadline before they count as
    missing. From ``false_from`` on a ``becomes`` must be false until the request; from ``fault_at`` on (the request of
    the fault) an ``eventually`` that was never false was true all along. With ``final`` nothing more is waited for:
    what is not decided is Unknown. ``leeway`` is added to each deadline. ``skew`` is by how much the clock of the start
    and those of samples differ, ``offset`` that of ``now`` and those of samples.
    """

    requested_at: float
    started_at: float | None
    ends_at: float | None
    length: float
    now: float
    grace: float
    start_resolution: float = 0.0
    skew: float = 0.0
    offset: float = 0.0
    false_from: float | None = None
    fault_at: float | None = None
    final: bool = False
    leeway: float = 0.0

    @property
    def earliest(self) -> "Window | None":
        """The window that begins when the stage may have begun at the earliest, or None where the doubt is small."""
        if self.started_at is None or self.start_resolution <= SURE_WITHIN:
            return None
        start = self.started_at - self.start_resolution
        # What counts from the start alone, as an ``always`` of the recovery, begins with it.
        requested = self.requested_at if self.requested_at < self.started_at else start
        return replace(self, requested_at=requested, started_at=max(start, requested), start_resolution=0.0)

    @property
    def margin(self) -> float:
        """Seconds by which a sample may have been sent earlier or later than it says, by the clock of the witnesses.

        The steady state begins and ends by no clock but that of its samples.
        """
        return self.skew if self.skew > SKEW_WIDENS and self.fault_at is not None else 0.0

    def narrowed(self) -> "Window":
        """The window without what may lie outside of it by another clock."""
        started = self.started_at + self.margin if self.started_at is not None else None
        ends = self.ends_at - self.margin if self.ends_at is not None else None
        return replace(self, requested_at=self.requested_at + self.margin, started_at=started, ends_at=ends)

    def with_clocks(self, why: str) -> str:
        """Why samples are missing, with the clocks where these may be why."""
        if self.offset <= SKEW_VOIDS:
            return why
        return f"{why}; {differ(self.offset)}"

    def late(self, moment: float) -> bool:
        """Whether samples of that moment should have come by now."""
        return self.final or self.now > moment + self.grace


def differ(seconds: float) -> str:
    """That clocks differ, and what to do about it."""
    return f"the clocks of the nodes differ by {seconds:.1f} s; see that NTP runs on the nodes"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The state of an expectation. ``at`` is when it was met, or from when on it counts as missed.

    ``seconds`` is the measured time since ``started_at``, known to ``resolution`` seconds; both are None if there is no
    number.
    """

    state: ResultState
    at: float = 0.0
    seconds: float | None = None
    resolution: float | None = None
    why: str = ""
    open_until: float | None = None
    """Of one that is met: when the last sample was sent at which it was not yet; of an ``always`` its stage's end."""
    by: str = ""
    """The mitigation that had acted before it was met, or ""."""


PENDING: Final = Judgement(ResultState.PENDING)


def unknown(at: float, why: str) -> Judgement:
    """The judgement Unknown, with the reason."""
    return Judgement(ResultState.UNKNOWN, at, why=why)


def wait(window: Window, limit: float, why: str) -> Judgement:
    """Wait for samples of a moment; Unknown once they are overdue."""
    return unknown(limit, window.with_clocks(why)) if window.late(limit) else PENDING
