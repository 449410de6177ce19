"""What outlives the process: a drill's record and frozen plan, in its status, written before anything is done."""

from collections.abc import Callable
from typing import Any

from gameday.api.record import conditions_of, record_of, setup_of, setup_text, status_of, timestamp
from gameday.cluster.client import Cluster
from gameday.cluster.kinds import DRILLS
from gameday.errors import Absent, Conflict
from gameday.model.plan import Plan
from gameday.model.record import Line, Record

STATUS_BYTES = 64 * 1024
"""Largest status written, in bytes; the oldest timeline lines go first, entries of the undo log never."""


class Superseded(Exception):
    """Another process has written this drill's record: this one must not act for it any more."""


class Memory:
    """One drill's record, and where it is saved.

    ``narrate`` is told each new line of the timeline once it is saved, ``changed`` the record before and after.
    """

    def __init__(
        self,
        cluster: Cluster,
        drill: dict[str, Any],
        narrate: Callable[[Line], None],
        changed: Callable[[Record, Record], None],
        clock: Callable[[], float],
    ) -> None:
        self.cluster = cluster
        self.narrate = narrate
        self.changed = changed
        self.clock = clock
        self.namespace: str = drill["metadata"]["namespace"]
        self.name: str = drill["metadata"]["name"]
        self.uid: str = drill["metadata"]["uid"]
        self.plan: Plan | None = None
        self.plan_text = ""
        self.plan_digest = ""
        self.measurements: tuple[dict[str, str | float], ...] = tuple(drill.get("status", {}).get("measurements", ()))
        self.setup = setup_of(drill.get("status", {}))
        self.gone = False
        self._drill = drill
        self._ours: set[str | None] = {drill.get("status", {}).get("engine")}
        """What the status may hold of ours: what was there, and all that was sent since a save was last answered."""
        self.record = record_of(drill.get("status", {})) or Record(since=clock())

    def freeze(self, plan: Plan, text: str, digest: str) -> None:
        """Keep a plan; it is saved with the next record."""
        self.plan, self.plan_text, self.plan_digest = plan, text, digest

    def hear(self, drill: dict[str, Any]) -> None:
        """Take a newer version of the object, if it is one."""
        if int(drill["metadata"]["resourceVersion"]) > int(self._drill["metadata"]["resourceVersion"]):
            self._drill = drill

    @property
    def drill(self) -> dict[str, Any]:
        """The newest version of the object that we know."""
        return self._drill

    async def save(self, record: Record) -> None:
        """Write the record, then narrate what is new in it.

        A drill that was removed with force has no status any more; what it holds is undone all the same.

        Raises:
            Superseded: when the status holds a record that this process did not write.
            GameDayError: when the API server does not take it; nothing may be done then.

        """
        status = self._status(record)
        # An answer may get lost after the work was done: what was sent is ours as well.
        self._ours.add(status["engine"])
        while not self.gone:
            # What a watch has told counts as well: to write over what another process wrote would undo its work.
            if self._drill.get("status", {}).get("engine") not in self._ours:
                raise Superseded(f"the record of drill {self.namespace}/{self.name} was written by another process")
            body = self._drill | {"status": self._merged(status, record)}
            try:
                self._drill = dict(await self.cluster.replace_status(DRILLS, self.namespace, self.name, body))
                break
            except (Absent, Conflict):
                await self._catch_up()
        self._ours = {status["engine"]}
        new = [line for line in record.timeline if line not in self.record.timeline]
        before, self.record = self.record, record
        self.changed(before, record)
        for line in new:
            self.narrate(line)

    async def _catch_up(self) -> None:
        newest = await self.cluster.get(DRILLS, self.namespace, self.name)
        if newest is None or newest["metadata"]["uid"] != self.uid:
            self.gone = True
            return
        self._drill = dict(newest)

    def _status(self, record: Record) -> dict[str, Any]:
        status = status_of(record, self._drill["metadata"].get("generation", 1))
        if self.setup is not None:
            status["setup"] = setup_text(self.setup)
        if self.measurements:
            status["measurements"] = list(self.measurements)
        if self.plan_text:
            status |= {"plan": self.plan_text, "planDigest": self.plan_digest}
        while status["timeline"] and len(str(status).encode()) > STATUS_BYTES:
            status["timeline"] = status["timeline"][1:]
        return status

    def _merged(self, status: dict[str, Any], record: Record) -> dict[str, Any]:
        known = {c["type"]: c for c in self._drill.get("status", {}).get("conditions", ())}
        now = timestamp(self.clock())
        conditions = []
        for kind, state, reason, message in conditions_of(record):
            old = known.get(kind)
            since = old["lastTransitionTime"] if old is not None and old["status"] == state else now
            conditions.append(
                {
                    "type": kind,
                    "status": state,
                    "reason": reason,
                    "message": message[:1024],
                    "lastTransitionTime": since,
                    "observedGeneration": status["observedGeneration"],
                }
            )
        kept = {
            k: v
            for k, v in self._drill.get("status", {}).items()
            if k in {"plan", "planDigest", "setup", "measurements"}
        }
        return kept | status | {"conditions": conditions}
