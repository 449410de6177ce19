"""A drill's record and frozen plan, saved in the Drill's status before anything is done."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from gameday.api.conditions import conditions_of, dated
from gameday.api.drill import is_dry_run
from gameday.api.fitting import bare, fitted
from gameday.api.lines import figures_of, measured
from gameday.api.notified import notified_condition
from gameday.api.record import status_of, timestamp
from gameday.api.state import TEXTS, is_older
from gameday.api.summary import summary_of
from gameday.cluster.client import Cluster
from gameday.cluster.resources import DRILLS
from gameday.controller.backoff import Backoff
from gameday.controller.drill.restore import restore
from gameday.engine.drill.own_writes import OwnWrites
from gameday.errors import Conflict, NotFound, Rejected
from gameday.model.dry_run import DryRun
from gameday.model.names import samples_of
from gameday.model.plan import Plan
from gameday.model.record import DrillRecord, TimelineEntry

KEPT = frozenset({"planDigest", "measurements", "notifications"})
"""Fields of a status that stay as they are where nothing new is known of them."""


class Superseded(Exception):
    """Somebody else has written this drill's record: its runner must not act any more."""


class ClaimedElsewhere(Exception):
    """Another installation of the operator has claimed this drill: this one leaves it alone."""


class PersistedDrill:
    """One drill's record, and the status in which it is saved.

    ``operator`` is the installation that claims the drill with the first save; the API server lets only one win.
    ``narrate`` is called with each new line of the timeline once it is saved, ``changed`` with the record before and
    after a save.
    """

    def __init__(
        self,
        cluster: Cluster,
        drill: dict[str, Any],
        narrate: Callable[[TimelineEntry], None],
        changed: Callable[[DrillRecord, DrillRecord], None],
        clock: Callable[[], float],
        operator: str = "",
    ) -> None:
        self.cluster = cluster
        self.operator = operator
        self.narrate = narrate
        self.changed = changed
        self.clock = clock
        self.namespace: str = drill["metadata"]["namespace"]
        self.name: str = drill["metadata"]["name"]
        self.uid: str = drill["metadata"]["uid"]
        restored = restore(drill, clock())
        self.plan: Plan | None = restored.plan
        self.plan_text, self.plan_digest = restored.plan_text, restored.plan_digest
        self.measurements: tuple[dict[str, str | float], ...] = figures_of(drill.get("status", {}))
        self.setup = restored.setup
        self.unreadable = restored.unreadable
        """Why what an earlier process left cannot be read, or "": then all that is done is to undo and to tidy."""
        self.gone = False
        """Whether the Drill does not exist any more; another one of its name is another drill's."""
        self.overwritten = ""
        """Why this drill cannot go on from its status, which somebody else wrote, or ""."""
        self._restored = False
        self._drill = drill
        self._checked: dict[str, Any] | None = None
        """The version of the object whose status ``check`` last found to be ours."""
        self._own_writes = OwnWrites(_digest(drill))
        """What the status may hold, as digests: without an answer every try may be another text of 32 KiB."""
        dry_run = DryRun() if is_dry_run(drill) else None
        self.record = DrillRecord(since=clock(), dry_run=dry_run)
        if restored.record is not None:
            # Saved at once: a write of the process before that is still under way is refused from then on.
            self.record = replace(restored.record, taken_over=restored.record.taken_over + 1)
            self._restored = True
        self._refusals, self._refused = 0, ""
        """How often in a row the API server has refused a status itself, and what it said last."""

    def freeze(self, plan: Plan, text: str, digest: str) -> None:
        """Freeze a plan; it is saved with the next record."""
        self.plan, self.plan_text, self.plan_digest = plan, text, digest

    def update_cached(self, drill: dict[str, Any]) -> None:
        """Keep this version of the object if it is newer than the known one; a newer Drill of its name ends it."""
        if int(drill["metadata"]["resourceVersion"]) <= int(self._drill["metadata"]["resourceVersion"]):
            return
        if drill["metadata"]["uid"] == self.uid:
            self._drill = drill
        else:
            self.gone = True

    @property
    def drill(self) -> dict[str, Any]:
        """The newest version of the object that we know."""
        return self._drill

    @property
    def must_save(self) -> bool:
        """Whether the status is not of this process, of its version and of the newest spec, wherever the drill is."""
        status = self._drill.get("status", {})
        claimed = status.get("operator", "") == self.operator
        return not self.gone and (self._restored or not claimed or behind(self._drill) or is_older(status))

    def check(self) -> None:
        """See that the newest status that we know is what this process has left, and names no other operator.

        Raises:
            Superseded: when it holds a record that this process did not write.
            ClaimedElsewhere: when it names another installation of the operator.

        """
        if self._drill is self._checked:
            return
        if (claimant := claimed_by(self._drill)) not in {"", self.operator}:
            raise ClaimedElsewhere(f"drill {self.namespace}/{self.name} is carried out by operator {claimant}")
        # A version from a watch counts as well: overwriting what another process wrote would undo its work.
        if not self.gone and _digest(self._drill) not in self._own_writes:
            raise Superseded(f"the status of drill {self.namespace}/{self.name} was written by somebody else")
        self._checked = self._drill

    def restore(self, record: DrillRecord, measurements: tuple[dict[str, str | float], ...], why: str) -> None:
        """Go on from a record that this process knew before somebody else wrote the status."""
        self.record, self.measurements, self.overwritten, self._restored = record, measurements, why, True

    async def save(self, record: DrillRecord) -> None:
        """Write the record.

        A drill that was removed with force has no status any more; what it holds is undone all the same. After a status
        that the API server refused, the next try leaves out all that is not needed to go on: a drill that cannot be
        saved cannot end.

        Raises:
            Superseded: when the status holds a record that this process did not write.
            ClaimedElsewhere: when the status names another installation of the operator.
            GameDayError: when the API server does not take it; nothing may be done then.

        """
        bare_now, backoff = self._refusals % 2 == 1, Backoff()
        while not self.gone:
            self.check()
            status = self._status(record, bare_now=bare_now)
            self._own_writes.sent(_digest({"status": status}))
            try:
                body = self._drill | {"status": status}
                self._drill = dict(await self.cluster.replace_status(DRILLS, self.namespace, self.name, body))
                self._own_writes.answered(_digest({"status": status}))
                break
            except (NotFound, Conflict) as error:
                await backoff.wait(error)
                await self._read_newest()
            except Rejected as error:
                self._refusals, self._refused = self._refusals + 1, str(error)
                raise
        if bare_now and not self.gone:
            text = f"details are left out, because the API server refused the whole status: {self._refused}"
            self.narrate(TimelineEntry(self.clock(), "StatusRefused", text, warning=True))
        self._refusals, self._restored = 0, False
        before, self.record = self.record, record
        self.changed(before, record)

    async def _read_newest(self) -> None:
        newest = await self.cluster.get(DRILLS, self.namespace, self.name)
        if newest is None or newest["metadata"]["uid"] != self.uid:
            self.gone = True
            return
        self._drill = dict(newest)

    def _status(self, record: DrillRecord, *, bare_now: bool) -> dict[str, Any]:
        """The status that shows a record: with all its texts, or with as few as will do."""
        generation = self._drill["metadata"].get("generation", 1)
        status = status_of(record, generation, self.setup, self.plan_text, (0,) if bare_now else TEXTS)
        if self.operator:
            status["operator"] = self.operator
        if summary := summary_of(record, self.namespace, self._drill["spec"]["gameDay"], self.measurements):
            status["summary"] = summary
        if record.keeping is not None and record.keeping.kept:
            status["samples"] = samples_of(self.name)
        if self.measurements:
            status["measurements"] = measured(self.measurements)
        if self.plan_text:
            status["planDigest"] = self.plan_digest
        known = self._drill.get("status", {})
        status = {name: known[name] for name in KEPT if name in known} | status
        status["conditions"] = self._conditions(record, status)
        if bare_now:
            return bare(
                status,
                self.clock(),
                f"details are left out, because the API server refused the whole status: {self._refused}",
            )
        return fitted(status)

    def _conditions(self, record: DrillRecord, status: Mapping[str, Any]) -> list[dict[str, Any]]:
        known = self._drill.get("status", {}).get("conditions", ())
        return dated((*conditions_of(record), *notified_condition(status)), known, timestamp(self.clock()))


def behind(drill: Mapping[str, Any]) -> bool:
    """Whether a status is of an older generation than its Drill's; ``kubectl wait`` would wait for ever."""
    generation = drill["metadata"].get("generation", 1)
    return bool(drill.get("status", {}).get("observedGeneration", generation) != generation)


def claimed_by(drill: Mapping[str, Any]) -> str:
    """The installation of the operator that carries a drill out, as ``NAMESPACE/LEASE``; empty while none does."""
    claimant: str = drill.get("status", {}).get("operator") or ""
    return claimant


def _digest(drill: dict[str, Any]) -> bytes:
    """A digest of the state in a Drill's status, or of the empty text if there is no state."""
    return hashlib.sha256((drill.get("status", {}).get("state") or "").encode(errors="replace")).digest()
