"""What the samples of a drill say, in whatever pieces and order their logs are read."""

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameday.engine.cel.expressions import ExpressionError
from gameday.engine.drill.context import EvidenceReader
from gameday.engine.evidence.evidence import Evidence
from gameday.engine.evidence.expression_checks import ExpressionFindings
from gameday.engine.evidence.judgement import Window
from gameday.engine.evidence.measure import Figure
from gameday.engine.evidence.series import Evaluation, Gap, Issue
from gameday.model.plan import (
    Aggregate,
    Expectation,
    Measurement,
    Mode,
    Outage,
    Plan,
    Probe,
    Recovery,
    Stage,
    SteadyState,
)
from gameday.model.record import ResultState
from gameday.model.sample import LineType, Sample, Value
from gameday.probes.alert.kind import AlertProbe
from gameday.probes.http.kind import HttpProbe
from gameday.probes.kubernetes.kind import KubernetesProbe

HTTP = HttpProbe("http://api")
PROBES = (
    Probe("health", HTTP, every=1.0, timeout=1.0),
    Probe("queue", HTTP, every=1.0, timeout=1.0),
    Probe("pods", KubernetesProbe("api"), every=1.0, timeout=1.0),
)


def always(expression: str, name: str = "it") -> Expectation:
    return Expectation(name, Mode.ALWAYS, expression)


def becomes(expression: str, name: str = "it", holds: float = 0.0) -> Expectation:
    return Expectation(name, Mode.BECOMES, expression, holds=holds)


def eventually(expression: str, name: str = "it", holds: float = 1.0) -> Expectation:
    return Expectation(name, Mode.EVENTUALLY, expression, holds=holds)


def a_plan(
    *outage: Expectation, recovery: tuple[Expectation, ...] = (), measurements: tuple[Measurement, ...] = ()
) -> Plan:
    return Plan(
        "shop", PROBES, SteadyState(5.0), Outage(60.0, (), outage), Recovery(60.0, recovery), measurements=measurements
    )


def health(n: int, sent: float, **values: Value) -> Sample:
    return Sample("observer", n, "health", sent, sent + 0.1, ok=True, values=values)


def queue(n: int, sent: float, **values: Value) -> Sample:
    return Sample("observer", n, "queue", sent, sent + 0.1, ok=True, values=values)


def pods(n: int, sent: float, **values: Value) -> Sample:
    return Sample("operator", n, "pods", sent, sent + 0.1, ok=True, values=values)


def failed(n: int, sent: float, name: str = "health") -> Sample:
    return Sample("observer", n, name, sent, sent + 1.0, ok=False, error="timeout")


def points(expectation: Expectation, *samples: Sample, baseline: dict[str, float] | None = None) -> list[Evaluation]:
    evidence = Evidence(a_plan(expectation))
    if baseline is not None:
        evidence.set_baseline(baseline)
    for sample in samples:
        evidence.take(sample)
    return evidence.series(expectation).evaluations


def test_each_sample_of_a_probe_makes_a_point() -> None:
    found = points(always("health.status == 200"), health(1, 10.0, status=200), health(2, 11.0, status=500))
    assert found == [Evaluation(10.0, 10.1, True), Evaluation(11.0, 11.1, False)]


def test_samples_of_other_probes_make_none() -> None:
    assert points(always("health.ok"), queue(1, 10.0)) == []


def test_several_probes_are_taken_with_the_latest_of_each() -> None:
    found = points(
        always("health.status == queue.status"),
        health(1, 10.0, status=1),
        queue(2, 10.2, status=1),
        health(3, 11.0, status=2),
        queue(4, 11.2, status=2),
    )
    assert [evaluation.value for evaluation in found] == [None, True, False, True]
    assert found[0].issue is Issue.STALE


def test_the_latest_of_another_probe_grows_stale_after_two_intervals() -> None:
    expectation = always("health.ok && queue.ok")
    found = points(expectation, queue(1, 10.0), health(2, 11.0), health(3, 12.0), health(4, 12.1))
    assert [evaluation.value for evaluation in found] == [None, True, True, None]
    assert found[-1].why == "the latest sample of probe queue is 2.1 s old"


