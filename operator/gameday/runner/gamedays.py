"""Whether a GameDay can run: its Ready condition, with every finding, and what its last drill found."""

from collections.abc import Callable
from typing import Any

from gameday.api.calendar import schedule_of
from gameday.api.parse import PlanInvalid, PlanTooBig, canonical, plan_of
from gameday.api.record import duration, timestamp
from gameday.cluster.client import Cluster
from gameday.cluster.kinds import GAMEDAYS, Object
from gameday.engine.calendar import check as check_schedule
from gameday.engine.plan_check import check, complete
from gameday.errors import Conflict
from gameday.model.plan import Plan
from gameday.model.record import Record


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
    return complete(plan), text, digest


def read_all(gameday: Object) -> tuple[Plan, str, str]:
    """The plan of a GameDay whose schedule is right too; see ``read``. A drill asks for the plan alone."""
    found: tuple[tuple[str, str], ...] = ()
    try:
        schedule = schedule_of(gameday["spec"])
        if schedule is not None:
            found = tuple((finding.path, finding.message) for finding in check_schedule(schedule))
    except PlanInvalid as error:
        found = error.findings
    try:
        plan = read(gameday)
    except PlanInvalid as error:
        raise PlanInvalid(tuple(dict.fromkeys((*error.findings, *found)))) from error
    if found:
        raise PlanInvalid(found)
    return plan


async def check_gameday(cluster: Cluster, gameday: Object, clock: Callable[[], float]) -> None:
    """Write the Ready condition of a GameDay's newest spec."""
    try:
        plan, _, _ = read_all(gameday)
    except (PlanInvalid, PlanTooBig) as error:
        ready = ("False", error.reason, str(error)[:1024])
    else:
        count = sum(len(e) for e in (plan.steady_state.expect, plan.outage.expect, plan.recovery.expect))
        how = "runs by its schedule" if "schedule" in gameday["spec"] else "create a Drill to run it"
        ready = ("True", "PlanValid", f"{len(plan.probes)} probes, {count} expectations; {how}")
    await update_status(
        cluster, gameday, {"observedGeneration": gameday["metadata"].get("generation", 1)}, ready, clock
    )


async def update_status(
    cluster: Cluster,
    gameday: Object,
    fields: dict[str, Any],
    ready: tuple[str, str, str] | None,
    clock: Callable[[], float],
) -> None:
    """Merge fields and the Ready condition into a GameDay's status; one that is gone needs none."""
    namespace, name = gameday["metadata"]["namespace"], gameday["metadata"]["name"]
    while True:
        newest = await cluster.get(GAMEDAYS, namespace, name)
        if newest is None or newest["metadata"]["uid"] != gameday["metadata"]["uid"]:
            return
        status = newest.get("status", {}) | fields
        if ready is not None:
            status["conditions"] = [_condition(newest, ready, clock)]
        if status == newest.get("status"):
            return
        try:
            await cluster.replace_status(GAMEDAYS, namespace, name, newest | {"status": status})
        except Conflict:
            continue
        return


def _condition(gameday: Object, ready: tuple[str, str, str], clock: Callable[[], float]) -> dict[str, Any]:
    state, reason, message = ready
    old = next((c for c in gameday.get("status", {}).get("conditions", ()) if c["type"] == "Ready"), None)
    since = old["lastTransitionTime"] if old is not None and old["status"] == state else timestamp(clock())
    return {
        "type": "Ready",
        "status": state,
        "reason": reason,
        "message": message,
        "lastTransitionTime": since,
        "observedGeneration": gameday["metadata"].get("generation", 1),
    }


def last_drill(drill: str, record: Record, figures: dict[str, float]) -> dict[str, Any]:
    """What a finished drill leaves in its GameDay's columns."""
    fields: dict[str, Any] = {"lastDrill": drill, "lastVerdict": record.verdict.value if record.verdict else ""}
    if record.finished_at is not None:
        fields["lastFinishedAt"] = timestamp(record.finished_at)
    for field, figure in (("lastDetect", "timeToDetect"), ("lastRecover", "timeToRecover")):
        fields[field] = duration(figures[figure]) if figure in figures else "-"
    return fields
