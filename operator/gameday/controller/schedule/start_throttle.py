"""Limits how many scheduled drills start at once: a thousand may be due in the same minute.

A starting drill reads its whole namespace, and shares the operator's request rate with drills that are undoing. So only
a few scheduled drills start at a time, one per namespace, after the schedules have decided what is due. Drills that
people create, and all drills that have started, are never delayed here.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from gameday.api.drill import start_before
from gameday.controller.store import Key, Object
from gameday.model.labels import SLOT
from gameday.model.record import Phase

MOST_STARTING: Final = 20
"""Most drills in the phases before their steady state at which another scheduled one may enter."""
STARTS_FOR: Final = 60.0
"""Seconds for which such a drill counts. One that takes longer waits, for its GameDay or a lock: that is no load."""
LAST_CALL: Final = 5.0
"""Seconds before its ``startBefore`` at which a drill enters in any case: it then says what kept it waiting."""
STARTING_PHASES: Final = frozenset({"", Phase.PENDING.value, Phase.PREFLIGHT.value})


class StartThrottle:
    """One look at what runs, from which any number of drills are admitted."""

    def __init__(
        self, now: float, deciding: bool, running: Iterable[tuple[Key, float]], drills: Mapping[Key, Object]
    ) -> None:
        """``deciding`` is whether slots are being decided.

        ``running`` names the drills that this process runs, and says since when, as a Unix second.
        """
        self._now = now
        self._deciding = deciding
        started = dict(running)
        self._namespaces = {namespace for namespace, _ in started}
        young = [key for key, since in started.items() if now < since + STARTS_FOR]
        self._beginning = sum(1 for key in young if phase_of(drills.get(key, {})) in STARTING_PHASES)

    def admits(self, drill: Object) -> bool:
        """Whether a drill may begin; one that may is counted from here on."""
        if SLOT not in (drill["metadata"].get("labels") or {}) or phase_of(drill):
            return True
        namespace = drill["metadata"]["namespace"]
        full = namespace in self._namespaces or self._beginning >= MOST_STARTING
        if self._deciding or (full and self._now < start_before(drill) - LAST_CALL):
            return False
        self._namespaces.add(namespace)
        self._beginning += 1
        return True


def phase_of(drill: Object) -> str:
    """A Drill's phase, empty before it has one."""
    return str(drill.get("status", {}).get("phase", ""))
