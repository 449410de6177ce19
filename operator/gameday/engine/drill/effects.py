"""Whether faults have taken effect, and whether that is over: each is proven for itself.

How a fault is proven follows from its action: by witnesses and controls (``witness_proof``), by the object that it
changes (``object_proof``), by probes and a person (``by_hand``), by probes and an answer (``call_proof``), or by those
where nothing takes the call back (``ending_call``). All else of the engine asks an ``EffectProof`` and knows none.
"""

from gameday.engine.drill.by_hand import ByHand
from gameday.engine.drill.call_proof import CallProof
from gameday.engine.drill.context import Context
from gameday.engine.drill.effect_proof import EffectProof
from gameday.engine.drill.ending_call import EndingCall
from gameday.engine.drill.object_proof import ObjectProof
from gameday.engine.drill.witness_proof import WitnessProof


def proof_of(ctx: Context, name: str) -> EffectProof:
    """What proves a fault, or a change of a step."""
    action = next((action for known, action in ctx.plan.actions() if known == name), None)
    if action is not None and action.BY_HAND and action.OUTSIDE:
        return EndingCall(ctx, name)
    if ctx.observed.change(name).by_hand or (action is not None and action.BY_HAND):
        return ByHand(ctx, name)
    if action is not None and action.OUTSIDE:
        return CallProof(ctx, name)
    return WitnessProof(ctx, name) if action is not None and action.WITNESSED else ObjectProof(ctx, name)


def step_proofs(ctx: Context) -> tuple[EffectProof, ...]:
    """What proves each change that a step may make, in their order; what runs once proves itself by its result."""
    makes = (step.name for _, step in ctx.plan.steps() if step.action.REVERSIBLE and not step.action.REVERTS)
    return tuple(proof_of(ctx, name) for name in makes)


def proofs(ctx: Context) -> tuple[EffectProof, ...]:
    """What proves each fault of the plan, in their order."""
    return tuple(proof_of(ctx, fault.name) for fault in ctx.plan.outage.faults)
