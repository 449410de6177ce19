"""Which expectations were met with the help of a mitigation, and what that means where they are to be met unaided.

::

    unmet          acted           met
      F  F  F  F  F  |  F  F  F  T  T       certainly after it
      F  F  T  T     |  T  T                certainly before it
      F  F           |     T  T             not known: nothing was seen in between
      F  F  T  T     |  T  T                not known, where it must hold for longer than until the act

Between the request of a step and the moment by which something of it surely was carried out it is not known either: its
Job may wait in a queue, and its pod for an image.
"""

from dataclasses import replace

from gameday.engine.drill.context import Context
from gameday.engine.evidence.judgement import SKEW_WIDENS, Judgement
from gameday.model.plan import Expectation, Stage
from gameday.model.record import DrillRecord, ResultState


def credited(ctx: Context, stage: Stage, expectation: Expectation, judgement: Judgement) -> Judgement:
    """A met judgement with the last mitigation that had acted before; one that is to be met unaided is missed then.

    What was true all along (``AlwaysTrue``) was so before any mitigation acted.
    """
    if judgement.state is not ResultState.MET or stage is Stage.STEADY_STATE:
        return judgement
    # A mitigation acts by the operator's clock.
    differ = ctx.observed.skew_to_own
    margin = differ if differ > SKEW_WIDENS else 0.0
    acted = [(one.acted_at, one) for one in ctx.record.mitigations if one.acted_at is not None]
    met_by = _met_by(ctx, stage, expectation, judgement) + margin
    before = sorted((at, one.name, one.seen_at) for at, one in acted if at < met_by)
    if not before:
        return judgement
    (first, _, seen_at), by = before[0], before[-1][1]
    if not expectation.unaided:
        return replace(judgement, by=by)
    helped = replace(judgement, state=ResultState.MISSED, seconds=None, resolution=None, by=by)
    if first >= judgement.at + margin:
        why = f"mitigation {by} acted before it had held for {expectation.holds:g} s: it may have held unaided"
        return replace(helped, state=ResultState.UNKNOWN, why=why)
    if seen_at is None or seen_at >= judgement.at:
        why = f"it is not known whether mitigation {by} had done anything by then: it may have been met unaided"
        return replace(helped, state=ResultState.UNKNOWN, why=why)
    if judgement.open_until is None or judgement.open_until < seen_at + margin:
        why = f"nothing was seen between the act of mitigation {by} and the moment at which it was met"
        return replace(helped, state=ResultState.UNKNOWN, why=f"{why}: it may have been met unaided")
    return replace(helped, why=f"met only after mitigation {by} had acted, and it is to be met unaided")


def _met_by(ctx: Context, stage: Stage, expectation: Expectation, judgement: Judgement) -> float:
    """Up to when a mitigation may have helped: one with a ``for`` is met once it has held, not when it begins to."""
    if not expectation.holds:
        return judgement.at
    started_at = ctx.record.outage_started_at if stage is Stage.OUTAGE else ctx.record.recovery_started_at
    return max(judgement.at, started_at if started_at is not None else judgement.at) + expectation.holds


def helped(record: DrillRecord) -> bool:
    """Whether an expectation of the recovery was met after a mitigation had acted."""
    return any(one.by and one.stage is Stage.RECOVERY for one in record.results)
