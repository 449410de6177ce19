"""What a dry run reads: the answers of probes, expectations on the newest samples, and what would end a drill."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gameday.engine.evidence.evidence import Evidence
from gameday.engine.evidence.readings import Readings
from gameday.model.plan import Expectation, Mitigation, Mode, Outage, Plan, Probe, Recovery, SteadyState
from gameday.model.sample import Sample
from gameday.probes.http.kind import HttpProbe

STEADY = Expectation("healthy", Mode.ALWAYS, "health.body.redis == 'ok'")
DOWN = Expectation("reported", Mode.BECOMES, "health.body.redis != 'ok'", within=10)
TOLD = Expectation("told", Mode.BECOMES, "increase(health.body.alerts) >= 1", within=10)
BACK = Expectation("back", Mode.EVENTUALLY, "near(health.body.depth, baseline.health.body.depth, 0.1, 5)")


def plan(*outage: Expectation, steady: Expectation = STEADY, probes: tuple[str, ...] = ("health",)) -> Plan:
    return Plan(
        gameday="g",
        probes=tuple(Probe(name, HttpProbe("http://api"), every=1.0, timeout=1.0) for name in probes),
        steady_state=SteadyState(30, (steady,)),
        outage=Outage(60, (), outage),
        recovery=Recovery(60, (BACK,)),
    )


def answer(body: Any, *, name: str = "health", at: float = 100.0, n: int = 1, error: str | None = None) -> Sample:
    values: dict[str, Any] = {} if error else {"status": 200, "body": body}
    return Sample("observer", n, name, at, at + 0.012, ok=error is None, error=error, values=values)


def read(plan: Plan, *samples: Sample) -> Readings:
    evidence = Evidence(plan)
    for sample in samples:
        assert evidence.take(sample)
    return evidence.readings(90.0, 110.0)


GOOD = {"redis": "ok", "alerts": 7, "depth": 12}


def test_probes_and_expectations_are_shown_as_they_read_now() -> None:
    found = read(plan(DOWN, TOLD), answer(GOOD))
    (probe,) = found.probes
    assert probe.startswith("health: ok after 12 ms; ")
    assert {'body.redis "ok"', "body.alerts 7", "body.depth 12"} <= set(probe.split("; "))
    assert found.expectations == (
        "SteadyState \"healthy\": true: always health.body.redis == 'ok'",
        "Outage \"reported\": false: becomes health.body.redis != 'ok'",
        'Outage "told": false: becomes increase(health.body.alerts) >= 1',
        'Recovery "back": true: eventually near(health.body.depth, baseline.health.body.depth, 0.1, 5)',
    )
    assert found.refusals == ()


def test_the_newest_sample_counts() -> None:
    found = read(plan(DOWN), answer(GOOD | {"redis": "starting"}), answer(GOOD, at=101.0, n=2))
    assert found.expectations[0].startswith('SteadyState "healthy": true')
    assert not any("healthy" in refusal for refusal in found.refusals)


def test_a_steady_state_that_is_not_there_refuses() -> None:
    found = read(plan(), answer(GOOD | {"redis": "down"}))
    assert found.refusals == ("steadyState: healthy is false now; make it true first",)


def test_a_request_that_fails_is_an_answer() -> None:
    found = read(plan(), answer({}, error="refused"))
    assert found.probes == ("health: failed after 12 ms: refused",)
    (first, *_) = found.refusals
    assert first.startswith("steadyState: healthy is false now (health.body.redis is missing")


@pytest.mark.parametrize(
    ("expectation", "why"),
    [
        (Expectation("typed", Mode.BECOMES, "health.body.redis > 3", within=5), "typed: health.body.redis is "),
        (Expectation("misspelt", Mode.BECOMES, "health.body.redsi != 'ok'", within=5), "misspelt: health.body.redsi"),
        (Expectation("already", Mode.BECOMES, "health.body.redis == 'ok'", within=5), "already: it was true"),
    ],
    ids=lambda one: one.name if isinstance(one, Expectation) else "",
)
def test_what_one_sample_shows_to_be_wrong_refuses(expectation: Expectation, why: str) -> None:
    (refusal,) = read(plan(expectation), answer(GOOD)).refusals
    assert refusal.startswith(why)


def unread(n: int = 1, at: float = 100.0) -> Sample:
    return Sample("observer", n, "health", at, at + 0.1, ok=True, unknown=((("body",), "longer than 64 KiB"),))


NAMELESS = "the name api could not be looked up: check the name, and the namespace's DNS"


def nameless(n: int = 1, at: float = 100.0) -> Sample:
    return Sample("observer", n, "health", at, at + 0.1, ok=False, error="dns", unknown=(((), NAMELESS),))


def test_a_probe_whose_host_has_no_such_name_refuses_each_expectation_that_it_leaves_open() -> None:
    """The drill would be Inconclusive: UnknownResult or ExpressionFailed."""
    found = read(plan(DOWN), nameless())
    assert found.probes == (f"health: not known (dns): {NAMELESS}",)
    cannot = "cannot be judged: health is not known: "
    assert found.refusals == tuple(
        f"{where} {cannot}{NAMELESS}; a drill would end Inconclusive"
        for where in ("steadyState: healthy", "outage: reported", "recovery: back")
    )


@pytest.mark.parametrize("bad", [nameless, unread, lambda n, at: answer(GOOD | {"redis": "down"}, n=n, at=at)])
def test_what_a_pod_that_has_just_started_reads_is_not_settled(bad: Callable[[int, float], Sample]) -> None:
    """Its network takes a moment: only what lasts refuses."""
    assert read(plan(), bad(1, 100.0)).unsettled
    assert read(plan(), *(bad(n, 100.0 + n) for n in range(1, 4))).unsettled
    assert not read(plan(), *(bad(n, 100.0 + n) for n in range(1, 8))).unsettled
    good_again = read(plan(), bad(1, 100.0), answer(GOOD, at=101.0, n=2))
    assert (good_again.unsettled, good_again.refusals) == (False, ())


def test_what_is_not_known_is_told_with_what_it_keeps_from_being_judged() -> None:
    found = read(plan(DOWN), unread())
    assert found.refusals[0].startswith("steadyState: healthy cannot be judged: health.body is not known: longer than")
    assert "body is not known: longer than 64 KiB" in found.probes[0]
    assert 'Outage "reported": unknown (health.body is not known: longer than 64 KiB)' in found.expectations[1]


def test_values_are_few_and_short() -> None:
    path = "health.body.deep.text"
    long = Expectation("long", Mode.ALWAYS, f"{path} != ''")
    (probe,) = read(plan(steady=long), answer({"deep": {"text": "x" * 500}, "depth": 1})).probes
    assert len(probe) < 200
    assert "…" in probe


def mitigated(when: str, holds: float = 0.0) -> Plan:
    return replace(plan(DOWN), mitigations=(Mitigation("restart", when, (), holds),))


def test_the_condition_of_a_mitigation_is_shown_beside_the_expectations() -> None:
    found = read(mitigated("health.body.depth > 100 * baseline.health.body.depth"), answer(GOOD))
    *_, last = found.expectations
    assert last == 'mitigation "restart": false: when health.body.depth > 100 * baseline.health.body.depth'
    assert found.refusals == ()


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ("health.body.redis > 3", "mitigation restart: health.body.redis is "),
        ("health.body.redsi != 'ok'", "mitigation restart: health.body.redsi is missing"),
        ("health.body.depth > 5", "mitigation restart: it was true in the steady state, so it can be true without"),
    ],
)
def test_a_condition_that_means_nothing_or_holds_without_a_fault_refuses(when: str, why: str) -> None:
    (refusal,) = read(mitigated(when), answer(GOOD)).refusals
    assert refusal.startswith(why)


def test_a_condition_that_was_true_for_a_moment_only_refuses_nothing() -> None:
    busy = answer(GOOD | {"depth": 500})
    assert read(mitigated("health.body.depth > 100", 2.0), busy, answer(GOOD, at=101.0, n=2)).refusals == ()
    lasting = [answer(GOOD | {"depth": 500}, at=100.0 + n, n=1 + n) for n in range(4)]
    (refusal,) = read(mitigated("health.body.depth > 100", 2.0), *lasting).refusals
    assert refusal.startswith("mitigation restart: it was true for 2 s in the steady state")


def test_a_condition_that_is_not_known_refuses() -> None:
    found = read(mitigated("health.body.depth > 100"), unread())
    assert any(line.startswith("mitigation restart cannot be judged: health.body is not") for line in found.refusals)
    assert found.expectations[-1].startswith('mitigation "restart": unknown (health.body is not known')
