"""When the stages of a drill end, and what they come to: the phases on real evidence, sample by sample."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import pytest

from gameday.engine.drill.context import Context
from gameday.engine.drill.phases import outage
from gameday.engine.evidence.evidence import Evidence
from gameday.model.change import Change, ChangeState, Observed, Presence
from gameday.model.observation import Observation
from gameday.model.plan import Expectation, Mode, Outage, Plan, Probe, Recovery, RunsIn, Stage, SteadyState
from gameday.model.record import DrillRecord, Phase, ResultState
from gameday.model.sample import Sample
from gameday.probes.http.kind import HttpProbe
from gameday.probes.kubernetes.kind import KubernetesProbe
from unit.engine.simulation import NO_WORKERS

HEALTH = Probe("health", HttpProbe("http://api/healthz"))
PODS = Probe("pods", KubernetesProbe("api"))
STEP = 0.05
"""Seconds between two looks at the drill."""
LASTS = 20.0
"""Seconds of the outage; it began at 0."""

CHANGE = Change(
    NO_WORKERS.name, "scale", "Deployment", "worker", "", ChangeState.ACTIVE,
    object_uid="uid", requested_at=-1.0, proven_at=0.0,
)  # fmt: skip
SCALED = {NO_WORKERS.name: Observed(Presence.PRESENT, "Deployment", "worker", uid="uid")}
UNDER_FAULT = DrillRecord(
    Phase.OUTAGE, since=-10.0, steady_from=-40.0, rehearsed_at=-10.0, inject_requested_at=-1.0, zero=0.0, proven_at=0.0,
    changes=(CHANGE,),
)  # fmt: skip


@dataclass(slots=True)
class Answers:
    """The samples of a probe, one a period from ``first`` to ``last``: true but in the spans of ``false``."""

    probe: Probe
    first: float
    last: float = 1000.0
    false: tuple[tuple[float, float], ...] = ()
    takes: float = 0.02
    """Seconds from a request to its answer."""
    error: str = "http 500"

    def samples(self) -> Iterator[Sample]:
        """Every sample, in the order of the agent's log."""
        agent = {RunsIn.OBSERVER: "observer", RunsIn.OPERATOR: "operator"}[self.probe.settings.runs_in]
        sent, n = self.first, 1
        while sent <= self.last:
            ok = not any(since <= sent < until for since, until in self.false)
            error = None if ok else self.error
            values = {"ready": 3.0} if self.probe is PODS and ok else {}
            yield Sample(agent, n, self.probe.name, sent, sent + self.takes, ok, error, values)
            n, sent = n + 1, sent + max(self.probe.every, self.takes)


@dataclass(slots=True)
class Course:
    """A drill in one of its phases, with real evidence."""

    plan: Plan
    record: DrillRecord
    answers: tuple[Answers, ...]
    changes: Mapping[str, Observed] = field(default_factory=lambda: SCALED)

    def run(self, since: float, until: float) -> float:
        """Take each sample when it was received, and decide again and again until the phase is left; when that was."""
        evidence = Evidence(self.plan)
        lines = sorted((one for each in self.answers for one in each.samples()), key=lambda one: one.received)
        now, phase = since, self.record.phase
        while now < until:
            while lines and lines[0].received <= now:
                evidence.take(lines.pop(0))
            observed = Observation(drill="drill", changes=self.changes)
            self.record = outage.decide(Context(self.plan, self.record, observed, evidence, now))
            assert not self.record.doubts, self.record.doubts
            if self.record.phase is not phase or self.record.finishing:
                return now
            now += STEP
        raise AssertionError(f"{phase} was not left by {until}")

    def states(self, stage: Stage) -> dict[str, tuple[ResultState, str]]:
        """What each expectation of the stage came to, and why."""
        return {one.name: (one.state, one.why) for one in self.record.results if one.stage is stage}


def a_plan(*expect: Expectation, probes: tuple[Probe, ...] = (HEALTH, PODS)) -> Plan:
    """A plan whose outage expects this."""
    return Plan(
        "shop", probes, SteadyState(30.0), Outage(LASTS, (NO_WORKERS,), expect), Recovery(60.0), measurements=()
    )


BOTH = "health.ok && pods.ready == 3"


class TestAnOutageOverProbesOfTwoAgents:
    """The newest line of one agent says nothing yet: the other may still send one that comes before it."""

    # The last line of the observer before the end is received right after it, and that of the operator behind that.
    ANSWERS = (Answers(HEALTH, -40.75), Answers(PODS, -40.3))

    def test_an_always_is_met(self) -> None:
        course = Course(a_plan(Expectation("up", Mode.ALWAYS, BOTH)), UNDER_FAULT, self.ANSWERS)
        course.run(0.0, LASTS + 20)
        assert course.states(Stage.OUTAGE) == {"up": (ResultState.MET, "")}

    def test_an_always_is_missed_by_the_last_sample(self) -> None:
        last = replace(self.ANSWERS[1], false=((LASTS - 0.5, LASTS + 0.5),))
        course = Course(a_plan(Expectation("up", Mode.ALWAYS, BOTH)), UNDER_FAULT, (self.ANSWERS[0], last))
        course.run(0.0, LASTS + 20)
        assert course.states(Stage.OUTAGE)["up"][0] is ResultState.MISSED

    def test_a_becomes_is_missed(self) -> None:
        expectation = Expectation("down", Mode.BECOMES, f"!({BOTH})", within=LASTS)
        course = Course(a_plan(expectation), UNDER_FAULT, self.ANSWERS)
        course.run(0.0, LASTS + 20)
        assert course.states(Stage.OUTAGE)["down"][0] is ResultState.MISSED

    def test_it_waits_for_the_next_samples_and_no_longer(self) -> None:
        course = Course(a_plan(Expectation("up", Mode.ALWAYS, BOTH)), UNDER_FAULT, self.ANSWERS)
        assert course.run(0.0, LASTS + 20) == pytest.approx(LASTS + 1.27, abs=STEP)

    def test_it_does_not_wait_for_an_agent_that_went_silent_beyond_the_grace(self) -> None:
        silent = replace(self.ANSWERS[1], last=LASTS - 2)
        course = Course(a_plan(Expectation("up", Mode.ALWAYS, BOTH)), UNDER_FAULT, (self.ANSWERS[0], silent))
        assert course.run(0.0, LASTS + 20) == pytest.approx(LASTS + 10, abs=2 * STEP)
        assert course.states(Stage.OUTAGE)["up"][0] is ResultState.UNKNOWN
