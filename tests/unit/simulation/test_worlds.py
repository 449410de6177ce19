"""Thousands of drills in worlds that fail on purpose: every promise holds in every one of them.

A failure names its seed: ``python -m simulation --seed N`` (``--whole``) replays it.
"""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from simulation import running
from simulation.bare import world as bare
from simulation.invariants import Broken, Rule
from simulation.outcome import Outcome
from simulation.scenario import Defect, Failure, Mitigates, Scenario, Trial, What, draw
from simulation.shrinking import shrink

BARE, CHUNK = 5000, 250
"""Drills of the engine and the runner's rules alone, and how many of them in one test."""
WHOLE, WORLDS = 120, 10
"""Worlds of two drills with the whole operator, and how many of them in one test."""

SURE = 15
"""Writing calls that every drill makes."""


def told(outcome: Outcome) -> str:
    """What a failure shows."""
    return f"seed {outcome.scenario.seed}: {'; '.join(str(broken) for broken in outcome.broken)}"


@pytest.mark.parametrize("first", range(0, BARE, CHUNK))
def test_every_promise_holds_whatever_goes_wrong(first: int) -> None:
    verdicts: Counter[str] = Counter()
    for seed in range(first, first + CHUNK):
        outcome = bare.run(draw(seed, 1))
        assert not outcome.broken, told(outcome)
        assert not outcome.missed, "a trouble was due and did not come"
        verdicts += outcome.verdicts
    # Worlds in which nothing could be told would keep every promise.
    assert min(verdicts[verdict] for verdict in ("Passed", "Failed", "Inconclusive", "Aborted")) >= CHUNK / 50


@pytest.mark.parametrize("first", range(0, WHOLE, WORLDS))
def test_every_promise_of_the_whole_operator_holds(first: int) -> None:
    for seed in range(first, first + WORLDS):
        outcome = running.run(draw(seed, 2))
        assert not outcome.broken, f"--whole {told(outcome)}"
        assert not outcome.missed, "a trouble was due and did not come"


GOOD, BLIND, STUCK = (
    Trial(close_connections=True),
    Trial(close_connections=True, defect=Defect.BLIND),
    Trial(defect=Defect.STUCK, rollback=True),
)
MITIGATED = Trial(defect=Defect.STUCK, mitigates=Mitigates.EARLY)
RENEWED = Trial(defect=Defect.STUCK, mitigates=Mitigates.EVICTS)


@pytest.mark.parametrize("moment", ["before", "sent", "answered"])
@pytest.mark.parametrize("nth", range(1, 49))
@pytest.mark.parametrize(
    "trial", [GOOD, STUCK, MITIGATED, RENEWED], ids=["plain", "rollback", "mitigation", "mitigation that evicts"]
)
def test_killed_at_any_call_nothing_is_left(trial: Trial, nth: int, moment: str) -> None:
    for seconds in (0.5, 130.0):
        crash = Failure(What.CRASH_AT_CALL, 0.0, seconds=seconds, count=nth, detail=moment)
        outcome = running.run(Scenario(nth, (trial,), (crash,)))
        assert not outcome.broken, told(outcome)
        # A drill without a rollback has some 25 such calls; the answer to a call that nobody waits for kills nobody.
        assert outcome.effective[What.CRASH_AT_CALL] == 1 or nth > SURE or moment == "answered"


@pytest.mark.parametrize("seconds", [9.0, 20.0, 130.0])
@pytest.mark.parametrize("trial", [GOOD, STUCK, MITIGATED], ids=["plain", "rollback", "mitigation"])
@pytest.mark.parametrize("simulated", [bare.run, running.run], ids=["bare", "whole"])
def test_frozen_at_any_call_and_thawed_beside_another_process_nothing_is_left(
    simulated: Callable[[Scenario], Outcome], trial: Trial, seconds: float
) -> None:
    stood_still = 0
    for nth in range(1, 31):
        freeze = Failure(What.FREEZE_AT_CALL, 0.0, seconds=seconds, count=nth)
        outcome = simulated(Scenario(nth, (trial,), (freeze,), replicas=2))
        assert not outcome.broken, told(outcome)
        stood_still += outcome.effective[What.FREEZE_AT_CALL]
    assert stood_still >= SURE


@pytest.mark.parametrize(
    ("trial", "verdict"),
    [(GOOD, "Passed"), (BLIND, "Failed"), (STUCK, "Failed"), (MITIGATED, "Passed"), (RENEWED, "Passed")],
    ids=["good", "blind", "stuck", "mitigated", "renewed"],
)
def test_both_simulations_say_the_same_of_a_system_where_nothing_goes_wrong(trial: Trial, verdict: str) -> None:
    scenario = Scenario(1, (trial,))
    assert [list(run(scenario).verdicts) for run in (bare.run, running.run)] == [[verdict], [verdict]]


@pytest.mark.parametrize("whole", [False, True])
def test_a_seed_replays_exactly_in_another_process(whole: bool) -> None:
    """Also where strings hash otherwise: no order may come from a set."""
    program = (
        "import logging; logging.disable(50)\n"
        "from simulation.scenario import draw\n"
        f"from simulation.{'running' if whole else 'bare.world'} import run\n"
        "print([(o.trace, o.samples, o.seconds, sorted(o.verdicts.items())) "
        "for o in (run(draw(seed, 2)) for seed in range(12))])"
    )
    root = Path(__file__).parents[3]
    answers = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONPATH": f"{root / 'operator'}:{root / 'tests'}", "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(answers) == 1


def test_what_breaks_a_promise_is_made_small() -> None:
    """A lie makes a good system fail; all else in the scenario has nothing to do with it."""
    lie = Failure(What.LIE, 6.0, seconds=20.0)
    others = (Failure(What.WATCH_BREAKS, 3.0), Failure(What.REPEAT, 8.5), Failure(What.LOSE, 2.25, count=1))
    scenario = Scenario(3, (Trial(close_connections=True, starts=1.0),), (*others, lie), replicas=2)

    def judged(scenario: Scenario) -> Outcome:
        outcome = bare.run(scenario)
        broken = () if outcome.verdicts["Passed"] else (Broken(Rule.HONEST_FAIL, 0.0, "not passed"),)
        return Outcome(scenario, broken, outcome.verdicts)

    small = shrink(scenario, Rule.HONEST_FAIL, judged)
    assert [failure.what for failure in small.failures] == [What.LIE]
    assert small.replicas == 1
