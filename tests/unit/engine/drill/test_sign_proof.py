"""Proof by signs: `seen` and `undone` may notice a fault at different times, as two probes do."""

from dataclasses import replace

import pytest

from gameday.actions.manual import Manual
from gameday.engine.drill.by_hand import ByHand
from gameday.engine.drill.call_proof import CallProof
from gameday.engine.drill.context import Context
from gameday.engine.drill.ending_call import SENDS_FOR, EndingCall
from gameday.engine.evidence.series import Series
from gameday.model.change import Change, ChangeState, Observed, Presence
from gameday.model.observation import Observation
from gameday.model.plan import Fault
from gameday.model.record import DrillRecord, Phase, Reason
from unit.engine.script import Script
from unit.engine.simulation import a_plan
from unit.engine.strips import strip

UP, DOWN = "store.up", "!store.up"
ACT = Manual("break it", "mend it", undone=UP, seen=DOWN, within=6.0)
PLAN = replace(a_plan(), outage=replace(a_plan().outage, faults=(Fault("by-hand", ACT),), duration=60.0))
REQUESTED, ASKED = 2.0, 9.0
CHANGE = Change("by-hand", "manual", "Drill", "d", "", ChangeState.ACTIVE, requested_at=REQUESTED, seen_at=REQUESTED)
RECORD = DrillRecord(Phase.OUTAGE, since=1.0, steady_from=0.0, inject_requested_at=REQUESTED, changes=(CHANGE,))


class Says(Script):
    """Samples of both signs, one character a second."""

    def __init__(self, seen: str, undone: str) -> None:
        super().__init__({}, lambda: 0.0)
        self.series = {DOWN: seen, UP: undone}

    def track_of(self, text: str, since: float = 0.0, fault_at: float | None = None) -> Series:
        return strip(self.series[text])


def proof(seen: str, undone: str, record: DrillRecord = RECORD, *, said: str = "") -> ByHand:
    observed = Observation(drill="d", confirmed={"by-hand": said} if said else {})
    return ByHand(Context(PLAN, record, observed, Says(seen, undone), len(undone) - 0.5), "by-hand")


@pytest.mark.parametrize(
    ("seen", "undone", "ends"),
    [
        pytest.param("fffTTTTTTTT", "TTTffffffff", None, id="both at once"),
        pytest.param("fffTTTTTTTT", "TTTTTTfffff", None, id="undone notices it later"),
        pytest.param("fffffffTTTT", "TTTffffffff", None, id="undone notices it first"),
        pytest.param("fffTTTTTTTT", "TTTTTTfffTT", Reason.CUT_REMOVED, id="taken back after both have noticed it"),
        pytest.param("fffffffTTTT", "TTTfffTTTTT", Reason.CUT_REMOVED, id="taken back before seen has noticed it"),
        pytest.param("fffTTTTTTTT", "TTTTTTfffTf", None, id="one good sample says nothing"),
    ],
)
def test_only_what_undone_has_noticed_can_be_taken_back(seen: str, undone: str, ends: Reason | None) -> None:
    effect = proof(seen, undone).effect(CHANGE)
    assert effect is not None
    proven = replace(CHANGE, proven_at=7.0, effect_at=effect.at)
    record = replace(RECORD.with_change(proven), outage_started_at=effect.at, proven_at=7.0)
    broken = proof(seen, undone, record).broken(proven, REQUESTED)
    assert (broken[0] if broken is not None else None) is ends


@pytest.mark.parametrize(
    ("seen", "said", "ends"),
    [
        pytest.param("fffTTTTTTTTTTTTTT", "", False, id="it is still seen"),
        pytest.param("fffTTTTTTT.......", "", False, id="it was seen, and nobody can tell now"),
        pytest.param("fffTTTTTTTTTTTTTT", "undone", True, id="the person has undone it"),
        pytest.param("fffTTTTTTTTTTffff", "", True, id="it is not seen any more"),
        pytest.param("fffffffffffffffff", "", True, id="it was never seen"),
    ],
)
def test_what_is_still_seen_is_not_over_because_undone_never_noticed_it(seen: str, said: str, ends: bool) -> None:
    undoing = replace(CHANGE, state=ChangeState.UNDOING, undo_requested_at=ASKED)
    asked = Observed(Presence.PRESENT, "Drill", "d", by_hand=True, settled=False, shown="undo it now")
    found = proof(seen, "T" * len(seen), RECORD.with_change(undoing), said=said).undone(undoing, asked, ASKED)
    assert (found is not None) is ends


