"""Plans held against the administrator's limits: each excess names the limit, its value and the plan's."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from gameday.engine.drill import timeouts
from gameday.model.hours import DAYS
from gameday.model.limits import BlastRadius, Limits
from gameday.model.plan import Plan, Stage

ASK = "ask the administrator"
USUAL_WAIT: Final = 30.0
"""Seconds for which samples may be waited for at the end of an outage without being counted."""


def of_plan(limits: Limits, plan: Plan) -> tuple[str, ...]:
    """What exceeds the limits whenever and wherever the plan runs."""
    return tuple(_of_plan(limits, plan))


def _of_plan(limits: Limits, plan: Plan) -> Iterator[str]:
    if limits.max_outage is not None:
        yield from _too_long(limits.max_outage, plan)
    kinds = {action.KIND: name for name, action in reversed(plan.actions()) if action.reaches}
    for kind, name in sorted(kinds.items()):
        if kind not in limits.allowed_faults:
            text = (
                f"{name} is of kind {kind}, which changes things for everybody, and limits.allowedFaults "
                f"does not name {kind}"
            )
            yield f"{text}: {ASK}"


def longest_outage(plan: Plan) -> float:
    """Seconds for which faults may stand: the planned time, and what may take longer than usual before and after it.

    Faults are proven one after another, so that earlier ones stand while the effect of a later one is waited for. All
    stand while the samples that were sent after the end of the outage are waited for.
    """
    return plan.outage.duration + sum(wait for _, _, wait in _waits(plan))


def _too_long(most: float, plan: Plan) -> Iterator[str]:
    lasts, text = plan.outage.duration, f"limits.maxOutage is {length(most)}, but"
    added = [f"{path} ({what}) adds {length(wait)}" for path, what, wait in _waits(plan)]
    if added and longest_outage(plan) > most:
        parts = " and ".join((f"spec.outage.duration is {length(lasts)}", *added))
        stands = f"the faults may stand for {length(longest_outage(plan))}, since {parts}"
        yield f"{text} {stands}: shorten one of these or {ASK}"
    elif lasts > most:
        yield f"{text} spec.outage.duration is {length(lasts)}: shorten the outage or {ASK}"
    for first in plan.outage.faults[:1]:
        patience = timeouts.proven_within(first.action)
        # A person acts at some moment of the time that is given, a call is made when that time begins.
        if first.action.OUTSIDE and patience > most:
            path = f"spec.outage.faults[{first.name}].{first.action.KIND}"
            stands = f"what {path} does may stand unseen for its within of {length(patience)}"
            yield f"{text} {stands}: shorten it or {ASK}"


def _waits(plan: Plan) -> Iterator[tuple[str, str, float]]:
    """What may take longer than usual: the field that says so, how long it may take, and how much longer that is."""
    for number, fault in enumerate(plan.outage.faults):
        most = timeouts.proven_within(fault.action)
        # As the first fault, what a person or a platform does begins the outage at some moment of that time.
        begins = number == 0 and (fault.action.OUTSIDE or fault.action.BY_HAND)
        if most > timeouts.PROVE and not begins:
            path = f"spec.outage.faults[{fault.name}].{fault.action.KIND}"
            given = fault.action.patience is not None
            field, what = (f"{path}.within", length(most)) if given else (path, f"{length(most)} to be proven")
            yield field, what, most - timeouts.PROVE
    slow, trails = timeouts.slowest_probe(plan, Stage.OUTAGE), timeouts.grace(plan, Stage.OUTAGE)
    if slow is not None and trails > USUAL_WAIT:
        field = "interval" if slow.every >= slow.timeout else "timeout"
        yield f"spec.probes[{slow.name}].{field}", length(slow.interval), trails - USUAL_WAIT


def of_moment(limits: Limits, now: float) -> tuple[str, ...]:
    """What exceeds the limits at this moment."""
    if not limits.when or any(hours.cover(now) for hours in limits.when):
        return ()
    allowed = ", ".join(hours.text for hours in limits.when)
    zone = limits.when[0].zone
    here = datetime.fromtimestamp(now, ZoneInfo(zone))
    text = f"limits.when allows {allowed}, and it is {DAYS[here.weekday()]} {here:%H:%M} {zone}"
    return (f"{text}: start the drill within these hours or {ASK}",)


def of_reach(limits: Limits, radius: BlastRadius) -> tuple[str, ...]:
    """What exceeds the limits in the namespace as it is."""
    return tuple(_of_reach(limits, radius))


def refusals(limits: Limits, plan: Plan, radius: BlastRadius, now: float) -> tuple[str, ...]:
    """All that exceeds the limits."""
    return (*of_plan(limits, plan), *of_reach(limits, radius), *of_moment(limits, now))


def length(seconds: float) -> str:
    """A length of time as plans write it: ``5m``, ``1h30m``, ``90s`` as ``1m30s``."""
    whole = round(seconds)
    parts = ((whole // 3600, "h"), (whole % 3600 // 60, "m"), (whole % 60, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count) or "0s"


def select(paths: Sequence[str]) -> str:
    """Fields that select the same or different pods of one workload, with their verb."""
    return f"{', '.join(paths)} {'selects' if len(paths) == 1 else 'together select'}"


def _of_reach(limits: Limits, radius: BlastRadius) -> Iterator[str]:
    pods = sum(radius.pods.values())
    if limits.max_pods is not None and pods > limits.max_pods:
        where = ", ".join(radius.pods)
        yield f"limits.maxPods is {limits.max_pods}, but {where} selects {pods}: select fewer or {ASK}"
    for paths, impact in radius.workloads:
        most = limits.max_workload_percent
        if most is not None and 100 * impact.cut > most * impact.ready:
            percent = 100 * impact.cut / impact.ready
            part = f"{impact.cut} of {impact.ready} ready pods of {impact.workload} ({percent:.0f}%)"
            yield f"limits.maxWorkloadPercent is {most}, but {select(paths)} {part}: select fewer or {ASK}"
