"""The kind ``http``: a call of an HTTP API that another call takes back, such as to suspend and to resume a service.

A pod of the namespace makes each call. The undo log holds the request that takes the call back, and the fuse's pod can
send it without the operator. So both requests must be safe to repeat: the first is sent again until it is answered, the
other may be sent by the operator's caller and by the fuse, and is sent even if the first never arrived.

- The first call's pod is owned by the fuse's Job: one that is created late, when the fuse is gone, is collected before
  its container starts. It sends nothing after ``CALLS_FOR`` seconds from the request.
- The call back waits until the first one's pod has ended, or can send nothing any more, so that it is not overtaken.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from pydantic import ConfigDict

from gameday.actions.http.call import TIMEOUT, Call, CallSpec, Sendable, Verify, call_of, check_call, check_noted
from gameday.actions.http.callers import (
    PODS_SEEN,
    Said,
    caller_config,
    caller_pod,
    create,
    owned_by_fuse,
    pod_of,
    said_by,
)
from gameday.actions.kind import ActionContext, ActionKind, AgentPod, DryRunContext, PreflightContext, Use, Watch
from gameday.cluster.resources import PODS, Object, Resource
from gameday.errors import Rejected
from gameday.model import names
from gameday.model.agent import CallFuseConfig
from gameday.model.change import Change, Observed, Presence, State
from gameday.model.finding import Finding as PlanFinding
from gameday.model.plan import Action
from gameday.preflight import agent_egress
from gameday.preflight.findings import Finding, Severity
from gameday.preflight.snapshot import NamespaceSnapshot
from gameday.schema.base import ApiModel, Duration, cel
from gameday.schema.durations import seconds
from gameday.schema.named import Dependencies

CALLS_FOR: Final = 30.0
"""Seconds from the request of a change in which its call may be sent."""
CALLS_BACK_FOR: Final = 20.0
"""Seconds for which one pod sends the request that takes a call back; then it says why, and another one follows."""
LASTS: Final = 240.0
"""Seconds after which a caller ends by itself."""
MOST_CALLERS: Final = 8
"""Pods that may take one call back at the same time: one whose node is lost stays for a while."""


class HttpSpec(ApiModel):
    """Calls an HTTP API, and takes that back by another call. Both requests must be safe to repeat."""

    model_config: ClassVar[ConfigDict] = {
        "json_schema_extra": cel(("duration(self.within) <= duration('1h')", "within must be at most 1h"))
    }

    do: CallSpec
    """The request that makes the change."""
    undo: CallSpec
    """The request that takes it back. It may be sent more than once, and also if ``do`` never arrived."""
    verify: Verify | None = None
    """What shows whether it has its effect. Without it a fault is never proven: the drill is NotProven at best."""
    within: Duration = "1m"
    """How long the effect may take to be seen, from the request on."""


@dataclass(frozen=True, slots=True)
class Http(Action):
    """A call and what takes it back; ``within`` is in seconds."""

    KIND: ClassVar[str] = "http"
    OUTSIDE: ClassVar[bool] = True
    SIGNS_IN: ClassVar[str] = "verify."

    do: Call
    undo: Call
    seen: str | None = None
    undone: str | None = None
    within: float = 60.0

    @property
    def signs(self) -> dict[str, str]:
        """By what it is seen."""
        if self.seen is None or self.undone is None:
            return {}
        return {"seen": self.seen, "undone": self.undone}

    @property
    def reaches(self) -> tuple[str, ...]:
        """The URLs that it calls."""
        return tuple(dict.fromkeys((self.do.address, self.undo.address)))

    @property
    def patience(self) -> float | None:
        """How long the effect may take."""
        return self.within


class HttpKind(ActionKind[HttpSpec, Http]):
    """A call of an HTTP API. The undo log names the pod that makes it, since no object of the cluster is changed."""

    name = Http.KIND
    beyond = True
    description = "Call an HTTP API, and take that back by another call."
    spec = HttpSpec
    planned = Http
    uses = frozenset({Use.FAULT, Use.STEP})
    fuse_acts = True
    fuse_does = "send the request that takes the call back"
    objects = ("Pod",)

    def parse(self, spec: HttpSpec, named: Dependencies) -> Http:
        """See the base class."""
        seen, undone = (spec.verify.seen, spec.verify.undone) if spec.verify is not None else (None, None)
        return Http(call_of(spec.do), call_of(spec.undo), seen, undone, seconds(spec.within))

    def check(self, action: Http, earlier: Sequence[Action]) -> Iterator[PlanFinding]:
        """What no schema says of the requests; a second call of the same kind to one URL would undo the first."""
        yield from check_call("do", action.do)
        yield from check_call("undo", action.undo)
        yield from check_noted("undo", action.undo)
        if any(isinstance(one, Http) and one.undo.request == action.undo.request for one in earlier):
            text = "an earlier http is taken back by the same request, so the two would undo each other: remove one"
            yield PlanFinding("undo", text)

    def preflight(self, action: Http, ctx: PreflightContext) -> Iterator[Finding]:
        """What nobody can see of it, and what its fuse cannot reach."""
        if not action.signs:
            text = "without verify nothing shows that the call had its effect, so a drill of it is NotProven at best"
            remedy = "give verify.seen and verify.undone, expressions over a probe of the same API"
            yield Finding("NotSeen", ctx.path, text, remedy, Severity.WARN)
        calls = [name for name, one in ctx.plan.actions() if isinstance(one, Http)]
        if ctx.name == calls[0]:
            # All fuses are alike to policies, so one finding says it for all.
            yield from agent_egress.of_api_server(ctx.snapshot, ctx.path, "nothing could be called")

    def notes(self, action: Http) -> State:
        """The request that takes it back."""
        return {"undo": action.undo.sendable().noted()}

    def registers(self, action: Http, snapshot: NamespaceSnapshot) -> Observed:
        """See the base class."""
        return Observed(Presence.ABSENT, "Pod", "call", before={"called": False}, wanted=self.notes(action))

    def creates(self, action: Http, ctx: DryRunContext) -> Iterator[tuple[Resource, Object]]:
        """The pods that call; they are owned by the Drill as long as there is no fuse."""
        for agent, call in ((names.call(ctx.name), action.do), (names.call_back(ctx.name, 0), action.undo)):
            made = call.sendable()
            yield PODS, ctx.agent_pod(agent, caller_pod(made, caller_config(made, LASTS, tries_for=CALLS_FOR)))

    def fuse_pod(self, change: Change, namespace: str, lasts: float, ends_after: float) -> AgentPod:
        """The fuse sends the request that stands in the undo log."""
        undo = _undo_of(change)
        config = CallFuseConfig(
            namespace=namespace, lasts=lasts, request=undo.request, statuses=undo.statuses, timeout=TIMEOUT,
            ends_after=ends_after,
        )  # fmt: skip
        return AgentPod("call_fuse", "fuse", config, undo.secrets, undo.config_maps)

    def watches(self, ctx: ActionContext, name: str, action: Action | None, change: Change | None) -> Iterator[Watch]:
        """Nothing beyond the drill's own pods."""
        return iter(())

    def observe(self, ctx: ActionContext, name: str, action: Action | None, change: Change | None) -> Observed:
        """What the pods say of their calls."""
        made = names.object_name(ctx.drill, names.call(name))
        if change is None or not change.touched:
            return _not_called(made, action, change)
        if not ctx.cache.listed(PODS_SEEN):
            return Observed()
        seen = Observed(
            Presence.PRESENT, "Pod", made, before=change.before, wanted=change.wanted, settled=False, version="0"
        )
        if (back := _called_back(ctx, change)).good:
            return _with(seen, Presence.ABSENT, f"{_shown(change)} {back.text}", settled=True)
        pod = pod_of(ctx, made, change.fuse_uid or "")
        if change.undo_requested_at is not None and pod is not None and not (said := said_by(pod)).acted:
            return _with(seen, Presence.ABSENT, f"its call {said.text}, so there is nothing to take back", settled=True)
        if change.undo_requested_at is not None:
            return _with(seen, Presence.PRESENT, f"{_shown(change)} {back.text or 'was not answered yet'}")
        what = action.do.shown if isinstance(action, Http) else "its call"
        if pod is None and change.seen_at is None:
            return _with(seen, Presence.ABSENT, f"{what} was not sent yet")
        said = said_by(pod) if pod is not None else Said(ended=True, text="may have been sent: its pod is gone")
        text = said.text if said.ended else "was not answered yet"
        return _with(seen, Presence.PRESENT, f"{what} {text}", settled=said.good)

    async def apply(self, ctx: ActionContext, action: Action, change: Change, version: str) -> None:
        """Create the pod that calls; a second time finds the first."""
        if not isinstance(action, Http):
            raise Rejected(f"{change.name} is not an {self.name}: somebody else changed the Drill's status")
        call, until = action.do.sendable(), (change.requested_at or 0.0) + CALLS_FOR
        config = caller_config(call, LASTS, tries_for=CALLS_FOR, until=until)
        body = ctx.agent_pod(names.call(change.name), caller_pod(call, config))
        owned = owned_by_fuse(body, change.fuse_name, change.fuse_uid or "")
        await create(ctx, change.object_name, owned, change.fuse_uid or "")

    async def revert(self, ctx: ActionContext, change: Change) -> None:
        """Create a pod that takes the call back; one that did not succeed is deleted, and another one follows."""
        undo = _undo_of(change)
        pod = pod_of(ctx, change.object_name, change.fuse_uid or "")
        over = pod is not None and said_by(pod).ended
        config = caller_config(undo, LASTS, tries_for=CALLS_BACK_FOR, waits=0.0 if over else CALLS_FOR + TIMEOUT)
        for number in range(MOST_CALLERS):
            agent = names.call_back(change.name, number)
            name = names.object_name(ctx.drill, agent)
            there = ctx.cache.objects(PODS_SEEN).get(name)
            if there is None:
                await create(ctx, name, ctx.agent_pod(agent, caller_pod(undo, config)), ctx.uid)
                return
            if "deletionTimestamp" in there["metadata"]:
                continue
            if pod_of(ctx, name, ctx.uid) is None:
                raise Rejected(f"Pod {ctx.namespace}/{name} does not belong to this drill: delete it")
            if said_by(there).ended:
                await ctx.account.delete(PODS, ctx.namespace, name, uid=there["metadata"]["uid"])
            return


