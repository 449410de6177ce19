"""How a judgement becomes a result: fair to targets that kept their connections, told once by how much."""

from dataclasses import dataclass, replace

import pytest

from gameday.actions.network_partition.action import OpenConnections, cuts_of
from gameday.engine.drill.context import Context
from gameday.engine.drill.results import close_plan, decide_stage, end_stage
from gameday.engine.evidence.judgement import Judgement, Window
from gameday.model.observation import Observation
from gameday.model.plan import Fault, Stage
from gameday.model.record import NOT_REACHED, Closing, Doubt, DrillRecord, Reason, ResultState
from unit.engine.simulation import a_plan

WINDOW = Window(100.0, 101.0, 121.0, 20.0, 130.0, 1.0)
COUNTED = Observation(drill="drill", agents_wanted=frozenset({"counter"}))


UNSHOWN = (Closing("partition", gone=False),)
GONE = DrillRecord(outage_started_at=101.0, closings=(Closing("partition", gone=True, gone_at=111.0),))
GONE_LATER = replace(GONE, closings=(Closing("partition", gone=True, gone_at=111.5),))
KEPT = DrillRecord(
    outage_started_at=101.0,
    closings=UNSHOWN,
    doubts=(Doubt(Reason.CONNECTIONS_KEPT, "it still answers", 101.0),),
)


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


def situation(says: Says, record: DrillRecord) -> Context:
    return Context(a_plan(), record, COUNTED, says, 130.0)  # type: ignore[arg-type]  # only what is asked for here


@pytest.mark.parametrize(
    ("state", "record", "becomes"),
    [
        pytest.param(ResultState.MISSED, GONE_LATER, ResultState.UNKNOWN, id="gone later"),
        pytest.param(ResultState.MISSED, GONE, ResultState.MISSED, id="gone before"),
        pytest.param(ResultState.MISSED, DrillRecord(), None, id="may still be shown"),
        pytest.param(
            ResultState.MISSED,
            DrillRecord(closings=UNSHOWN),
            None,
            id="ending them failed, the network may",
        ),
        pytest.param(ResultState.MISSED, KEPT, ResultState.UNKNOWN, id="never shown"),
        pytest.param(ResultState.MET, DrillRecord(), ResultState.MET, id="met before they were gone"),
        pytest.param(ResultState.MET, KEPT, ResultState.MET, id="met although it was never shown"),
    ],
)
def test_a_deadline_counts_only_where_targets_had_no_connection_left(
    state: ResultState, record: DrillRecord, becomes: ResultState | None
) -> None:
    decided = decide_stage(situation(Says(state), record), Stage.OUTAGE, WINDOW)
    found = decided.result(Stage.OUTAGE, "reported")
    assert (found.state if found else None) is becomes


@pytest.mark.parametrize(
    ("state", "record", "becomes"),
    [
        (ResultState.MET, GONE, ResultState.MET),
        (ResultState.MET, DrillRecord(), None),
        (ResultState.MET, KEPT, ResultState.UNKNOWN),
        (ResultState.MISSED, GONE, ResultState.MISSED),
        (ResultState.MISSED, DrillRecord(), None),
        (ResultState.MISSED, KEPT, ResultState.UNKNOWN),
    ],
)
@pytest.mark.parametrize("guardrail", [False, True])
def test_what_held_all_through_an_outage_that_was_not_shown_is_unknown(
    state: ResultState, record: DrillRecord, becomes: ResultState | None, guardrail: bool
) -> None:
    ctx = situation(Says(state), record)
    if not guardrail:
        expect = tuple(replace(one, guardrail=False) for one in ctx.plan.outage.expect)
        ctx = replace(ctx, plan=replace(ctx.plan, outage=replace(ctx.plan.outage, expect=expect)))
    found = decide_stage(ctx, Stage.OUTAGE, WINDOW).result(Stage.OUTAGE, "stays up")
    tripped = guardrail and state is ResultState.MISSED and record == DrillRecord()
    assert (found.state if found else None) is (ResultState.MISSED if tripped else becomes)


