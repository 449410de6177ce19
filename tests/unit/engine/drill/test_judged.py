"""When the stages of a drill end, and what they come to: the phases on real evidence, sample by sample."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import pytest

from gameday.engine.drill import timeouts
from gameday.engine.drill.context import Context
from gameday.engine.drill.phases import outage, recovery, rollback, steady_state
from gameday.engine.evidence.evidence import Evidence
from gameday.model.change import Change, ChangeState, Observed, Presence
from gameday.model.observation import Observation
from gameday.model.plan import (
    Expectation,
    Mode,
    Outage,
    Plan,
    Probe,
    Recovery,
    Rollback,
    RunsIn,
    Stage,
    SteadyState,
)
from gameday.model.record import DrillRecord, Phase, ResultState
from gameday.model.sample import Sample
from gameday.probes.http.kind import HttpProbe
from gameday.probes.kubernetes.kind import KubernetesProbe
from unit.engine.simulation import NO_WORKERS

RULES = {
    Phase.STEADY_STATE: steady_state.decide,
    Phase.OUTAGE: outage.decide,
    Phase.RECOVERY: recovery.decide,
    Phase.ROLLBACK: rollback.decide,
}
HEALTH = Probe("health", HttpProbe("http://api/healthz"))
PODS = Probe("pods", KubernetesProbe("api"))
SLOW = Probe("alerts", HttpProbe("http://alerts"), every=5.0)
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
    Phase.OUTAGE, since=-10.0, steady_from=-40.0, expressions_tried_at=-10.0, inject_requested_at=-1.0,
    outage_started_at=0.0, proven_at=0.0,
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
        """Every sample; their agent numbers them."""
        agent = {RunsIn.OBSERVER: "observer", RunsIn.OPERATOR: "operator"}[self.probe.settings.runs_in]
        sent = self.first
        while sent <= self.last:
            ok = not any(since <= sent < until for since, until in self.false)
            error = None if ok else self.error
            values = {"ready": 3.0} if self.probe.name == PODS.name and ok else {}
            yield Sample(agent, 0, self.probe.name, sent, sent + self.takes, ok, error, values)
            sent += max(self.probe.every, self.takes)


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
        counts: Counter[str] = Counter()
        now, phase = since, self.record.phase
        while now < until:
            while lines and lines[0].received <= now:
                line = lines.pop(0)
                counts[line.agent] += 1
                evidence.take(replace(line, n=counts[line.agent]))
            observed = Observation(drill="drill", changes=self.changes)
            self.record = RULES[phase](Context(self.plan, self.record, observed, evidence, now))
            assert not self.record.doubts, self.record.doubts
            if self.record.phase is not phase or self.record.finishing:
                return now
            now += STEP
        raise AssertionError(f"{phase} was not left by {until}")

    def states(self, stage: Stage) -> dict[str, tuple[ResultState, str]]:
        """What each expectation of the stage came to, and why; as judged again after a rollback, where it was."""
        return {one.name: (one.state, one.why) for one in self.record.results if one.stage is stage}


def a_plan(
    *outage: Expectation, recovery: tuple[Expectation, ...] = (), probes: tuple[Probe, ...] = (HEALTH, PODS, SLOW)
) -> Plan:
    """A plan whose stages expect this."""
    return Plan("shop", probes, SteadyState(30.0), Outage(LASTS, (NO_WORKERS,), outage), Recovery(60.0, recovery))


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
        assert course.run(0.0, LASTS + 20) == pytest.approx(LASTS + 1.27, abs=3 * STEP)

    def test_it_does_not_wait_for_an_agent_that_went_silent_beyond_the_grace(self) -> None:
        silent = replace(self.ANSWERS[1], last=LASTS - 2)
        course = Course(a_plan(Expectation("up", Mode.ALWAYS, BOTH)), UNDER_FAULT, (self.ANSWERS[0], silent))
        assert course.run(0.0, LASTS + 20) == pytest.approx(LASTS + 10, abs=2 * STEP)
        assert course.states(Stage.OUTAGE)["up"][0] is ResultState.UNKNOWN


ASKED = -10.0
"""When the undo was requested; the system was free of the fault at 0."""
UNDOING = replace(
    UNDER_FAULT,
    phase=Phase.RECOVERY,
    since=ASKED,
    inject_requested_at=-31.0,
    outage_started_at=-30.0,
    proven_at=-30.0,
    undo_requested_at=ASKED,
    recovery_started_at=0.0,
    changes=(replace(CHANGE, state=ChangeState.UNDONE, undone_at=0.0),),
)
REPAIRED = replace(UNDOING, phase=Phase.ROLLBACK, since=-5.0, rollback_done_at=0.0, recovery_started_at=-70.0)
HEALTHY = Expectation("healthy", Mode.EVENTUALLY, "health.ok", within=30.0)
STAYS = Expectation("stays", Mode.ALWAYS, "alerts.ok")


def recovering(
    *answers: Answers, eventually: Expectation = HEALTHY, always: Expectation = STAYS, record: DrillRecord = UNDOING
) -> Course:
    """A drill in its recovery, or judged again after its rollback."""
    plan = a_plan(recovery=(eventually, always), probes=(HEALTH, SLOW))
    if record.phase is Phase.ROLLBACK:
        plan = replace(plan, rollback=Rollback((eventually.name,), 60.0, ()))
    return Course(plan, record, answers)


@pytest.mark.parametrize("record", [UNDOING, REPAIRED], ids=["recovery", "after the rollback"])
class TestAnAlwaysOfTheRecovery:
    """It lasts until each ``eventually`` is decided, and for one sample at least."""

    @pytest.mark.parametrize("first", [-40.5, -39.9, -39.1], ids=["far from zero", "after zero", "before zero"])
    @pytest.mark.parametrize(
        "false",
        [(), ((-30.0, -8.0),), ((-30.0, -0.3),), ((-30.0, 0.4),)],
        ids=["never", "long ago", "until zero", "longer"],
    )
    def test_is_met_however_early_the_last_eventually_was_true(
        self, record: DrillRecord, first: float, false: tuple[tuple[float, float], ...]
    ) -> None:
        course = recovering(Answers(HEALTH, first, false=false), Answers(SLOW, -37.5), record=record)
        took = course.run(0.0, 60.0)
        states = {name: state for name, (state, _) in course.states(Stage.RECOVERY).items()}
        assert states["stays"] is ResultState.MET
        assert states["healthy"] in {ResultState.MET, ResultState.ALWAYS_TRUE}
        assert took < 9

    def test_is_missed_by_its_first_sample(self, record: DrillRecord) -> None:
        answers = Answers(HEALTH, -40.5), Answers(SLOW, -37.5, false=((0.0, 5.0),))
        course = recovering(*answers, record=record)
        course.run(0.0, 60.0)
        assert course.states(Stage.RECOVERY)["stays"][0] is ResultState.MISSED

    def test_is_unknown_where_none_comes(self, record: DrillRecord) -> None:
        course = recovering(Answers(HEALTH, -40.5), Answers(SLOW, -37.5, last=-1.0), record=record)
        took = course.run(0.0, 60.0)
        assert course.states(Stage.RECOVERY)["stays"][0] is ResultState.UNKNOWN
        assert took < 60

    def test_lasts_until_the_last_eventually_has_held(self, record: DrillRecord) -> None:
        """A request that was sent before that counts, although its answer comes later."""
        held = replace(HEALTHY, holds=10.0)
        for sent, state in ((9.5, ResultState.MISSED), (14.5, ResultState.MET)):
            late = Answers(SLOW, -40.5, false=((sent, sent + 0.1),), takes=4.5)
            course = recovering(Answers(HEALTH, -40.5), late, eventually=held, record=record)
            course.run(0.0, 60.0)
            assert course.states(Stage.RECOVERY)["stays"][0] is state

    @pytest.mark.parametrize("alone", [False, True], ids=["beside an eventually", "alone"])
    def test_is_not_missed_by_what_was_sent_after_its_end(self, record: DrillRecord, alone: bool) -> None:
        after = ((60.5, 70.0),) if alone else ((50.0, 70.0),)
        course = recovering(Answers(HEALTH, -40.5), Answers(SLOW, -37.5, false=after), record=record)
        if alone:
            course.plan = replace(course.plan, recovery=Recovery(60.0, (STAYS,)))
        else:
            held = replace(HEALTHY, within=10.0, holds=49.0)
            course.plan = replace(course.plan, recovery=Recovery(60.0, (STAYS, held)))
        course.run(0.0, 90.0)
        assert course.states(Stage.RECOVERY)["stays"][0] is ResultState.MET


class TestAnEventuallyThatWasTrueBeforeTheUndoWasProven:
    """A person took three minutes to undo the fault, so what the system did meanwhile it did under the fault."""

    RECORD = replace(
        UNDOING, undo_requested_at=-180.0, since=-180.0, inject_requested_at=-220.0, outage_started_at=-210.0
    )

    @pytest.mark.parametrize(
        ("false", "state", "seconds"),
        [
            pytest.param(((-210.0, -140.0), (-139.0, 500.0)), ResultState.MISSED, None, id="a flap"),
            pytest.param(((-210.0, -140.0), (-0.4, 500.0)), ResultState.MISSED, None, id="until the undo was proven"),
            pytest.param(((-210.0, -140.0), (-139.0, 12.0)), ResultState.MET, 12.52, id="a flap, and recovered later"),
            pytest.param(((-210.0, -140.0),), ResultState.MET, 0.0, id="recovered, and stayed so"),
            pytest.param(((-210.0, -0.9),), ResultState.MET, 0.0, id="recovered between the undo and its proof"),
            pytest.param((), ResultState.ALWAYS_TRUE, None, id="never lost"),
        ],
    )
    def test_counts_only_where_it_is_still_true_then(
        self, false: tuple[tuple[float, float], ...], state: ResultState, seconds: float | None
    ) -> None:
        course = recovering(Answers(HEALTH, -250.5, false=false), Answers(SLOW, -250.0), record=self.RECORD)
        course.run(0.0, 60.0)
        healthy = course.record.result(Stage.RECOVERY, "healthy")
        assert healthy is not None
        assert healthy.state is state
        assert healthy.seconds == (None if seconds is None else pytest.approx(seconds))


RARE = Probe("rare", HttpProbe("http://prometheus"), every=30.0)
HANGING = Probe("hanging", HttpProbe("http://api"), timeout=15.0)
OF_OPERATOR = replace(PODS, every=30.0)
UNTOUCHED = {NO_WORKERS.name: Observed(Presence.ABSENT, "Deployment", "worker", uid="uid")}


class TestAProbeThatIsSlowerThanMost:
    """Slow is not unknown: a stage waits for its samples as long as these may take."""

    @pytest.mark.parametrize("sent_after", [1.0, 15.0, 29.0])
    def test_the_steady_state_waits_for_it(self, sent_after: float) -> None:
        plan = replace(
            a_plan(probes=(HEALTH, RARE)),
            steady_state=SteadyState(60.0, (Expectation("calm", Mode.ALWAYS, "rare.ok"),)),
        )
        record = DrillRecord(Phase.STEADY_STATE, since=-5.0, steady_from=0.0)
        answers = Answers(HEALTH, -2.5), Answers(RARE, 60.0 + sent_after - 90.0)
        course = Course(plan, record, answers, UNTOUCHED)
        assert course.run(0.0, 200.0) == pytest.approx(60.0 + sent_after, abs=2 * STEP)
        assert course.states(Stage.STEADY_STATE)["calm"][0] is ResultState.MET

    @pytest.mark.parametrize("sent_after", [1.0, 15.0, 29.0])
    def test_an_always_of_the_outage_is_met(self, sent_after: float) -> None:
        plan = a_plan(Expectation("up", Mode.ALWAYS, "rare.ok"), probes=(HEALTH, RARE))
        plan = replace(plan, outage=replace(plan.outage, duration=60.0))
        course = Course(plan, UNDER_FAULT, (Answers(HEALTH, -40.5), Answers(RARE, sent_after - 60.0)))
        assert course.run(0.0, 200.0) == pytest.approx(60.0 + sent_after, abs=2 * STEP)
        assert course.states(Stage.OUTAGE) == {"up": (ResultState.MET, "")}

    def test_so_is_one_over_probes_of_two_agents(self) -> None:
        plan = a_plan(Expectation("up", Mode.ALWAYS, "rare.ok && pods.ready == 3"), probes=(RARE, OF_OPERATOR))
        plan = replace(plan, outage=replace(plan.outage, duration=60.0))
        course = Course(plan, UNDER_FAULT, (Answers(RARE, -40.0), Answers(OF_OPERATOR, -30.9)))
        course.run(0.0, 200.0)
        assert course.states(Stage.OUTAGE) == {"up": (ResultState.MET, "")}

    def test_a_becomes_whose_requests_hang_is_missed(self) -> None:
        expectation = Expectation("told", Mode.BECOMES, "hanging.status == 503", within=LASTS)
        hangs = Answers(HANGING, -45.0 - 10.5, false=((-60.0, 500.0),), takes=15.0, error="timeout")
        course = Course(a_plan(expectation, probes=(HEALTH, HANGING)), UNDER_FAULT, (Answers(HEALTH, -40.5), hangs))
        course.run(0.0, 200.0)
        assert course.states(Stage.OUTAGE)["told"][0] is ResultState.MISSED

    def test_an_eventually_that_must_hold_waits_for_the_next_sample(self) -> None:
        held = Expectation("calm", Mode.EVENTUALLY, "rare.ok", within=30.0, holds=5.0)
        plan = a_plan(recovery=(held,), probes=(HEALTH, RARE))
        course = Course(plan, UNDOING, (Answers(HEALTH, -40.5), Answers(RARE, -57.0, false=((-60.0, 1.0),))))
        course.run(0.0, 100.0)
        assert course.states(Stage.RECOVERY)["calm"][0] is ResultState.MET

    @pytest.mark.parametrize("guardrail", [False, True])
    def test_what_is_sent_after_the_end_counts_for_guardrails_only(self, guardrail: bool) -> None:
        """Faults stand until the stage is left, and a guardrail reverts them at once."""
        expectation = Expectation("up", Mode.ALWAYS, "health.ok", guardrail=guardrail, tolerates=0.0)
        plan = a_plan(expectation, Expectation("rare", Mode.ALWAYS, "rare.ok"), probes=(HEALTH, RARE))
        answers = Answers(HEALTH, -40.5, false=((LASTS + 5.1, LASTS + 10),)), Answers(RARE, -17.0)
        course = Course(plan, UNDER_FAULT, answers)
        left = course.run(0.0, 200.0)
        assert course.states(Stage.OUTAGE)["up"][0] is (ResultState.MISSED if guardrail else ResultState.MET)
        assert course.record.guardrail == ("up" if guardrail else None)
        assert left == pytest.approx(LASTS + (5.52 if guardrail else 23.02), abs=3 * STEP)

    def test_what_goes_silent_is_waited_for_no_longer_than_the_fuse_allows(self) -> None:
        plan = a_plan(Expectation("up", Mode.ALWAYS, "rare.ok"), probes=(HEALTH, RARE))
        course = Course(plan, UNDER_FAULT, (Answers(HEALTH, -40.5), Answers(RARE, -40.0, last=-9.0)))
        left = course.run(0.0, 200.0)
        assert left == pytest.approx(LASTS + 30 + 2 + 4, abs=2 * STEP)
        assert left < timeouts.fuse_of_faults(plan) - timeouts.UNDO
        assert course.states(Stage.OUTAGE)["up"][0] is ResultState.UNKNOWN


class TestAStartThatNobodySaw:
    """The operator died right after it had asked for a scale, or its undo; 25 s later the next one saw it done.

    How long the system really took is not known within these 25 s, so a result that depends on it is Unknown.
    """

    DETECTS = Expectation("down", Mode.BECOMES, "!health.ok", within=15.0)

    def begun(self, asked: float) -> DrillRecord:
        change = replace(CHANGE, requested_at=asked)
        return replace(
            UNDER_FAULT, since=asked - 1, expressions_tried_at=asked - 1, inject_requested_at=asked,
            outage_started_at=0.0, outage_start_resolution=-asked, changes=(change,),
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("asked", "down_at", "state"),
        [
            pytest.param(-25.0, -15.0, ResultState.MET, id="in time in any case"),
            pytest.param(-25.0, 10.0, ResultState.UNKNOWN, id="in time from the look, late from the request"),
            pytest.param(-25.0, 18.0, ResultState.MISSED, id="late in any case"),
            pytest.param(-2.0, 10.0, ResultState.MET, id="seen at once"),
        ],
    )
    def test_the_outage(self, asked: float, down_at: float, state: ResultState) -> None:
        course = Course(a_plan(self.DETECTS), self.begun(asked), (Answers(HEALTH, -50.5, false=((down_at, 500.0),)),))
        course.plan = replace(course.plan, probes=(HEALTH,))
        course.run(0.0, LASTS + 20)
        assert course.states(Stage.OUTAGE)["down"][0] is state

    @pytest.mark.parametrize(
        ("asked", "back_at", "state"),
        [
            pytest.param(-25.0, -10.0, ResultState.MET, id="in time in any case"),
            pytest.param(-25.0, 20.0, ResultState.UNKNOWN, id="in time from the look, late from the request"),
            pytest.param(-25.0, 40.0, ResultState.MISSED, id="late in any case"),
            pytest.param(-2.0, 20.0, ResultState.MET, id="seen at once"),
        ],
    )
    def test_the_recovery(self, asked: float, back_at: float, state: ResultState) -> None:
        change = replace(CHANGE, state=ChangeState.UNDOING, undo_requested_at=asked, undone_at=0.0)
        record = replace(
            UNDOING, since=asked, undo_requested_at=asked, recovery_started_at=None, changes=(change,),
            inject_requested_at=-60.0, outage_started_at=-59.0, proven_at=-59.0,
        )  # fmt: skip
        answers = Answers(HEALTH, -90.5, false=((-58.0, back_at),)), Answers(SLOW, -90.0)
        course = recovering(*answers, record=record)
        course.run(0.0, 60.0)
        assert course.record.recovery_started_at == 0.0
        found, why = course.states(Stage.RECOVERY)["healthy"]
        assert found is state
        assert ("up to 25 s earlier" in why) == (state is ResultState.UNKNOWN)