@pytest.mark.parametrize("said", ["done", "undone"])
def test_a_word_from_before_the_drill_asked_ends_it_before_anything_is_touched(said: str) -> None:
    """A Drill made from another one's manifest has its annotations; `undone` would end the wait for who was asked."""
    calm = replace(RECORD, phase=Phase.STEADY_STATE, changes=())
    assert proof("f" * 9, "T" * 9, calm).unsteady(0.0) is None
    end = proof("f" * 9, "T" * 9, calm, said=said).unsteady(0.0)
    assert end is not None
    assert end.cause is Reason.ALREADY_TRUE
    assert "confirm.gameday.dev/by-hand" in end.why


@pytest.mark.parametrize(("seen", "ends"), [("fffTTTTTTTTTTTTTT", False), ("fffTTTTTTTTTTffff", True)])
def test_a_call_that_was_taken_back_is_not_over_while_it_is_still_seen(seen: str, ends: bool) -> None:
    undoing = replace(CHANGE, state=ChangeState.UNDOING, undo_requested_at=ASKED)
    back = Observed(Presence.ABSENT, "Drill", "d", shown="the call back was answered with 200")
    made = proof(seen, "T" * len(seen), RECORD.with_change(undoing))
    assert (CallProof(made.ctx, "by-hand").undone(undoing, back, ASKED) is not None) is ends


LONG = "T" * int(SENDS_FOR)


@pytest.mark.parametrize(
    ("seen", "undone", "said", "ends"),
    [
        pytest.param(f"fffTT{LONG}", f"TTTTT{LONG}", "", False, id="it is still seen"),
        pytest.param(f"fffTT{LONG}", f"TTTTT{LONG}", "undone", True, id="a person has ended it"),
        pytest.param(f"fffTf{'f' * 45}", f"TTTTT{LONG}", "", True, id="it is not seen any more"),
        pytest.param(f"fffff{'f' * 45}", f"TTTTT{LONG}", "", True, id="it was never seen"),
        pytest.param("fffffffffffffffff", "TTTTTTTTTTTTTTTTT", "", False, id="it may still be carried out"),
        pytest.param("fffffffffffffffff", "TTTffTTTTTTTTTTTT", "", False, id="something else was away for a moment"),
    ],
)
def test_a_call_that_nothing_takes_back_is_over_once_it_can_come_no_more(
    seen: str, undone: str, said: str, ends: bool
) -> None:
    undoing = replace(CHANGE, state=ChangeState.UNDOING, undo_requested_at=ASKED)
    asked = Observed(Presence.PRESENT, "Pod", "d", by_hand=True, settled=False, shown="was answered with 202")
    made = proof(seen, undone, RECORD.with_change(undoing), said=said)
    assert (EndingCall(made.ctx, "by-hand").undone(undoing, asked, ASKED) is not None) is ends


@pytest.mark.parametrize("said", ["done", "undone"])
def test_a_word_on_a_call_before_it_is_made_ends_the_drill_before_anything_is_touched(said: str) -> None:
    """The annotation of a copied manifest would end the wait for a call that nothing takes back."""
    made = proof("fff", "TTT", replace(RECORD, changes=()), said=said)
    end = EndingCall(made.ctx, "by-hand").unsteady(0.0)
    assert end is not None
    assert end[0] is Reason.ALREADY_TRUE
    assert "confirm.gameday.dev/by-hand; nothing was touched" in end[1]
    unsaid = proof("fff", "TTT", replace(RECORD, changes=()))
    assert EndingCall(unsaid.ctx, "by-hand").unsteady(0.0) is None


@pytest.mark.parametrize("word", ["", "undone"])
def test_where_no_probe_can_tell_a_person_ends_the_wait_for_a_call(word: str) -> None:
    undoing = replace(CHANGE, state=ChangeState.UNDOING, undo_requested_at=ASKED)
    asked = Observed(Presence.PRESENT, "Pod", "d", by_hand=True, settled=False, shown="was answered with 202")
    blind = "fffTTTTTT" + "." * int(SENDS_FOR)
    made = proof(
        blind, blind.replace("T", "F").replace("f", "T").replace("F", "f"), RECORD.with_change(undoing), said=word
    )
    ending = EndingCall(made.ctx, "by-hand").undone(undoing, asked, ASKED)
    assert (ending is not None) is bool(word)
    assert ending is None or not ending.seen


