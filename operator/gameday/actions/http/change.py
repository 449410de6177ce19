"""The kind ``http``: a call of an HTTP API that another call takes back, such as to suspend and to resume a service.

A pod of the namespace makes each call. The undo log holds the request that takes the call back, and the fuse's pod can
send it without the operator. So both requests must be safe to repeat: the first is sent again until it is answered, the
other may be sent by the operator's caller and by the fuse, and is sent even if the first never arrived.

A fault may be a call that nothing takes back, and has no fuse then: see ``ending``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict

from gameday.actions.http import callers, ending
from gameday.actions.http.call import TIMEOUT, Call, CallSpec, Sendable, Verify, call_of, check_call, check_noted
from gameday.actions.http.callers import LOST, caller_config, caller_pod
from gameday.actions.kind import ActionContext, AgentPod, Asks, DryRunContext, PreflightContext, Use
from gameday.actions.made_by_pods import ACTS_FOR, LASTS, UNDOES_FOR, MadeByPods, Words
from gameday.cluster.resources import PODS, Object, Resource
from gameday.errors import PlanInvalid, Rejected
from gameday.model import names
from gameday.model.agent import CallFuseConfig
from gameday.model.change import Change, Observed, Presence, State
from gameday.model.finding import Finding as PlanFinding
from gameday.model.labels import CALLER, FUSE
from gameday.model.plan import Action
from gameday.preflight import agent_egress
from gameday.preflight.findings import Finding, Severity
from gameday.preflight.snapshot import NamespaceSnapshot
from gameday.schema.base import ApiModel, Duration, cel
from gameday.schema.durations import seconds
from gameday.schema.named import Dependencies

WITHOUT_FUSE = "nothing takes this call back: give undo, or say withoutFuse: true"
WITH_FUSE = "undo takes this call back, and its fuse: remove withoutFuse, or undo"
WITHOUT_VERIFY = "without undo give verify, whose undone says when what the call started is over"


class HttpSpec(ApiModel):
    """Calls an HTTP API, and takes that back by another call. Both requests must be safe to repeat."""

    model_config: ClassVar[ConfigDict] = {
        "json_schema_extra": cel(
            ("duration(self.within) <= duration('1h')", "within must be at most 1h"),
            ("has(self.undo) || self.withoutFuse", WITHOUT_FUSE),
            ("!has(self.undo) || !self.withoutFuse", WITH_FUSE),
            ("has(self.undo) || has(self.verify)", WITHOUT_VERIFY),
        )
    }

    do: CallSpec
    """The request that makes the change. Without ``undo`` it is sent once."""
    undo: CallSpec | None = None
    """The request that takes it back. It may be sent more than once, and also if ``do`` never arrived.

    Without it what ``do`` starts must end by itself, as a restart does, or by a person, after the outage: no fuse ends
    it. Only a fault may be without it."""
    verify: Verify | None = None
    """What shows whether it has its effect. Without it a fault is never proven: the drill is NotProven at best."""
    within: Duration = "1m"
    """How long the effect may take to be seen, from the request on. Faults stand meanwhile, so the administrator's
    maxOutage counts it."""
    without_fuse: bool = False
    """Says that you know that nothing ends what ``do`` starts if it does not end by itself. Must be true without
    ``undo``, and false with it."""


@dataclass(frozen=True, slots=True)
class Http(Action):
    """A call and what takes it back, None where nothing does; ``within`` is in seconds."""

    KIND: ClassVar[str] = "http"
    OUTSIDE: ClassVar[bool] = True
    SIGNS_IN: ClassVar[str] = "verify."

    do: Call
    undo: Call | None
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
        return tuple(dict.fromkeys(one.address for one in (self.do, self.undo) if one is not None))

    @property
    def patience(self) -> float | None:
        """How long the effect may take."""
        return self.within


@dataclass(frozen=True, slots=True)
class EndingHttp(Http):
    """A call that nothing takes back: no fuse can undo it, so a person is asked, as of what a person has done."""

    BY_HAND: ClassVar[bool] = True
    NO_STEP: ClassVar[tuple[str, str]] = ("undo", "give undo, or use httpOnce with irreversible: true")


class HttpKind(MadeByPods[HttpSpec, Http]):
    """A call of an HTTP API."""

    name = Http.KIND
    beyond = True
    description = "Call an HTTP API, and take that back by another call."
    spec = HttpSpec
    planned = Http
    uses = frozenset({Use.FAULT, Use.STEP})
    fuse_does = "send the request that takes the call back"
    longest_act = TIMEOUT
    words = Words(
        change="its call", not_yet="was not sent yet", waits="was not answered yet", lost=LOST,
        by_fuse="its fuse took the call back",
    )  # fmt: skip
    before: ClassVar[State] = {"called": False}

    def parse(self, spec: HttpSpec, named: Dependencies) -> Http:
        """See the base class."""
        seen, undone = (spec.verify.seen, spec.verify.undone) if spec.verify is not None else (None, None)
        if spec.undo is not None:
            if spec.without_fuse:
                raise PlanInvalid(((f"{named.path}.withoutFuse", WITH_FUSE),))
            return Http(call_of(spec.do), call_of(spec.undo), seen, undone, seconds(spec.within))
        if not spec.without_fuse:
            raise PlanInvalid(((f"{named.path}.withoutFuse", WITHOUT_FUSE),))
        if spec.verify is None:
            raise PlanInvalid(((f"{named.path}.verify", WITHOUT_VERIFY),))
        return EndingHttp(call_of(spec.do), None, seen, undone, seconds(spec.within))

    def check(self, action: Http, earlier: Sequence[Action]) -> Iterator[PlanFinding]:
        """What no schema says of the requests; a second call of the same kind to one URL would undo the first."""
        yield from check_call("do", action.do)
        if action.undo is None:
            return
        yield from check_call("undo", action.undo)
        yield from check_noted("undo", action.undo)
        others = (one.undo for one in earlier if isinstance(one, Http) and one.undo is not None)
        if any(undo.request == action.undo.request for undo in others):
            text = "an earlier http is taken back by the same request, so the two would undo each other: remove one"
            yield PlanFinding("undo", text)

    def preflight(self, action: Http, ctx: PreflightContext) -> Iterator[Finding]:
        """What nobody can see of it, and what its fuse cannot reach."""
        if not action.signs:
            text = "without verify nothing shows that the call had its effect, so a drill of it is NotProven at best"
            remedy = "give verify.seen and verify.undone, expressions over a probe of the same API"
            yield Finding("NotSeen", ctx.path, text, remedy, Severity.WARN)
        if action.undo is None:
            text = "nothing takes this call back if what it starts does not end: no fuse, and no operator"
            remedy = "have somebody at hand who can end it; until it has ended the namespace stays locked"
            yield Finding("WithoutFuse", ctx.path, text, remedy, Severity.WARN)
            return
        calls = [name for name, one in ctx.plan.actions() if isinstance(one, Http) and one.undo is not None]
        if ctx.name == calls[0]:
            # All fuses are alike to policies, so one finding says it for all.
            yield from agent_egress.of_api_server(ctx.snapshot, ctx.path, "nothing could be called")

    def asks(self, action: Http) -> Iterator[Asks]:
        """What is called, and by the fuse what takes that back."""
        yield from callers.asks(CALLER, action.do, "do.url", callers.NOT_CALLED)
        if action.undo is not None:
            yield from callers.asks(CALLER, action.undo, "undo.url", callers.NOT_CALLED)
            yield from callers.asks(FUSE, action.undo, "undo.url", callers.NOT_TAKEN_BACK)

    def notes(self, action: Http) -> State:
        """The request that takes it back."""
        return {"undo": action.undo.sendable().noted()} if action.undo is not None else ending.noted(action.do)

    def registers(self, action: Http, snapshot: NamespaceSnapshot) -> Observed:
        """See the base class."""
        return Observed(Presence.ABSENT, "Pod", "call", before=self.before, wanted=self.notes(action))

    def creates(self, action: Http, ctx: DryRunContext) -> Iterator[tuple[Resource, Object]]:
        """The pods that call; they are owned by the Drill as long as there is no fuse."""
        if action.undo is None:
            yield PODS, ctx.agent_pod(names.call(ctx.name), ending.pod(action.do))
            return
        for agent, call in ((names.call(ctx.name), action.do), (names.call_back(ctx.name, 0), action.undo)):
            made = call.sendable()
            yield PODS, ctx.agent_pod(agent, caller_pod(made, caller_config(made, LASTS, tries_for=ACTS_FOR)))

    def fuse_pod(self, change: Change, namespace: str, lasts: float, ends_after: float) -> AgentPod:
        """The fuse sends the request that stands in the undo log."""
        undo = _undo_of(change)
        config = CallFuseConfig(
            namespace=namespace, lasts=lasts, request=undo.request, statuses=undo.statuses, timeout=TIMEOUT,
            ends_after=ends_after,
        )  # fmt: skip
        return AgentPod("call_fuse", "fuse", config, undo.secrets, undo.config_maps)

    def guarded(self, wanted: State | None) -> bool:
        """Only a change with a request that takes it back has a fuse."""
        return wanted is None or "undo" in wanted

    def observe(self, ctx: ActionContext, name: str, action: Action | None, change: Change | None) -> Observed:
        """What the pods say of their calls."""
        known = action if isinstance(action, Http) else None
        if change.by_hand if change is not None else known is not None and known.undo is None:
            return ending.observe(ctx, name, known.do if known is not None else None, change)
        return MadeByPods.observe(self, ctx, name, action, change)

    async def apply(self, ctx: ActionContext, action: Action, change: Change, version: str) -> None:
        """Create the pod that calls; a second time finds the first."""
        if isinstance(action, EndingHttp) and change.by_hand:
            await ending.send(ctx, action.do, change)
        else:
            await MadeByPods.apply(self, ctx, action, change, version)

    async def revert(self, ctx: ActionContext, change: Change) -> None:
        """Create a pod that takes the call back, where one can."""
        if not change.by_hand:
            await MadeByPods.revert(self, ctx, change)

    def makes(self, ctx: ActionContext, action: Http, change: Change, until: float) -> AgentPod:
        """The pod that sends the request."""
        call = action.do.sendable()
        return caller_pod(call, caller_config(call, LASTS, tries_for=ACTS_FOR, until=until))

    def takes_back(self, ctx: ActionContext, change: Change, waits: float) -> AgentPod:
        """The pod that sends the request which takes the call back."""
        undo = _undo_of(change)
        return caller_pod(undo, caller_config(undo, LASTS, tries_for=UNDOES_FOR, waits=waits))

    def shown(self, action: Http) -> str:
        """The request."""
        return action.do.shown

    def shown_back(self, change: Change) -> str:
        """The request that takes it back."""
        try:
            return _undo_of(change).shown
        except Rejected:
            return "its undo request"


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
