"""Proof by witnesses and controls, from their dials: see ``evidence.proof``."""

from dataclasses import dataclass
from typing import ClassVar, Final

from gameday.engine.drill import addresses, controls, timeouts
from gameday.engine.drill.context import Context
from gameday.engine.drill.effect_proof import EffectProof
from gameday.engine.evidence.proof import Proof, ProofViolation
from gameday.model.agent import REFUSES, SERVERS, UNASKED
from gameday.model.change import Change, ChangeState, Observed
from gameday.model.effect import Effect, End, Ending, Moment
from gameday.model.observation import Life
from gameday.model.record import Reason

NOBODY: Final = Proof()
"""The dials of a fault before its witnesses exist."""


def dials_of(ctx: Context, name: str) -> Proof:
    """What the witnesses and controls of a fault have dialled."""
    return ctx.evidence.proofs.get(name, NOBODY)


SELECT_ALL: Final = "name a Service that selects every server, and a user who may ask for them"
"""What to do about a Redis of which not all servers are known to be cut."""
CHECK_LOGIN: Final = "check the Secret of its redis.auth, or of its redis.sentinel.auth"
"""What to do about a Redis whose servers do not say who they are, since the password is wrong."""


def _down(down: ProofViolation, why: str) -> End:
    """The end for a control that fails: it cannot ask, it reaches no server, or is told of one that is not cut."""
    if down.detail.startswith(UNASKED):
        text = f"{down.who} could not ask the dependency, so it is not known whether it is up ({down.detail})"
        return End(Reason.AGENTS_NOT_READY, text, down.since)
    if not down.detail.startswith(SERVERS):
        return End(Reason.DEPENDENCY_DOWN, why, down.since)
    told = f"not all servers of the dependency are known to be cut: {down.detail.removeprefix(SERVERS)}"
    remedy = CHECK_LOGIN if REFUSES in told else SELECT_ALL
    return End(Reason.ADDRESSES_UNKNOWN, f"{told} ({down.who} asked): {remedy}", down.since)