def _not_called(made: str, action: Action | None, change: Change | None) -> Observed:
    wanted: Mapping[str, Any] | None = change.wanted if change is not None else None
    shown = ""
    if isinstance(action, Http):
        wanted = {"undo": action.undo.sendable().noted()}
        shown = action.do.shown
    return Observed(
        Presence.ABSENT, "Pod", made, before={"called": False}, wanted=wanted, settled=False, shown=shown, version="0"
    )


def _with(seen: Observed, presence: Presence, shown: str, *, settled: bool = False) -> Observed:
    return Observed(
        presence, seen.object_kind, seen.object_name, before=seen.before, wanted=seen.wanted, version=seen.version,
        shown=shown, detail="its fuse took the call back", settled=settled,
    )  # fmt: skip


def _called_back(ctx: ActionContext, change: Change) -> Said:
    """What is said of taking the call back: by the fuse, or by callers; a good answer counts before any other."""
    last = Said(ended=False)
    callers = [names.object_name(ctx.drill, names.call_back(change.name, n)) for n in range(MOST_CALLERS)]
    pods = [pod for name in callers if (pod := pod_of(ctx, name, ctx.uid)) is not None]
    pods += [pod for pod in ctx.cache.objects(PODS_SEEN).values() if _is_of_fuse(pod, change)]
    for pod in pods:
        said = said_by(pod)
        if said.good:
            return said
        last = said if said.ended and said.text else last
    return last


def _is_of_fuse(pod: Object, change: Change) -> bool:
    owners = pod["metadata"].get("ownerReferences") or ()
    uids = {owner.get("uid") for owner in owners if owner.get("controller")}
    return change.fuse_uid is not None and change.fuse_uid in uids


def _undo_of(change: Change) -> Sendable:
    """The request that takes a call back, as the undo log has it.

    Raises:
        Rejected: when somebody has edited or damaged it; its fuse has it as well.

    """
    try:
        return Sendable.read((change.wanted or {})["undo"])
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        text = f"the undo log does not hold the request that takes {change.name} back ({type(error).__name__})"
        raise Rejected(f"{text}: its fuse sends it at its deadline, or send it by hand") from error


def _shown(change: Change) -> str:
    try:
        return _undo_of(change).shown
    except Rejected:
        return "its undo request"
