"""Enforces what drills of the whole cluster must not do at the same time.

``maxConcurrentDrills`` is the administrator's limit on concurrent drills. Of the drills that change one thing for
everybody, which they name by its address, only one may run.

A drill counts from before it locks its namespace until nothing of it is left. All drills of this process share one
event loop, so counting and acquiring without an ``await`` in between is atomic.
"""

from collections.abc import Iterable

from gameday.controller.store import Object, Store
from gameday.errors import Rejected
from gameday.model.record import Phase


class DrillConcurrencyLimit:
    """Counts the running drills: those of this process, and those whose status says that they started."""

    def __init__(self, store: Store, installation: str = "") -> None:
        self._store = store
        self._installation = installation
        self._held: dict[str, str] = {}
        self._addresses: dict[str, frozenset[str]] = {}

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

    def take(self, uid: str, addresses: Iterable[str]) -> str:
        """Take all of these addresses for a drill, or none: then why, as a message.

        Raises:
            Rejected: when it is not known yet what other drills have.

        """
        wanted = frozenset(addresses)
        if wanted and uid not in self._addresses:
            self._know()
            for other, held in self._addresses.items():
                if held & wanted:
                    text = f"drill {self._held.get(other, other)} already calls {min(held & wanted)}"
                    return f"{text}, and only one drill of the cluster may call it at a time"
        self._addresses[uid] = wanted
        return ""

    def hold(self, uid: str, name: str, addresses: Iterable[str] = ()) -> None:
        """Count a drill that was started by another process, and keep the addresses that it has."""
        self._held[uid] = name
        self._addresses[uid] = frozenset(addresses)

    def release(self, uid: str) -> None:
        """Stop counting a drill; does nothing if it is not counted."""
        self._held.pop(uid, None)
        self._addresses.pop(uid, None)

    def _know(self) -> None:
        """Raise Rejected until every drill that an earlier process began is taken up again."""
        if not self._store.listed:
            raise Rejected("the cluster's drills have not been listed yet, so it is not known what they change")
        begun = {
            f"{namespace}/{name}"
            for (namespace, name), drill in self._store.drills.items()
            # What another installation carries out is never taken up here.
            if _begun(drill) and drill["status"].get("operator") in {None, self._installation}
        }
        unknown = begun - {self._held.get(uid, "") for uid in self._addresses}
        if unknown:
            raise Rejected(
                f"the operator has not read drill {min(unknown)} again since its restart and does not "
                "know what that changes: this drill waits"
            )

    def _running(self) -> set[str]:
        begun = {f"{namespace}/{name}" for (namespace, name), d in self._store.drills.items() if _begun(d)}
        return begun | set(self._held.values())


def _begun(drill: Object) -> bool:
    status = drill.get("status", {})
    return bool(status.get("startedAt")) and status.get("phase") != Phase.FINISHED.value
