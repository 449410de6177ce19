"""The proof of one fault's effect, as the engine uses it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from gameday.engine.drill import timeouts
from gameday.engine.drill.context import Context
from gameday.model.change import Change, Observed
from gameday.model.effect import Effect, End, Ending, Moment
from gameday.model.record import Doubt


@dataclass(frozen=True, slots=True)
class EffectProof(ABC):
    """What shows that a fault has its effect, that this lasts, and that it is over."""

    ctx: Context
    name: str

    own_clock: ClassVar[bool] = False
    """Whether it tells by the operator's clock, and not by those of agents, when the effect began and was over."""
    remembers: ClassVar[bool] = False
    """Whether the proof also covers times without an operator."""

    def ready(self) -> bool:
        """Whether the effect would show by now, if it were there."""
        return True

    def stuck(self) -> End | None:
        """Why it will not become ready."""
        return None

    def waits_for(self) -> str:
        """What it is not ready for, or ""."""
        return ""

    def unproven(self) -> str:
        """What of the fault's reach it cannot show, once the steady state is over, or ""."""
        return ""

    def patience(self) -> float:
        """Seconds from the request within which it must have been proven."""
        action = next((action for known, action in self.ctx.plan.actions() if known == self.name), None)
        return timeouts.proven_within(action) if action is not None else timeouts.PROVE

    def unsteady(self, since: float) -> End | None:
        """Why the steady state, which is over and began then, shows that the effect could not be seen."""
        return None

    def doubt(self, change: Change) -> Doubt | None:
        """What is doubtful of an effect that counts as begun."""
        return None

    def troubled_before(self, since: float) -> End | None:
        """Why nothing can be proven, before the fault is requested; ``since`` is when everything was ready."""
        return None

    def unknown_at(self, ends: float) -> End | None:
        """Why the fault must not be asked for: at the end of the steady state, ``ends``, what it hits is not known."""
        return None

    @abstractmethod
    def effect(self, change: Change) -> Effect | None:
        """The effect of a requested change, once it is proven."""

    @abstractmethod
    def lacking(self, change: Change) -> str:
        """What was not seen of a change that has had no effect in time."""

    def came(self, since: float) -> bool | None:
        """Whether the fault was there at any time since then, or None while that is not known; see ``remembers``."""
        return None

    def broken(self, change: Change, requested: float) -> End | None:
        """Why the effect is not, or not only, what it should be; the change was requested at ``requested``."""
        return None

    @abstractmethod
    def undone(self, change: Change, seen: Observed, asked: float) -> Ending | None:
        """That the effect of a change which is put back is over; None while that is to be waited for."""

    insists: ClassVar[bool] = False
    """Whether a change that is put back as far as its object shows is not cleared until this proof says so."""

    def again(self, change: Change) -> str:
        """Why a change that is put back as far as its object shows must be put back once more, or ""."""
        return ""

    @abstractmethod
    def over_since(self, change: Change, asked: float) -> Moment | None:
        """The moment from which the system was free of it; None while that is not known."""

    def troubled_after(self, since: float) -> End | None:
        """Why the recovery says nothing about the system: what the fault took away is down by itself."""
        return None
