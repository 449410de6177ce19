"""Every kind of trouble meets somebody, in both simulations; one that is patched away is found out."""

from collections.abc import Callable
from types import ModuleType

import pytest

from simulation import __main__ as campaign
from simulation import killable, running
from simulation.bare import failures as bare_troubles
from simulation.bare import process as bare_process
from simulation.bare import world as bare
from simulation.outcome import Outcome
from simulation.scenario import DRAWN, Call, Failure, Scenario, Trial, What, draw

SIMULATIONS = {"bare": (bare, 1, 600), "whole": (running, 2, 120)}
"""The module that runs worlds, how many drills each has, and within how many of them a kind of trouble must bite."""


@pytest.mark.parametrize("simulation", SIMULATIONS)
@pytest.mark.parametrize("what", DRAWN, ids=lambda what: what.value)
def test_a_trouble_of_each_kind_meets_somebody(what: What, simulation: str) -> None:
    module, drills, worlds = SIMULATIONS[simulation]
    outcomes = (module.run(draw(seed, drills, (what,))) for seed in range(worlds))
    assert any(outcome.effective[what] for outcome in outcomes)


@pytest.mark.parametrize("module", [bare, running], ids=list(SIMULATIONS))
def test_a_trouble_that_is_due_and_does_not_come_is_told(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    halt = Failure(What.HALT, 1.0, seconds=4.0)
    late = Failure(What.ABORT, 1e9)
    scenario = Scenario(1, (Trial(),), (halt, late))
    assert module.run(scenario).missed == ()
    monkeypatch.setattr(module, "inject_failure", lambda *_: None)
    assert module.run(scenario).missed == (halt,)


def spared(_: object) -> None:
    """A kill that kills nobody."""


@pytest.mark.parametrize(
    ("what", "target", "name", "instead"),
    [
        pytest.param(What.CRASH, bare_process.Process, "kill", spared, id="a kill that kills nobody"),
        pytest.param(
            What.CRASH_AT_CALL, killable.KillableProcess, "next_write", lambda *_: "", id="a call that kills nobody"
        ),
        pytest.param(What.HALT, bare_troubles, "_begin", lambda *_: None, id="a halt that halts nothing"),
        pytest.param(What.REFUSE, bare_troubles, "_begin", lambda *_: None, id="a refusal of nothing"),
    ],
)
def test_a_trouble_that_is_patched_away_never_bites(
    what: What, target: object, name: str, instead: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def bites() -> bool:
        return any(bare.run(draw(seed, 1, (what,))).effective[what] for seed in range(40))

    assert bites()
    monkeypatch.setattr(target, name, instead)
    assert not bites()


def a_campaign(monkeypatch: pytest.MonkeyPatch, change: Callable[[Outcome], None]) -> int:
    """The exit code of some drills, with their outcomes changed."""
    monkeypatch.setattr(campaign, "ENOUGH", 500)
    original = bare.run

    def run(scenario: Scenario) -> Outcome:
        outcome = original(scenario)
        change(outcome)
        return outcome

    monkeypatch.setattr(bare, "run", run)
    return campaign.many(0, 600, whole=False)


def test_a_campaign_in_which_every_kind_of_trouble_bites_is_good(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert a_campaign(monkeypatch, lambda _: None) == 0
    assert "refuse " in capsys.readouterr().out


def test_a_campaign_in_which_one_kind_never_bites_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def spare(outcome: Outcome) -> None:
        del outcome.effective[What.REFUSE]

    assert a_campaign(monkeypatch, spare) == 1
    assert "and nobody ever met it" in capsys.readouterr().out


def test_a_leader_that_was_overtaken_ends_by_the_loss_of_its_lease_also_while_the_api_server_is_away() -> None:
    """Frozen for a minute in a drill, it thaws when another one has written the status and nobody answers."""
    frozen, away = Failure(What.FREEZE, 14.0, seconds=60.0), Failure(What.API_DOWN, 27.0, seconds=60.0)
    call = Call(takes=3.0, resumes=3.0, fails=3, silent=True, acl=True)
    outcome = running.run(Scenario(1, (Trial(phase=4, call=call),), (frozen, away), replicas=2))
    assert outcome.effective[What.FREEZE]
    assert outcome.effective[What.API_DOWN]
    assert not outcome.broken, outcome.broken


def test_a_verdict_that_a_killed_operator_wrote_late_is_not_undone_by_the_next_one() -> None:
    """The write is under way when the next operator takes the drill over, and would end the drill behind its back."""
    late, killed = Failure(What.DELAY, 22.5, seconds=12.0, count=1), Failure(What.CRASH, 25.0, seconds=3.0)
    outcome = running.run(Scenario(1, (Trial(call=Call(ends=14.0)),), (late, killed)))
    assert outcome.effective[What.DELAY]
    assert outcome.effective[What.CRASH]
    assert outcome.verdicts == {"Passed": 1}
    assert not outcome.broken, outcome.broken