@pytest.mark.parametrize("doubts", [KEPT.doubts, ()], ids=["looked for", "ended before anybody looked"])
def test_a_guardrail_that_tripped_is_unknown_where_it_was_never_shown(doubts: tuple[Doubt, ...]) -> None:
    tripped = decide_stage(situation(Says(ResultState.MISSED), DrillRecord()), Stage.OUTAGE, WINDOW)
    ended = end_stage(situation(Says(ResultState.MISSED), replace(tripped, doubts=doubts)), Stage.OUTAGE, WINDOW)
    found = ended.result(Stage.OUTAGE, "stays up")
    assert found is not None
    assert (found.state, found.why) == (
        ResultState.UNKNOWN,
        "it was missed, but there is no proof that the targets were cut off",
    )


@pytest.mark.parametrize("state", [ResultState.MET, ResultState.MISSED])
def test_where_open_connections_are_to_be_kept_nothing_waits_for_their_end(state: ResultState) -> None:
    ctx = situation(Says(state), DrillRecord())
    partition = replace(cuts_of(ctx.plan)[0][1], open_connections=OpenConnections.KEEP)
    outage = replace(ctx.plan.outage, faults=(Fault("partition", partition),))
    decided = decide_stage(replace(ctx, plan=replace(ctx.plan, outage=outage)), Stage.OUTAGE, WINDOW)
    assert {result.state for result in decided.results} == {state}
    assert len(decided.results) == 2


def test_a_miss_is_told_by_how_much_and_only_once() -> None:
    says = Says(ResultState.MISSED, missed_by=(2.5, "false again 2.5 s after its deadline"))
    once = end_stage(situation(says, DrillRecord(closings=UNSHOWN)), Stage.RECOVERY, WINDOW)
    found = once.result(Stage.RECOVERY, "healthy again")
    assert found is not None
    assert (found.late, found.why) == says.missed_by
    assert [line.reason for line in once.timeline].count("MissedBy") == 1
    again = end_stage(situation(says, once), Stage.RECOVERY, WINDOW)
    assert again == once


def test_a_miss_of_which_nothing_more_is_known_keeps_its_own_words() -> None:
    decided = decide_stage(
        situation(Says(ResultState.MISSED), DrillRecord(closings=UNSHOWN)),
        Stage.RECOVERY,
        WINDOW,
    )
    (result,) = decided.results
    spoken = replace(decided, results=(replace(result, why="it was false"),))
    ended = end_stage(situation(Says(ResultState.MISSED), spoken), Stage.RECOVERY, WINDOW)
    assert ended.results == spoken.results


def test_what_no_stage_came_to_is_not_reached() -> None:
    plan = a_plan()
    decided = decide_stage(
        situation(Says(ResultState.MET), DrillRecord(closings=UNSHOWN)),
        Stage.STEADY_STATE,
        WINDOW,
    )
    closed = close_plan(decided, plan, 140.0)
    assert [(r.stage, r.name) for r in closed.results] == [(stage, e.name) for stage, e in plan.all_expectations()]
    assert closed.results[0].state is ResultState.MET
    assert {(r.state, r.reason) for r in closed.results[1:]} == {(ResultState.UNKNOWN, NOT_REACHED)}
    assert close_plan(closed, plan, 150.0) == closed


@pytest.mark.parametrize(
    ("record", "becomes"),
    [
        (DrillRecord(outage_started_at=101.0), ResultState.UNKNOWN),
        (KEPT, ResultState.UNKNOWN),
        (GONE, ResultState.MISSED),
    ],
    ids=["not settled yet", "never shown", "shown"],
)
def test_a_guardrail_is_unknown_at_an_early_end_unless_the_targets_were_shown_to_be_cut_off(
    record: DrillRecord, becomes: ResultState
) -> None:
    ended = end_stage(situation(Says(ResultState.MISSED), record), Stage.OUTAGE, WINDOW, "the cut leaks")
    found = ended.result(Stage.OUTAGE, "stays up")
    assert found is not None
    assert found.state is becomes
