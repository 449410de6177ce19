"""``gameday next``: when GameDays run by their schedules, each in its own time zone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gameday.api.record import duration, timestamp
from gameday.api.schedule_state import schedule_of
from gameday.cli.asking import NotDone
from gameday.cluster.client import Cluster
from gameday.cluster.resources import GAMEDAYS, Object
from gameday.engine.schedule.schedule_state import check, local
from gameday.engine.schedule.slots import next_runs
from gameday.errors import PlanInvalid


@dataclass(frozen=True, slots=True)
class Run:
    """A run to come, or why a GameDay has none; ``at`` is a Unix second."""

    namespace: str
    name: str
    at: float | None
    zone: str = ""
    note: str = ""

    @property
    def local(self) -> str:
        """The time in the schedule's zone."""
        return local(self.at, self.zone) if self.at is not None else "-"

    def away(self, now: float) -> str:
        """How long it is until then, in two units."""
        return about(self.at - now) if self.at is not None else "-"

    def plain(self) -> dict[str, str]:
        """As programs read it."""
        found = {"namespace": self.namespace, "name": self.name}
        if self.at is not None:
            found |= {"at": timestamp(self.at), "local": self.local, "timeZone": self.zone}
        return found | ({"note": self.note} if self.note else {})


async def runs(cluster: Cluster, namespace: str | None, name: str, most: int, now: float) -> list[Run]:
    """The next runs of all GameDays with a schedule, or of one, soonest first; None is every namespace.

    Raises:
        GameDayError: when they cannot be read, or there is none of that name.

    """
    if name and namespace is not None:
        one = await cluster.get(GAMEDAYS, namespace, name)
        if one is None:
            raise NotDone(f"there is no GameDay {name} in namespace {namespace}")
        found: Iterable[Object] = [one]
    else:
        found, _ = await cluster.list(GAMEDAYS, namespace)
    every = [run for gameday in found for run in runs_of(gameday, most, now) if name or "schedule" in gameday["spec"]]
    return sorted(every, key=lambda run: (run.at is None, run.at or 0.0, run.namespace, run.name))


def runs_of(gameday: Object, most: int, now: float) -> Iterator[Run]:
    """The next runs of one GameDay, or one entry that says why there is none."""
    namespace, name = gameday["metadata"]["namespace"], gameday["metadata"]["name"]
    try:
        schedule = schedule_of(gameday["spec"])
        wrong = "; ".join(f"{finding.path}: {finding.message}" for finding in check(schedule)) if schedule else ""
    except PlanInvalid as error:
        schedule, wrong = None, str(error)
    if wrong:
        yield Run(namespace, name, None, note=f"the schedule is refused: {wrong}")
    elif schedule is None:
        yield Run(namespace, name, None, note="no schedule: `gameday run` starts a drill")
    elif schedule.suspend:
        yield Run(namespace, name, None, note="suspended")
    else:
        found = next_runs(schedule, now, most)
        note = _note(gameday)
        yield from (Run(namespace, name, at, schedule.zone, note) for at in found)
        if not found:
            yield Run(namespace, name, None, note="every coming time is in a blackout")


def _note(gameday: Object) -> str:
    """What would keep the next run from being a drill, as the operator saw it last."""
    conditions = {c["type"]: c for c in gameday.get("status", {}).get("conditions", ())}
    if not conditions:
        return "no operator has seen it yet"
    if conditions.get("Halted", {}).get("status") == "True":
        return "halted: it does not run before `gameday resume`"
    ready = conditions.get("Ready", {})
    return (
        f"not ready ({ready.get('reason', '')}): its drill would test nothing; see the condition Ready "
        "in `kubectl describe gameday`"
        if ready["status"] != "True"
        else ""
    )


def about(seconds: float) -> str:
    """A length of time in the two largest units that it has: ``6d23h``, ``4m12s``."""
    if seconds < 60:
        return duration(max(0.0, seconds)).split(".")[0].rstrip("s") + "s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d{hours}h"
    return f"{hours}h{minutes}m" if hours else f"{minutes}m{rest}s"