@pytest.mark.parametrize(
    ("expectation", "value"),
    [
        pytest.param(eventually("health.status == 200"), False, id="a system that does not answer has not met it"),
        pytest.param(always("health.status == 200"), False, id="nor does it meet an always"),
        pytest.param(always("health.ok"), False, id="an always may ask for the answer itself"),
        pytest.param(always("!health.ok || health.status == 200"), True, id="and say otherwise"),
        pytest.param(becomes("health.body.redis != 'ok'"), False, id="what was not said has not become anything"),
        pytest.param(always("health.ok && health.status == 200"), False, id="and then need not miss the key"),
        pytest.param(eventually("health.error == 'timeout'"), True, id="the error can be asked for"),
    ],
)
def test_a_probe_that_failed(expectation: Expectation, value: bool | None) -> None:
    assert points(expectation, failed(1, 10.0))[0].value is value


@pytest.mark.parametrize("expectation", [eventually("health.body.nope"), always("health.body.nope")])
def test_an_answer_that_lacks_a_key_does_not_meet_what_needs_it(expectation: Expectation) -> None:
    evaluation = points(expectation, health(1, 10.0, body={}))[0]
    assert (evaluation.value, evaluation.issue, evaluation.why) == (False, Issue.MISSING, "health.body.nope is missing")
    assert not evaluation.lost


def test_requests_without_an_answer_are_counted_by_their_own_probe() -> None:
    expectation = always("health.ok && queue.ok")
    found = points(
        expectation, queue(1, 10.0), health(2, 10.5), failed(3, 11.0), queue(4, 12.2), failed(5, 12.3), queue(6, 13.4)
    )
    assert [(p.value, p.lost, p.lost_before) for p in found[2:]] == [
        (False, True, None),
        (False, True, None),
        (False, True, 11.0),
        (False, True, 11.0),
    ]


def test_an_error_that_the_other_end_sent_is_an_answer() -> None:
    said = Sample("observer", 1, "health", 10.0, 10.1, ok=False, error="http 503", values={"status": 503})
    evaluation = points(always("health.ok"), said)[0]
    assert (evaluation.value, evaluation.lost) == (False, False)


@pytest.mark.parametrize(
    ("expression", "unknown", "value"),
    [
        ("health.status == 200", ("body",), True),
        ("health.body.n == 1", ("body",), None),
        ("health.body.n == 1", ("body", "n"), None),
        ("health.body.n == 1", ("body", "m"), True),
        ("health.body.exists(k, k == 'n')", ("body", "m"), None),
        ("health.ok", (), None),
        ("queue.ok", (), True),
    ],
)
def test_what_an_observer_does_not_know_is_unknown(
    expression: str, unknown: tuple[str, ...], value: bool | None
) -> None:
    sample = Sample(
        "observer", 1, "health", 10.0, 10.1, ok=True, values={"status": 200, "body": {"n": 1}},
        unknown=((unknown, "body too long"),),
    )  # fmt: skip
    found = points(always(expression), sample, queue(2, 10.2))
    assert found[0].value is value
    if value is None:
        assert found[0].issue is Issue.UNKNOWN
        assert found[0].why.endswith("is not known: body too long")


class TestIncrease:
    """``increase(path)``: growth since the stage began."""

    @staticmethod
    def values(counts: list[float | None], since: float, text: str = "increase(queue.count) >= 2") -> list[bool | None]:
        evidence = Evidence(a_plan(expectation := becomes(text)))
        for second, count in enumerate(counts):
            lost = failed(second + 1, float(second), "queue")
            evidence.take(queue(second + 1, float(second), count=count) if count is not None else lost)
        return [evaluation.value for evaluation in evidence.series(expectation, since).evaluations]

    def test_it_counts_from_the_last_value_before_the_stage(self) -> None:
        assert self.values([5, 7, 8, 9, 10], since=2.5) == [False, False, False, False, True]

    def test_what_grew_before_does_not_count(self) -> None:
        assert self.values([0, 50, 100, 100, 100], since=2.5) == [False] * 5

    def test_from_another_moment_it_is_another_growth(self) -> None:
        assert self.values([0, 50, 100, 100, 100], since=0.0) == [False, True, True, True, True]

    def test_a_value_that_is_missing_for_a_moment_is_no_growth(self) -> None:
        assert self.values([5, None, 5, None, 8], since=0.5) == [False, False, False, False, True]

    def test_a_counter_that_falls_is_unknown_until_the_stage_ends(self) -> None:
        assert self.values([5, 6, 9, 0, 9, 20], since=0.5) == [False, False, True, None, None, None]

    def test_a_fall_before_the_stage_does_not_matter(self) -> None:
        assert self.values([50, 0, 1, 2, 3], since=1.5) == [False, False, False, True, True]

    def test_before_the_stage_there_is_none(self) -> None:
        assert self.values([1, 2, 3], since=9.0, text="increase(queue.count) == 0") == [True, True, True]


class TestWhatBeganBefore:
    """A probe that says when it began what it tells of: only what began after the request of the fault comes of it."""

    ALERT = Probe("page", AlertProbe("http://alertmanager"), every=1.0, timeout=1.0)
    REQUESTED = 12.5

    def points(self, fault_at: float | None, *starts: float | None, text: str = "page.firing") -> list[Evaluation]:
        """The points of one sample a second from 10 on, each with an alert that started then, or none."""
        expectation = becomes(text)
        evidence = Evidence(replace(a_plan(expectation), probes=(*PROBES, self.ALERT)))
        for number, began in enumerate(starts):
            values: dict[str, Value] = {"firing": began is not None}
            if began is not None:
                values["startsAt"] = began
            sent = 10.0 + number
            evidence.take(Sample("observer", number + 1, "page", sent, sent + 0.1, ok=True, values=values))
        return evidence.series(expectation, fault_at=fault_at).evaluations

    def values(self, *starts: float | None, text: str = "page.firing") -> list[bool | None]:
        return [evaluation.value for evaluation in self.points(self.REQUESTED, *starts, text=text)]

    def test_an_alert_that_started_after_the_request_counts(self) -> None:
        assert self.values(None, None, None, 12.5, 13.0) == [False, False, False, True, True]

    def test_one_that_started_before_says_neither_yes_nor_no_from_the_request_on(self) -> None:
        assert self.values(None, 11.0, 11.0, 11.0, 13.9, None) == [False, True, True, None, True, False]
        assert self.values(None, 11.0, 11.0, 12.4, text="!page.firing") == [True, False, False, None]
        why = self.points(self.REQUESTED, None, None, None, 12.0)[-1].why
        assert why.startswith("page.firing has been true since before the fault was requested")

    def test_before_any_fault_each_alert_counts(self) -> None:
        assert [evaluation.value for evaluation in self.points(None, 1.0, None, 12.0)] == [True, False, True]

    def test_an_expression_that_does_not_ask_for_it_is_judged_as_ever(self) -> None:
        assert self.values(None, None, None, 11.0, text="page.ok") == [True] * 4
        assert self.values(None, None, None, 11.0, text="has(page.startsAt) && page.startsAt < 12") == [
            *([False] * 3),
            True,
        ]

    def test_one_that_does_not_say_when_it_started_is_not_taken_for_a_new_one(self) -> None:
        expectation = becomes("page.firing")
        evidence = Evidence(replace(a_plan(expectation), probes=(*PROBES, self.ALERT)))
        evidence.take(Sample("observer", 1, "page", 13.0, 13.1, ok=True, values={"firing": True}))
        assert evidence.series(expectation, fault_at=self.REQUESTED).evaluations[0].value is None

    @pytest.mark.parametrize(("began", "state"), [(12.0, ResultState.UNKNOWN), (13.5, ResultState.MET)])
    def test_a_becomes_is_met_by_a_new_alert_only(self, began: float, state: ResultState) -> None:
        expectation = replace(becomes("page.firing"), within=5.0)
        evidence = Evidence(replace(a_plan(expectation), probes=(*PROBES, self.ALERT)))
        for number in range(12):
            firing = number >= 4
            values: dict[str, Value] = {"firing": firing} | ({"startsAt": began} if firing else {})
            sent = 10.0 + number
            evidence.take(Sample("observer", number + 1, "page", sent, sent + 0.1, ok=True, values=values))
        window = Window(self.REQUESTED, self.REQUESTED, 60.0, 60.0, 80.0, 5.0, false_from=10.0, fault_at=self.REQUESTED)
        judged = evidence.judge(Stage.OUTAGE, expectation, window)
        assert judged.state is state, judged.why


