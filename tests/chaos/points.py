"""The named points at which an operator is killed: each action of a drill, right before it and right after it.

"Before" means that the API server was not asked yet; "after" that it has done it, and the operator dies before it sees
the answer. Production code knows nothing of this: ``launcher`` wraps the calls that the operator makes anyway.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gameday.cluster.resources import Object
from gameday.model.change import ChangeState
from gameday.model.labels import AGENT, ROLE
from gameday.model.names import CLOSER
from gameday.model.record import DrillRecord, Phase, StepState

BEFORE, AFTER = "before", "after"


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of the operator to the API server."""

    verb: str
    """create, replace, patch, delete or evict."""
    plural: str
    name: str
    body: Object
    dry_run: bool = False

    @property
    def role(self) -> str:
        """The role of the object, as its labels name it."""
        labels: Mapping[str, str] = self.body.get("metadata", {}).get("labels") or {}
        return labels.get(ROLE, "")

    @property
    def agent(self) -> str:
        """The agent whose pod it is, or whose Job: of the fuses, those of scalings."""
        labels: Mapping[str, str] = self.body.get("metadata", {}).get("labels") or {}
        return labels.get(AGENT, "")


Calls = Callable[[Asked], bool]
Saves = Callable[[DrillRecord, DrillRecord], bool]
"""Whether the saving of the second record, over the first, is the action."""


@dataclass(frozen=True, slots=True)
class OperatorAction:
    """Something that an operator does once in a drill: a call to the API server, or the saving of a record.

    ``nth`` counts the calls that match.
    """

    name: str
    call: Calls | None = None
    save: Saves | None = None
    nth: int = 1


@dataclass(frozen=True, slots=True)
class Point:
    """An action, and which side of it."""

    action: OperatorAction
    moment: str

    @property
    def name(self) -> str:
        """As it stands in the table."""
        return f"{self.moment} {self.action.name}"


def _call(verb: str, plural: str, which: Calls = lambda _: True, *, dry_run: bool = False) -> Calls:
    return lambda asked: asked.verb == verb and asked.plural == plural and asked.dry_run is dry_run and which(asked)


def _enters(phase: Phase) -> Saves:
    return lambda before, after: before.phase is not phase and after.phase is phase


def _comes(tells: Callable[[DrillRecord], Any]) -> Saves:
    """The record in which something is true that was not before."""
    return lambda before, after: bool(tells(after)) and not tells(before)


def _hold(kind: int, *states: ChangeState) -> Callable[[DrillRecord], bool]:
    """Whether an entry of the undo log, by its place, is there and in one of these states."""
    return lambda record: len(record.changes) > kind and record.changes[kind].state in states


def _undone(place: int) -> Callable[[DrillRecord], bool]:
    return lambda record: len(record.changes) > place and record.changes[place].undone_at is not None


def _proven(record: DrillRecord, place: int) -> bool:
    return len(record.changes) > place and record.changes[place].proven_at is not None


def _step(name: str, *states: StepState) -> Callable[[DrillRecord], bool]:
    return lambda record: any(step.name == name and step.state in states for step in record.steps)


def _ended(record: DrillRecord) -> bool:
    return any(one.ended_at is not None for one in record.mitigations)


def _finalizers(asked: Asked, *, on: bool) -> bool:
    return bool(asked.body.get("metadata", {}).get("finalizers")) is on


def _lease(asked: Asked) -> bool:
    return "gameday" in {asked.name, asked.body.get("metadata", {}).get("name")}


def _cut(asked: Asked) -> bool:
    return asked.role == "cut"


def _agent_pod(asked: Asked) -> bool:
    return asked.role != "fuse"


POLICIES = ("networkpolicies", "ciliumnetworkpolicies")
CUT, SCALE = 0, 1
RENEW = "renew payments"
"""The step of a rollback that restarts."""
STOP, CLEAR, START = "stop payments", "clear state", "start payments"
"""The steps of the rollback that is drilled."""

