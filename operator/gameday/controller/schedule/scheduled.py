"""Drills as schedules see them: which of them belong to a GameDay, which slot made one, and which have ended."""

import re
from collections.abc import Iterator, Mapping

from gameday.api.drill import is_dry_run
from gameday.cluster.events import Subject
from gameday.cluster.resources import DRILLS, Object
from gameday.controller.store import Key
from gameday.model.labels import SLOT
from gameday.model.names import of_slot
from gameday.model.record import Phase
from gameday.model.schedule import Decision, Slot


class DrillIndex:
    """The Drills of each GameDay, found by their names: there may be thousands in all.

    ``drills`` are all that are known, kept up to date by others, who say of each that it has ``changed``.
    """

    def __init__(self, drills: Mapping[Key, Object]) -> None:
        self._drills = drills
        self._names: dict[Key, set[str]] = {}

    def changed(self, drill: Object) -> None:
        """Take note of a Drill that came, changed or went."""
        namespace, name = drill["metadata"]["namespace"], drill["metadata"]["name"]
        key = (namespace, drill["spec"].get("gameDay", ""))
        if (namespace, name) in self._drills:
            self._names.setdefault(key, set()).add(name)
            return
        names = self._names.get(key, set())
        names.discard(name)
        if not names:
            self._names.pop(key, None)

    def of(self, key: Key) -> Iterator[Object]:
        """The Drills of a GameDay."""
        drills = (self._drills.get((key[0], name)) for name in tuple(self._names.get(key, ())))
        yield from (drill for drill in drills if drill is not None and drill["spec"].get("gameDay") == key[1])

    def running(self, key: Key) -> list[str]:
        """The names of a GameDay's Drills that have not ended, but for dry runs."""
        return [drill["metadata"]["name"] for drill in self.of(key) if not over(drill) and not is_dry_run(drill)]

    def of_decision(self, gameday: Object, slot: Slot) -> Subject | None:
        """The Drill that a decision about a slot concerns: the slot's own, or the one that is in its way."""
        namespace, name = gameday["metadata"]["namespace"], gameday["metadata"]["name"]
        names = [of_slot(name, slot.at)]
        if slot.decision is Decision.STILL_RUNNING:
            names += self.running((namespace, name))
        drills = (self._drills.get((namespace, one)) for one in names)
        return next((Subject.of(DRILLS, drill) for drill in drills if drill is not None), None)


def slot_of(drill: Object) -> float | None:
    """The slot for which a schedule made a Drill, as a Unix second; None for those that people create."""
    label = (drill["metadata"].get("labels") or {}).get(SLOT, "")
    if (
        is_dry_run(drill)
        or not re.fullmatch(r"[0-9]{1,12}", label)
        or drill["metadata"]["name"] != of_slot(drill["spec"]["gameDay"], float(label))
    ):
        return None
    return float(label)


def over(drill: Object) -> bool:
    """Whether a drill has its verdict."""
    return bool(drill.get("status", {}).get("phase") == Phase.FINISHED.value)


def ended(drill: Object) -> bool:
    """Whether a drill has ended and holds nothing: only such a one may be deleted."""
    done = over(drill) and "finishedAt" in drill["status"] and not drill["status"].get("unreported")
    return done and not drill["metadata"].get("finalizers") and "deletionTimestamp" not in drill["metadata"]
