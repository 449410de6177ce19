"""Which failure a cut of the network was, in words: how open connections ended decides what a verdict covers."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from gameday.api.lines import events_of
from gameday.model.plan import Action
from gameday.model.record import Closing, DrillRecord
from gameday.report.faults import place_of
from gameday.report.frozen import Frozen

NETWORK: Final = "the network ended open connections, which clients notice by their timeouts"
SERVER: Final = "the drill ended open connections at the server, which clients see at once"
EITHER: Final = "the network, or the drill at the server, ended open connections"
UNSHOWN: Final = "it was not shown that open connections ended, so targets may have gone on over them"
KEPT: Final = "open connections were kept ({how}), so targets may have gone on over them"
UNTRIED: Final = "a server that loses power, and half-open connections that nobody ends, were not rehearsed"
_ENDS: Final = {"ConnectionsEnded": NETWORK, "ConnectionsClosed": SERVER}
"""What the timeline's lines about open connections say, by their reason."""


def cuts_of(known: Frozen, status: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each proven cut of a drill's plan; none where plan or record cannot be read."""
    if known.plan is None or known.record is None:
        return
    cuts = [fault for fault in known.plan.outage.faults if fault.action.cuts_off is not None]
    for fault in cuts:
        change, lost = known.record.change(fault.name), fault.action.takes_away
        if change is None or change.proven_at is None or lost is None:
            continue
        ended = _ended(known.record, fault.name, status) if fault.action.closes_connections else _kept(fault.action)
        which = f"{fault.name}: " if len(cuts) > 1 else ""
        yield f"{which}Only traffic of the targets to {place_of(lost)} was cut; {ended}; {UNTRIED}."


def _kept(action: Action) -> str:
    return KEPT.format(how=action.KEEPS)


def _ended(record: DrillRecord, fault: str, status: Mapping[str, Any]) -> str:
    """How the connections ended that the targets of a fault had open."""
    closing: Closing = record.closing(fault)
    if closing.gone is not True:
        return UNSHOWN
    if closing.requested_at is None:
        return NETWORK  # nobody was asked to end any at the server
    lines = [one for one in events_of(status) if one["reason"] in _ENDS]
    # They name the fault where several end connections, and did not in earlier versions.
    own = [one for one in lines if one["message"].startswith(f"{fault}: ")] or lines
    said = {one["reason"] for one in own}
    return _ENDS[said.pop()] if len(said) == 1 else EITHER
