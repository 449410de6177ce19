"""Enforces ``maxConcurrentDrills``, the administrator's limit on concurrent drills in the cluster.

A drill counts from before it locks its namespace until nothing of it is left. All drills of this process share one
event loop, so counting and acquiring without an ``await`` in between is atomic.
"""

from gameday.controller.store import Object, Store
from gameday.errors import Rejected
from gameday.model.record import Phase


class DrillConcurrencyLimit:
    """Counts the running drills: those of this process, and those whose status says that they started."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: dict[str, str] = {}

    def acquire(self, uid: str, name: str, most: int | None) -> tuple[str, ...]:
        """Let a drill run unless ``most`` others run; the names of these, or () if the drill may run.

        Raises:
            Rejected: when there is a limit and it is not known yet how many run.

        """
        if most is not None and uid not in self._held:
            if not self._store.listed:
                raise Rejected("the cluster's drills have not been listed yet, so it is not known how many run")
            others = self._running() - {name}
            if len(others) >= most:
                return tuple(sorted(others))
        self._held[uid] = name
        return ()

    def hold(self, uid: str, name: str) -> None:
        """Count a drill that was started by another process."""
        self._held[uid] = name

    def release(self, uid: str) -> None:
        """Stop counting a drill; does nothing if it is not counted."""
        self._held.pop(uid, None)

    def _running(self) -> set[str]:
        begun = {f"{namespace}/{name}" for (namespace, name), d in self._store.drills.items() if _begun(d)}
        return begun | set(self._held.values())


def _begun(drill: Object) -> bool:
    status = drill.get("status", {})
    return bool(status.get("startedAt")) and status.get("phase") != Phase.FINISHED.value
