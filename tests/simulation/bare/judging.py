"""A verdict held against what was really so."""

from typing import TYPE_CHECKING

from gameday.model.record import Record
from simulation.invariants import BLINK, HARMLESS, LYING, Rule, wanted_of

if TYPE_CHECKING:
    from simulation.bare.world import Bare


def judge_world(world: "Bare", record: Record) -> None:
    """Hold a verdict against what was really so."""
    misses, lies = world.trial.vice.misses, bool(world.concerning & LYING)
    if world.verdict == "Passed":
        for why in dishonest(world, record):
            world.note(Rule.HONEST_PASS, why)
        if misses and not lies:
            world.note(Rule.HONEST_PASS, f"its system is {world.trial.vice.value}")
    if world.verdict == "Failed" and not misses and not lies:
        world.note(Rule.HONEST_FAIL, f"{record.reason}: {record.message}")
    wanted = wanted_of(world.trial).value
    if not world.concerning - HARMLESS and world.verdict != wanted:
        world.note(Rule.DECIDED, f"{world.verdict}, not {wanted}: {record.reason}: {record.message}")


def dishonest(world: "Bare", record: Record) -> list[str]:
    """Why a drill must not have passed."""
    zero = record.zero
    if record.proven_at is None or zero is None or record.undo_requested_at is None:
        return ["the cut was never proven"]
    # What comes of it after its time does not count, and a lift may come late.
    ends = min(record.undo_requested_at, zero + world.plan.outage.lasts)
    why = [f"{r.name} is {r.state.value}" for r in record.results if not r.again and r.state.value[:3] != "Met"]
    why += [f"there is a doubt: {doubt.cause.value}" for doubt in record.doubts]
    if record.holds_anything or not record.faults_cleared or any(kind == "policy" for kind, _ in world.api.facts):
        why.append("not everything was undone")
    why += [
        f"packets passed {at - zero:.1f} s into the outage"
        for at, cut in world.truth
        if not cut and zero + 1 < at < ends - BLINK
    ]
    return why
