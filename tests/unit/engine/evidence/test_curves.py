"""Curves of samples: few points, no outlier lost; and every change of truth exactly."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameday.engine.cel.paths import Path
from gameday.engine.evidence.curves import LONGEST_TEXT, MOST_POINTS, MOST_TEXTS, OTHER, Curve, strip, truth
from gameday.engine.evidence.evidence import Evidence
from gameday.engine.evidence.series import Evaluation, Series
from gameday.model.sample import Sample, Value
from unit.engine.evidence.test_evidence import a_plan, always, failed, health

STATUS: Path = ("status",)


def curve(values: Sequence[Value], most: int = MOST_POINTS) -> tuple[list[float], Curve]:
    made = strip("health", [10.0 + n for n in range(len(values))], {STATUS: values}, most)
    (one,) = made.curves
    assert len(made.at) == len(one.last) == len(one.low) == len(one.high)
    return made.at, one


def test_few_samples_are_each_a_point() -> None:
    at, one = curve([200, 503, None, 200])
    assert at == [10.0, 11.0, 12.0, 13.0]
    assert (one.path, one.of) == ("health.status", "number")
    assert one.last == one.low == one.high == [200, 503, None, 200]


@given(st.lists(st.one_of(st.none(), st.integers(-5, 5)), min_size=1, max_size=200), st.integers(1, 20))
def test_no_value_lies_outside_what_its_point_tells_and_none_is_lost(values: list[int | None], most: int) -> None:
    if all(value is None for value in values):
        values = [*values, 1]
    at, one = curve(values, most)
    assert len(at) <= most
    there = [value for value in values if value is not None]
    assert min(n for n in one.low if n is not None) == min(there)
    assert max(n for n in one.high if n is not None) == max(there)
    assert at[-1] == 10.0 + len(values) - 1
    assert one.last[-1] == values[-1]


def test_one_outlier_among_thousands_stays_visible() -> None:
    values: list[Value] = [0.01] * 12_000
    values[7_777] = 9.0
    at, one = curve(values)
    assert len(at) == MOST_POINTS
    assert [n for n in one.high if n == 9.0] == [9.0]
    assert one.last.count(0.01) == MOST_POINTS


def test_a_silence_is_a_gap_and_no_point() -> None:
    moments = [float(n) for n in (*range(100), *range(1000, 1100))]
    made = strip("health", moments, {STATUS: [1] * 200}, 50)
    assert [now for now in made.at if 99 < now < 1000] == []


def test_booleans_are_0_and_1_and_texts_the_numbers_of_a_short_list() -> None:
    assert curve([True, False])[1].last == [1, 0]
    _, one = curve(["ok", "down", "ok", "x" * 300])
    assert (one.of, one.texts) == ("text", ["ok", "down", "x" * LONGEST_TEXT])
    assert one.last == [0, 1, 0, 2]


def test_texts_that_are_never_the_same_do_not_fill_the_list() -> None:
    _, one = curve([f"request {n}" for n in range(100)])
    assert len(one.texts) == MOST_TEXTS
    assert one.texts[-1] == OTHER
    assert one.last[-1] == MOST_TEXTS - 1


def test_what_most_values_are_not_is_none() -> None:
    _, one = curve([1.0, "[secret]", 2.0, float("inf"), {"a": 1}])
    assert one.last == [1.0, None, 2.0, None, None]


def test_the_values_of_a_probe_are_those_that_expressions_read_and_what_every_sample_has() -> None:
    evidence = Evidence(a_plan(always("health.body.redis == 'ok' && baseline.health.latency < 1.0")))
    evidence.take(health(1, 10.0, body={"redis": "ok", "token": "never"}))
    evidence.take(failed(2, 11.0))
    evidence.take(health(3, 99.0, body={"redis": "late"}))
    at, found = evidence.values("health", 50.0)
    assert at == [10.0, 11.0]
    assert found.keys() == {("body", "redis"), ("ok",), ("error",), ("latency",)}
    assert found["ok",] == [True, False]
    assert found["body", "redis"] == ["ok", None]
    assert found["error",] == [None, "timeout"]


def test_of_an_error_only_its_word_is_kept() -> None:
    evidence = Evidence(a_plan(always("health.ok")))
    evidence.take(Sample("observer", 1, "health", 1.0, 2.0, ok=False, error="redis NOAUTH for user shop"))
    assert evidence.values("health", 50.0)[1]["error",] == ["redis"]


@pytest.mark.parametrize("until", [3.0, 9.0])
def test_each_change_of_truth_is_told_and_nothing_else(until: float) -> None:
    series = Series(
        1.0, [Evaluation(float(n), n + 0.1, value) for n, value in enumerate([True, True, False, None, None, True])]
    )
    changes = ((0.0, True), (2.0, False), (3.0, None), (5.0, True))
    assert truth("Outage", "it", series, until).changes == (changes if until > 5 else changes[:3])
