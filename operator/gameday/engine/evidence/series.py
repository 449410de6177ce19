"""The series of an expectation: the value of its expression at each new sample, and the gaps between samples.

Evaluations stand in the order in which their samples were received. That order never changes, so later samples never
change a decision.
"""

import enum
import math
from dataclasses import dataclass, field

from gameday.model.plan import INTERVALS_OF_PATIENCE


class Issue(enum.Enum):
    """Why an evaluation was not simply true or false."""

    MISSING = "Missing"
    """The answer lacks what the expression needs, so it is false."""
    TYPE_ERROR = "TypeError"
    STALE = "Stale"
    UNKNOWN = "Unknown"
    """What the expression needs was not read, not sent or not looked up: an agent's bound or error."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation. ``sent`` and ``received`` are those of the new sample; ``value`` None means unknown.

    ``lost`` says that a false value may be due to a request without an answer; ``lost_before`` is then when the request
    of the same probe before it was sent, if that one had no answer either.
    """

    sent: float
    received: float
    value: bool | None
    why: str = ""
    issue: Issue | None = None
    lost: bool = False
    lost_before: float | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which samples may be missing; ``until`` is infinite while it lasts.

    ``after`` is the number of evaluations when the gap was found: the missing samples would follow these, so the gap
    does not interrupt a run among them.
    """

    since: float
    until: float
    why: str
    after: int = field(default=0, compare=False)


@dataclass(slots=True)
class Series:
    """The evaluations of one expectation; ``interval`` is the longest interval of its probes, in seconds."""

    interval: float
    evaluations: list[Evaluation] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    through: float = -math.inf
    """All evaluations of samples sent up to here are included."""
    why: str = ""
    """Why there is no evaluation at all, if that is known."""

    @property
    def patience(self) -> float:
        """Seconds without a sample after which the value is unknown."""
        return INTERVALS_OF_PATIENCE * self.interval

    def add(self, evaluation: Evaluation) -> None:
        """Append an evaluation of a series with one probe; a longer silence before it becomes a gap."""
        if self.evaluations and evaluation.sent - self.evaluations[-1].sent > self.patience:
            self.gap(
                self.evaluations[-1].sent,
                evaluation.sent,
                f"no sample for {evaluation.sent - self.evaluations[-1].sent:.1f} s",
            )
        self.evaluations.append(evaluation)
        self.through = max(self.through, evaluation.sent)

    def gap(self, since: float, until: float, why: str) -> None:
        """Mark a time in which samples may be missing."""
        self.gaps.append(Gap(since, until, why, len(self.evaluations)))

    def gap_within(self, since: float, until: float) -> Gap | None:
        """The first gap that touches the inside of a span."""
        return next((gap for gap in self.gaps if gap.since < until and gap.until > since), None)

    def gap_before(self, index: int, last: Evaluation) -> Gap | None:
        """The first gap between an evaluation and the one at ``index``, which follows it."""
        until = self.evaluations[index].sent
        return next((g for g in self.gaps if g.after <= index and g.since < until and g.until > last.sent), None)

    def last_judgeable_before(self, moment: float) -> Evaluation | None:
        """The last true or false evaluation of a sample sent before ``moment``."""
        return next((p for p in reversed(self.evaluations) if p.value is not None and p.sent < moment), None)

    def excuse(self) -> str:
        """Why the expectation cannot be judged: the reason of the last evaluation that is neither true nor false."""
        return next((p.why for p in reversed(self.evaluations) if p.value is None), self.why or "no sample")