FAULTS = (
    OperatorAction("the namespace's lock is taken", call=_call("create", "leases", _lease)),
    OperatorAction("the finalizer is on", call=_call("patch", "drills", lambda a: _finalizers(a, on=True))),
    OperatorAction("Preflight is saved", save=_enters(Phase.PREFLIGHT)),
    OperatorAction("the preflight's last dry run", call=lambda a: a.verb == "create" and a.dry_run and _cut(a)),
    OperatorAction("SteadyState is saved", save=_enters(Phase.STEADY_STATE)),
    OperatorAction("the first agent is created", call=_call("create", "pods", _agent_pod)),
    OperatorAction("the third agent of five is created", call=_call("create", "pods", _agent_pod), nth=3),
    OperatorAction("the last agent is created", call=_call("create", "pods", _agent_pod), nth=5),
    OperatorAction("the agents' readiness is saved", save=_comes(lambda record: record.steady_from)),
    OperatorAction("Outage and the undo of the cut are saved", save=_enters(Phase.OUTAGE)),
    OperatorAction("the fuse is created", call=_call("create", "jobs", lambda a: a.role == "fuse" and not a.agent)),
    OperatorAction(
        "the armed fuse and the intent to inject are saved", save=_comes(lambda record: record.inject_requested_at)
    ),
    OperatorAction(
        "the policy is created",
        call=lambda a: a.verb == "create" and a.plural in POLICIES and _cut(a) and not a.dry_run,
    ),
    OperatorAction("the cut is saved as there", save=_comes(_hold(CUT, ChangeState.ACTIVE))),
    OperatorAction("CutProven is saved", save=_comes(lambda record: record.proven_at)),
    OperatorAction("the closer is created", call=_call("create", "pods", lambda a: a.agent == CLOSER)),
    OperatorAction(
        "ConnectionsClosed is saved", save=_comes(lambda record: any(one.gone is not None for one in record.closings))
    ),
    OperatorAction("the revert", call=lambda a: a.verb == "delete" and a.plural in POLICIES),
    OperatorAction("Recovery and the revert are saved", save=_enters(Phase.RECOVERY)),
    OperatorAction("the verified undo is saved", save=_comes(_undone(CUT))),
    OperatorAction("the fuse is removed", call=_call("delete", "jobs", lambda a: a.name.endswith("-fuse"))),
    OperatorAction("the empty undo log is saved", save=_comes(_hold(CUT, ChangeState.UNDONE))),
    OperatorAction("Finished and the verdict are saved", save=_enters(Phase.FINISHED)),
    OperatorAction(
        "the first agent is removed", call=_call("delete", "pods", lambda a: not a.name.endswith("-closer"))
    ),
    OperatorAction(
        "the third agent is removed", call=_call("delete", "pods", lambda a: not a.name.endswith("-closer")), nth=3
    ),
    OperatorAction("the namespace's lock is freed", call=_call("delete", "leases", _lease)),
    OperatorAction("the finalizer is off", call=_call("patch", "drills", lambda a: _finalizers(a, on=False))),
)
"""A drill of one cut, in its order."""

