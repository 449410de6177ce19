"""GameDay: the plan. Creating one never starts anything."""

from typing import Annotated, Literal

from pydantic import Field

from gameday.actions.registry import KINDS as ACTIONS
from gameday.api.action_items import ActionItem
from gameday.api.actions import Fault, Step
from gameday.api.contacts import Contact, Link
from gameday.api.dependencies import Dependency
from gameday.api.notifications import MOST as MOST_NOTIFICATIONS
from gameday.api.notifications import Notification
from gameday.api.probes import Probe
from gameday.api.schedule import History, Schedule
from gameday.probes.kinds import KINDS as PROBES
from gameday.schema import renamed
from gameday.schema.base import ATOMIC, MOST, ApiModel, Cel, Duration, Identifier, Name, cel, keyed

MOST_MITIGATIONS = 8
"""Most mitigations of a plan."""
MOST_STEPS = 8
"""Most steps of a mitigation."""


def at_most(path: str, limit: str, what: str) -> tuple[str, str]:
    """A rule that bounds a duration."""
    return f"duration(self.{path}) <= duration('{limit}')", f"{what} must be at most {limit}"


class Expectation(ApiModel):
    """What must hold: a CEL expression over samples."""

    RENAMED = renamed.EXPECTATION

    model_config = {
        "json_schema_extra": cel(
            (
                "(has(self.always) ? 1 : 0) + (has(self.becomes) ? 1 : 0) + (has(self.eventually) ? 1 : 0) == 1",
                "give exactly one of always, becomes and eventually",
            ),
            (
                "!has(self.always) || !(has(self.within) || has(self.__for__) || has(self.measures))",
                "within, for and measures belong to becomes and eventually: remove them or use one of these",
            ),
            (
                "has(self.always) || !(has(self.tolerates) || has(self.after) || self.guardrail)",
                "tolerates, after and guardrail belong to always: remove them or use always",
            ),
        )
    }
    name: Name
    """What is expected, in words; reports use it."""
    always: Cel | None = None
    """In any stage: must be true at every sample. A request without an answer makes it false (one alone is excused)."""
    becomes: Cel | None = None
    """In the outage: must be false before the fault and true by its deadline, as "health.body.redis != 'ok'"."""
    eventually: Cel | None = None
    """In the recovery: must be true by its deadline."""
    within: Duration | None = None
    """Deadline of becomes and eventually, from the start of the stage; default: the stage's length."""
    for_: Annotated[Duration | None, Field(alias="for")] = None
    """How long becomes or eventually must then stay true; its time is the start of that."""
    measures: Identifier | None = None
    """Name under which the time until becomes or eventually was met is recorded, in seconds; unique in the plan."""
    tolerates: Duration | None = None
    """Longest unbroken violation of always that is allowed; for a guardrail three intervals unless given."""
    after: Duration | None = None
    """In the outage: always counts from this time after the start of the outage on."""
    guardrail: bool = False
    """Whether a violation of always reverts the fault at once. Only in the outage."""
    unaided: bool = False
    """Whether it counts as missed where it is met only after a mitigation has acted. Not in the steady state."""


Expectations = Annotated[tuple[Expectation, ...], Field(max_length=MOST, json_schema_extra=keyed())]


class SteadyState(ApiModel):
    """Before anything is touched: a system that is not steady is not drilled. Takes the baseline."""

    RENAMED = renamed.STAGE

    model_config = {
        "json_schema_extra": cel(
            at_most("duration", "30m", "steadyState.duration"),
            (
                "self.expect.all(e, has(e.always))",
                "steadyState.expect takes only always, because nothing has changed yet: use always",
            ),
            (
                "self.expect.all(e, !has(e.after) && !e.guardrail && !(has(e.unaided) && e.unaided))",
                "after, guardrail and unaided belong to the stages under the fault and after it: remove them here",
            ),
        )
    }
    duration: Duration = "30s"
    """Length of the stage."""
    expect: Expectations = ()
    """What must hold, with always."""


class Outage(ApiModel):
    """Under the fault. Neither early success nor a miss ends it."""

    RENAMED = renamed.STAGE

    model_config = {
        "json_schema_extra": cel(
            at_most("duration", "1h", "outage.duration"),
            (
                "self.expect.all(e, !has(e.eventually))",
                "eventually belongs to recovery.expect: in the outage write becomes, which is false before the fault",
            ),
            *(rule for kind in ACTIONS for rule in kind.outage_rules),
        )
    }
    duration: Duration
    """Length of the stage, from the first failed dial of the proof."""
    faults: Annotated[tuple[Fault, ...], Field(min_length=1, max_length=8, json_schema_extra=keyed())]
    """The faults, applied in this order, each proven before the next one, and undone in reverse."""
    expect: Expectations = ()
    """What must hold under the fault, with becomes and always."""