def test_a_type_error_is_not_judgeable() -> None:
    evaluation = points(eventually("health.status < 300"), health(1, 10.0, status=None))[0]
    assert (evaluation.value, evaluation.issue) == (None, Issue.TYPE_ERROR)
    assert "health.status is null" in evaluation.why


def test_the_baseline_is_awaited() -> None:
    evidence = Evidence(a_plan(expectation := eventually("queue.depth <= baseline.queue.depth")))
    evidence.take(queue(1, 10.0, depth=3))
    assert evidence.series(expectation).evaluations == []
    evidence.set_baseline({"queue.depth": 3.0})
    assert [evaluation.value for evaluation in evidence.series(expectation).evaluations] == [True]


def test_a_baseline_without_the_number_is_not_the_systems_fault() -> None:
    expectation = eventually("queue.depth <= baseline.queue.depth")
    assert points(expectation, failed(1, 10.0, "queue"), baseline={})[0].value is None


def test_the_baseline_is_the_mean_of_the_numbers_seen_in_the_span() -> None:
    evidence = Evidence(
        a_plan(
            eventually('queue.ok == (baseline.queue.body["x y"] > baseline.queue.latency)'),
            eventually("queue.ok == (baseline.queue.text > 1)"),
        )
    )
    for n, depth in enumerate((100, 1, None, 3, 100)):
        evidence.take(queue(n + 1, float(n), body={"x y": depth}, text="many"))
    baseline = evidence.means(1.0, 3.0)
    assert baseline == {'queue.body["x y"]': 2.0, "queue.latency": pytest.approx(0.1)}


def test_a_recorded_baseline_serves_after_a_restart() -> None:
    expectation = eventually("queue.body['x y'] <= baseline.queue.body['x y']")
    found = points(expectation, queue(1, 10.0, body={"x y": 2}), baseline={'queue.body["x y"]': 2.0})
    assert found[0].value is True


def test_a_line_read_again_is_known() -> None:
    evidence = Evidence(a_plan(expectation := always("health.ok")))
    assert evidence.take(health(1, 10.0)) is True
    assert evidence.take(health(1, 10.0)) is False
    assert len(evidence.series(expectation).evaluations) == 1


def test_missing_lines_are_a_gap_from_sample_to_sample_of_the_probe() -> None:
    evidence = Evidence(a_plan(expectation := always("health.ok")))
    for sample in (health(1, 10.0), queue(2, 10.5), health(4, 12.0)):
        evidence.take(sample)
    assert evidence.series(expectation).gaps == [Gap(10.0, 12.0, "log lines of agent observer are missing")]


def test_a_gap_lasts_until_the_probe_is_seen_again() -> None:
    evidence = Evidence(a_plan(expectation := always("health.ok")))
    for sample in (health(1, 10.0), queue(3, 10.5)):
        evidence.take(sample)
    assert evidence.series(expectation).gap_within(50.0, 60.0) is not None
    evidence.take(health(4, 11.0))
    assert evidence.series(expectation).gap_within(11.0, 60.0) is None


def test_lines_that_come_late_close_the_gap_again() -> None:
    evidence = Evidence(a_plan(expectation := always("health.ok")))
    for sample in (health(1, 10.0), health(3, 12.0)):
        evidence.take(sample)
    assert len(evidence.series(expectation).gaps) == 1
    evidence.take(health(2, 11.0))
    assert evidence.series(expectation).gaps == []
    assert [evaluation.sent for evaluation in evidence.series(expectation).evaluations] == [10.0, 11.0, 12.0]
    assert evidence.last("health") == health(3, 12.0)