SEVERAL = (
    OperatorAction("the third fuse is created", call=_call("create", "jobs", lambda a: a.role == "fuse"), nth=3),
    OperatorAction("the first proof is saved", save=_comes(lambda record: _proven(record, 0))),
    OperatorAction("the intent to scale is saved", save=_comes(_hold(1, ChangeState.REQUESTED))),
    OperatorAction("the Deployment is scaled to 0", call=_call("patch", "deployments")),
    OperatorAction("the scaling is saved as done", save=_comes(_hold(1, ChangeState.ACTIVE))),
    OperatorAction("its proof is saved", save=_comes(lambda record: _proven(record, 1))),
    OperatorAction("the intent of the second cut is saved", save=_comes(_hold(2, ChangeState.REQUESTED))),
    OperatorAction(
        "the second policy is created",
        call=lambda a: a.verb == "create" and a.plural in POLICIES and _cut(a) and not a.dry_run,
        nth=2,
    ),
    OperatorAction("the second cut is saved as there", save=_comes(_hold(2, ChangeState.ACTIVE))),
    OperatorAction("the last proof is saved", save=_comes(lambda record: record.proven_at)),
    OperatorAction("the revert of the second cut", call=lambda a: a.verb == "delete" and a.plural in POLICIES),
    OperatorAction("its verified undo is saved", save=_comes(_undone(2))),
    OperatorAction("the Deployment is scaled back", call=_call("patch", "deployments"), nth=2),
    OperatorAction("the replicas' return is saved", save=_comes(_undone(1))),
    OperatorAction("the revert of the first cut", call=lambda a: a.verb == "delete" and a.plural in POLICIES, nth=2),
    OperatorAction("the last verified undo is saved", save=_comes(_undone(0))),
)
"""A drill of a cut, a scale and another cut, in its order: what a drill of one cut has not."""

ROLLBACK = (
    OperatorAction("Rollback is saved", save=_enters(Phase.ROLLBACK)),
    OperatorAction("the undo of the scaling is saved", save=_comes(_step(STOP, StepState.INTENDED))),
    OperatorAction(
        "the fuse pod is created", call=_call("create", "jobs", lambda a: a.role == "fuse" and bool(a.agent))
    ),
    OperatorAction(
        "the armed fuse pod and the intent to scale are saved", save=_comes(_hold(SCALE, ChangeState.REQUESTED))
    ),
    OperatorAction("the Deployment is scaled to 0", call=_call("patch", "deployments")),
    OperatorAction("the scaling is saved as done", save=_comes(_hold(SCALE, ChangeState.ACTIVE))),
    OperatorAction(
        "the first step's end and the Job's intent are saved", save=_comes(_step(CLEAR, StepState.INTENDED))
    ),
    OperatorAction("the Job is created", call=_call("create", "jobs", lambda a: a.role == "step")),
    OperatorAction("the Job is started", call=_call("patch", "jobs")),
    OperatorAction("the Job's end and the restoring are saved", save=_comes(_hold(SCALE, ChangeState.UNDOING))),
    OperatorAction("the Deployment is scaled back", call=_call("patch", "deployments"), nth=2),
    OperatorAction("the replicas' return is saved", save=_comes(_undone(SCALE))),
    OperatorAction("the fuse pod is removed", call=_call("delete", "jobs", lambda a: "-fuse-" in a.name)),
    OperatorAction("the empty undo log is saved", save=_comes(_hold(SCALE, ChangeState.UNDONE))),
    OperatorAction("the end of all steps is saved", save=_comes(lambda record: record.rollback_done_at)),
    OperatorAction("the second judgement is saved", save=_comes(lambda record: record.finishing)),
)
"""The rollback of a drill whose recovery was missed, in its order."""

MITIGATION = (
    OperatorAction("the begin of the mitigation is saved", save=_comes(lambda record: record.mitigations)),
    OperatorAction("the undo of the scaling is saved", save=_comes(_step(STOP, StepState.INTENDED))),
    OperatorAction(
        "the fuse pod is created", call=_call("create", "jobs", lambda a: a.role == "fuse" and bool(a.agent))
    ),
    OperatorAction("the intent to scale and the act are saved", save=_comes(_hold(SCALE, ChangeState.REQUESTED))),
    OperatorAction("the Deployment is scaled to 0", call=_call("patch", "deployments")),
    OperatorAction("the scaling is saved as done", save=_comes(_hold(SCALE, ChangeState.ACTIVE))),
    OperatorAction(
        "the first step's end and the Job's intent are saved", save=_comes(_step(CLEAR, StepState.INTENDED))
    ),
    OperatorAction("the Job is created", call=_call("create", "jobs", lambda a: a.role == "step")),
    OperatorAction("the Job is started", call=_call("patch", "jobs")),
    OperatorAction("the Job's end and the restoring are saved", save=_comes(_hold(SCALE, ChangeState.UNDOING))),
    OperatorAction("the Deployment is scaled back", call=_call("patch", "deployments"), nth=2),
    OperatorAction("the replicas' return is saved", save=_comes(_undone(SCALE))),
    OperatorAction("the fuse pod is removed", call=_call("delete", "jobs", lambda a: "-fuse-" in a.name)),
    OperatorAction("the end of the mitigation is saved", save=_comes(_ended)),
)
"""A mitigation of the rollback's steps, under the cut and beyond its end, in its order."""


