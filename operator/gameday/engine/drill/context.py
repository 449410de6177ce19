"""The context of a decision: a drill at one moment, as every rule of the engine sees it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from gameday.engine.evidence.expression_checks import ExpressionFindings
from gameday.engine.evidence.judgement import Judgement, Window
from gameday.engine.evidence.proof import Proof
from gameday.engine.evidence.readings import Readings
from gameday.engine.evidence.series import Series
from gameday.model.observation import Observation
from gameday.model.plan import Expectation, Plan, Stage
from gameday.model.record import DrillRecord


class EvidenceReader(Protocol):
    """The evidence of the samples so far. The engine reads it; the runner adds samples."""

    proofs: Mapping[str, Proof]
    """What witnesses and controls say of each fault that they show."""

    def all_probes_seen(self) -> bool:
        """Whether every probe has given a sample, good or bad."""
        ...

    def passed(self, stage: Stage, window: Window) -> bool:
        """Whether every expectation of the stage was evaluated at all samples up to the end of the window."""
        ...

    def judge(self, stage: Stage, expectation: Expectation, window: Window) -> Judgement:
        """Hold an expectation against its samples."""
        ...

    def means(self, since: float, until: float) -> Mapping[str, float]:
        """The baseline: means of the numeric paths that expressions use."""
        ...

    def miss(self, stage: Stage, expectation: Expectation, window: Window) -> tuple[float | None, str]:
        """By how much an expectation was missed, up to the window's end: seconds late or None, and a sentence."""
        ...

    def guardrail_unknown(self, expectation: Expectation, window: Window) -> str | None:
        """Why a guardrail cannot be judged at the moment, or None."""
        ...

    def track_of(self, text: str, since: float = -math.inf, fault_at: float | None = None) -> Series:
        """What an expression of the plan came to at each sample.

        ``since`` is when an ``increase`` begins to count, ``fault_at`` when the first fault was requested, both in Unix
        seconds.
        """
        ...

    def readings(self, since: float, until: float) -> Readings:
        """What each probe has answered and each expectation reads by the samples sent in that span."""
        ...

    def check_expressions(self, baseline: Mapping[str, float], since: float) -> ExpressionFindings:
        """Evaluate every expression on the samples sent since then (Unix seconds), with the baseline set."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """A drill at one moment; the runner passes in ``now``, in Unix seconds."""

    plan: Plan
    record: DrillRecord
    observed: Observation
    evidence: EvidenceReader
    now: float

    def with_record(self, record: DrillRecord) -> "Context":
        """The same context with a newer record."""
        if record is self.record:
            return self
        return Context(self.plan, record, self.observed, self.evidence, self.now)
