"""A verdict held against what was really so."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from gameday.engine.drill.verdict import MET
from gameday.model.record import DrillRecord
from simulation.invariants import BLINK, Rule, judged

if TYPE_CHECKING:
    from simulation.bare.world import Bare


_RECORD = TypeAdapter(DrillRecord)


def judge_world(world: "Bare", record: DrillRecord) -> None:
    """Hold a verdict against what was really so."""
    if world.verdict == "Passed":
        for why in dishonest(world, record):
            world.note(Rule.HONEST_PASS, why)
    memory = memory_of(record)
    for rule, why in judged(world.trial, world.system, memory, memory, world.concerning):
        world.note(rule, why)


def memory_of(record: DrillRecord) -> dict[str, Any]:
    """The record as a status has it."""
    memory: dict[str, Any] = _RECORD.dump_python(replace(record, timeline=()), mode="json", exclude_none=True)
    return memory


def dishonest(world: "Bare", record: DrillRecord) -> list[str]:
    """Why a drill must not have passed."""
    started_at = record.outage_started_at
    if record.proven_at is None or started_at is None or record.undo_requested_at is None:
        return ["the cut was never proven"]
    # What comes of it after its time does not count, and a revert may come late.
    ends = min(record.undo_requested_at, started_at + world.plan.outage.duration)
    why = [f"{r.name} is {r.state.value}" for r in record.results if not r.again and r.state not in MET]
    proven = {change.name for change in record.changes if change.proven_at is not None}
    why += [f"{fault.name} was never proven" for fault in world.plan.outage.faults if fault.name not in proven]
    why += [f"there is a doubt: {doubt.cause.value}" for doubt in record.doubts]
    if record.holds_anything or not record.faults_cleared or any(kind == "policy" for kind, _ in world.api.facts):
        why.append("not everything was undone")
    why += [
        f"packets passed {at - started_at:.1f} s into the outage"
        for at, cut in world.truth
        if not cut and started_at + 1 < at < ends - BLINK
    ]
    return why
