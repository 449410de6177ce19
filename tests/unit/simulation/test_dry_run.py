"""Dry runs: whatever goes wrong, nothing is changed and nothing stays, there is no verdict, and no drill is counted."""

from collections import Counter
from dataclasses import replace
from unittest.mock import patch

import pytest

from gameday.api.lines import events_of
from gameday.cluster.resources import PODS, Object
from gameday.engine.drill import decide, next_commands
from gameday.engine.drill.phases import dry_run, ending, finished, table
from gameday.model.record import DrillRecord, Phase
from simulation import running
from simulation.invariants import Rule
from simulation.outcome import Outcome
from simulation.scenario import Defect, Failure, Faults, Pairs, Scenario, Trial, What, draw
from simulation.store import Change

SEEDS = 60


def outcome_of(trial: Trial, *failures: Failure, replicas: int = 1) -> tuple[Object, Outcome]:
    made = running.Simulation(Scenario(1, (replace(trial, dry_run=True),), failures, replicas))
    outcome = made.run()
    return made.namespaces[0].statuses[-1], outcome


def broken(trial: Trial, *failures: Failure) -> set[Rule]:
    return {one.rule for one in outcome_of(trial, *failures)[1].broken}


@pytest.mark.parametrize("faults", list(Faults))
def test_a_good_plan_is_planned(faults: Faults) -> None:
    status, outcome = outcome_of(Trial(faults=faults, close_connections=True, rollback=True))
    assert not outcome.broken
    assert (status["reason"], status["changed"], status["phase"]) == ("Planned", False, "Finished")
    assert "SteadyState \"healthy\": true: always health.body.redis == 'ok'" in status["dryRun"]["expectations"]


@pytest.mark.parametrize(
    ("trial", "why"),
    [
        (Trial(slip=True), "is a number"),
        (Trial(pairs=Pairs.NOT_ADMITTED, close_connections=True), "NotAdmitted: pods with app"),
    ],
    ids=["number and text", "not admitted"],
)
def test_what_would_end_a_drill_before_its_fault_refuses_the_dry_run(trial: Trial, why: str) -> None:
    status, outcome = outcome_of(trial)
    assert not outcome.broken
    assert status["reason"] == "Refused"
    assert any(why in line for line in status["dryRun"]["refusals"]), status["dryRun"]["refusals"]


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        (What.ABORT, "Aborted"),
        (What.GAMEDAY_DELETED, "GameDayDeleted"),
        (What.HALT, "Halted"),
        (What.OPT_OUT, "Refused"),
    ],
)
def test_who_ends_a_dry_run_is_named(what: What, reason: str) -> None:
    slow = Failure(What.SLOW_PODS, 0.0, seconds=20.0)
    status, outcome = outcome_of(Trial(), slow, Failure(what, 5.0, seconds=30.0))
    assert not outcome.broken
    assert status["reason"] == reason


@pytest.mark.parametrize("dry", [True, False], ids=["dry run", "drill"])
def test_agents_that_do_not_start_end_it_with_what_the_kubelet_says(dry: bool) -> None:
    slow = Failure(What.SLOW_PODS, 0.0, seconds=200.0)
    made = running.Simulation(Scenario(1, (replace(Trial(close_connections=True), dry_run=dry),), (slow,)))
    assert not made.run().broken
    status = made.namespaces[0].statuses[-1]
    assert status["reason"] == ("Refused" if dry else "AgentsNotReady")
    assert "observer, witness-0: ErrImagePull: the registry does not answer" in status["message"]
    said = [line["message"] for line in events_of(status) if line["reason"] == "AgentsWaiting"]
    assert said
    assert "observer, witness-0: ErrImagePull: the registry does not answer" in said[0]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_nothing_is_changed_or_left_whatever_goes_wrong(seed: int) -> None:
    """Every other drill is a dry run, so that both share what goes wrong."""
    drawn = draw(seed)
    trials = tuple(replace(trial, dry_run=number % 2 == seed % 2) for number, trial in enumerate(drawn.trials))
    outcome = running.run(replace(drawn, trials=trials))
    assert not outcome.broken, [str(one) for one in outcome.broken]


@pytest.mark.parametrize("at", range(1, 9))
@pytest.mark.parametrize("detail", ["before", "sent", "answered"])
def test_an_operator_that_dies_at_any_of_its_calls_leaves_nothing(at: int, detail: str) -> None:
    dies = Failure(What.CRASH_AT_CALL, 0.0, seconds=3.0, count=at, detail=detail)
    status, outcome = outcome_of(Trial(close_connections=True), dies)
    assert not outcome.broken
    assert status["reason"] == "Planned"


def test_agents_end_long_before_those_of_a_drill() -> None:
    made = running.Simulation(Scenario(1, (Trial(dry_run=True, close_connections=True, faults=Faults.TWO_CUTS),)))
    lasting: list[float] = []
    roles: Counter[str] = Counter()

    def heard(change: Change) -> None:
        if change.resource is PODS and change.verb == "create" and change.actor == "account":
            lasting.append(change.thing["spec"]["activeDeadlineSeconds"])
            roles[change.thing["metadata"]["labels"]["gameday.dev/agent"].split("-")[0]] += 1

    made.server.store.listeners.append(heard)
    assert not made.run().broken
    assert lasting
    assert max(lasting) <= 4 * 60
    assert roles["witness"] == roles["control"] == 2, "one pair a cut"
    assert roles["counter"] == 1, "it shows whether the dependency's Secret is right"
    assert not roles["closer"], "no connection is ended"


# What of it the promises catch: put-in bugs.


def test_a_dry_run_that_follows_the_rules_of_a_drill_is_caught() -> None:
    def rules(record: DrillRecord) -> object:
        return ending.RULES if record.finishing and record.phase is not Phase.FINISHED else table.PHASES[record.phase]

    with patch.object(decide, "rules_of", rules), patch.object(next_commands, "rules_of", rules):
        assert Rule.DRY in broken(Trial())


def test_a_dry_run_that_is_judged_is_caught() -> None:
    def judged(record: DrillRecord, *_: object) -> DrillRecord:
        return replace(record, dry_run=None)

    with patch.object(ending, "finished", judged):
        assert broken(Trial())


def test_a_dry_run_that_its_gameday_shows_is_caught() -> None:
    ended = dry_run.finished

    def unreported(*args: object) -> DrillRecord:
        return replace(ended(*args), reported=False)  # type: ignore[arg-type]  # as it is called

    with patch.object(ending, "finished", unreported):
        assert broken(Trial()) & {Rule.DRY, Rule.FITS}, "a GameDay has no verdict to show for it"


def test_agents_of_a_dry_run_that_stay_are_caught() -> None:
    idle = replace(finished.RULES, commands=lambda *_: iter(()))
    with patch.object(table, "PHASES", {**table.PHASES, Phase.FINISHED: idle}):
        assert broken(Trial()) & {Rule.ENDS, Rule.SOUND}, "it is never over"


def test_a_system_that_is_not_steady_is_refused_or_waits_for_the_drill_to_find_it() -> None:
    status, outcome = outcome_of(Trial(defect=Defect.SILENT))
    assert not outcome.broken
    assert "verdict" not in status
