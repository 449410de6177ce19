"""The pods that make calls: how they are made, and what they say came of a call."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gameday.actions.http.call import TIMEOUT, Sendable
from gameday.actions.kind import ActionContext, AgentPod
from gameday.cluster.client import CONTAINER
from gameday.cluster.resources import JOBS, PODS, Object
from gameday.errors import AlreadyExists, Rejected
from gameday.model.agent import CallerConfig
from gameday.model.labels import CALLER

PODS_SEEN: Final = "pods"
"""Name of the watch of a drill's pods, which every drill has."""
MODULE: Final = "caller"
LONGEST_TEXT: Final = 256
"""Characters of what a caller says that are shown."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a caller's pod says of its call. ``ended`` is whether it makes no request any more."""

    ended: bool
    good: bool = False
    text: str = ""
    acted: bool = True
    """False where its requests surely had no effect."""


def caller_pod(call: Sendable, config: CallerConfig) -> AgentPod:
    """The pod that sends a request."""
    return AgentPod(MODULE, CALLER, config, call.secrets, call.config_maps)


def caller_config(
    call: Sendable, ends_after: float, *, tries_for: float, waits: float = 0.0, until: float = 0.0
) -> CallerConfig:
    """The configuration of a caller."""
    return CallerConfig(
        request=call.request, statuses=call.statuses, timeout=TIMEOUT, waits=waits, until=until, tries_for=tries_for,
        ends_after=ends_after,
    )  # fmt: skip


def pod_of(ctx: ActionContext, name: str, owner_uid: str) -> Object | None:
    """The pod of this name that belongs to this drill; one of an earlier Drill of the same name does not."""
    there = ctx.cache.objects(PODS_SEEN).get(name)
    return there if there is not None and _owned(there, owner_uid) else None


def said_by(pod: Object) -> Said:
    """What a caller's pod says."""
    status = pod.get("status", {})
    ended = status.get("phase") in {"Succeeded", "Failed"}
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
        )
    except (ValueError, TypeError, KeyError):
        return Said(ended=True, text="may have been sent: its pod ended and says nothing of it")


async def create(ctx: ActionContext, name: str, body: Object, owner_uid: str) -> None:
    """Create a caller's pod; a second time finds the first.

    Raises:
        Rejected: when a pod of its name is not this drill's.

    """
    try:
        made = await ctx.account.create(PODS, ctx.namespace, body)
    except AlreadyExists:
        found, _ = await ctx.account.list(PODS, ctx.namespace, fields=f"metadata.name={name}")
        if not found:
            made = await ctx.account.create(PODS, ctx.namespace, body)
        elif _owned(found[0], owner_uid):
            made = found[0]
        else:
            text = (
                f"Pod {ctx.namespace}/{name} exists and does not belong to this drill: delete it, or give the Drill "
                "another name"
            )
            raise Rejected(text) from None
    ctx.cache.upsert(PODS_SEEN, made)


def owned_by_fuse(pod: Object, name: str, uid: str) -> Object:
    """A pod that goes with its fuse's Job, so that one which is created late is collected at once."""
    owner = {"apiVersion": JOBS.api_version, "kind": JOBS.kind, "name": name, "uid": uid}
    return {**pod, "metadata": {**pod["metadata"], "ownerReferences": [owner]}}


def _owned(pod: Object, uid: str) -> bool:
    return any(owner.get("uid") == uid for owner in pod["metadata"].get("ownerReferences") or ())
