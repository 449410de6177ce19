"""Samples that say what a table says: what a drill makes of its expectations, without any expression."""

import math
from collections.abc import Callable, Mapping

from gameday.engine.evidence import measure
from gameday.engine.evidence.expression_checks import ExpressionFindings
from gameday.engine.evidence.judgement import Judgement, Window
from gameday.engine.evidence.proof import Proof
from gameday.engine.evidence.readings import Readings
from gameday.engine.evidence.series import Series
from gameday.model.plan import Expectation, Measurement, Mode, Stage
from gameday.model.record import ResultState
from gameday.model.sample import Sample


class Script:
    """What the expectations come to, by name: a judge that reads the answer from a table."""

    def __init__(
        self, answers: Mapping[str, ResultState], now: Callable[[], float], proofs: Mapping[str, Proof] | None = None
    ) -> None:
        self.proofs: Mapping[str, Proof] = proofs or {}
        self.answers = answers
        self.now = now
        self._taken: dict[str, int] = {}

    def take(self, sample: Sample) -> bool:
        if sample.n <= self._taken.get(sample.agent, 0):
            return False
        self._taken[sample.agent] = sample.n
        for proof in self.proofs.values():
            proof.take(sample)
        return True

    def caught_up(self, since: float) -> bool:
        return True

    def figure(self, measurement: Measurement, since: float, until: float) -> measure.Figure:
        return measure.Figure(None, 0)

    def all_probes_seen(self) -> bool:
        return True

    def passed(self, stage: Stage, window: Window) -> bool:
        return window.ends_at is not None and self.now() > window.ends_at

    def judge(self, stage: Stage, expectation: Expectation, window: Window) -> Judgement:
        state = self.answers.get(expectation.name, ResultState.MET)
        early = expectation.mode is not Mode.ALWAYS and window.started_at is not None and state is ResultState.MET
        ends = window.ends_at
        if expectation.guardrail and state is ResultState.MISSED and window.now > window.requested_at + 5:
            return Judgement(state, window.now, None, None, "violated")
        if early and window.started_at is not None and window.now >= window.started_at + 2:
            return Judgement(state, window.started_at + 2, 2.0, 1.0, "")
        if expectation.mode is not Mode.ALWAYS and window.started_at is not None:
            deadline = window.started_at + (expectation.within or window.length)
            if window.now > deadline:
                return Judgement(state, deadline, None, None, "")
        if ends is not None and window.now > ends:
            return Judgement(state, ends, None, None, "")
        return Judgement(ResultState.PENDING, window.now, None, None, "")

    def means(self, since: float, until: float) -> Mapping[str, float]:
        return {"health.latency": 0.01}

    def miss(self, stage: Stage, expectation: Expectation, window: Window) -> tuple[float | None, str]:
        return None, ""

    def guardrail_unknown(self, expectation: Expectation, window: Window) -> str | None:
        return None

    def track_of(self, text: str, since: float = -math.inf, fault_at: float | None = None) -> Series:
        return Series(1.0)

    def readings(self, since: float, until: float) -> Readings:
        return Readings()

    def check_expressions(self, baseline: Mapping[str, float], since: float) -> ExpressionFindings:
        return ExpressionFindings()