def test_a_call_that_was_surely_not_carried_out_is_over_at_once() -> None:
    undoing = replace(CHANGE, state=ChangeState.UNDOING, undo_requested_at=ASKED)
    refused = Observed(Presence.ABSENT, "Pod", "d", by_hand=True, shown="was answered with status 401")
    made = proof("ffffffffff", "TTTTTTTTTT", RECORD.with_change(undoing))
    assert EndingCall(made.ctx, "by-hand").undone(undoing, refused, ASKED) is not None


@pytest.mark.parametrize(("answered", "ends"), [(9.0, True), (25.0, False), (None, False)])
def test_probes_can_only_be_missed_once_the_call_back_is_answered(answered: float | None, ends: bool) -> None:
    """It may be answered late, and only then begins what the probes would tell of."""
    undoing = replace(CHANGE, state=ChangeState.UNDOING, undo_requested_at=ASKED)
    back = Observed(Presence.ABSENT, "Drill", "d", shown="the call back was answered with 202")
    made = proof("fffTT" + "." * 40, "TTTff" + "." * 40, RECORD.with_change(undoing))
    seen = Observation(put_back={"by-hand": answered} if answered is not None else {})
    ending = CallProof(replace(made.ctx, observed=seen), "by-hand").undone(undoing, back, ASKED)
    assert (ending is not None) is ends
    assert ending is None or not ending.seen


@pytest.mark.parametrize(("answered", "again"), [(9.0, True), (25.0, False)])
def test_a_call_back_is_repeated_only_long_after_it_was_answered(answered: float, again: bool) -> None:
    undoing = replace(CHANGE, state=ChangeState.UNDOING, undo_requested_at=ASKED)
    made = proof("fffTT" + "T" * 40, "TTTff" + "f" * 40, RECORD.with_change(undoing))
    seen = Observation(put_back={"by-hand": answered})
    assert bool(CallProof(replace(made.ctx, observed=seen), "by-hand").again(undoing)) is again


def test_a_call_back_that_may_have_come_too_early_is_repeated_where_no_probe_can_tell() -> None:
    """A call has its effect within 6 s of its request at 2.0: what is sent before may be overtaken by it."""
    back = Observed(Presence.ABSENT, "Drill", "d", shown="the call back was answered with 202")

    def after(asked: float, again: float | None, answered: float) -> tuple[bool, bool]:
        undoing = replace(CHANGE, state=ChangeState.UNDOING, undo_requested_at=asked, undo_again_at=again)
        made = proof("fffTT" + "." * 70, "TTTff" + "." * 70, RECORD.with_change(undoing))
        one = CallProof(replace(made.ctx, observed=Observation(put_back={"by-hand": answered})), "by-hand")
        return one.undone(undoing, back, asked) is not None, bool(one.again(undoing))

    assert after(4.0, None, 5.0) == (False, True)
    # The second one is under way, then answered, then long answered.
    assert after(4.0, 40.0, 5.0) == (False, False)
    assert after(4.0, 40.0, 60.0) == (False, False)
    assert after(4.0, 40.0, 41.0) == (True, False)
    assert after(9.0, None, 10.0) == (True, False)


@pytest.mark.parametrize(
    ("deleted", "finalizer", "ends"),
    [
        pytest.param(False, True, False, id="a person may say so"),
        pytest.param(True, True, False, id="our finalizer holds the deleted Drill, so a person may say so"),
        pytest.param(True, False, True, id="the Drill is gone"),
    ],
)
def test_nobody_is_waited_for_who_cannot_say_a_word(deleted: bool, finalizer: bool, ends: bool) -> None:
    undoing = replace(CHANGE, state=ChangeState.UNDOING, undo_requested_at=ASKED)
    asked = Observed(Presence.PRESENT, "Drill", "d", by_hand=True, settled=False, shown="undo it now")
    made = proof("fffTT" + "." * 90, "TTTff" + "." * 90, RECORD.with_change(undoing))
    ctx = replace(made.ctx, observed=Observation(drill="d", deleted=deleted, finalizer=finalizer))
    for one in (ByHand(ctx, "by-hand"), EndingCall(ctx, "by-hand")):
        ending = one.undone(undoing, asked, ASKED)
        assert (ending is not None) is ends
        assert ending is None or not ending.seen
