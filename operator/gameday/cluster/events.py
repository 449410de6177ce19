"""Events of events.k8s.io/v1: the same one again is counted in its series, and too many of one object are held back."""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Self

from gameday.cluster.client import Cluster
from gameday.cluster.resources import EVENTS, Object, Resource
from gameday.errors import AlreadyExists, NotFound

SAME_WITHIN: Final = 600.0
"""Seconds after its last occurrence within which an equal Event belongs to the same series."""
BURST: Final = 25
"""Events that one object may have at once, as client-go allows."""
REFILL: Final = 300.0
"""Seconds after which an object may have one more."""
MOST: Final = 4096
"""Most series, and most objects with a rate, that are remembered; the oldest go first, as in client-go."""
NOTE_BYTES: Final = 1024
"""Longest note that the API server takes, in bytes of UTF-8."""
CONTROLLER: Final = "gameday.dev/operator"

Key = tuple[str, str, str, str, bool]
"""UID of the object, action, reason, note, and whether it is a warning."""


@dataclass(frozen=True, slots=True)
class Subject:
    """An object that an Event regards, or is related to; ``uid`` is empty where it is not known."""

    resource: Resource
    namespace: str
    name: str
    uid: str = ""

    @classmethod
    def of(cls, resource: Resource, thing: Object) -> Self:
        """The subject that an object is."""
        metadata = thing["metadata"]
        return cls(resource, metadata["namespace"], metadata["name"], metadata["uid"])

    def reference(self) -> Object:
        """As an Event refers to it."""
        where = {"apiVersion": self.resource.api_version, "kind": self.resource.kind, "namespace": self.namespace}
        return where | {"name": self.name} | ({"uid": self.uid} if self.uid else {})


@dataclass(slots=True)
class _Series:
    """One Event in the cluster; ``count`` is how often it has happened. Times are Unix seconds."""

    name: str
    first: float
    last: float
    count: int = 0
    written: bool = False
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)


class EventRecorder:
    """Writes Events as the operator. ``clock`` returns Unix seconds."""

    def __init__(self, cluster: Cluster, identity: str, clock: Callable[[], float]) -> None:
        self._cluster = cluster
        self._identity = identity
        self._clock = clock
        self._series: dict[Key, _Series] = {}
        """By what an Event says; the one that happened last is the last."""
        self._tokens: dict[str, tuple[float, float]] = {}
        """By an object's UID, how many Events it may have, and since when; the one that changed last is the last."""

    async def write(
        self,
        regarding: Subject,
        reason: str,
        note: str,
        *,
        action: str,
        warning: bool,
        related: Subject | None = None,
        bounded: bool = False,
    ) -> None:
        """Write one Event, or count it in the series of an equal one, unless the object has had too many.

        An Event that is held back is counted, and the count shows when the next equal one is written. ``action`` is a
        verb for what was done or refused. Events that the caller declares ``bounded`` (few per minute) are never held
        back.

        Raises:
            GameDayError: when the API server does not take it.

        """
        now, note = self._clock(), cut(note)
        series = self._happened((regarding.uid, action, reason, note, warning), regarding.name, now)
        if not (self._allowed(regarding.uid, now) or bounded):
            return
        async with series.writing:
            if series.written and await self._counted(regarding.namespace, series):
                return
            body = self._body(regarding, related, series)
            body |= {"reason": reason, "action": action, "note": note, "type": "Warning" if warning else "Normal"}
            # An earlier try may have been carried out, and its answer lost.
            with contextlib.suppress(AlreadyExists):
                await self._cluster.create(EVENTS, regarding.namespace, body)
            series.written = True

    def tidy(self) -> None:
        """Forget what says nothing any more: series that have ended, and objects that may have a full burst again."""
        now = self._clock()
        self._series = {key: one for key, one in self._series.items() if now - one.last < SAME_WITHIN}
        self._tokens = {uid: rate for uid, rate in self._tokens.items() if _refilled(rate, now) < BURST}

    def _happened(self, key: Key, name: str, now: float) -> _Series:
        """The series of an Event that has just happened."""
        series = self._series.pop(key, None)
        if series is None or now - series.last >= SAME_WITHIN:
            digest = hashlib.sha256(repr((key, now)).encode(errors="replace")).hexdigest()[:16]
            series = _Series(f"{name[:200].rstrip('-.')}.{digest}", now, now)
        series.count, series.last = series.count + 1, now
        self._series[key] = series
        _bound(self._series)
        return series

    async def _counted(self, namespace: str, series: _Series) -> bool:
        """Write how often it has happened; False when the API server has forgotten the Event."""
        try:
            await self._cluster.patch(EVENTS, namespace, series.name, {"series": _shown(series)})
        except NotFound:
            return False
        return True

    def _body(self, regarding: Subject, related: Subject | None, series: _Series) -> Object:
        body: Object = {
            "apiVersion": EVENTS.api_version,
            "kind": EVENTS.kind,
            "metadata": {"name": series.name, "namespace": regarding.namespace},
            "eventTime": _micro(series.first),
            "reportingController": CONTROLLER,
            "reportingInstance": self._identity[:128],
            "regarding": regarding.reference(),
        }
        if related is not None:
            body["related"] = related.reference()
        if series.count > 1:
            body["series"] = _shown(series)
        return body

    def _allowed(self, uid: str, now: float) -> bool:
        tokens = _refilled(self._tokens.pop(uid, (float(BURST), now)), now)
        self._tokens[uid] = (max(0.0, tokens - 1), now)
        _bound(self._tokens)
        return tokens >= 1


def cut(note: str) -> str:
    """A note of at most so many bytes as the API server takes, with an ellipsis where it was cut."""
    data = note.encode(errors="replace")
    if len(data) <= NOTE_BYTES:
        return data.decode()
    return data[: NOTE_BYTES - 3].decode(errors="ignore") + "…"


def _shown(series: _Series) -> Object:
    return {"count": series.count, "lastObservedTime": _micro(series.last)}


def _refilled(rate: tuple[float, float], now: float) -> float:
    tokens, since = rate
    return min(float(BURST), tokens + max(0.0, now - since) / REFILL)


def _bound(known: dict[str, tuple[float, float]] | dict[Key, _Series]) -> None:
    """Forget the oldest entry where there are too many."""
    if len(known) > MOST:
        del known[next(iter(known))]  # type: ignore[arg-type]  # a key of the same dictionary


def _micro(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
