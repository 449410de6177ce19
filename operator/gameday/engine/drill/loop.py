"""The loop of one drill without any I/O: look, decide, save, act; and again when anything has changed.

An adapter calls it (the operator's runner with asyncio, the simulations with dictionaries) and does the ``Work`` that
it returns. Its order makes it safe. A decision is saved before it is executed, and a record that cannot be saved stops
the loop before it acts, because another process may be acting for this drill. Only reverting a cut does not wait::

    look --> decide --> start reverts --(they end, or REVERT_FIRST)--> save --saved--> start the rest --> look
                                                                    `--refused--> rest ------------> look

Times are seconds of the drill's own clock, which never jumps; no call may bring an older one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Protocol

from gameday.engine.drill import timeouts
from gameday.engine.drill.command_outcomes import CommandOutcomes
from gameday.engine.drill.command_queue import CommandQueue
from gameday.engine.drill.commands import Command, Revert, key_of
from gameday.engine.drill.context import Context, EvidenceReader
from gameday.engine.drill.decide import decide
from gameday.engine.drill.failing import Failing
from gameday.engine.drill.figures import Figure, Measured, figures
from gameday.engine.drill.next_commands import commands_for
from gameday.engine.drill.undo_log import put_back
from gameday.engine.evidence.evidence import Evidence
from gameday.model.change import ChangeState
from gameday.model.observation import CommandKey, Observation
from gameday.model.plan import NO_PLAN, Plan
from gameday.model.record import DrillRecord, Phase, TimelineEntry
from gameday.model.sample import Sample

LOOK_EVERY: Final = 0.5
"""Longest time between two looks, in seconds: deadlines pass without an event."""
LOOK_AGAIN_AFTER: Final = 3.0
"""Seconds between two preflights of a drill that waits for a rollout to end."""
FIND_BYPASS_AFTER: Final = 10.0
"""Seconds after the injection from which a cut without effect is suspicious."""
BLIND_AFTER: Final = 10.0
"""Seconds after which a drill's status says what keeps us from seeing its namespace, and after which a deleted drill
that is refused there asks whether its namespace ends."""
REVERT_FIRST: Final = 0.5
"""Longest that a record waits for the reverting of a cut, in seconds."""
CATCH_UP: Final = 20.0
"""Longest wait, in seconds, for the logs to be read again after a restart before anything is decided from them."""
NOTHING: Final = Evidence(NO_PLAN)
"""The evidence before there are samples."""


class Samples(EvidenceReader, Measured, Protocol):
    """What the loop asks of the samples, and the engine."""

    def take(self, sample: Sample) -> bool:
        """Take one line of a log in; whether it was new."""
        ...

    def caught_up(self, since: float) -> bool:
        """Whether every probe has given a sample received at ``since`` or later."""
        ...


@dataclass(frozen=True, slots=True)
class Save:
    """A record to be saved; ``figures`` are its measurements where it is the one that ends the drill, else None."""

    record: DrillRecord
    figures: tuple[Figure, ...] | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """What the adapter does now, in this order. It looks again when anything changes, at ``look_at`` at the latest.

    How a save went is answered with ``saved`` or ``not_saved``, which give more work; nothing else is given till then.
    """

    look_at: float
    tell: tuple[TimelineEntry, ...] = ()
    """Lines of the timeline that were saved just now."""
    start: tuple[Command, ...] = ()
    """Commands to start; the end of each is answered with ``answered``."""
    save: Save | None = None
    find_bypass: bool = False
    """Whether to look for what lets traffic through: a cut without effect will end the drill and name it."""
    blind: bool = False
    """Whether so much could not be seen or done in the namespace, for so long, that it may be on its way out."""
    over: bool = False
    """Whether nothing is left to do for this drill."""


@dataclass(frozen=True, slots=True)
class _Decided:
    """What is being saved, and the commands that follow; none for a record that only says what it is stalled by."""

    record: DrillRecord
    commands: tuple[Command, ...] | None
    awaited: bool = False
    """Whether something is still to come before the drill may be over."""
    deleted: bool = False
    """Whether the Drill was known to be deleted."""


class DrillLoop:
    """Carries one drill out, from wherever an earlier process left it (``record``) to its end.

    ``by_pods`` are the names of the kinds whose changes pods make.
    """

    def __init__(self, record: DrillRecord, now: float, by_pods: frozenset[str]) -> None:
        self.record = record
        """The record that was saved last."""
        self.resumed_at = now
        self.outcomes = CommandOutcomes.after(record, now, by_pods)
        self.queue = CommandQueue()
        self.samples: Samples | None = None
        self._goes_on_from = record
        """The record to decide from: a cut whose reverting was started is not open any more, saved or not."""
        self._saving: _Decided | None = None
        self._rests_until = float("-inf")
        self._not_saving = Failing()
        self._reverting_until: float | None = None
        self._narrated = frozenset(record.timeline)
        self._believes = self._sought_leak = False
        self._refused: dict[CommandKey, float] = {}
        """When each command was refused first, of those that had no other answer since."""
        self._put_back: dict[str, float] = {}
        self._unseen_since = self._unlisted_since = float("inf")
        self._asked_at = float("-inf")
        self._seen: tuple[Observation, Observation] | None = None
        """The world as it was handed in last, and what was made of it."""

    def prepare(self, plan: Plan, pairs: Mapping[str, range]) -> Evidence:
        """Reset the evidence: from here on nothing is decided from logs that were not read again.

        ``pairs`` are the numbers of the pairs of witness and control of each cut, by the name of its fault.
        """
        evidence = Evidence(plan, pairs)
        if self.record.inject_requested_at is not None or self.record.changes:
            evidence.set_baseline(self.record.baseline)
        self.samples = evidence
        return evidence

    # Looking

    def look(
        self, plan: Plan | None, observed: Observation, now: float, *, must_save: bool = False, unseen: str = ""
    ) -> Work:
        """Decide what follows from the world, of which all was read whose absence would be misread.

        ``must_save`` says that the status is not what this process goes on from, even if nothing changes. ``unseen`` is
        why a part cannot be read, nothing while all can: what is known of it may be out of date, or nothing is known.
        """
        work = self._look(plan, observed, now, must_save=must_save)
        return replace(work, blind=True) if self._may_be_ending(observed, unseen, now) else work

    def _look(self, plan: Plan | None, observed: Observation, now: float, *, must_save: bool) -> Work:
        if self._saving is not None:
            return Work(now + LOOK_EVERY)
        if now < self._rests_until:
            return Work(self._rests_until)
        find_leak = self._seeks_bypass(now)
        if not self._may_believe(observed, now):
            if must_save:
                self._saving = _Decided(self._goes_on_from, None)
                return Work(now + LOOK_EVERY, save=Save(self._goes_on_from), find_bypass=find_leak)
            return Work(now + LOOK_EVERY, find_bypass=find_leak)
        observed = self.told(observed, now)
        record = decide(Context(plan or NO_PLAN, self._goes_on_from, observed, self.samples or NOTHING, now))
        commands = commands_for(plan, record, observed)
        started = self._revert(plan or NO_PLAN, record, commands, now)
        awaited = observed.arriving or not observed.read_again
        if (record is self.record or record == self.record) and not must_save:
            work = self._act(record, commands, now, awaited=awaited)
        elif self._reverting_until is not None and now < self._reverting_until:
            work = Work(self._reverting_until)
        else:
            work = self._save(plan or NO_PLAN, _Decided(record, commands, awaited, observed.deleted), now)
        return replace(work, start=(*started, *work.start), find_bypass=find_leak) if started or find_leak else work

    def look_in_vain(self, why: str, now: float) -> Work:
        """Wait for what was not read yet; ``why`` is what keeps us from it, nothing where it only takes a moment."""
        if self._saving is not None or now < self._rests_until or not why or now <= self.resumed_at + BLIND_AFTER:
            return Work(now + LOOK_EVERY)
        record = self._goes_on_from.stalled(why, now)
        if record == self.record:
            return Work(now + LOOK_EVERY, blind=True)
        self._saving = _Decided(record, None)
        return Work(now + LOOK_EVERY, save=Save(record), blind=True)

    def _may_be_ending(self, observed: Observation, unseen: str, now: float) -> bool:
        """Whether to ask now if the namespace ends: it takes our rights before it takes what we still want to undo.

        What was refused may be gone already, where a watch could not say so any more. Both may also have other causes.
        """
        if not unseen:
            self._unseen_since = float("inf")
        else:
            self._unseen_since = min(self._unseen_since, now)
        since = min((self._unseen_since, *self._refused.values()))
        if not observed.deleted or now <= max(since, self._asked_at) + BLIND_AFTER:
            return False
        self._asked_at = now
        return True

    def told(self, observed: Observation, now: float) -> Observation:
        """The world with all that this process knows from its own commands."""
        outcomes, errors = self.outcomes, self.queue.errors
        rolling = observed.preflight is not None and bool(observed.preflight.rolling)
        again = rolling and now >= outcomes.checked_at + LOOK_AGAIN_AFTER
        arriving = outcomes.may_still_execute(now)
        read = self._read_again(now)
        self._unlisted_since = min(self._unlisted_since, now) if observed.unlisted else float("inf")
        unlisted_long = now > self._unlisted_since + BLIND_AFTER
        self._note_put_back(observed, now)
        if self._seen is not None and self._seen[0] is observed:
            known = self._seen[1]
            same = known.errors is errors and known.lock is outcomes.lock and known.reported is outcomes.reported
            same = same and known.made is outcomes.made and known.locked_by is outcomes.locked_by
            same = same and known.keeping is outcomes.keeping and known.read_again is read
            same = same and known.changed_by_admission is outcomes.changed_by_admission
            same = same and known.unlisted_long is unlisted_long and known.put_back is self._put_back
            if same and known.look_again is again and known.arriving is arriving:
                return known
        known = replace(
            observed,
            resumed_at=self.resumed_at,
            lock=outcomes.lock,
            locked_by=outcomes.locked_by,
            reported=outcomes.reported,
            made=outcomes.made,
            changed_by_admission=outcomes.changed_by_admission,
            look_again=again,
            arriving=arriving,
            read_again=read,
            unlisted_long=unlisted_long,
            keeping=outcomes.keeping,
            put_back=self._put_back,
            errors=errors,
        )
        self._seen = observed, known
        return known

    def _note_put_back(self, observed: Observation, now: float) -> None:
        """Note since when each change is put back; what is there again has yet to be put back once more."""
        back = {
            change.name: self._put_back.get(change.name, now)
            for change in self._goes_on_from.changes
            if change.state is ChangeState.UNDOING and put_back(change, observed.change(change.name))
        }
        if back != self._put_back:
            self._put_back = back

    def _may_believe(self, observed: Observation, now: float) -> bool:
        """Whether the logs say enough: after a restart nothing is concluded from what was not read yet."""
        if self._believes or self.samples is None or self.record.steady_from is None:
            self._believes = self._believes or self.samples is not None
            return True
        # Where the drill ends in any case, no sample changes that.
        over = (
            observed.deleted
            or observed.halt.halted
            or bool(observed.overwritten)
            or self.record.phase is Phase.FINISHED
        )
        late = now > self.resumed_at + CATCH_UP
        self._believes = over or late or self.samples.caught_up(self.resumed_at)
        return self._believes

    def _read_again(self, now: float) -> bool:
        """Whether the logs were read of which samples are kept; a sample of now is behind all earlier ones.

        A drill may end with the first look of a process, and its samples be kept with that same look.
        """
        record = self.record
        if record.keeping is not None or record.reported or record.steady_from is None or self.samples is None:
            return True
        return now > self.resumed_at + timeouts.READ_AGAIN or self.samples.caught_up(self.resumed_at)

    def _seeks_bypass(self, now: float) -> bool:
        """A cut that shows no effect in time will end the drill: have its most likely cause ready by then."""
        record = self.record
        asked = record.inject_requested_at
        late = asked is not None and record.outage_started_at is None and now > asked + FIND_BYPASS_AFTER
        if self._sought_leak or record.phase is not Phase.OUTAGE or not late:
            return False
        self._sought_leak = True
        return True

    # Saving

    def saved(self, now: float, *, gone: bool = False) -> Work:
        """Go on once the record is in the status: narrate what is new in it, then act.

        ``gone`` is whether there is no Drill any more. What was decided while it was thought to be there is not begun:
        no status would say how to undo it.
        """
        decided, self._saving = self._saving, None
        if decided is None:
            raise RuntimeError("internal error: no record was being saved; please report it")
        record = decided.record
        tell = tuple(line for line in record.timeline if line not in self._narrated)
        self.record = self._goes_on_from = record
        self._not_saving = Failing()
        self._narrated = frozenset(record.timeline)
        work = Work(now + LOOK_EVERY)
        if gone and not decided.deleted:
            work = Work(now)
        elif decided.commands is not None:
            work = self._act(record, decided.commands, now, awaited=decided.awaited)
        return replace(work, tell=tell) if tell else work

    def not_saved(self, now: float, after: float = 0.0) -> Work:
        """Rest, for ``after`` seconds at least: what could not be saved is not done, and decided anew."""
        self._saving = None
        self._rests_until = now + max(self._not_saving.pause(now), after)
        return Work(self._rests_until)

    def _save(self, plan: Plan, decided: _Decided, now: float) -> Work:
        self._saving, self._reverting_until = decided, None
        ends = decided.record.phase is Phase.FINISHED and self.record.phase is not Phase.FINISHED
        found = figures(plan, decided.record, self.samples or NOTHING) if ends else None
        return Work(now + LOOK_EVERY, save=Save(decided.record, found))

    # Acting

    def _revert(
        self, plan: Plan, record: DrillRecord, commands: tuple[Command, ...], now: float
    ) -> tuple[Command, ...]:
        """Revert at once: that waits for no record, and what could not be saved must not keep a cut in place.

        What a step changed is put back once the record says so: else it would seem that somebody else did it.
        """
        reverts = [command for command in commands if isinstance(command, Revert)]
        if not reverts:
            self._reverting_until = None
            return ()
        faults = {fault.name for fault in plan.outage.faults}
        urgent = [one for one in reverts if one.change.name in faults or one.change.before is None]
        started = tuple([one for one in urgent if self.queue.start(one, now)])
        if started:
            self._goes_on_from, self._reverting_until = record, now + REVERT_FIRST
        elif not any(map(self.queue.busy, urgent)):
            self._reverting_until = None
        return started

    def _act(self, record: DrillRecord, commands: tuple[Command, ...], now: float, *, awaited: bool) -> Work:
        """Start what may be started; a drill is over when nothing is left to start and nothing under way."""
        if commands:
            # What was decided before the record was saved may have been answered since.
            left = [one for one in commands if not self.outcomes.was_changed(one)]
            return Work(now + LOOK_EVERY, start=tuple([one for one in left if self.queue.start(one, now)]))
        return Work(now + LOOK_EVERY, over=record.phase is Phase.FINISHED and not self.queue and not awaited)

    def failing(self, command: Command, error: str) -> bool:
        """Have the engine hear of an error of a command that is still under way; whether it is a new one."""
        return self.queue.fail(command, error)

    def answered(
        self,
        command: Command,
        now: float,
        error: str = "",
        *,
        after: float = 0.0,
        rests: bool = True,
        answer: bool = True,
        refused: bool = False,
        changed: bool = False,
    ) -> None:
        """Take in the end of a command: done, or with an error.

        ``after`` is for how many seconds the API server asks to be left alone with it, ``answer`` whether there was
        one at all, ``refused`` whether it was that we may not, ``changed`` whether admission made something else of
        it. With ``rests`` off it may be given again at once.
        """
        if refused:
            self._refused.setdefault(key_of(command), now)
        else:
            self._refused.pop(key_of(command), None)
        self.queue.finish(command, now, error, rests=rests, after=after)
        if not error:
            self.outcomes.succeeded(command, now)
        elif not answer:
            self.outcomes.timed_out(command, now)
        elif changed:
            self.outcomes.changed(command, error)
