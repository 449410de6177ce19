"""Leases: one process acts for the cluster, one drill for a namespace."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from gameday.cluster.client import Cluster
from gameday.cluster.resources import DRILLS, LEASES, Object
from gameday.errors import AlreadyExists, Conflict, GameDayError, NotFound

LEASE_SECONDS: Final = 8
"""How long a silent leader is believed; with the renewals it makes a take-over within 10 s of a kill."""
RENEW_EVERY: Final = 2.0
SEEK_EVERY: Final = 0.5
"""Seconds between two looks of one that waits: a renewal is seen so late, and so is its end."""
GIVE_UP_AFTER: Final = 6.0
"""Seconds without a renewal after which a leader stops: before anybody else may begin."""


class LeaseLost(Exception):
    """The Lease is somebody else's: this process may not act any more."""


def is_fresh(renewed: float, now: float) -> bool:
    """Whether a leader may still act that renewed its Lease at ``renewed``, on a clock that does not jump."""
    return now - renewed <= GIVE_UP_AFTER


class LeaderElector:
    """Seeks the operator's Lease, keeps it, and says when it is lost."""

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        name: str,
        identity: str,
        wall: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.name = name
        self.identity = identity
        self._wall = wall
        self._monotonic = monotonic
        self._observed: tuple[str, float] | None = None
        self._renewed = float("-inf")
        self._version = ""
        """The Lease's resourceVersion as we wrote it last."""

    def is_leading(self) -> bool:
        """Whether the Lease was renewed so recently that no other process can hold it."""
        return is_fresh(self._renewed, self._monotonic())

    async def acquire(self) -> None:
        """Return once this process holds the Lease."""
        while not await self._try():  # noqa: ASYNC110  a Lease expires without an event
            await asyncio.sleep(SEEK_EVERY)

    async def renew(self) -> None:
        """Renew until the Lease is lost.

        Raises:
            LeaseLost: when somebody else holds it, or it could not be renewed in time.

        """
        while True:
            await asyncio.sleep(RENEW_EVERY)
            held = await self._try()
            if not held and self._taken:
                raise LeaseLost(f"lease {self.name} is held by another process")
            if not self.is_leading():
                raise LeaseLost(f"lease {self.name} was not renewed for {GIVE_UP_AFTER:.0f} s")

    async def confirm(self) -> None:
        """Return once the Lease was read and is this process's.

        Raises:
            LeaseLost: when somebody else holds it, or the API server did not say before it may be lost.

        """
        while self.is_leading():
            try:
                lease = await self.cluster.get(LEASES, self.namespace, self.name)
            except GameDayError:
                await asyncio.sleep(SEEK_EVERY)
                continue
            if lease is not None and lease["spec"].get("holderIdentity") == self.identity:
                return
            break
        raise LeaseLost(f"lease {self.name} is not held by this process any more")

    async def release(self) -> None:
        """Give the Lease up, so that another process need not wait for it to expire.

        Raises:
            GameDayError: when the API server does not take it; the Lease expires then.

        """
        lease = await self.cluster.get(LEASES, self.namespace, self.name)
        if lease is not None and lease["spec"].get("holderIdentity") == self.identity:
            lease["spec"]["holderIdentity"] = ""
            await self.cluster.replace(LEASES, self.namespace, self.name, lease)

    _taken = False

    async def _try(self) -> bool:
        try:
            async with asyncio.timeout(RENEW_EVERY * 2):
                return await self._take_over()
        except (GameDayError, TimeoutError):
            return False

    async def _take_over(self) -> bool:
        began = self._monotonic()
        lease = await self.cluster.get(LEASES, self.namespace, self.name)
        version = lease["metadata"]["resourceVersion"] if lease is not None else None
        if self._version not in {"", version} and not self.is_leading():
            # We stood still for a while, and another one may have held it meanwhile and given it back.
            self._taken = True
            return False
        if lease is None:
            body = _lease(self.namespace, self.name, self._spec(None))
            written = await self.cluster.create(LEASES, self.namespace, body)
        else:
            if not self._may_take(lease):
                return False
            lease["spec"] = self._spec(lease["spec"])
            written = await self.cluster.replace(LEASES, self.namespace, self.name, lease)
        self._renewed, self._version = began, written["metadata"]["resourceVersion"]
        return True

    def _may_take(self, lease: Object) -> bool:
        """Whether this process may take the Lease: it has it, no process has it, or the holder is silent too long."""
        holder, version = lease["spec"].get("holderIdentity"), lease["metadata"]["resourceVersion"]
        if holder in {self.identity, "", None}:
            self._taken = False
            return True
        self._taken = True
        if self._observed is None or self._observed[0] != version:
            self._observed = (version, self._monotonic())
            return False
        return self._monotonic() - self._observed[1] > LEASE_SECONDS

    def _spec(self, before: Object | None) -> Object:
        now = datetime.fromtimestamp(self._wall(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        ours = before is not None and before.get("holderIdentity") == self.identity
        return {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": LEASE_SECONDS,
            "acquireTime": before["acquireTime"] if before is not None and ours else now,
            "renewTime": now,
            "leaseTransitions": (before or {}).get("leaseTransitions", 0) + (0 if ours else 1),
        }


LOCK: Final = "gameday"
"""Name of the Lease that makes drills of a namespace take turns."""


OPERATOR: Final = "gameday.dev/operator"
"""Annotation of a namespace's lock: which installation of the operator carries out the drill that holds it."""

EARLIER: Final = "an earlier Drill of this name, which was deleted and is still being undone"
"""What people are told of a holder that has the name of the drill which waits for it."""


async def lock_namespace(
    cluster: Cluster,
    namespace: str,
    drill: str,
    uid: str,
    operator: str,
    undoing: Callable[[str], bool],
    is_over: Callable[[Object], bool],
) -> str | None:
    """Acquire the namespace's lock for a drill; None once this very Drill holds it, else who does, for people.

    The holder is known by its UID, because an earlier Drill of the same name may still be undone. The lock does not
    expire: a drill holds it until its faults are cleared, whichever process runs it. Two Drills lose it, once
    ``undoing`` (called with its UID) is False: one that was removed by force, and one that ``is_over``. A Drill that is
    over has the Lease where the API server carried out its request late. A lock of another operator is never taken
    over, because this one does not know what the other is undoing; its name is returned with the drill's.
    """
    body = _lease(namespace, LOCK, {"holderIdentity": f"{uid}/{drill}"})
    body["metadata"]["annotations"] = {OPERATOR: operator}
    lease = await cluster.get(LEASES, namespace, LOCK)
    try:
        if lease is None:
            await cluster.create(LEASES, namespace, body)
            return None
        holder: str = lease["spec"].get("holderIdentity") or ""
        known = lease["metadata"].get("annotations") or {}
        other = known.get(OPERATOR, operator)
        if holder and not _is_held_by(lease, uid):
            name = holder.partition("/")[2]
            if other != operator:
                gone = f"if that operator is uninstalled: kubectl -n {namespace} delete lease {LOCK}"
                return f"{name} of operator {other} ({gone})"
            if await _alive(cluster, namespace, holder, undoing, is_over):
                return name if name != drill else f"{name} ({EARLIER})"
        lease["spec"]["holderIdentity"] = f"{uid}/{drill}"
        lease["metadata"]["annotations"] = known | {OPERATOR: operator}
        await cluster.replace(LEASES, namespace, LOCK, lease)
    except (AlreadyExists, Conflict):
        # An earlier request of this very drill may have been carried out in between.
        lease = await cluster.get(LEASES, namespace, LOCK)
        return None if lease is not None and _is_held_by(lease, uid) else "another drill"
    return None


def _is_held_by(lease: Object, uid: str) -> bool:
    """Whether the Drill of this UID holds a namespace's lock."""
    return (lease["spec"].get("holderIdentity") or "").partition("/")[0] == uid


async def _alive(
    cluster: Cluster, namespace: str, holder: str, undoing: Callable[[str], bool], is_over: Callable[[Object], bool]
) -> bool:
    uid, _, name = holder.partition("/")
    drill = await cluster.get(DRILLS, namespace, name)
    return undoing(uid) or (drill is not None and drill["metadata"]["uid"] == uid and not is_over(drill))


async def namespace_ends(cluster: Cluster, namespace: str) -> bool:
    """Whether the namespace is being deleted, and with it everything that we could undo there.

    Raises:
        GameDayError: when that is unknown.

    """
    try:
        await cluster.create(LEASES, namespace, _lease(namespace, LOCK, {}), dry_run=True)
    except NotFound:
        return True
    except AlreadyExists:
        pass
    return False


async def unlock_namespace(cluster: Cluster, namespace: str, uid: str) -> None:
    """Give the namespace back, if this drill holds it.

    Raises:
        Conflict: when the Lease changed in between, because another drill may have taken it over.

    """
    lease = await cluster.get(LEASES, namespace, LOCK)
    if lease is not None and _is_held_by(lease, uid):
        metadata = lease["metadata"]
        await cluster.delete(LEASES, namespace, LOCK, uid=metadata["uid"], version=metadata["resourceVersion"])


def _lease(namespace: str, name: str, spec: Object) -> Object:
    return {
        "apiVersion": LEASES.api_version,
        "kind": LEASES.kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }
