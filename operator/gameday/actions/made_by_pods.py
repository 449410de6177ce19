"""Changes that a pod of the namespace makes and another one takes back, such as a call of an HTTP API.

No object of the cluster shows such a change. What a pod did stands in its container's termination message, which the
kubelet keeps in the pod's status, where it outlasts the pod's log and node.

- The first pod is owned by the fuse's Job: one that is created late, when the fuse is gone, is collected before its
  container starts. It changes nothing after ``ACTS_FOR`` seconds from the request.
- It is made by the process that has requested the change alone: a pod that is gone may have acted.
- The pod that takes the change back waits until the first one has ended, or can change nothing any more, so that it is
  not overtaken. It goes with the fuse as well: what it would take back is not this drill's any more once that is gone.
"""

import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, cast

from gameday.actions.kind import ActionContext, ActionKind, AgentPod, Planned, Spec, Watch
from gameday.cluster.client import CONTAINER
from gameday.cluster.pod_status import has_ended
from gameday.cluster.resources import JOBS, PODS, Object
from gameday.errors import AlreadyExists, Rejected
from gameday.model import names
from gameday.model.change import Change, Observed, Presence, State
from gameday.model.plan import Action

PODS_SEEN: Final = "pods"
"""Name of the watch of a drill's pods, which every drill has."""
JOBS_SEEN: Final = "jobs"
"""Name of the watch of a drill's Jobs, its fuses among them, which every drill has."""
LONGEST_TEXT: Final = 256
"""Characters of what a pod says that are shown."""
ACTS_FOR: Final = 30.0
"""Seconds from the request of a change in which a pod may make it; never made shorter: see Upgrades in architecture.md.
"""
UNDOES_FOR: Final = 20.0
"""Seconds for which one pod tries to take a change back; then it says why it could not, and another one follows."""
LASTS: Final = 240.0
"""Seconds after which such a pod ends by itself."""
MOST_PODS: Final = 8
"""Pods that may take one change back at the same time: one whose node is lost stays for a while."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a pod says of its work. ``ended`` is whether it changes nothing any more."""

    ended: bool
    good: bool = False
    text: str = ""
    acted: bool = True
    """False where it surely had no effect."""
    message: Mapping[str, Any] | None = None
    """All that it left, where that can be read."""


@dataclass(frozen=True, slots=True)
class Words:
    """How a kind says in messages what its pods have done."""

    change: str
    """The change, where the plan cannot be read: ``its call``."""
    not_yet: str
    """Before the pod has begun."""
    waits: str
    """While it works."""
    lost: str
    """Where its pod is gone, or ended without a word: what it may have done."""
    by_fuse: str
    """What its fuse did."""


