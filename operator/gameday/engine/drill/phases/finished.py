"""The phase of a judged drill: it keeps the samples, cleans up and reports."""

from collections.abc import Iterator
from dataclasses import replace

from gameday.engine.drill import commands as do
from gameday.engine.drill import steps, timeouts
from gameday.engine.drill.context import Context
from gameday.engine.drill.phases.rules import PhaseRules
from gameday.engine.drill.undo_log import named, tidies_late
from gameday.model.observation import Life, Lock, Observation
from gameday.model.plan import Plan
from gameday.model.record import AGENTS_LEFT, NOT_KEPT, DrillRecord, Keeping

UNREAD = "the API server did not take them in time"


def decide(ctx: Context) -> DrillRecord:
    """Record what became of the samples and of agents on lost nodes, and that the GameDay shows the verdict."""
    record = _without_lost_agents(ctx.with_record(_kept(ctx)))
    return replace(record, reported=True) if ctx.observed.reported and not record.reported else record


def commands(plan: Plan | None, record: DrillRecord, observed: Observation) -> Iterator[do.Command]:
    """Take away the fuses, keep the samples, take away the pods, then free the lock, then report.

    The Job of a step that has not begun is deleted whenever it comes. Callers stay until no request can arrive any
    more: as long as the name of one is taken, no late request for it makes another one, which would call a second time.
    The namespace stays locked while one of them is there, also on a node that is lost, because its container may still
    run.
    """
    agents = not record.agents_left and bool(_agents_there(observed))
    for change in record.changes:
        if not change.open and observed.fuse(change.fuse_name).uid is not None:
            yield do.RemoveFuse(change)
    for discard in steps.discards(observed):
        if not _are_collected(discard, observed):
            yield discard
    if _are_to_be_kept(plan, record, observed):
        # Before the agents are deleted: after a crash the next process reads their logs again.
        if observed.read_again:
            yield do.KeepSamples()
    elif agents and not _are_collected(do.StopAgents(), observed):
        yield do.StopAgents()
    elif observed.arriving:
        return
    elif observed.callers and not _are_collected(do.StopCallers(), observed):
        yield do.StopCallers()
    elif observed.lock in {Lock.HELD, Lock.UNKNOWN} and record.faults_cleared is not False:
        yield do.ReleaseLock()
    else:
        yield from _report(record, observed)


def _agents_there(observed: Observation) -> int:
    """How many agents have a pod, with those that end connections."""
    return sum(life is not Life.ABSENT for life in (*observed.agents.values(), *observed.closers.values()))


def _without_lost_agents(ctx: Context) -> DrillRecord:
    """Stop waiting for agents once nothing but lost nodes keeps their pods, which may be for hours.

    Agents only measure, or end connections until a moment that is over by now. They end by themselves.
    """
    record, observed = ctx.record, ctx.observed
    lost = [one for one in observed.agents_leaving if ctx.now > one.due + timeouts.LOST_NODE]
    # What is still to be created must be deleted first.
    if record.agents_left or observed.arriving or not tidies_late(ctx) or not lost:
        return record
    if len(lost) < _agents_there(observed):
        return record
    why = (
        f"agents are deleted, and their nodes do not confirm that they have ended: {named(lost)}; the drill ends "
        "without them, and they end by themselves"
    )
    return replace(record, agents_left=True).note(ctx.now, AGENTS_LEFT, why, warning=True)


def _are_collected(command: do.Command, observed: Observation) -> bool:
    """Whether Kubernetes is left to take away what goes with a deleted Drill: what we may not do delays nothing."""
    return observed.deleted and do.key_of(command) in observed.errors


def _are_to_be_kept(plan: Plan | None, record: DrillRecord, observed: Observation) -> bool:
    """Whether there are samples of which it is not decided yet what becomes of them: a Drill that goes takes them."""
    measured = record.steady_from is not None and plan is not None and bool(plan.probes)
    return measured and record.keeping is None and not record.reported and not observed.deleted


def _kept(ctx: Context) -> DrillRecord:
    record, observed = ctx.record, ctx.observed
    if not _are_to_be_kept(ctx.plan, record, observed):
        return record
    keeping = observed.keeping
    ended = record.finished_at if record.finished_at is not None else record.since
    if keeping is None and ctx.now > max(ended, observed.resumed_at) + timeouts.KEEP:
        keeping = Keeping(kept=False, why=do.error_of(observed.errors, do.KeepSamples()) or UNREAD)
    if keeping is None:
        return record
    record = replace(record, keeping=keeping)
    return record if keeping.kept or not keeping.why else record.note(ctx.now, NOT_KEPT, keeping.why, warning=True)


def _report(record: DrillRecord, observed: Observation) -> Iterator[do.Command]:
    """Update the GameDay before the finalizer is removed: a process killed in between leaves both to the next one."""
    if not record.reported:
        yield do.UpdateGameDay()
    # What cannot be written for a while must not keep a Drill from being deleted.
    stalled = bool(record.stalled_by) and do.key_of(do.UpdateGameDay()) in observed.errors
    if (record.reported or stalled) and observed.finalizer and record.faults_cleared is not False:
        yield do.RemoveFinalizer()


RULES = PhaseRules(decide, commands, {})