def test_an_agent_that_began_anew_left_a_gap() -> None:
    evidence = Evidence(a_plan(expectation := always("health.ok")))
    for sample in (health(1, 10.0), health(2, 11.0), health(1, 12.0), health(2, 13.0)):
        assert evidence.take(sample)
    assert [(gap.since, gap.until) for gap in evidence.series(expectation).gaps] == [(11.0, 12.0)]


def test_a_log_without_its_beginning_is_a_gap() -> None:
    evidence = Evidence(a_plan(expectation := always("health.ok")))
    evidence.take(health(7, 10.0))
    assert evidence.series(expectation).gap_within(0.0, 10.0) is not None


def test_a_silent_probe_is_a_gap() -> None:
    evidence = Evidence(a_plan(expectation := always("health.ok")))
    for sample in (health(1, 10.0), health(2, 13.0), health(3, 16.1)):
        evidence.take(sample)
    assert evidence.series(expectation).gaps == [Gap(13.0, 16.1, "no sample of probe health for 3.1 s")]


def test_points_of_two_agents_wait_for_what_may_still_come_before() -> None:
    evidence = Evidence(a_plan(expectation := always("health.ok && pods.ready == 1")))
    for sample in (health(1, 10.0), health(2, 11.0)):
        evidence.take(sample)
    assert evidence.series(expectation).evaluations == []
    assert evidence.series(expectation).why == "no sample of probe pods"
    for sample in (pods(1, 10.5, ready=1), pods(2, 11.5, ready=0)):
        evidence.take(sample)
    assert [(p.sent, p.value) for p in evidence.series(expectation).evaluations] == [
        (10.0, None),
        (10.5, True),
        (11.0, True),
    ]


def test_a_track_has_passed_what_each_of_its_probes_has_passed() -> None:
    evidence = Evidence(a_plan(expectation := always("health.ok && queue.ok")))
    for sample in (health(1, 10.0), queue(2, 10.2), health(3, 11.0), health(4, 12.0)):
        evidence.take(sample)
    assert evidence.series(expectation).through == 10.2
    window = Window(0.0, 1.0, 10.1, 9.0, 12.2, 10.0)
    assert evidence.passed(Stage.OUTAGE, window)
    assert not evidence.passed(Stage.OUTAGE, replace(window, ends_at=10.2))
    assert not evidence.passed(Stage.OUTAGE, replace(window, ends_at=None))
    assert evidence.passed(Stage.RECOVERY, replace(window, ends_at=99.0))


def test_a_line_that_waits_for_another_agents_has_not_passed() -> None:
    evidence = Evidence(a_plan(always("health.ok && pods.ready == 1")))
    for sample in (health(1, 9.2), pods(1, 9.7), health(2, 10.2), pods(2, 10.7)):
        evidence.take(sample)
    window = Window(0.0, 1.0, 10.0, 9.0, 12.2, 10.0)
    assert not evidence.passed(Stage.OUTAGE, window)
    evidence.take(health(3, 11.2))
    assert evidence.passed(Stage.OUTAGE, window)


def test_all_probes_seen() -> None:
    evidence = Evidence(a_plan())
    evidence.take(health(1, 10.0))
    evidence.take(failed(2, 10.0, "queue"))
    assert not evidence.all_probes_seen()
    evidence.take(pods(1, 10.0))
    assert evidence.all_probes_seen()


def test_a_restarted_operator_has_caught_up_when_each_probe_has_a_new_sample() -> None:
    evidence = Evidence(a_plan())
    for sample in (health(1, 10.0), queue(2, 10.0), pods(1, 10.0), health(3, 20.0), queue(4, 20.0)):
        evidence.take(sample)
    assert evidence.caught_up(10.0)
    assert not evidence.caught_up(15.0)
    evidence.take(pods(2, 20.0))
    assert evidence.caught_up(15.0)


