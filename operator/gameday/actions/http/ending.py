"""A call that no other call takes back: what it started ends by itself, such as a restart, or a person ends it.

No fuse guards it, so its pod belongs to the Drill. It sends the request once, and nothing after ``ACTS_FOR`` seconds
from the request of the fault: one that is created late, by an operator that another one has overtaken, does nothing.
Whether a pod that is gone has sent it is not known, so no later process makes another one.
"""

from dataclasses import replace

from gameday.actions.http.call import Call
from gameday.actions.http.callers import LOST, caller_config, caller_pod
from gameday.actions.kind import ActionContext, AgentPod
from gameday.actions.made_by_pods import ACTS_FOR, LASTS, PODS_SEEN, Said, create, pod_of, said_by
from gameday.model import names
from gameday.model.change import Change, Observed, Presence, State

BEFORE: State = {"called": False}
"""What the undo log says of the time before such a call."""
ASKS = "nothing takes it back; end by hand what it started, if that does not end by itself"


def noted(call: Call) -> State:
    """What the undo log says of such a call, for people."""
    return {"called": True, "call": call.shown}


def pod(call: Call, until: float = 0.0) -> AgentPod:
    """The pod that sends it once, and not from the Unix second ``until`` on."""
    sendable = call.sendable()
    return caller_pod(sendable, caller_config(sendable, LASTS, tries_for=0.0, until=until))


async def send(ctx: ActionContext, call: Call, change: Change) -> None:
    """Create the pod that sends it; a second time finds the first."""
    wanted = pod(call, (change.requested_at or 0.0) + ACTS_FOR)
    await create(ctx, change.object_name, ctx.agent_pod(names.call(change.name), wanted), ctx.uid)


def observe(ctx: ActionContext, name: str, call: Call | None, change: Change | None) -> Observed:
    """What its pod says; whether it is over is for probes to say."""
    made = names.object_name(ctx.drill, names.call(name))
    wanted = change.wanted if change is not None else noted(call) if call is not None else None
    what = str((wanted or {}).get("call", "its call"))
    seen = Observed(
        Presence.ABSENT,
        "Pod",
        made,
        before=BEFORE,
        wanted=wanted,
        by_hand=True,
        settled=False,
        asks=ASKS,
        may_arrive=True,
    )
    if change is None or not change.touched:
        return replace(seen, shown=what)
    if not ctx.cache.listed(PODS_SEEN):
        return Observed(by_hand=True, may_arrive=True)
    there = pod_of(ctx, made, ctx.uid)
    if there is None and change.seen_at is None:
        return replace(seen, shown=f"{what} was not sent yet")
    said = said_by(there, LOST) if there is not None else Said(ended=True, text=f"{LOST}: its pod is gone")
    seen = replace(seen, presence=Presence.PRESENT, settled=said.good, may_arrive=not said.ended)
    told = f"{what} {said.text if said.ended else 'was not answered yet'}"
    if change.undo_requested_at is not None and not said.acted:
        return replace(seen, presence=Presence.ABSENT, shown=f"{told}, so there is nothing to end")
    return replace(seen, shown=told)
