"""Plans held against the limits of the operator's owner: each excess names the limit, its value and the plan's."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from gameday.model.limits import Hours, Limits, Reach
from gameday.model.plan import Plan

ASK = "ask the operator's owner"


def of_plan(limits: Limits, plan: Plan) -> tuple[str, ...]:
    """What exceeds the limits whenever and wherever the plan runs."""
    most, lasts = limits.longest_outage, plan.outage.duration
    if most is None or lasts <= most:
        return ()
    text = f"limits.longestOutage is {length(most)}, spec.outage.duration is {length(lasts)}"
    return (f"{text}: shorten the outage or {ASK}",)


def of_moment(limits: Limits, now: float) -> tuple[str, ...]:
    """What exceeds the limits at this moment."""
    if not limits.allowed_hours or any(within(hours, now) for hours in limits.allowed_hours):
        return ()
    allowed = ", ".join(hours.text for hours in limits.allowed_hours)
    zone = limits.allowed_hours[0].zone
    here = datetime.fromtimestamp(now, ZoneInfo(zone))
    text = f"limits.allowedHours is {allowed}, now is {_day(here.weekday())} {here:%H:%M} {zone}"
    return (f"{text}: start the drill within these hours or {ASK}",)


def of_reach(limits: Limits, reach: Reach) -> tuple[str, ...]:
    """What exceeds the limits in the namespace as it is."""
    return tuple(_of_reach(limits, reach))


def refusals(limits: Limits, plan: Plan, reach: Reach, now: float) -> tuple[str, ...]:
    """All that exceeds the limits."""
    return (*of_plan(limits, plan), *of_reach(limits, reach), *of_moment(limits, now))


def within(hours: Hours, now: float) -> bool:
    """Whether a moment lies in these hours, on the clocks of their zone."""
    here = datetime.fromtimestamp(now, ZoneInfo(hours.zone))
    today, minute = here.weekday(), 60 * here.hour + here.minute
    if hours.begins < hours.ends:
        return today in hours.days and hours.begins <= minute < hours.ends
    begun_yesterday = (today - 1) % 7 in hours.days and minute < hours.ends
    return begun_yesterday or (today in hours.days and minute >= hours.begins)


def length(seconds: float) -> str:
    """A length of time as plans write it: ``5m``, ``1h30m``, ``90s`` as ``1m30s``."""
    whole = round(seconds)
    parts = ((whole // 3600, "h"), (whole % 3600 // 60, "m"), (whole % 60, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count) or "0s"


def _of_reach(limits: Limits, reach: Reach) -> Iterator[str]:
    pods = sum(reach.pods.values())
    if limits.most_pods is not None and pods > limits.most_pods:
        where = ", ".join(_selector(fault) for fault in reach.pods)
        yield f"limits.mostPods is {limits.most_pods}, {where} selects {pods}: select fewer or {ASK}"
    for fault, share in reach.shares:
        most = limits.largest_share
        if most is not None and 100 * share.cut > most * share.ready:
            part = f"{share.cut} of {share.ready} ready pods of {share.workload} ({100 * share.cut / share.ready:.0f}%)"
            yield f"limits.largestShare is {most}%, {_selector(fault)} selects {part}: select fewer or {ASK}"


def _selector(fault: str) -> str:
    return f"spec.outage.faults[{fault}].networkPartition.podSelector"


def _day(number: int) -> str:
    return ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[number]