def test_the_engine_can_ask_all_it_needs() -> None:
    evidence: EvidenceReader = Evidence(a_plan(), {"partition": range(1)})
    assert evidence.proofs["partition"].pairs == range(1)


def test_dials_reach_the_proof_once_and_in_order() -> None:
    evidence = Evidence(a_plan(), {"partition": range(1)})
    for n in (1, 2, 4, 3, 2):
        evidence.take(Sample("witness-0", n, "target", float(n), n + 0.1, ok=True, type=LineType.DIAL))
    assert evidence.proofs["partition"].dials["witness-0", "target"].sent == [1.0, 2.0, 3.0, 4.0]


def test_an_always_of_the_recovery_counts_from_its_zero() -> None:
    evidence = Evidence(a_plan(recovery=(expectation := always("health.status == 200"),)))
    for second in range(20):
        evidence.take(health(second + 1, float(second), status=200 if second >= 5 else 500))
    window = Window(3.0, 5.0, 15.0, 10.0, 30.0, 10.0)
    assert evidence.judge(Stage.RECOVERY, expectation, window).state is ResultState.MET
    assert evidence.judge(Stage.OUTAGE, expectation, window).state is ResultState.MISSED


def test_measurements_are_taken_over_the_span() -> None:
    peak = Measurement("peak", Stage.OUTAGE, "queue.depth")
    last = Measurement("last", Stage.OUTAGE, "queue.depth", Aggregate.LAST)
    none = Measurement("none", Stage.OUTAGE, "queue.nope")
    evidence = Evidence(a_plan(measurements=(peak, last, none)))
    for second, depth in enumerate((99, 1, 5, 2, 99)):
        evidence.take(queue(second + 1, float(second), depth=depth))
    assert evidence.figure(peak, 1.0, 3.0) == Figure(5.0, 3)
    assert evidence.figure(last, 1.0, 3.0) == Figure(2.0, 3)
    assert evidence.figure(none, 1.0, 3.0) == Figure(None, 0)


def test_an_expression_that_cannot_be_used_is_refused_at_once() -> None:
    with pytest.raises(ExpressionError):
        Evidence(a_plan(always("health.ok &&")))