CALLS = (
    OperatorAction(
        "the fuse pod is created", call=_call("create", "jobs", lambda a: a.role == "fuse" and bool(a.agent))
    ),
    OperatorAction(
        "the armed fuse pod and the intent to call are saved", save=_comes(lambda record: record.inject_requested_at)
    ),
    OperatorAction("the caller is created", call=_call("create", "pods", lambda a: a.agent.startswith("call-"))),
    OperatorAction("the call is saved as there", save=_comes(_hold(CUT, ChangeState.ACTIVE))),
    OperatorAction("its proof is saved", save=_comes(lambda record: record.proven_at)),
    OperatorAction("the undo of the call is saved", save=_comes(_hold(CUT, ChangeState.UNDOING))),
    OperatorAction(
        "the caller that takes it back is created",
        call=_call("create", "pods", lambda a: a.agent.startswith("callback-")),
    ),
    OperatorAction("the verified undo is saved", save=_comes(_undone(CUT))),
    OperatorAction("the fuse pod is removed", call=_call("delete", "jobs", lambda a: a.name.endswith("-fuse"))),
)
"""A drill of one call, or of one user of a Redis, in its order: what a drill of one cut has not."""


MANUAL = (
    OperatorAction("the request to act is saved", save=_comes(lambda record: record.inject_requested_at)),
    OperatorAction("the act is saved as there", save=_comes(_hold(CUT, ChangeState.ACTIVE))),
    OperatorAction("its proof is saved", save=_comes(lambda record: record.proven_at)),
    OperatorAction("the request to undo is saved", save=_comes(_hold(CUT, ChangeState.UNDOING))),
    OperatorAction("the verified undo is saved", save=_comes(_undone(CUT))),
    OperatorAction("the empty undo log is saved", save=_comes(_hold(CUT, ChangeState.UNDONE))),
)
"""A drill of one fault that a person makes, in its order: what a drill of one cut has not."""

RESTART = (
    OperatorAction("the restart is saved as intended", save=_comes(_step(RENEW, StepState.INTENDED))),
    OperatorAction("the first pod is evicted", call=_call("evict", "pods")),
    OperatorAction("the second pod is evicted", call=_call("evict", "pods"), nth=2),
    OperatorAction("the end of all steps is saved", save=_comes(lambda record: record.rollback_done_at)),
)
"""A rollback that evicts the pods of a workload one after another, in its order."""


def points(actions: tuple[OperatorAction, ...]) -> tuple[Point, ...]:
    """Both sides of each action."""
    return tuple(Point(action, moment) for action in actions for moment in (BEFORE, AFTER))


GROUPS = {
    "faults": points(FAULTS),
    "several": points(SEVERAL),
    "rollback": points(ROLLBACK),
    "mitigation": points(MITIGATION),
    "calls": points(CALLS),
    "users": points(CALLS),
    "manual": points(MANUAL),
    "restart": points(RESTART),
}


def point(group: str, name: str) -> Point:
    """The point of that name.

    Raises:
        KeyError: when there is none.

    """
    return {point.name: point for point in GROUPS[group]}[name]
