"""Keeps the samples of a drill that has ended in a ConfigMap, and deletes those of older drills.

No verdict depends on it: if the API server refuses, the Drill says so and ends nevertheless.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from gameday.api.record import shown_moment
from gameday.api.samples import Kept, config_map
from gameday.api.schedule_state import samples_kept
from gameday.cluster.client import Cluster
from gameday.cluster.resources import CONFIG_MAPS, DRILLS, Object
from gameday.controller.drill.informers import DrillInformers
from gameday.controller.drill.persisted_drill import PersistedDrill
from gameday.engine.evidence.curves import Strip, Truth, strip, truth
from gameday.engine.evidence.evidence import Evidence
from gameday.errors import AlreadyExists, Forbidden, NotFound, Rejected
from gameday.model.labels import GAME_DAY, ownership_labels
from gameday.model.names import SAMPLES, samples_of
from gameday.model.plan import Plan, Stage
from gameday.model.record import DrillRecord, Keeping

GONE_IN_A_ROW: Final = 3
"""How many drills without samples end the search for old ones: those behind them were taken away before."""
LOOKED_AT: Final = 64
"""Most drills whose samples are looked for at the end of one."""
NOTHING_READ: Final = "the logs of its agents were gone before they were read"


class SampleKeeper:
    """Keeps the samples of one drill; ``drills`` are the known ones of its GameDay."""

    def __init__(
        self,
        account: Cluster,
        persisted: PersistedDrill,
        informers: DrillInformers,
        drills: Callable[[], Iterable[Object]],
    ) -> None:
        self.account = account
        self.persisted = persisted
        self.informers = informers
        self.drills = drills

    async def keep(self) -> Keeping:
        """Write them, once; a second time finds the first.

        Raises:
            GameDayError: when the API server does not answer: to be asked again.

        """
        gameday = self.informers.single("gameday")
        most = samples_kept(gameday["spec"] if gameday is not None else {})
        evidence, plan = self.informers.follower.evidence, self.persisted.plan
        if not most:
            return Keeping(kept=False)
        if evidence is None or plan is None:
            return Keeping(kept=False, why=NOTHING_READ)
        strips = await _strips(evidence, plan, self.persisted.record)
        try:
            if not any(one.samples for one in strips):
                return await self._kept_before()
            said = await self._write(strips, tuple(_truths(evidence, plan, self.persisted.record)))
        except (NotFound, Forbidden, Rejected) as error:
            return Keeping(kept=False, why=str(error))
        return Keeping(kept=said.kept, why="; ".join(filter(None, (said.why, await self._take_away(most)))))

    async def _kept_before(self) -> Keeping:
        """What another process has kept, which died or lost its Lease before it recorded that, and deleted the pods."""
        there = await self.account.get(CONFIG_MAPS, self.persisted.namespace, samples_of(self.persisted.name))
        if there is not None and _is_of(there, self.persisted.uid):
            return Keeping(kept=True)
        return Keeping(kept=False, why=NOTHING_READ)

    async def _write(self, strips: tuple[Strip, ...], truths: tuple[Truth, ...]) -> Keeping:
        persisted = self.persisted
        name, gameday = samples_of(persisted.name), persisted.drill["spec"]["gameDay"]
        owner = {"apiVersion": DRILLS.api_version, "kind": DRILLS.kind, "name": persisted.name, "uid": persisted.uid}
        labels = ownership_labels(persisted.name, SAMPLES) | {GAME_DAY: gameday}
        body, left_out = config_map(name, labels, owner, Kept(persisted.name, gameday, strips, truths))
        try:
            await self.account.create(CONFIG_MAPS, persisted.namespace, body)
        except AlreadyExists:
            there = await self.account.get(CONFIG_MAPS, persisted.namespace, name)
            if there is not None and not _is_of(there, persisted.uid):
                text = (
                    f"ConfigMap {name} exists and does not belong to this drill: delete it, or give the "
                    "Drill another name"
                )
                return Keeping(kept=False, why=text)
        return Keeping(kept=True, why=left_out)

    async def _take_away(self, most: int) -> str:
        """Delete the samples of all but the newest ``most`` drills that have some; why that was not done, or ""."""
        found: list[Object] = []
        gone = 0
        try:
            for drill in self._older(most)[:LOOKED_AT]:
                name = samples_of(drill["metadata"]["name"])
                there = await self.account.get(CONFIG_MAPS, self.persisted.namespace, name)
                if there is not None and _is_of(there, drill["metadata"]["uid"]):
                    found.append(there)
                    gone = 0
                elif (gone := gone + 1) >= GONE_IN_A_ROW:
                    break
            # The oldest first: an interrupted process then leaves no older ConfigMap behind a gap.
            for there in reversed(found):
                metadata = there["metadata"]
                await self.account.delete(CONFIG_MAPS, self.persisted.namespace, metadata["name"], uid=metadata["uid"])
        except (Forbidden, Rejected) as error:
            return f"those of older drills were not deleted: {error}"
        return ""

    def _older(self, most: int) -> list[Object]:
        """The drills with samples beyond the newest ``most``, this one among these, the newest first."""
        others = [one for one in self.drills() if one["metadata"]["uid"] != self.persisted.uid and _has_samples(one)]
        others.sort(key=lambda one: (shown_moment(one["status"]["finishedAt"]), one["metadata"]["name"]), reverse=True)
        return others[most - 1 :]


async def _strips(evidence: Evidence, plan: Plan, record: DrillRecord) -> tuple[Strip, ...]:
    """The curves of each probe, up to the end of the drill; other drills have their turn in between."""
    until = record.finished_at if record.finished_at is not None else record.since
    strips = []
    for probe in plan.probes:
        strips.append(strip(probe.name, *evidence.values(probe.name, until)))
        await asyncio.sleep(0)
    return tuple(strips)


def _truths(evidence: Evidence, plan: Plan, record: DrillRecord) -> Iterator[Truth]:
    until = record.finished_at if record.finished_at is not None else record.since
    begins = {
        Stage.STEADY_STATE: record.steady_from,
        Stage.OUTAGE: record.inject_requested_at,
        Stage.RECOVERY: record.undo_requested_at,
    }
    for stage, expectation in plan.all_expectations():
        since = begins[stage]
        if since is not None:
            yield truth(stage.value, expectation.name, evidence.series(expectation, since), until)


def _is_of(config_map: Object, uid: str) -> bool:
    """Whether a ConfigMap is owned by the Drill of this UID."""
    return any(owner.get("uid") == uid for owner in config_map["metadata"].get("ownerReferences") or ())


def _has_samples(drill: Object) -> bool:
    """Whether a drill has ended, and its samples were kept then."""
    status = drill.get("status", {})
    return "samples" in status and "finishedAt" in status