class TestRehearsal:
    """The end of the steady state: every expression runs on real samples."""

    @staticmethod
    def findings(
        outage: tuple[Expectation, ...] = (),
        recovery: tuple[Expectation, ...] = (),
        measurements: tuple[Measurement, ...] = (),
        since: float = 0.0,
    ) -> ExpressionFindings:
        evidence = Evidence(a_plan(*outage, recovery=recovery, measurements=measurements))
        for n in range(5):
            body: Value = {"redis": "ok", "depth": 3, "none": None, "jobs": ({"id": "a", "n": 1},), "early": n == 0}
            evidence.take(health(2 * n + 1, float(n), status=200, body=body))
            evidence.take(failed(2 * n + 2, float(n), "queue"))
        return evidence.check_expressions(evidence.means(0.0, 9.0), since)

    def test_what_works_is_not_mentioned(self) -> None:
        outage = (always("health.status == 200"), becomes("health.body.redis != 'ok'"))
        recovery = (eventually("near(health.body.depth, baseline.health.body.depth, 0.1, 5)"),)
        assert self.findings(outage, recovery) == ExpressionFindings()

    @pytest.mark.parametrize(
        ("expression", "finding"),
        [
            ("health.body.redsi == 'ok'", "it: health.body.redsi is missing in every sample"),
            (
                "health.body.redis < 5",
                ("it: health.body.redis is text, but 5 is a number, so < cannot compare them; write '5' in quotes"),
            ),
            (
                "health.status == '200'",
                (
                    "it: health.status is a number, but '200' is text, so == cannot compare them; write "
                    "200 without quotes"
                ),
            ),
            (
                "health.status in [200, '204']",
                (
                    "it: health.status is a number, but [200,'204'] holds text, so `in` is never true; "
                    "compare values of one kind"
                ),
            ),
            (
                "health.body.jobs.exists(j, j.id == 1)",
                (
                    "it: health.body.jobs[each].id is text, but 1 is a number, so == cannot compare them; "
                    "write '1' in quotes"
                ),
            ),
            (
                "health.body.redis != health.body.depth",
                (
                    "it: health.body.redis is text, but health.body.depth is a number, so != cannot "
                    "compare them; compare values of one kind"
                ),
            ),
            (
                "increase(health.body.redis) > 1",
                "it: increase(health.body.redis) takes a number, but health.body.redis is text",
            ),
            ("health.body.redis.size() + health.body.none > 2.5", "it: Unsupported operation"),
            ("queue.depth == 0", "it: queue.depth is missing: probe queue failed with timeout in every sample"),
            (
                "health.body.depth > baseline.health.body.redis",
                "it: baseline.health.body.redis is missing in every sample",
            ),
            ("pods.ready == 1", "it: no sample of probe pods"),
        ],
    )
    def test_what_cannot_be_judged_is_wrong(self, expression: str, finding: str) -> None:
        for found in (
            self.findings((always(expression),)),
            self.findings(recovery=(eventually(expression),)),
            self.findings((becomes(expression),)),
        ):
            assert len(found.wrong) == 1
            assert found.wrong[0].startswith(finding)
            assert (found.already, found.doubtful) == ((), ())

    @pytest.mark.parametrize(
        "expression",
        [
            "health.body.none != 'ok' && health.status == 200",
            "has(health.body.fault) && health.body.fault == 'redis'",
            "health.status + 1 > 3 && '2' + health.body.redis == '2ok'",
            "health.body.jobs.size() == 1 && health.body.jobs[0].n in [1, 2]",
            "increase(health.body.depth) >= 0",
            "health.ok == true && !health.ok == false && near(health.status, 200, 0.0, 1) == true",
        ],
    )
    def test_what_compares_alike_is_not_mentioned(self, expression: str) -> None:
        assert self.findings((always(expression),)) == ExpressionFindings()

    @pytest.mark.parametrize("expression", ["health.ok", "health.body.depth >= 3", "!queue.ok"])
    def test_what_is_true_already_can_be_true_without_the_fault(self, expression: str) -> None:
        found = self.findings((becomes(expression),))
        assert found.wrong == ()
        assert len(found.already) == 1
        assert found.already[0].startswith("it: it was true in the steady state")
        assert self.findings((always(expression),)).already == ()
        assert self.findings(recovery=(eventually(expression),)).already == ()

    def test_only_the_steady_state_counts(self) -> None:
        assert self.findings((becomes("health.body.early"),)).already
        assert self.findings((becomes("health.body.early"),), since=0.5) == ExpressionFindings()
        assert self.findings((becomes("health.body.early", holds=2.0),)) == ExpressionFindings()

    def test_of_a_probe_that_asks_seldom_its_latest_sample_counts(self) -> None:
        assert self.findings((becomes("health.body.redis != 'ok'"),), since=99.0) == ExpressionFindings()
        assert self.findings((becomes("health.body.redis == 'ok'"),), since=99.0).already
        assert self.findings((becomes("health.status == '503'"),), since=99.0).wrong
        assert self.findings((becomes("health.body.nope == 1"),), since=99.0).wrong

    def test_a_measurement_of_nothing_deserves_a_warning(self) -> None:
        found = self.findings(measurements=(Measurement("depth", Stage.OUTAGE, "health.body.redis"),))
        assert found == ExpressionFindings(doubtful=("depth: no sample has a number at health.body.redis",))


EXPECTATIONS = (
    always("health.status == 200 || queue.depth < 5", "across probes"),
    always("pods.ready == 1 && health.ok", "across agents"),
    eventually("health.status == 200", "one probe"),
    eventually("queue.depth <= baseline.queue.depth", "with the baseline", holds=2.0),
    becomes("health.status == 500", "false before"),
    becomes("increase(queue.depth) > 3", "growth"),
)


