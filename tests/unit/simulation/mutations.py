"""Bugs put into the operator on purpose: each must break the promise that it is about, or the simulation sees nothing.

Each bug is one that somebody could write: a check left out, an order turned round, a state taken for another.
"""

import functools
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from gameday.actions.network_partition import policy
from gameday.actions.scale import kind as scaling
from gameday.api import conditions, lines, record
from gameday.cluster.informer import Informer
from gameday.cluster.lease import LeaderElector
from gameday.controller import store
from gameday.controller.drill import command_executor, persisted_drill
from gameday.controller.process import operator, status_conflicts, supervisor
from gameday.engine.drill import call_proof, next_commands, steps, stop_conditions, undo_commands, verdict, windows
from gameday.engine.drill import undo_log as changes
from gameday.engine.drill.commands import Apply, ReleaseLock, RemoveFinalizer, RemoveFuse, Revert, UpdateGameDay
from gameday.engine.drill.context import Context
from gameday.engine.drill.loop import DrillLoop
from gameday.engine.drill.phases import ending, finished, outage
from gameday.engine.evidence import proof, series
from gameday.model.change import Change, ChangeState, Presence
from gameday.model.observation import Life, Observation
from gameday.model.plan import Plan
from gameday.model.record import Closing, DrillRecord, Keeping, ResultState
from simulation.invariants import Rule
from simulation.observing import Workers
from simulation.scenario import DEFECTS, DRAWN, PAIRS, WAYS, Connections, Defect, Pairs, What


@dataclass(frozen=True, slots=True)
class Mutation:
    """A bug: which promise it breaks, what must go wrong for that to show, and in which simulation."""

    name: str
    breaks: frozenset[Rule]
    kinds: tuple[What, ...]
    bug: Callable[[], tuple[Any, ...]]
    """The patches that make it."""
    whole: bool = False
    defects: tuple[Defect, ...] = DEFECTS
    ways: tuple[Connections, ...] = WAYS
    pairs: tuple[Pairs, ...] = PAIRS

    def __str__(self) -> str:
        return f"{self.name}{', in the whole operator' if self.whole else ''}"

    @property
    def worlds(self) -> tuple[tuple[What, ...], tuple[Defect, ...], tuple[Connections, ...], tuple[Pairs, ...]]:
        """What the worlds are drawn from in which it must show."""
        return self.kinds, self.defects, self.ways, self.pairs

    @contextmanager
    def put_in(self) -> Iterator[Counter[str]]:
        """Have the bug in the code for a while; how often each function that it replaces was called meanwhile."""
        calls: Counter[str] = Counter()
        with ExitStack() as stack:
            for one in self.bug():
                if callable(one.new) or isinstance(one.new, property):
                    name = f"{one.getter().__name__}.{one.attribute}"
                    calls[name] = 0
                    one.new = _counted(one.new, name, calls)
                stack.enter_context(one)
            yield calls


def _counted(new: Any, name: str, calls: Counter[str]) -> Any:
    """The same function or property, counting its calls."""
    if isinstance(new, property):
        return property(_counted(new.fget, name, calls))

    @functools.wraps(new)
    def called(*args: Any, **more: Any) -> Any:
        calls[name] += 1
        return new(*args, **more)

    return called


MUTATIONS: list[Mutation] = []


def mutation(
    name: str,
    *breaks: Rule,
    kinds: tuple[What, ...] = (),
    whole: bool | None = False,
    defects: tuple[Defect, ...] = DEFECTS,
    ways: tuple[Connections, ...] = WAYS,
    pairs: tuple[Pairs, ...] = PAIRS,
) -> Callable[[Callable[[], tuple[Any, ...]]], Callable[[], tuple[Any, ...]]]:
    """List a bug; with ``whole`` None for both simulations."""

    def listed(bug: Callable[[], tuple[Any, ...]]) -> Callable[[], tuple[Any, ...]]:
        places = (False, True) if whole is None else (whole,)
        MUTATIONS.extend(
            Mutation(name, frozenset(breaks), kinds or DRAWN, bug, one, defects, ways, pairs) for one in places
        )
        return bug

    return listed


@mutation("a cut is made before its fuse burns", Rule.FUSED, kinds=(What.API_DOWN, What.DELAY))
def _() -> tuple[Any, ...]:
    original = outage._arm

    def impatient(ctx: Context) -> DrillRecord:
        armed = [
            replace(h, state=ChangeState.ARMED) if h.state is ChangeState.REGISTERED else h for h in ctx.record.changes
        ]
        return original(ctx.with_record(replace(ctx.record, changes=tuple(armed))))

    return (patch.object(outage, "_arm", impatient), patch.object(stop_conditions, "_touched", lambda *_: None))


