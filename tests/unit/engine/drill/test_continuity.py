"""A record that somebody else wrote: gone on from only where it forgets nothing that is open."""

from dataclasses import replace

import pytest

from gameday.engine.drill.continuity import continues
from gameday.model.record import Hold, HoldKind, HoldState, Phase, Record

CUT = Hold(
    "partition", HoldKind.NETWORK_PARTITION, "first-partition", "first-fuse", HoldState.REQUESTED, requested_at=5.0
)
KNOWN = Record(Phase.OUTAGE, since=5.0, started_at=1.0, holds=(CUT,))
ENDED = replace(KNOWN, phase=Phase.FINISHED, holds=(replace(CUT, state=HoldState.UNDONE),))


@pytest.mark.parametrize(
    "found",
    [
        KNOWN,
        replace(KNOWN, warnings=("read this",)),
        replace(KNOWN, holds=(replace(CUT, state=HoldState.ACTIVE, object_uid="uid"),)),
        replace(KNOWN, phase=Phase.RECOVERY, holds=(replace(CUT, state=HoldState.UNDOING),), finishing=True),
    ],
    ids=["the same", "more to read", "further", "undoing"],
)
def test_what_is_no_less_can_be_gone_on_from(found: Record) -> None:
    assert continues(found, KNOWN)


@pytest.mark.parametrize(
    "found",
    [
        Record(),
        replace(KNOWN, phase=Phase.STEADY_STATE),
        replace(KNOWN, started_at=None),
        replace(KNOWN, holds=()),
        replace(KNOWN, holds=(replace(CUT, state=HoldState.ARMED),)),
        replace(KNOWN, holds=(replace(CUT, state=HoldState.UNDONE),)),
        replace(KNOWN, holds=(replace(CUT, object_name="another"),)),
        replace(KNOWN, holds=(replace(CUT, before=5),)),
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
def test_what_forgets_anything_cannot(found: Record) -> None:
    assert not continues(found, KNOWN)


def test_an_ended_drill_does_not_begin_again() -> None:
    assert not continues(KNOWN, ENDED)
    assert not continues(ENDED, ENDED)


def test_an_undo_under_way_does_not_stop() -> None:
    assert not continues(KNOWN, replace(KNOWN, finishing=True))