@st.composite
def logs(draw: st.DrawFn) -> tuple[list[Sample], list[Sample]]:
    """The logs of two agents over half a minute: slow answers, failures, and lines that were lost."""
    rng = draw(st.randoms(use_true_random=False))
    return list(_log(rng, "observer", ("health", "queue"))), list(_log(rng, "operator", ("pods",)))


def _log(rng: random.Random, agent: str, names: tuple[str, ...]) -> Iterator[Sample]:
    found: list[Sample] = []
    for offset, name in enumerate(names):
        for second in range(30):
            sent = second + offset / 10
            received = sent + rng.choice((0.01, 0.05, 0.7))
            ok = rng.random() < 0.8
            values = {"status": rng.choice((200, 500)), "depth": rng.randrange(10), "ready": 1} if ok else {}
            found.append(Sample(agent, 0, name, sent, received, ok, None if ok else "refused", values))
    found.sort(key=lambda sample: sample.received)
    for n, sample in enumerate(found, 1):
        if rng.random() > 0.02:
            yield Sample(
                sample.agent, n, sample.name, sample.sent, sample.received, sample.ok, sample.error, sample.values
            )


def a_drill() -> Evidence:
    evidence = Evidence(a_plan(*EXPECTATIONS))
    evidence.set_baseline({"queue.depth": 4.0})
    return evidence


def merged(first: list[Sample], second: list[Sample], rng: random.Random) -> Iterator[Sample]:
    """Both logs, each in its own order, in any order of the two, with lines read again now and then."""
    queues = [list(first), list(second)]
    read: list[Sample] = []
    while any(queues):
        log = rng.choice([log for log in queues if log])
        read.append(log.pop(0))
        yield read[-1]
        if rng.random() < 0.2:
            yield from read[-rng.randrange(1, 10) :]


@settings(max_examples=60)
@given(logs(), st.randoms(use_true_random=False))
def test_however_the_logs_are_read_the_tracks_are_the_same(
    both: tuple[list[Sample], list[Sample]], rng: random.Random
) -> None:
    at_once, in_pieces = a_drill(), a_drill()
    for sample in (*both[0], *both[1]):
        at_once.take(sample)
    for sample in merged(*both, rng):
        in_pieces.take(sample)
        if rng.random() < 0.3:
            in_pieces.series(rng.choice(EXPECTATIONS))
    for expectation in EXPECTATIONS:
        assert in_pieces.series(expectation) == at_once.series(expectation)


@settings(max_examples=60)
@given(logs(), st.randoms(use_true_random=False), st.sampled_from(EXPECTATIONS), st.floats(1.0, 8.0))
def test_what_is_decided_stays_decided(
    both: tuple[list[Sample], list[Sample]], rng: random.Random, expectation: Expectation, within: float
) -> None:
    evidence, decided = a_drill(), None
    window = Window(5.0, 5.5, 5.5 + within, within, 15.0, 10.0, false_from=4.0, fault_at=5.0)
    for sample in merged(*both, rng):
        evidence.take(sample)
        judgement = evidence.judge(Stage.OUTAGE, expectation, window)
        if decided is not None:
            assert judgement == decided
        elif judgement.state in {ResultState.MET, ResultState.MISSED, ResultState.ALWAYS_TRUE}:
            decided = judgement


def test_lines_that_are_lost_later_do_not_break_a_violation_that_was_seen() -> None:
    evidence = a_drill()
    window = Window(5.0, 5.5, 6.5, 1.0, 15.0, 10.0)
    across = always("health.status == 200 || queue.depth < 5", "across probes")
    told = [
        Sample("observer", 12, "queue", 5.1, 5.11, False, "refused", {}),
        Sample("observer", 13, "health", 6.0, 6.01, True, None, {"status": 500}),
        Sample("observer", 14, "queue", 6.1, 6.11, True, None, {"depth": 5}),
        Sample("observer", 60, "queue", 29.1, 29.11, True, None, {"depth": 0}),
    ]
    found = []
    for sample in told:
        evidence.take(sample)
        found.append(evidence.judge(Stage.OUTAGE, across, window))
    assert found[2].state is ResultState.MISSED
    assert found[3] == found[2]
