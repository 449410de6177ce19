"""The kind ``httpOnce``: a call of an HTTP API that nothing takes back, as a step; it is made once at most.

Its pod has a name that follows from the drill, sends the request once, and is not started again. What it left in its
termination message is the result. A call whose result is unknown is never repeated. It sends nothing from ``ACTS_FOR``
seconds after it was asked for, as where the API server creates it late.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from gameday.actions.http import callers
from gameday.actions.http.call import Call, CallSpec, call_of, check_call
from gameday.actions.http.callers import LOST, caller_config, caller_pod
from gameday.actions.kind import ActionContext, Asks, DryRunContext, RunKind, Use
from gameday.actions.made_by_pods import ACTS_FOR, PODS_SEEN, create, pod_of, said_by
from gameday.cluster.resources import PODS, Object, Resource
from gameday.errors import Rejected
from gameday.model import names
from gameday.model.change import Ran, RunState, State
from gameday.model.finding import Finding as PlanFinding
from gameday.model.labels import CALLER
from gameday.model.plan import Action
from gameday.schema.named import Dependencies

LASTS: Final = 120.0
"""Seconds after which the caller ends by itself."""


class HttpOnceSpec(CallSpec):
    """Calls an HTTP API once. Nothing takes it back, and it is not repeated when its result is unknown."""


@dataclass(frozen=True, slots=True)
class HttpOnce(Action):
    """A call that nothing takes back."""

    KIND: ClassVar[str] = "httpOnce"
    REVERSIBLE: ClassVar[bool] = False

    call: Call

    @property
    def reaches(self) -> tuple[str, ...]:
        """The URL that it calls."""
        return (self.call.address,)


class HttpOnceKind(RunKind[HttpOnceSpec, HttpOnce]):
    """A call that is made once."""

    name = HttpOnce.KIND
    beyond = True
    description = "Call an HTTP API once."
    spec = HttpOnceSpec
    planned = HttpOnce
    uses = frozenset({Use.STEP})
    rules = (
        (
            "!has(self.httpOnce) || self.irreversible",
            "nothing takes an httpOnce back: write irreversible: true, or use http",
        ),
    )

    def parse(self, spec: HttpOnceSpec, named: Dependencies) -> HttpOnce:
        """See the base class."""
        return HttpOnce(call_of(spec))

    def check(self, action: HttpOnce, earlier: Sequence[Action]) -> Iterator[PlanFinding]:
        """What no schema says of the request."""
        yield from check_call("", action.call)

    def asks(self, action: HttpOnce) -> Iterator[Asks]:
        """What is called."""
        yield from callers.asks(CALLER, action.call, "url", callers.NOT_CALLED)

    def creates(self, action: HttpOnce, ctx: DryRunContext) -> Iterator[tuple[Resource, Object]]:
        """The pod that calls."""
        call = action.call.sendable()
        yield PODS, ctx.agent_pod(names.call(ctx.name), caller_pod(call, caller_config(call, LASTS, tries_for=0.0)))

    async def run(self, ctx: ActionContext, name: str, action: Action, noted: State | None) -> None:
        """Create the pod that calls; a second time finds the first."""
        if not isinstance(action, HttpOnce):
            raise Rejected(f"step {name} is not an {self.name}: somebody else changed the Drill's status")
        call, agent = action.call.sendable(), names.call(name)
        # A later request makes a pod with a later end: only what reaches the API server late is never sent.
        config = caller_config(call, LASTS, tries_for=0.0, until=ctx.clock() + ACTS_FOR)
        body = ctx.agent_pod(agent, caller_pod(call, config))
        await create(ctx, names.object_name(ctx.drill, agent), body, ctx.uid)

    def ran(self, ctx: ActionContext, name: str, action: Action, noted: State | None) -> Ran:
        """What the pod says."""
        if not ctx.cache.listed(PODS_SEEN):
            return Ran(RunState.UNKNOWN)
        what = action.call.shown if isinstance(action, HttpOnce) else "its call"
        pod = pod_of(ctx, names.object_name(ctx.drill, names.call(name)), ctx.uid)
        if pod is None:
            return Ran(RunState.ABSENT, shown=f"{what} is sent once and is not repeated")
        said = said_by(pod, LOST)
        if not said.ended:
            return Ran(RunState.RUNNING, shown=f"{what} was not answered yet; see its pod {pod['metadata']['name']}")
        # A call that got no good answer may have had an effect, or none.
        state = RunState.DONE if said.good else RunState.FAILED
        return Ran(state, shown=f"{what} {said.text}", carried_out=said.good)
