"""Whether a GameDay can run: its Ready condition, with every finding, and what its last drill found."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gameday.api.checks import check
from gameday.api.notifications import check_notifications
from gameday.api.parse import PlanTooBig, canonical, plan_of
from gameday.api.record import duration, shown_moment, timestamp
from gameday.api.schedule_state import schedule_of
from gameday.cluster.client import Cluster
from gameday.cluster.resources import GAMEDAYS, Object
from gameday.controller.backoff import Backoff
from gameday.controller.gameday.largest import check_size
from gameday.engine.drill import limits
from gameday.engine.schedule.schedule_state import check as check_schedule
from gameday.engine.validate.plan import complete
from gameday.errors import Conflict, NotFound, PlanInvalid
from gameday.model.halt import Halt
from gameday.model.limits import LimitsState, LimitsValidity
from gameday.model.plan import Plan
from gameday.model.record import DrillRecord, Reason
from gameday.model.words import counted
from gameday.schema.bounds import MESSAGE, WORD, cut


def read(gameday: Object) -> tuple[Plan, str, str]:
    """The plan of a GameDay with its canonical text and digest.

    Raises:
        PlanInvalid: with every finding.
        PlanTooBig: when it does not fit into a drill.

    """
    return read_spec(gameday["metadata"]["name"], gameday["spec"])


def read_spec(name: str, spec: dict[str, Any]) -> tuple[Plan, str, str]:
    """The plan of a spec; see ``read``."""
    plan = plan_of(name, spec)
    if findings := check(plan):
        raise PlanInvalid(tuple((finding.path, finding.message) for finding in findings))
    text, digest = canonical(spec)
    plan = complete(plan)
    check_size(plan)
    return plan, text, digest


Condition = tuple[str, str, str, str]
"""Type, status, reason and message."""


def read_all(gameday: Object) -> tuple[Plan, str, str]:
    """The plan of a GameDay whose schedule and notifications are right too. A drill needs the plan alone: ``read``."""
    found: tuple[tuple[str, str], ...] = ()
    try:
        schedule = schedule_of(gameday["spec"])
        if schedule is not None:
            found = tuple((finding.path, finding.message) for finding in check_schedule(schedule))
        found += tuple((finding.path, finding.message) for finding in check_notifications(gameday["spec"]))
    except PlanInvalid as error:
        found = error.findings
    try:
        plan = read(gameday)
    except PlanInvalid as error:
        raise PlanInvalid(tuple(dict.fromkeys((*error.findings, *found)))) from error
    if found:
        raise PlanInvalid(found)
    return plan


async def check_gameday(
    cluster: Cluster, gameday: Object, halt: Halt, limits_state: LimitsState, clock: Callable[[], float]
) -> None:
    """Write the conditions of a GameDay, of its newest spec; see ``readiness``. Halted: no drill of it would begin."""
    halted = (("Halted", "True", Reason.HALTED.value, str(halt)),) if halt.halted else ()
    fields = {"observedGeneration": gameday["metadata"].get("generation", 1)}
    await update_status(cluster, gameday, fields, (*readiness(gameday, limits_state), *halted), clock)


def readiness(gameday: Object, limits_state: LimitsState) -> tuple[Condition, ...]:
    """Whether a GameDay can run, as kstatus has it.

    One whose plan is refused is Stalled: somebody must change it. One that waits for the administrator to mend the
    limits is Reconciling, because it is checked again by itself.
    """
    try:
        plan, _, _ = read_all(gameday)
    except (PlanInvalid, PlanTooBig) as error:
        return _refused("Stalled", error.reason, str(error))
    if limits_state.state is LimitsValidity.INVALID:
        return _refused("Reconciling", Reason.LIMITS_INVALID.value, limits_state.why)
    if exceeded := limits.of_plan(limits_state.limits, plan):
        return _refused("Stalled", Reason.LIMIT_EXCEEDED.value, "; ".join(exceeded))
    count = sum(len(e) for e in (plan.steady_state.expect, plan.outage.expect, plan.recovery.expect))
    how = "runs by its schedule" if "schedule" in gameday["spec"] else "create a Drill to run it"
    what = f"{counted(len(plan.probes), 'probe')}, {counted(count, 'expectation')}"
    return (("Ready", "True", "PlanValid", f"{what}; {how}"),)


def _refused(state: str, reason: str, why: str) -> tuple[Condition, ...]:
    return (("Ready", "False", reason, why), (state, "True", reason, why))


async def update_status(
    cluster: Cluster,
    gameday: Object,
    fields: dict[str, Any],
    conditions: tuple[Condition, ...] | None,
    clock: Callable[[], float],
) -> None:
    """Merge fields into a GameDay's status and, where given, set its conditions; one that is gone needs none.

    Raises:
        GameDayError: when the GameDay cannot be read or written now, or others go on changing it.

    """
    namespace, name = gameday["metadata"]["namespace"], gameday["metadata"]["name"]
    backoff = Backoff()
    while True:
        newest = await cluster.get(GAMEDAYS, namespace, name)
        if newest is None or newest["metadata"]["uid"] != gameday["metadata"]["uid"]:
            return
        status = newest.get("status", {}) | fields
        if conditions is not None:
            status["conditions"] = [_condition(newest, condition, clock) for condition in conditions]
        if status == newest.get("status"):
            return
        try:
            await cluster.replace_status(GAMEDAYS, namespace, name, newest | {"status": status})
        except Conflict as error:
            await backoff.wait(error)
            continue
        return


def _condition(gameday: Object, condition: Condition, clock: Callable[[], float]) -> dict[str, Any]:
    kind, state, reason, message = condition
    old = next((c for c in gameday.get("status", {}).get("conditions", ()) if c["type"] == kind), None)
    since = old["lastTransitionTime"] if old is not None and old["status"] == state else timestamp(clock())
    return {
        "type": kind,
        "status": state,
        "reason": reason,
        "message": cut(message, MESSAGE),
        "lastTransitionTime": since,
        "observedGeneration": gameday["metadata"].get("generation", 1),
    }


def last_drill(drill: str, record: DrillRecord, measurements: Iterable[Mapping[str, str | float]]) -> dict[str, Any]:
    """What a finished drill leaves in its GameDay's columns."""
    figures = {measurement["name"]: float(measurement["value"]) for measurement in measurements}
    verdict = record.verdict.value if record.verdict else ""
    fields: dict[str, Any] = {"lastDrill": drill, "lastVerdict": verdict, "lastReason": cut(record.reason, WORD)}
    if record.finished_at is not None:
        fields["lastFinishedAt"] = timestamp(record.finished_at)
    for field, figure in (("lastDetect", "timeToDetect"), ("lastRecover", "timeToRecover")):
        fields[field] = duration(figures[figure]) if figure in figures else "-"
    return fields


async def show_last_drill(cluster: Cluster, namespace: str, name: str, fields: Mapping[str, Any]) -> bool:
    """Show a finished drill in its GameDay, unless a newer one stands there; whether it stands there now.

    A GameDay that is gone shows nothing.

    Raises:
        GameDayError: when the GameDay cannot be read or written now, or others go on changing it.

    """
    backoff = Backoff()
    while (newest := await cluster.get(GAMEDAYS, namespace, name)) is not None:
        status = newest.get("status", {})
        if _age(status) > _age(fields):
            return False
        if status | fields == status:
            return True
        try:
            await cluster.replace_status(GAMEDAYS, namespace, name, newest | {"status": status | fields})
        except (NotFound, Conflict) as error:
            await backoff.wait(error)
            continue
        return True
    return False


def _age(fields: Mapping[str, Any]) -> tuple[float, str]:
    """Orders the last drills of a GameDay: by when they finished, and by name where that is equal."""
    return shown_moment(fields["lastFinishedAt"]) if "lastFinishedAt" in fields else 0.0, fields.get("lastDrill", "")
