"""A record that somebody else wrote: gone on from only where it forgets nothing that is open."""

from dataclasses import replace

import pytest

from gameday.engine.drill.continuity import continues
from gameday.model.change import Change, ChangeState
from gameday.model.record import DrillRecord, Phase

CUT = Change(
    "partition",
    "networkPartition",
    "NetworkPolicy",
    "first-partition",
    "first-fuse",
    ChangeState.REQUESTED,
    requested_at=5.0,
)
KNOWN = DrillRecord(Phase.OUTAGE, since=5.0, started_at=1.0, changes=(CUT,))
ENDED = replace(KNOWN, phase=Phase.FINISHED, changes=(replace(CUT, state=ChangeState.UNDONE),))


@pytest.mark.parametrize(
    "found",
    [
        KNOWN,
        replace(KNOWN, warnings=("read this",)),
        replace(KNOWN, changes=(replace(CUT, state=ChangeState.ACTIVE, object_uid="uid"),)),
        replace(KNOWN, phase=Phase.RECOVERY, changes=(replace(CUT, state=ChangeState.UNDOING),), finishing=True),
    ],
    ids=["the same", "more to read", "further", "undoing"],
)
def test_what_is_no_less_can_be_gone_on_from(found: DrillRecord) -> None:
    assert continues(found, KNOWN)


@pytest.mark.parametrize(
    "found",
    [
        DrillRecord(),
        replace(KNOWN, phase=Phase.STEADY_STATE),
        replace(KNOWN, started_at=None),
        replace(KNOWN, changes=()),
        replace(KNOWN, changes=(replace(CUT, state=ChangeState.ARMED),)),
        replace(KNOWN, changes=(replace(CUT, state=ChangeState.UNDONE),)),
        replace(KNOWN, changes=(replace(CUT, object_name="another"),)),
        replace(KNOWN, changes=(replace(CUT, before={"replicas": 5}),)),
        ENDED,
    ],
    ids=[
        "emptied",
        "an older phase",
        "never begun",
        "no cut",
        "not asked",
        "undone",
        "another",
        "other state",
        "ended",
    ],
)
def test_what_forgets_anything_cannot(found: DrillRecord) -> None:
    assert not continues(found, KNOWN)


def test_an_ended_drill_does_not_begin_again() -> None:
    assert not continues(KNOWN, ENDED)
    assert not continues(ENDED, ENDED)


def test_an_undo_under_way_does_not_stop() -> None:
    assert not continues(KNOWN, replace(KNOWN, finishing=True))