@dataclass(frozen=True, slots=True)
class WitnessProof(EffectProof):
    """The proof by dials."""

    remembers: ClassVar[bool] = True

    @property
    def dials(self) -> Proof:
        """What its witnesses and controls have dialled."""
        return dials_of(self.ctx, self.name)

    def ready(self) -> bool:
        """Whether all witnesses and controls get through, and have looked for long enough where they look a name up."""
        return self.dials.ready(self.ctx.now, self.ctx.plan.steady_state.duration)

    def stuck(self) -> End | None:
        """A control fails for longer than the start of a new pod explains, or what was found cannot be cut."""
        if self.dials.addresses.refused:
            return addresses.unknown(self.ctx, self.name, self.ctx.now)
        down = self.dials.control_down(0.0)
        if down is None or self.ctx.now - down.since <= timeouts.DIALS or self.dials.reached(self.ctx.now):
            return None
        if (shut_out := controls.shut_out(self.ctx, self.name, self.dials)) is not None:
            return End(Reason.NOT_ADMITTED, shut_out, down.since)
        why = (
            f"{down.who} cannot reach the target ({down.detail}), although nothing is cut: the dependency is down, or "
            "admits no pod of the drill (they run as ServiceAccount gameday, which a policy of a mesh may have to name)"
        )
        return _down(down, why)

    def waits_for(self) -> str:
        """Who does not get through."""
        if self.ready():
            return ""
        if self.dials.addresses.wanted and not self.dials.addresses.first and not self.dials.addresses.looks:
            failed = self.dials.addresses.failed
            who = next((f"{agent}: {why}" for agent, why in sorted(failed.items())), "none looked it up")
            host = self.dials.addresses.host
            if self.dials.addresses.servers:
                return f"the servers behind {host} could not be found, and nothing was cut: {who}"
            return f"the name {host} could not be looked up, and nothing was cut: {who}"
        down = self.dials.control_down(0.0) or self.dials.witness_down(0.0, self.ctx.now)
        who = f"{down.who}: {down.detail}" if down else "no dial got an answer"
        return f"the witnesses and controls could not reach the target, although nothing was cut: {who}"

    def unproven(self) -> str:
        """Addresses that never answered."""
        silent = self.dials.silent()
        return (
            f"{', '.join(silent)} answered neither witness nor control, so a cut of it cannot be proven"
            if silent
            else ""
        )

    def troubled_before(self, since: float) -> End | None:
        """A control or a witness that cannot get through."""
        if (down := self.dials.control_down(since)) is not None:
            return _down(down, f"{down.who} cannot reach the target before anything was cut ({down.detail})")
        if (cut := self.dials.witness_down(since, self.ctx.now)) is not None:
            why = f"{cut.who} cannot reach the target before anything was cut ({cut.detail})"
            return End(Reason.NOT_STEADY, why, cut.since)
        return None

    def unknown_at(self, ends: float) -> End | None:
        """A name whose addresses are not all known."""
        return addresses.unknown(self.ctx, self.name, ends)

    def effect(self, change: Change) -> Effect | None:
        """All witnesses cut off, all controls spared."""
        if change.state is not ChangeState.ACTIVE or change.requested_at is None:
            return None
        start = self.dials.started(change.requested_at)
        if start is None:
            return None
        how = f"witnesses cut off {start.at - change.requested_at:.2f} s after the request, controls not"
        return Effect(start.at, start.resolution, how)

    def lacking(self, change: Change) -> str:
        """What lets the witnesses through."""
        asked = change.requested_at or 0.0
        if (grew := self.dials.addresses.grew(asked)) is not None:
            return f"its address {grew[0]} was found after the request, and a witness reaches it or does not know it"
        hint = self._suspected_bypass or "another policy admits it, or the CNI does not enforce policies"
        return f"no witness was cut off; most likely: {hint}"

    def came(self, since: float) -> bool | None:
        """If no witness has failed since the request, the cut never existed."""
        if self.dials.was_cut(since):
            return True
        known = self.dials.ready(self.ctx.now) and self.dials.caught_up(self.ctx.observed.resumed_at)
        return False if known else None

    def broken(self, change: Change, requested: float) -> End | None:
        """A control or a bystander that fails, or a witness that gets through."""
        record, dials, until = self.ctx.record, self.dials, self.ctx.record.undo_requested_at
        if (down := dials.control_down(requested)) is not None:
            if (not_spared := controls.not_spared(change, dials)) is not None:
                return not_spared
            why = f"{down.who}, which the drill does not cut, cannot reach the target ({down.detail})"
            return _down(down, f"{why}: the dependency is down")
        if (collateral := dials.collateral(requested, until)) is not None:
            why = f"the cut also hit {collateral.who} ({collateral.detail}), which answered before it"
            return End(Reason.COLLATERAL_CUT, why, collateral.since)
        if (down := dials.bystander_down(requested)) is not None:
            why = f"{down.who}, which the drill does not cut, no longer answers the controls ({down.detail})"
            return End(Reason.BYSTANDER_DOWN, why, down.since)
        # Reverting comes before its record is saved: after a crash in between, what is open is open as planned.
        ends = (
            record.outage_started_at + self.ctx.plan.outage.duration if record.outage_started_at is not None else None
        )
        began = change.effect_at
        if began is not None and until is None and (leak := dials.bypass(began, ends)) is not None:
            why = f"{leak.who} {leak.detail} {leak.since - began:.1f} s into the outage"
            if self._suspected_bypass:
                why += f"; most likely: {self._suspected_bypass}"
            return End(Reason.LEAK, why, leak.since)
        return None

    def undone(self, change: Change, seen: Observed, asked: float) -> Ending | None:
        """A cut is undone once witnesses get through again, or fail as their controls do."""
        if self.dials.restored(asked) is not None:
            return Ending(f"{seen.shown} and the witnesses reach the target again")
        if self.dials.fails_like_control(asked):
            return Ending(seen.shown)
        if self.ctx.now < asked + timeouts.UNDO and not self._witnesses_gone():
            return None
        return Ending(f"{seen.shown}, but no witness reached its target again", seen=False)

    def over_since(self, change: Change, asked: float) -> Moment | None:
        """The first good dial of the last witness."""
        return self.dials.restored(asked)

    def troubled_after(self, since: float) -> End | None:
        """A control that fails although nothing is cut any more."""
        if (down := self.dials.control_down(since)) is None:
            return None
        why = f"{down.who} lost the target after the cut was removed ({down.detail}): the dependency is down"
        return _down(down, why)

    @property
    def _suspected_bypass(self) -> str:
        return self.ctx.observed.suspected_bypasses.get(self.name, "")

    def _witnesses_gone(self) -> bool:
        mine = (f"witness-{number}" for number in self.dials.pairs)
        lives = [self.ctx.observed.agents.get(name, Life.ABSENT) for name in mine]
        return all(life in {Life.ABSENT, Life.ENDED} for life in lives)
