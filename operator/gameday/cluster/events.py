"""Events on our resources: the same one again within a while is counted, not written anew; many are held back."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from gameday.cluster.client import Cluster
from gameday.cluster.kinds import EVENTS, Object

SAME_WITHIN: Final = 600.0
"""Seconds in which an equal Event is the same one."""
BURST: Final = 25
"""Events that one object may have at once, as client-go allows."""
REFILL: Final = 300.0
"""Seconds after which an object may have one more."""


class Events:
    """Writes Events as the operator."""

    def __init__(self, cluster: Cluster, identity: str, clock: Callable[[], float]) -> None:
        self._cluster = cluster
        self._identity = identity
        self._clock = clock
        self._seen: dict[tuple[str, str, str], float] = {}
        self._tokens: dict[str, tuple[float, float]] = {}

    async def write(self, about: Object, reason: str, message: str, *, warning: bool, bounded: bool = False) -> None:
        """Write one Event, unless an equal one is fresh or the object has had too many.

        The caller may say that what it tells of is ``bounded``, at most some a minute: then none is held back.
        """
        now = self._clock()
        uid = about["metadata"]["uid"]
        key = (uid, reason, message)
        if now - self._seen.get(key, 0.0) < SAME_WITHIN or not (bounded or self._allowed(uid, now)):
            return
        self._seen = {k: at for k, at in self._seen.items() if now - at < SAME_WITHIN} | {key: now}
        stamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        namespace, name = about["metadata"]["namespace"], about["metadata"]["name"]
        body: Object = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": f"{name[:200]}.", "namespace": namespace},
            "involvedObject": {
                "apiVersion": about["apiVersion"],
                "kind": about["kind"],
                "namespace": namespace,
                "name": name,
                "uid": uid,
            },
            "reason": reason,
            "message": message[:1024],
            "type": "Warning" if warning else "Normal",
            "source": {"component": "gameday"},
            "reportingComponent": "gameday.dev/operator",
            "reportingInstance": self._identity[:128],
            "firstTimestamp": stamp,
            "lastTimestamp": stamp,
            "count": 1,
        }
        await self._cluster.create(EVENTS, namespace, body)

    def _allowed(self, uid: str, now: float) -> bool:
        tokens, since = self._tokens.get(uid, (float(BURST), now))
        tokens = min(float(BURST), tokens + (now - since) / REFILL)
        self._tokens[uid] = (max(0.0, tokens - 1), now)
        return tokens >= 1