@mutation(
    "after a restart a cut is made anew without asking the witnesses",
    Rule.ONCE,
    kinds=(What.CRASH, What.POLICY_DELETED, What.CRASH_AT_CALL),
)
def _() -> tuple[Any, ...]:
    original, make = outage._injecting, undo_commands._make

    def anew(ctx: Context) -> DrillRecord | None:
        record = ctx.record
        for change in changes.of_faults(record, ctx.plan):
            absent = ctx.observed.change(change.name).presence is Presence.ABSENT
            if change.state is ChangeState.ACTIVE and absent:
                record = record.with_change(replace(change, state=ChangeState.REQUESTED, requested_at=ctx.now))
        return record if record is not ctx.record else original(replace(ctx, observed=forgotten(ctx.observed)))

    def forgotten(observed: Observation) -> Observation:
        return replace(observed, made=frozenset())

    return (
        patch.object(outage, "_injecting", anew),
        patch.object(stop_conditions, "_touched", lambda *_: None),
        patch.object(undo_commands, "_make", lambda change, world: make(change, forgotten(world))),
    )


@mutation("a policy is owned by no fuse", Rule.IN_TIME, Rule.FUSED, kinds=(What.CRASH,), whole=True)
def _() -> tuple[Any, ...]:
    original = policy.build

    def unowned(*args: Any) -> Any:
        body = original(*args)
        drill_owner = [{"apiVersion": "gameday.dev/v1alpha1", "kind": "Drill", "name": args[0], "uid": "uid"}]
        return body | {"metadata": body["metadata"] | {"ownerReferences": drill_owner}}

    return (patch.object(policy, "build", unowned),)


def _all_known(record: DrillRecord) -> DrillRecord:
    """The record of a drill to which all that is unknown was met."""
    met = [replace(r, state=ResultState.MET) if r.state is ResultState.UNKNOWN else r for r in record.results]
    return replace(record, results=tuple(met))


@mutation("neither a doubt nor what is unknown counts", Rule.HONEST_PASS, kinds=(What.REDIS_DOWN, What.DEAF))
def _() -> tuple[Any, ...]:
    original = verdict.verdict_of

    def carefree(record: DrillRecord, plan: Plan) -> verdict.Judged:
        return original(replace(_all_known(record), doubts=()), plan)

    return (patch.object(ending, "verdict_of", carefree),)


@mutation("what is unknown counts as met", Rule.HONEST_PASS, kinds=(What.STOP, What.SKIP))
def _() -> tuple[Any, ...]:
    original = verdict.verdict_of

    def generous(record: DrillRecord, plan: Plan) -> verdict.Judged:
        return original(_all_known(record), plan)

    return (patch.object(ending, "verdict_of", generous),)


@mutation("a witness that gets through is no leak", Rule.HONEST_PASS, kinds=(What.DEAF,))
def _() -> tuple[Any, ...]:
    return (patch.object(proof.Proof, "bypass", lambda *_: None),)


@mutation(
    "a dependency that is down by itself is not seen", Rule.HONEST_FAIL, Rule.HONEST_PASS, kinds=(What.REDIS_DOWN,)
)
def _() -> tuple[Any, ...]:
    return (patch.object(proof.Proof, "control_down", lambda *_: None),)


@mutation(
    "a miss under a doubt is the system's", Rule.HONEST_FAIL, Rule.DECIDED, kinds=(What.REDIS_DOWN, What.NO_CLOSING)
)
def _() -> tuple[Any, ...]:
    original = verdict._misses

    def blaming(record: DrillRecord, plan: Plan, _: object) -> Any:
        return original(
            replace(record, closings=(Closing("partition", gone=True),), proven_at=record.proven_at or record.since),
            plan,
            (),
        )

    return (patch.object(verdict, "_misses", blaming),)


@mutation("lines that are missing are no gap", Rule.HONEST_FAIL, Rule.HONEST_PASS, kinds=(What.STOP, What.SKIP))
def _() -> tuple[Any, ...]:
    return (
        patch.object(series.Series, "gap", lambda *_: None),
        patch.object(series.Series, "patience", property(lambda _: float("inf"))),
    )


