"""Whether faults have taken effect, and whether that is over: each is proven for itself.

How a fault is proven follows from its action: by witnesses and controls (``witnessed``), by the object that it changes
(``shown``), or by probes and a person (``by_hand``). All else of the engine asks an ``EffectProof`` and knows none.
"""

from gameday.engine.drill.by_hand import ByHand
from gameday.engine.drill.effect_proof import EffectProof
from gameday.engine.drill.shown import Shown
from gameday.engine.drill.situation import Situation
from gameday.engine.drill.witnessed import Witnessed


def proof_of(at: Situation, name: str) -> EffectProof:
    """What proves a fault."""
    fault = next((fault for fault in at.plan.outage.faults if fault.name == name), None)
    if at.world.change(name).by_hand or (fault is not None and fault.action.BY_HAND):
        return ByHand(at, name)
    return Witnessed(at, name) if fault is not None and fault.action.WITNESSED else Shown(at, name)


def proofs(at: Situation) -> tuple[EffectProof, ...]:
    """What proves each fault of the plan, in their order."""
    return tuple(proof_of(at, fault.name) for fault in at.plan.outage.faults)