class MadeByPods(ActionKind[Spec, Planned]):
    """A change that a pod makes. The undo log names that pod, since no object of the cluster is changed."""

    fuse_acts = True
    objects = ("Pod",)
    by_pods = True
    words: ClassVar[Words]
    before: ClassVar[State]
    """What the undo log says of the time before the change."""

    @abstractmethod
    def makes(self, ctx: ActionContext, action: Planned, change: Change, until: float) -> AgentPod:
        """The pod that makes the change, and nothing from the Unix second ``until`` on.

        Raises:
            Rejected: when nothing of the plan or the namespace lets it.

        """

    @abstractmethod
    def takes_back(self, ctx: ActionContext, change: Change, waits: float) -> AgentPod:
        """The pod that takes the change back, and nothing in its first ``waits`` seconds.

        Raises:
            Rejected: when the undo log does not say how.

        """

    @abstractmethod
    def shown(self, action: Planned) -> str:
        """What is done, for messages."""

    @abstractmethod
    def shown_back(self, change: Change) -> str:
        """What takes it back, for messages."""

    def watches(self, ctx: ActionContext, name: str, action: Action | None, change: Change | None) -> Iterator[Watch]:
        """Nothing beyond the drill's own pods."""
        return iter(())

    def observe(self, ctx: ActionContext, name: str, action: Action | None, change: Change | None) -> Observed:
        """What the pods say of their work."""
        made = names.object_name(ctx.drill, names.call(name))
        known = self._planned(action)
        if change is None or not change.touched:
            return self._not_made(made, known, change)
        if not ctx.cache.listed(PODS_SEEN):
            return Observed()
        seen = Observed(
            Presence.PRESENT, "Pod", made, before=change.before, wanted=change.wanted, settled=False, version="0",
            detail=self.words.by_fuse,
        )  # fmt: skip
        if (back := self._taken_back(ctx, change)).good:
            shown = f"{self.shown_back(change)} {back.text}"
            return replace(seen, presence=Presence.ABSENT, shown=shown, settled=True)
        pod = pod_of(ctx, made, change.fuse_uid or "")
        said = said_by(pod, self.words.lost) if pod is not None else None
        if change.undo_requested_at is not None and said is not None and not said.acted:
            shown = f"{self.words.change} {said.text}, so there is nothing to take back"
            return replace(seen, presence=Presence.ABSENT, shown=shown, settled=True)
        if change.undo_requested_at is not None:
            return replace(seen, shown=f"{self.shown_back(change)} {back.text or self.words.waits}")
        what = self.shown(known) if known is not None else self.words.change
        if said is None and change.seen_at is None:
            # Without a version no later process makes another pod: the first may have acted, and be gone. What the
            # second would say of itself, that it did nothing, would be taken for both.
            # Nor does this, seen right before the undo, mean that there is nothing to take back.
            shown = f"{what} {self.words.not_yet}"
            return replace(seen, presence=Presence.ABSENT, version="", shown=shown, may_arrive=True)
        said = said or Said(ended=True, text=f"{self.words.lost}: its pod is gone")
        text = said.text if said.ended else self.words.waits
        # Until its pod says that it did, it may wait for its image, or try in vain: that may be, and is not known.
        return replace(seen, shown=f"{what} {text}", settled=said.good, carried_out=said.good)

    async def apply(self, ctx: ActionContext, action: Action, change: Change, version: str) -> None:
        """Create the pod that makes the change; a second time finds the first."""
        if (known := self._planned(action)) is None:
            raise Rejected(f"{change.name} is not an {self.name}: somebody else changed the Drill's status")
        wanted = self.makes(ctx, known, change, (change.requested_at or 0.0) + ACTS_FOR)
        body = ctx.agent_pod(names.call(change.name), wanted)
        owned = _owned_by_fuse(body, change.fuse_name, change.fuse_uid or "")
        await create(ctx, change.object_name, owned, change.fuse_uid or "")

    async def revert(self, ctx: ActionContext, change: Change) -> None:
        """Create a pod that takes the change back; one that did not succeed is deleted, and another one follows."""
        pod = pod_of(ctx, change.object_name, change.fuse_uid or "")
        over = pod is not None and said_by(pod, self.words.lost).ended
        wanted = self.takes_back(ctx, change, 0.0 if over else ACTS_FOR + self.longest_act)
        for number in range(MOST_PODS):
            agent = names.call_back(change.name, number)
            name = names.object_name(ctx.drill, agent)
            there = ctx.cache.objects(PODS_SEEN).get(name)
            if there is None:
                body = ctx.agent_pod(agent, wanted)
                if _has_fuse(ctx, change):
                    body = _owned_by_fuse(body, change.fuse_name, change.fuse_uid or "")
                await create(ctx, name, body, *_owners(ctx, change))
                return
            if "deletionTimestamp" in there["metadata"]:
                continue
            if pod_of(ctx, name, *_owners(ctx, change)) is None:
                raise Rejected(f"Pod {ctx.namespace}/{name} does not belong to this drill: delete it")
            if said_by(there, self.words.lost).ended:
                await ctx.account.delete(PODS, ctx.namespace, name, uid=there["metadata"]["uid"])
            return

    longest_act: ClassVar[float] = 10.0
    """Seconds that what a pod has begun may last beyond ``ACTS_FOR``."""

    def _planned(self, action: Action | None) -> Planned | None:
        return cast("Planned", action) if isinstance(action, self.planned) else None

    def _not_made(self, made: str, action: Planned | None, change: Change | None) -> Observed:
        wanted: Mapping[str, Any] | None = change.wanted if change is not None else None
        shown = ""
        if action is not None:
            wanted, shown = self.notes(action), self.shown(action)
        return Observed(
            Presence.ABSENT, "Pod", made, before=self.before, wanted=wanted, settled=False, shown=shown, version="0"
        )

    def _taken_back(self, ctx: ActionContext, change: Change) -> Said:
        """What is said of taking it back, by the fuse or by pods; a good answer counts before any other."""
        last = Said(ended=False)
        undoers = [names.object_name(ctx.drill, names.call_back(change.name, n)) for n in range(MOST_PODS)]
        pods = [pod for name in undoers if (pod := pod_of(ctx, name, *_owners(ctx, change))) is not None]
        pods += [pod for pod in ctx.cache.objects(PODS_SEEN).values() if _is_of_fuse(pod, change)]
        for pod in pods:
            said = said_by(pod, self.words.lost)
            if said.good:
                return said
            last = said if said.ended and said.text else last
        return last