@mutation("a cut is not reverted before its end is certain", Rule.RESTORED, Rule.IN_TIME, Rule.ENDS)
def _() -> tuple[Any, ...]:
    original = next_commands._commands_for
    return (
        patch.object(
            next_commands, "_commands_for", lambda *args: (c for c in original(*args) if not isinstance(c, Revert))
        ),
    )


@mutation("an undo counts as done before the policy is gone", Rule.DECIDED)
def _() -> tuple[Any, ...]:
    def hasty(ctx: Context, change: Change) -> DrillRecord:
        return ctx.record.with_change(replace(change, undone_at=ctx.now, state=ChangeState.UNDONE))

    return (patch.object(changes, "_verify", hasty),)


@mutation("the finalizer is forgotten", Rule.RESTORED)
def _() -> tuple[Any, ...]:
    original = next_commands._commands_for
    return (
        patch.object(
            next_commands,
            "_commands_for",
            lambda *args: (c for c in original(*args) if not isinstance(c, RemoveFinalizer)),
        ),
    )


@mutation("the namespace's lock is forgotten", Rule.RESTORED)
def _() -> tuple[Any, ...]:
    original = next_commands._commands_for
    return (
        patch.object(
            next_commands, "_commands_for", lambda *args: (c for c in original(*args) if not isinstance(c, ReleaseLock))
        ),
    )


@mutation("the samples of a drill are forgotten", Rule.KEPT)
def _() -> tuple[Any, ...]:
    return (patch.object(finished, "_are_to_be_kept", lambda *_: False),)


@mutation("samples count as kept before they are written", Rule.KEPT)
def _() -> tuple[Any, ...]:
    def hasty(ctx: Context) -> DrillRecord:
        return replace(ctx.record, keeping=ctx.record.keeping or Keeping(kept=True))

    return (patch.object(finished, "_kept", hasty),)


@mutation("samples are kept before the logs are read again", Rule.KEPT, kinds=(What.CRASH_AT_CALL,), whole=True)
def _() -> tuple[Any, ...]:
    return (patch.object(DrillLoop, "_read_again", lambda *_: True),)


@mutation("agents go before their samples are kept", Rule.KEPT, kinds=(What.CRASH_AT_CALL,), whole=True)
def _() -> tuple[Any, ...]:
    original = finished._are_to_be_kept

    def late(plan: Plan | None, record: DrillRecord, observed: Observation) -> bool:
        return original(plan, record, observed) and all(life is Life.ABSENT for life in observed.agents.values())

    return (patch.object(finished, "_are_to_be_kept", late),)


@mutation("a drill ends while it still holds something", Rule.RESTORED, Rule.HONEST_PASS)
def _() -> tuple[Any, ...]:
    return (patch.object(DrillRecord, "holds_anything", property(lambda _: False)),)


@mutation(
    "a Drill that still holds our finalizer is left alone", Rule.RESTORED, kinds=(What.CRASH_AT_CALL,), whole=True
)
def _() -> tuple[Any, ...]:
    def unfinished(thing: Any) -> bool:
        return bool(thing.get("status", {}).get("phase") != "Finished") and "deletionTimestamp" not in thing["metadata"]

    return (patch.object(supervisor, "needs_runner", unfinished),)


@mutation(
    "a watch's events count in the order they come", Rule.RESTORED, Rule.ENDS, kinds=(What.WATCH_LATE,), whole=True
)
def _() -> tuple[Any, ...]:
    original = Informer._apply

    def unordered(self: Informer, kind: str, thing: Any) -> None:
        self._gone.clear()
        known = self.objects.get(thing["metadata"].get("name", ""))
        if known is not None:
            self.objects[thing["metadata"]["name"]] = known | {"metadata": known["metadata"] | {"resourceVersion": "0"}}
        original(self, kind, thing)

    return (patch.object(Informer, "_apply", unordered),)


@mutation("a fuse is removed while its scaling may still come", Rule.FUSED, kinds=(What.SCALE_LATE, What.ABORT))
def _() -> tuple[Any, ...]:
    return (patch("gameday.engine.drill.timeouts.LATE_REQUEST", 0.0),)


@mutation("a scaling is made on whatever version is there", Rule.FUSED, kinds=(What.SCALE_LATE,))
def _() -> tuple[Any, ...]:
    original = undo_commands._make

    def anyhow(change: Change, world: Any) -> Any:
        return (replace(one, version="") if isinstance(one, Apply) else one for one in original(change, world))

    return (patch.object(undo_commands, "_make", anyhow),)


