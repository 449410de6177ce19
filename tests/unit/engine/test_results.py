"""How a judgement becomes a result: fair to targets that kept their connections, told once by how much."""

from dataclasses import dataclass, replace

import pytest

from gameday.engine.judgement import Judgement, Window
from gameday.engine.results import close_plan, decide_stage, end_stage
from gameday.engine.situation import Situation
from gameday.model.plan import Stage
from gameday.model.record import NOT_REACHED, Record, ResultState
from gameday.model.world import World
from unit.engine.simulation import a_plan

WINDOW = Window(100.0, 101.0, 121.0, 20.0, 130.0, 1.0)
SEVERS = World(drill="drill", agents_wanted=frozenset({"sever"}))


@dataclass
class Says:
    """Samples that say one thing of every expectation."""

    state: ResultState
    at: float = 111.0
    missed_by: tuple[float | None, str] = (None, "")

    def judge(self, *_: object) -> Judgement:
        return Judgement(self.state, self.at, None, None, "")

    def miss(self, *_: object) -> tuple[float | None, str]:
        return self.missed_by


def situation(says: Says, record: Record, world: World = SEVERS) -> Situation:
    return Situation(a_plan(), record, world, says, 130.0)  # type: ignore[arg-type]  # only what is asked for here


@pytest.mark.parametrize(
    ("state", "record", "world", "becomes"),
    [
        pytest.param(ResultState.MISSED, Record(), SEVERS, ResultState.UNKNOWN, id="never severed"),
        pytest.param(ResultState.MISSED, Record(severed_at=111.5), SEVERS, ResultState.UNKNOWN, id="severed later"),
        pytest.param(ResultState.MISSED, Record(severed_at=111.0), SEVERS, ResultState.MISSED, id="severed before"),
        pytest.param(ResultState.MISSED, Record(severed=False), SEVERS, ResultState.MISSED, id="could not be severed"),
        pytest.param(ResultState.MISSED, Record(), World(drill="drill"), ResultState.MISSED, id="nothing to sever"),
        pytest.param(ResultState.MET, Record(), SEVERS, ResultState.MET, id="met before it was severed"),
    ],
)
def test_a_deadline_that_passed_before_connections_were_ended_blames_nobody(
    state: ResultState, record: Record, world: World, becomes: ResultState
) -> None:
    decided = decide_stage(situation(Says(state), record, world), Stage.OUTAGE, WINDOW)
    found = decided.result(Stage.OUTAGE, "reported")
    assert found is not None
    assert found.state is becomes


def test_a_miss_is_told_by_how_much_and_only_once() -> None:
    says = Says(ResultState.MISSED, missed_by=(2.5, "false again 2.5 s after its deadline"))
    once = end_stage(situation(says, Record(severed=False)), Stage.RECOVERY, WINDOW)
    found = once.result(Stage.RECOVERY, "healthy again")
    assert found is not None
    assert (found.late, found.why) == says.missed_by
    assert [line.reason for line in once.timeline].count("MissedBy") == 1
    again = end_stage(situation(says, once), Stage.RECOVERY, WINDOW)
    assert again == once


def test_a_miss_of_which_nothing_more_is_known_keeps_its_own_words() -> None:
    decided = decide_stage(situation(Says(ResultState.MISSED), Record(severed=False)), Stage.RECOVERY, WINDOW)
    (result,) = decided.results
    spoken = replace(decided, results=(replace(result, why="it was false"),))
    ended = end_stage(situation(Says(ResultState.MISSED), spoken), Stage.RECOVERY, WINDOW)
    assert ended.results == spoken.results


def test_what_no_stage_came_to_is_not_reached() -> None:
    plan = a_plan()
    decided = decide_stage(situation(Says(ResultState.MET), Record(severed=False)), Stage.STEADY_STATE, WINDOW)
    closed = close_plan(decided, plan, 140.0)
    assert [(r.stage, r.name) for r in closed.results] == [(stage, e.name) for stage, e in plan.all_expectations()]
    assert closed.results[0].state is ResultState.MET
    assert {(r.state, r.reason) for r in closed.results[1:]} == {(ResultState.UNKNOWN, NOT_REACHED)}
    assert close_plan(closed, plan, 150.0) == closed
