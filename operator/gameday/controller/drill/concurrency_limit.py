"""Whose turn it is where the administrator allows only so many drills at once.

A drill has its turn from before it takes its namespace until nothing of it is left. All of this process's drills share
one loop, so what is counted and taken without an await between is one act.
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
        """Take a turn for a drill, unless ``most`` others have one: their names, none when it was taken.

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
        """Note that a drill which began under another process has its turn."""
        self._held[uid] = name

    def release(self, uid: str) -> None:
        """End a drill's turn; not having one is fine."""
        self._held.pop(uid, None)

    def _running(self) -> set[str]:
        begun = {f"{namespace}/{name}" for (namespace, name), d in self._store.drills.items() if _begun(d)}
        return begun | set(self._held.values())


def _begun(drill: Object) -> bool:
    status = drill.get("status", {})
    return bool(status.get("startedAt")) and status.get("phase") != Phase.FINISHED.value
