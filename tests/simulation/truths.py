"""What a drill says of its expectations, held against what the system really did. Both simulations ask this."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from simulation.namespace import OUTAGE, SPECS, STEADY, WITHIN
from simulation.scenario import Defect, Pairs, Trial, What
from simulation.system import System

MARGIN = 0.5
"""Seconds around a moment in which a sample may fall on either side of it."""
EDGE = 0.01
"""Seconds: less than any two samples are apart."""
REMOVING = frozenset(
    {What.POLICY_DELETED, What.FUSE_DELETED, What.DRILL_DELETED, What.DRILL_FORCED, What.FINALIZER_TAKEN}
)
"""Troubles in which a policy goes without the drill having reverted it."""
LYING = frozenset({What.LIE, What.FLAP})


def expected(trial: Trial) -> tuple[str, ...]:
    """The names of all expectations of a trial's plan."""
    spec = SPECS[trial.kind]
    return tuple(e["name"] for stage in ("steadyState", "outage", "recovery") for e in spec[stage]["expect"])


def vanished(trial: Trial, memory: Mapping[str, Any], verdict: str, message: str) -> Iterator[str]:
    """Expectations of the plan that the drill did not decide, or did not count."""
    unread = any(doubt["cause"] == "StateUnreadable" for doubt in memory.get("doubts", ()))
    if memory.get("started_at") is None or (unread and not memory.get("results")):
        return
    names = expected(trial)
    decided = [r["name"] for r in memory.get("results", ()) if not r.get("again")]
    if sorted(decided) != sorted(names):
        yield f"the plan expects {', '.join(names)}; decided are {', '.join(decided) or 'none'}"
    if verdict == "Passed" and message != f"{len(names)} of {len(names)} expectations met":
        yield f"it passed and says {message!r} of {len(names)} expectations"


def touched_in_vain(trial: Trial, system: System, memory: Mapping[str, Any]) -> Iterator[str]:
    """Why a drill should have ended before it touched anything, where it did not."""
    if memory.get("inject_requested_at") is None:
        return
    if trial.slip:
        yield "an expectation compares a number with text"
    if trial.defect is Defect.NOISY:
        yield "the team was told of other things all the time"
    if trial.pairs is Pairs.NOT_ADMITTED:
        yield "the dependency admits no pod of the targets' kind"
    since = memory["steady_from"]
    window = [ok for at, ok in system.asked if since + EDGE <= at <= since + STEADY - EDGE]
    if any(not one and not two for one, two in pairwise(window)):
        yield "two requests in a row had no answer in the steady state"


def not_cut_off(trial: Trial, system: System, memory: Mapping[str, Any], verdict: str, *, lies: bool) -> Iterator[str]:
    """What a drill says of its outage although targets had connections all through it.

    Of targets that it never sees it believes what the system says, so that ``lies`` deceive it.
    """
    if not trial.close_connections or system.cut_off or memory.get("outage_started_at") is None:
        return
    if trial.connections.proxied and lies:
        return
    if verdict in {"Passed", "Failed"}:
        yield f"it {verdict.lower()}"
    for result in memory.get("results", ()):
        kept = result["name"] == "stays up" and result["state"] == "Met"
        if result["stage"] == "Outage" and (kept or result["state"] == "Missed"):
            yield f"{result['name']} is {result['state']}"


def misnamed(trial: Trial, memory: Mapping[str, Any], reason: str) -> Iterator[str]:
    """What a drill says of its own pairs, where nothing else went wrong: not that the dependency is down."""
    wanted = {Pairs.NOT_SPARED: "ControlCut", Pairs.NOT_ADMITTED: "NotAdmitted"}.get(trial.pairs)
    if (
        wanted is None
        or trial.undecidable
        or (trial.pairs is Pairs.NOT_SPARED and memory.get("outage_started_at") is not None)
    ):
        return
    if trial.pairs is Pairs.NOT_SPARED and memory.get("inject_requested_at") is None:
        return
    if reason != wanted:
        yield f"the network's pairs are {trial.pairs.value}, and it says {reason}"


def unfounded(system: System, memory: Mapping[str, Any]) -> Iterator[str]:
    """Why a drill that passed should not have, for what its system said before the fault was asked for."""
    since, until = memory.get("expressions_tried_at"), memory.get("inject_requested_at")
    if since is not None and until is not None and any(since < at < until - EDGE for at in system.early):
        yield "it was reported down before the cut was asked for"


def untold(system: System, memory: Mapping[str, Any]) -> Iterator[str]:
    """Misses that do not say by how much, although samples showed it; where nothing went wrong with these."""
    zero = memory.get("outage_started_at")
    for result in memory.get("results", ()):
        if result["state"] != "Missed" or result["name"] != "reported" or zero is None:
            continue
        until = min(zero + OUTAGE, memory.get("undo_requested_at") or zero + OUTAGE)
        seen = [at for at in system.late if zero + WITHIN + MARGIN < at < until - EDGE]
        if seen and not 0 < result.get("late", 0.0) < OUTAGE - WITHIN + MARGIN:
            yield f"{result['name']} was true {seen[0] - zero:.1f} s into the outage, and says {result['why']!r}"


def blamed(memory: Mapping[str, Any]) -> Iterator[str]:
    """What a drill says that somebody else did, where nobody but the drill itself can have."""
    for doubt in memory.get("doubts", ()):
        if doubt["cause"] == "CutRemoved":
            yield f"it reverted its cut and says: {doubt['message']}"
