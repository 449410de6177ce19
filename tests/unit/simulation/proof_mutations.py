"""Bugs in the proof that targets were cut off, put in on purpose: each rule of it, broken in both simulations."""

from dataclasses import replace
from typing import Any, Final
from unittest.mock import patch

from gameday.engine.drill import connections, controls, results
from gameday.engine.drill.context import Context
from gameday.engine.drill.phases import outage
from gameday.engine.drill.undo_log import of_faults
from gameday.engine.evidence import held_connections, proof
from gameday.engine.evidence.held_connections import HeldConnections
from gameday.model import held_connection as wire
from gameday.model.plan import Plan
from gameday.model.record import Closing, Doubt, DrillRecord, Reason
from gameday.model.sample import Sample
from simulation.invariants import Rule
from simulation.scenario import Connections, Defect, Pairs, What
from unit.simulation.mutations import MUTATIONS, mutation

BEFORE = len(MUTATIONS)
GOOD, QUIET = (Defect.NONE,), (What.REPEAT,)


def _lines_as(**values: Any) -> tuple[Any, ...]:
    """Lines of held connections, taken as if they said something else."""
    original = HeldConnections.take

    def misread(self: HeldConnections, sample: Sample) -> None:
        error = values.get("error", sample.error) if not sample.ok else None
        told = {name: value for name, value in values.items() if name != "error"}
        original(self, replace(sample, error=error, values={**sample.values, **told}))

    return (patch.object(HeldConnections, "take", misread),)


@mutation(
    "whatever ends a held connection is the network",
    Rule.CUT_OFF,
    kinds=QUIET,
    whole=None,
    defects=GOOD,
    ways=(Connections.CLOSED,),
)
def _() -> tuple[Any, ...]:
    return _lines_as(error=wire.TIMEOUT)


@mutation(
    "a proxy beside a witness or control counts as the dependency",
    Rule.CUT_OFF,
    kinds=QUIET,
    whole=None,
    defects=GOOD,
    ways=(Connections.LOCAL,),
)
def _() -> tuple[Any, ...]:
    return _lines_as(**{wire.LOCAL: False})


@mutation(
    "one answer is enough for a held connection",
    Rule.CUT_OFF,
    kinds=QUIET,
    whole=None,
    defects=GOOD,
    ways=(Connections.ONCE,),
)
def _() -> tuple[Any, ...]:
    return (patch.object(held_connections, "ENOUGH", 1),)


@mutation(
    "nobody asks what became of a control's connection",
    Rule.CUT_OFF,
    kinds=QUIET,
    whole=None,
    defects=GOOD,
    ways=(Connections.BOTH,),
)
def _() -> tuple[Any, ...]:
    original = HeldConnections._open

    def spared(self: HeldConnections, agent: str, name: str, span: held_connections.Span) -> Any:
        found = original(self, agent, name, span)
        if found is None or not agent.startswith("control"):
            return found
        return replace(found, ended_at=None, answers=[*found.answers, span.started_at])

    return (patch.object(HeldConnections, "_open", spared),)


@mutation(
    "connections that nobody saw were ended",
    Rule.CUT_OFF,
    kinds=QUIET,
    whole=None,
    defects=GOOD,
    ways=(Connections.HIDDEN, Connections.MESHED),
)
def _() -> tuple[Any, ...]:
    original = connections._not_closed

    def credulous(ctx: Context, closing: Closing, doubt: Doubt) -> DrillRecord:
        if doubt.cause is Reason.CONNECTIONS_KEPT:
            return ctx.record.with_closing(replace(closing, gone=True, gone_at=doubt.since))
        return original(ctx, closing, doubt)

    return (patch.object(connections, "_not_closed", credulous),)


@mutation(
    "targets of which no connection was seen count with the others",
    Rule.CUT_OFF,
    kinds=QUIET,
    whole=None,
    defects=GOOD,
    ways=(Connections.PARTLY,),
)
def _() -> tuple[Any, ...]:
    return (patch.object(connections, "_of_some", lambda *_: ""),)


@mutation(
    "targets that come by another way are taken to be cut off as the witnesses are",
    Rule.CUT_OFF,
    kinds=QUIET,
    whole=None,
    defects=(Defect.NONE, Defect.BLIND),
    ways=(Connections.ELSEWHERE,),
)
def _() -> tuple[Any, ...]:
    return (patch.object(connections, "_unseen", lambda *_: ""),)


@mutation(
    "one target that was seen speaks for those that come by another way",
    Rule.CUT_OFF,
    kinds=QUIET,
    whole=None,
    defects=(Defect.NONE, Defect.BLIND),
    ways=(Connections.SPLIT,),
)
def _() -> tuple[Any, ...]:
    unseen = connections._unseen

    def of_all(ctx: Context, name: str) -> str:
        counted = ctx.observed.connections_counted.get(name)
        return "" if counted is not None and counted.most else unseen(ctx, name)

    return (patch.object(connections, "_unseen", of_all),)


@mutation(
    "what was not shown to be cut off was cut off all the same",
    Rule.CUT_OFF,
    kinds=QUIET,
    whole=None,
    defects=GOOD,
    ways=(Connections.HIDDEN,),
)
def _() -> tuple[Any, ...]:
    return (patch.object(connections, "shown", lambda *_: True),)


@mutation(
    "what holds while targets have connections is met",
    Rule.CUT_OFF,
    kinds=QUIET,
    whole=None,
    defects=(Defect.NONE, Defect.BLIND),
    ways=(Connections.HIDDEN,),
)
def _() -> tuple[Any, ...]:
    return (patch.object(results, "_fair", lambda _, __, judgement: judgement),)


@mutation(
    "a guardrail counts although targets have connections",
    Rule.CUT_OFF,
    kinds=QUIET,
    whole=None,
    defects=(Defect.FRAGILE,),
    ways=(Connections.HIDDEN,),
)
def _() -> tuple[Any, ...]:
    return (patch.object(results, "_excused", lambda record, *_: record),)


@mutation(
    "controls that the cut hit are taken for a dependency that is down",
    Rule.NAMED,
    kinds=QUIET,
    whole=None,
    defects=GOOD,
    pairs=(Pairs.NOT_SPARED,),
)
def _() -> tuple[Any, ...]:
    return (patch.object(controls, "named", lambda at: at.record),)


@mutation(
    "what is admitted nowhere is taken for a dependency that is down",
    Rule.NAMED,
    kinds=QUIET,
    whole=None,
    defects=GOOD,
    pairs=(Pairs.NOT_ADMITTED,),
)
def _() -> tuple[Any, ...]:
    return (patch.object(controls, "shut_out", lambda *_: None),)


@mutation("the dials of one cut speak for another", Rule.DECIDED, Rule.ENDS, kinds=QUIET, whole=None, defects=GOOD)
def _() -> tuple[Any, ...]:
    original = proof.Proof.take

    def anybodys(self: proof.Proof, sample: Sample) -> None:
        self.pairs, own = range(8), self.pairs
        original(self, sample)
        self.pairs = own

    return (patch.object(proof.Proof, "take", anybodys),)


@mutation("the first fault's proof is the drill's", Rule.HONEST_PASS, kinds=QUIET, whole=None, defects=GOOD)
def _() -> tuple[Any, ...]:
    def the_first(record: DrillRecord, plan: Plan) -> Any:
        return of_faults(record, plan)[:1]

    return (patch.object(outage, "of_faults", the_first),)


NAMES: Final = frozenset(mutation.name for mutation in MUTATIONS[BEFORE:])
"""The names of these bugs, each of which is put into both simulations."""