class Recovery(ApiModel):
    """After the fault is undone."""

    model_config = {
        "json_schema_extra": cel(
            at_most("within", "2h", "recovery.within"),
            (
                "self.expect.all(e, !has(e.becomes))",
                "becomes belongs to outage.expect: in the recovery write eventually",
            ),
            (
                "self.expect.all(e, !has(e.after) && !e.guardrail)",
                "after and guardrail belong to outage.expect: remove them here",
            ),
        )
    }
    within: Duration
    """The recovery time objective, from the proven end of the fault."""
    expect: Expectations = ()
    """What must hold again, with eventually and always."""


class Mitigation(ApiModel):
    """What the team's runbook says to do when something is so. It acts at most once, under the fault or after it."""

    model_config = {"json_schema_extra": cel(at_most("within", "1h", "within"))}
    name: Name
    """Name of the mitigation; it is shown with each expectation that is met after it has acted."""
    when: Cel
    """The condition: false in the steady state. While it is unknown, nothing is done."""
    for_: Annotated[Duration | None, Field(alias="for")] = None
    """How long the condition must be true without a break; default: one sample is enough."""
    within: Duration = "2m"
    """Time for all steps; where they are not done by then, the drill ends."""
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=MOST_STEPS, json_schema_extra=keyed())]
    """The steps, in order. What a step changed is put back by a later step, or when the drill ends."""


class Rollback(ApiModel):
    """What repairs the system when it does not recover by itself."""

    model_config = {"json_schema_extra": cel(at_most("within", "1h", "rollback.within"))}
    if_missed: Annotated[tuple[Name, ...], Field(min_length=1, max_length=MOST, json_schema_extra=ATOMIC)]
    """Names of recovery expectations: a definite miss of one starts the rollback."""
    within: Duration
    """Time for all steps and for the recovery after them."""
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=MOST, json_schema_extra=keyed())]
    """The steps, in order."""


class Measurement(ApiModel):
    """A figure taken over a stage."""

    name: Identifier
    """Name of the figure."""
    stage: Literal["SteadyState", "Outage", "Recovery"]
    """The stage."""
    path: Annotated[str, Field(min_length=1, max_length=256)]
    """Where it is read: probe.path, as in expressions."""
    aggregate: Literal["max", "min", "mean", "last"] = "max"
    """How the stage's samples become one figure."""
    unit: Annotated[str, Field(max_length=32)] = ""
    """Its unit, for people."""


class GameDaySpec(ApiModel):
    """What is rehearsed, how it is watched, what must hold."""

    model_config = {
        "json_schema_extra": cel(
            (
                "!has(self.rollback) || self.rollback.ifMissed.all(n, self.recovery.expect.exists(e, e.name == n))",
                "rollback.ifMissed names an expectation that is not in recovery.expect: use one of its names",
            ),
            *(rule for kind in (*ACTIONS, *PROBES) for rule in kind.plan_rules),
        )
    }
    description: Annotated[str, Field(max_length=1024)] = ""
    """What the drill is about, in words."""
    dependencies: Annotated[tuple[Dependency, ...], Field(max_length=MOST, json_schema_extra=keyed())] = ()
    """What the system needs, each said once with its address, TLS and credentials. Faults and probes name it."""
    probes: Annotated[tuple[Probe, ...], Field(min_length=1, max_length=MOST, json_schema_extra=keyed())]
    """What is measured, again and again, by our pods in this namespace."""
    steady_state: SteadyState = SteadyState()
    """The stage before anything is touched: its length, and what must hold. It takes the baseline."""
    outage: Outage
    """The stage under the fault: its length, what is cut, and what must hold by when."""
    recovery: Recovery
    """The stage after the fault: the recovery time objective, and what must hold again by then."""
    mitigations: Annotated[tuple[Mitigation, ...], Field(max_length=MOST_MITIGATIONS, json_schema_extra=keyed())] = ()
    """What the team does under the fault when a condition holds, as its runbook says: each at most once."""
    rollback: Rollback | None = None
    """What repairs the system when a named recovery expectation was definitely missed."""
    measurements: Annotated[tuple[Measurement, ...], Field(max_length=MOST, json_schema_extra=keyed())] = ()
    """Figures taken over a stage's samples, for the report."""
    schedule: Schedule | None = None
    """When drills start by themselves; without it, only when somebody creates a Drill."""
    history: History = History()
    """What is kept of drills that have ended."""
    notifications: Annotated[
        tuple[Notification, ...], Field(max_length=MOST_NOTIFICATIONS, json_schema_extra=keyed())
    ] = ()
    """Who gets messages about drills. It is no part of the plan: a change counts from the next message on."""
    contacts: Annotated[tuple[Contact, ...], Field(max_length=8, json_schema_extra=keyed())] = ()
    """Whom to ask. It is no part of the plan: messages and reports show it."""
    links: Annotated[tuple[Link, ...], Field(max_length=8, json_schema_extra=keyed())] = ()
    """Where to look, such as a runbook or a dashboard. It is no part of the plan: messages and reports show it."""
    action_items: Annotated[tuple[ActionItem, ...], Field(max_length=MOST, json_schema_extra=ATOMIC)] = ()
    """What drills taught the team to do. It is no part of the plan: `gameday report` shows it, open items first."""