@mutation(
    "a process that stood still goes on with what it was about to do",
    Rule.RESTORED,
    kinds=(What.FREEZE_AT_CALL,),
    whole=True,
)
def _() -> tuple[Any, ...]:
    return (patch.object(LeaderElector, "is_leading", lambda _: True),)


@mutation("a GameDay is written once the finalizer is off", Rule.SHOWN, kinds=(What.CRASH_AT_CALL,), whole=True)
def _() -> tuple[Any, ...]:
    original = supervisor.needs_runner

    def too_late(record: DrillRecord, observed: Observation) -> Any:
        if observed.finalizer:
            yield RemoveFinalizer()
        elif not record.reported:
            yield UpdateGameDay()

    def forgetful(thing: Any) -> bool:
        return original(thing | {"status": {k: v for k, v in thing.get("status", {}).items() if k != "unreported"}})

    return (patch.object(finished, "_report", too_late), patch.object(supervisor, "needs_runner", forgetful))


async def _as_it_is(_: object, drill: Any) -> Any:
    return drill


@mutation(
    "a drill is taken up again from what the watch told last", Rule.COUNTED, kinds=(What.WATCH_DROPS,), whole=True
)
def _() -> tuple[Any, ...]:
    return (
        patch.object(operator.Operator, "_newest", _as_it_is),
        patch.object(store.Store, "drill_written", lambda *_, **__: None),
        patch.object(status_conflicts.StatusConflicts, "ended", lambda *_: False),
    )


@mutation(
    "workers at zero lose their fuse in place of being put back",
    Rule.RESTORED,
    Rule.IN_TIME,
    defects=(Defect.STUCK, Defect.LOST),
)
def _() -> tuple[Any, ...]:
    original = undo_commands._unmake

    def half(change: Change, world: Any) -> Any:
        unfused = (RemoveFuse(change),)
        return iter(unfused) if change.before is not None and change.undone_at is None else original(change, world)

    return (patch.object(undo_commands, "_unmake", half),)


@mutation("nobody looks at what a step scaled any more", Rule.AT_ITS_NUMBER, kinds=(What.OWNED,))
def _() -> tuple[Any, ...]:
    return (patch.object(steps, "taken_over", lambda *_: ""),)


@mutation(
    "neither engine nor executor looks at what a step scaled", Rule.AT_ITS_NUMBER, kinds=(What.OWNED,), whole=True
)
def _() -> tuple[Any, ...]:
    return tuple(patch.object(module, "taken_over", lambda *_: "") for module in (steps, command_executor))


@mutation("pods that are ending count as gone", Rule.AT_ITS_NUMBER)
def _() -> tuple[Any, ...]:
    return (patch.object(Workers, "left", property(lambda workers: max(workers.pods, 0))),)


@mutation("pods that are ending count as gone", Rule.AT_ITS_NUMBER, whole=True)
def _() -> tuple[Any, ...]:
    return (patch.object(scaling, "seen_left", lambda *_: 0),)


@mutation("a window is judged the moment it ends", Rule.DECIDED)
def _() -> tuple[Any, ...]:
    return (patch("gameday.engine.drill.timeouts.GRACE", 0.0),)


@mutation("a figure is longer than a status takes", Rule.FITS, Rule.ENDS, whole=True)
def _() -> tuple[Any, ...]:
    return (patch.object(persisted_drill, "measured", lambda _: {"timeToDetect": "1 " + "x" * 1000}),)


@mutation("what the API server says is written as long as it is", Rule.FITS, kinds=(What.RIGHTS_GONE,), whole=True)
def _() -> tuple[Any, ...]:
    def whole(text: str, _: int) -> str:
        return text

    return tuple(patch.object(module, "cut", whole) for module in (lines, record, conditions))


__all__ = ["MUTATIONS", "Mutation", "mutation"]


@mutation("the operator's clock is right whatever samples say", Rule.HONEST_FAIL, kinds=(What.CLOCK_STEP,))
def _() -> tuple[Any, ...]:
    return (patch.object(windows, "_skew", lambda ctx, **_: ctx.observed.skew),)


@mutation(
    "a call back is believed that may have come first",
    Rule.RESTORED,
    Rule.IN_TIME,
    kinds=(What.AGENT_DIES,),
    whole=True,
)
def _() -> tuple[Any, ...]:
    return (patch.object(call_proof.CallProof, "_came_last", lambda *_: True),)
