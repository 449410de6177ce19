"""The verdict of a finished drill: the first row that applies.

==  =====================================================  ============
1   a person aborted it                                    Aborted
2   a definite miss or a guardrail, under proven faults    Failed
3   a fault was not proven, or targets may have had open   Inconclusive
    connections under it, or anything is unknown
4   a fault is left in the cluster                         Inconclusive
5   none of these                                          Passed
==  =====================================================  ============

Every expectation of the plan counts, also one without a recorded result.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gameday.engine.drill import addresses, connections
from gameday.model.plan import Plan, Stage
from gameday.model.record import NOT_REACHED, Doubt, DrillRecord, Reason, Result, ResultState, Verdict

MET = frozenset({ResultState.MET, ResultState.ALWAYS_TRUE})


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict with the word and the sentence that explain it."""

    verdict: Verdict
    reason: str
    message: str


def definite_misses(record: DrillRecord, plan: Plan) -> tuple[Result, ...]:
    """The misses that are the system's: decided while the cut was proven, and not excused by what we do not know.

    Where the plan wants open connections gone, an outage expectation counts only if they are known to be: over one
    that survived the cut the system may have gone on using its dependency.
    """
    return _misses(record, plan, record.doubts)


def to_repair(record: DrillRecord, plan: Plan) -> tuple[Result, ...]:
    """The misses after which a rollback runs, also those that are not definite because connections may have been open.

    The recovery was observed nevertheless, and a system that does not recover is to be repaired.
    """
    counted = {*connections.CAUSES, Reason.ADDRESSES_UNKNOWN}
    return _misses(record, plan, (doubt for doubt in record.doubts if doubt.cause not in counted))


def _misses(record: DrillRecord, plan: Plan, doubts: Iterable[Doubt]) -> tuple[Result, ...]:
    if record.proven_at is None:
        return ()
    proven_until = min((doubt.since for doubt in doubts), default=float("inf"))
    return tuple(
        result
        for result in record.results
        if result.state is ResultState.MISSED
        and not result.again
        and result.stage is not Stage.STEADY_STATE
        and result.at < proven_until
        and (result.stage is not Stage.OUTAGE or connections.shown(record, plan))
    )


def results_of(record: DrillRecord, plan: Plan) -> tuple[Result, ...]:
    """One result for each expectation of the plan, in its order; what is not recorded is Unknown."""
    return tuple(
        record.result(stage, one.name)
        or Result(stage, one.name, ResultState.UNKNOWN, record.since, why="it was never decided", reason=NOT_REACHED)
        for stage, one in plan.all_expectations()
    )


def verdict_of(record: DrillRecord, plan: Plan) -> Judged:
    """Judge a drill that has undone what it held; see the table above."""
    results = results_of(record, plan)
    met = sum(result.state in MET for result in results)
    count = f"{met} of {len(results)} expectations met"
    misses = definite_misses(record, plan)
    names = ", ".join(dict.fromkeys(_missed(result) for result in misses))
    if record.aborted is not None:
        missed = f"; missed before: {names}" if names else ""
        why = record.aborted_why or "somebody ended the drill"
        return Judged(Verdict.ABORTED, record.aborted.value, f"{why}{missed}")
    cut_off = connections.shown(record, plan) and not addresses.excused(record, plan)
    tripped = record.guardrail is not None and record.proven_at is not None and cut_off
    if misses or tripped:
        if record.guardrail is not None:
            return Judged(Verdict.FAILED, "GuardrailViolated", f"guardrail violated: {record.guardrail}; {count}")
        return Judged(Verdict.FAILED, "ExpectationMissed", f"missed: {names}; {count}")
    if record.doubts:
        doubt = record.doubts[0]
        return Judged(Verdict.INCONCLUSIVE, doubt.cause.value, doubt.message)
    if record.proven_at is None:
        open_ = next((fault.name for fault in plan.outage.faults if not _proven(record, fault.name)), "")
        # A fault that is applied but not proven may hit more than its targets, so no miss is attributed to the system.
        tripped_first = f"guardrail {record.guardrail} was violated before" if record.guardrail is not None else ""
        told = f"{tripped_first} fault {open_} was proven" if tripped_first else f"fault {open_} was never proven"
        return Judged(Verdict.INCONCLUSIVE, "NotProven", f"{told}, so nothing was tested")
    if undecided := [result for result in results if result.state not in MET]:
        text = f"{undecided[0].name}: {_why(undecided[0], record, plan)}; {count}"
        return Judged(Verdict.INCONCLUSIVE, "UnknownResult", text)
    if record.faults_cleared is not True:
        return Judged(
            Verdict.INCONCLUSIVE,
            "FaultsNotCleared",
            "a fault may be left in the cluster: see status.undo and undo what is listed there",
        )
    return Judged(Verdict.PASSED, "AllExpectationsMet", count)


def _proven(record: DrillRecord, fault: str) -> bool:
    change = record.change(fault)
    return change is not None and change.proven_at is not None


def _missed(result: Result) -> str:
    return f"{result.name} ({result.late:.1f} s late)" if result.late is not None else result.name


def _why(result: Result, record: DrillRecord, plan: Plan) -> str:
    hidden = result.stage is Stage.OUTAGE and not connections.shown(record, plan)
    if result.state is ResultState.MISSED and hidden:
        return "missed, but the targets may have kept connections that they opened before the cut"
    return result.why or result.state.value
