"""What a dry run makes of what its agents read: it ends at once, or waits while the pods' start may be the cause."""

from dataclasses import replace

import pytest

from gameday.engine.drill import timeouts
from gameday.engine.drill.context import Context
from gameday.engine.drill.decide import decide
from gameday.engine.evidence.readings import Readings
from gameday.model.dry_run import DryRun
from gameday.model.observation import ConnectionsCounted, Life, Lock, Observation, Preflight
from gameday.model.record import DrillRecord, Phase
from unit.engine.script import Script
from unit.engine.simulation import a_plan

WHY = "steadyState: healthy cannot be judged: health is not known: the name api could not be looked up"
RUNNING = Observation(
    drill="d", lock=Lock.HELD, preflight=Preflight(), agents_wanted=frozenset({"observer"}),
    agents={"observer": Life.RUNNING},
)  # fmt: skip
BEGUN = DrillRecord(Phase.STEADY_STATE, since=100.0, dry_run=DryRun())


class Reads(Script):
    """Agents that all measure, and what they read."""

    def __init__(self, read: Readings) -> None:
        super().__init__({}, lambda: 0.0)
        self._read = read

    def readings(self, since: float, until: float) -> Readings:
        return self._read


def after(
    seconds: float, read: Readings, monkeypatch: pytest.MonkeyPatch, observed: Observation = RUNNING
) -> DrillRecord:
    monkeypatch.setattr("gameday.engine.drill.agents_start.measuring", lambda _: True)
    return decide(Context(a_plan(), BEGUN, observed, Reads(read), BEGUN.since + seconds))


UNKNOWN = Readings(refusals=(WHY,))


def test_what_is_unknown_for_good_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    record = after(6.0, UNKNOWN, monkeypatch)
    assert record.dry_run is not None
    assert record.dry_run.refusals == (WHY,)
    assert [doubt.message for doubt in record.doubts] == [WHY]


def test_what_the_start_of_the_pods_may_explain_is_waited_for_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    unsettled = replace(UNKNOWN, unsettled=True)
    assert after(timeouts.AGENTS - 1, unsettled, monkeypatch) == BEGUN
    assert after(timeouts.AGENTS + 1, unsettled, monkeypatch).doubts[0].message == WHY


REFUSED = "auth: Redis refuses the password: check Secret cart-store-pass, key password"


@pytest.mark.parametrize("error", [REFUSED, None], ids=["refused", "silent"])
def test_a_redis_at_which_connections_cannot_be_counted_is_a_warning(
    error: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {"partition": ConnectionsCounted(0, error)} if error is not None else {}
    observed = replace(RUNNING, closing_faults=frozenset({"partition"}), connections_counted=seen)
    assert after(29.0, Readings(), monkeypatch, observed) == BEGUN, "the first tries of a new pod may fail"
    record = after(31.0, Readings(), monkeypatch, observed)
    assert record.dry_run is not None
    (warning,) = record.dry_run.warnings
    assert warning.startswith("fault partition: the targets' open connections cannot be counted")
    assert (error or "has not said anything") in warning
    fine = replace(observed, connections_counted={"partition": ConnectionsCounted(0)})
    assert after(3.0, Readings(), monkeypatch, fine).finishing


def test_what_reads_well_is_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    record = after(3.0, Readings(), monkeypatch)
    assert (record.finishing, record.doubts) == (True, ())