def pod_of(ctx: ActionContext, name: str, *owner_uids: str) -> Object | None:
    """The pod of this name that belongs to this drill; one of an earlier Drill of the same name does not."""
    there = ctx.cache.objects(PODS_SEEN).get(name)
    return there if there is not None and _owned(there, *owner_uids) else None


def said_by(pod: Object, lost: str) -> Said:
    """What a pod says of its work; ``lost`` is what it may have done where it says nothing."""
    status = pod.get("status", {})
    ended = has_ended(pod)
    terminated: Mapping[str, Any] = {}
    for one in status.get("containerStatuses") or ():
        if one.get("name") == CONTAINER:
            terminated = (one.get("state") or {}).get("terminated") or {}
    if not ended and not terminated:
        return Said(ended=False)
    try:
        said = json.loads(terminated.get("message") or "")
        return Said(
            ended=True,
            good=said["good"] is True,
            text=str(said["text"])[:LONGEST_TEXT],
            acted=said.get("acted") is not False,
            message=said,
        )
    except (ValueError, TypeError, KeyError):
        return Said(ended=True, text=f"{lost}: its pod ended and says nothing of it")


async def create(ctx: ActionContext, name: str, body: Object, *owner_uids: str) -> None:
    """Create such a pod; a second time finds the first.

    Raises:
        Rejected: when a pod of its name is not this drill's.

    """
    try:
        made = await ctx.account.create(PODS, ctx.namespace, body)
    except AlreadyExists:
        found, _ = await ctx.account.list(PODS, ctx.namespace, fields=f"metadata.name={name}")
        if not found:
            made = await ctx.account.create(PODS, ctx.namespace, body)
        elif _owned(found[0], *owner_uids):
            made = found[0]
        else:
            text = (
                f"Pod {ctx.namespace}/{name} exists and does not belong to this drill: delete it, or give the Drill "
                "another name"
            )
            raise Rejected(text) from None
    ctx.cache.upsert(PODS_SEEN, made)


def _owned_by_fuse(pod: Object, name: str, uid: str) -> Object:
    """A pod that goes with its fuse's Job, so that one which is created late is collected at once."""
    owner = {"apiVersion": JOBS.api_version, "kind": JOBS.kind, "name": name, "uid": uid}
    return {**pod, "metadata": {**pod["metadata"], "ownerReferences": [owner]}}


def _owned(pod: Object, *uids: str) -> bool:
    return any(owner.get("uid") in uids for owner in pod["metadata"].get("ownerReferences") or ())


def _owners(ctx: ActionContext, change: Change) -> tuple[str, ...]:
    """Who may own a pod that takes a change back: its fuse, or the Drill where somebody has deleted the fuse."""
    return (ctx.uid, change.fuse_uid) if change.fuse_uid is not None else (ctx.uid,)


def _has_fuse(ctx: ActionContext, change: Change) -> bool:
    """Whether a change's own fuse is there and stays: what it owned would be collected with it."""
    fuse = ctx.cache.objects(JOBS_SEEN).get(change.fuse_name)
    if fuse is None or "deletionTimestamp" in fuse["metadata"]:
        return False
    return bool(fuse["metadata"]["uid"] == change.fuse_uid)


def _is_of_fuse(pod: Object, change: Change) -> bool:
    owners = pod["metadata"].get("ownerReferences") or ()
    uids = {owner.get("uid") for owner in owners if owner.get("controller")}
    return change.fuse_uid is not None and change.fuse_uid in uids
