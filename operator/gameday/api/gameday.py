"""GameDay: the plan. Creating one never starts anything."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from gameday.api.dependencies import Dependency
from gameday.api.probes import Probe
from gameday.api.schedule import History, Schedule
from gameday.schema import renamed
from gameday.schema.base import ATOMIC, MOST, ApiModel, Cel, Duration, Identifier, Name, ObjectName, Port, cel, keyed
from gameday.schema.references import ServiceReference


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
    """Whether a violation of always lifts the fault at once. Only in the outage."""


Expectations = Annotated[tuple[Expectation, ...], Field(max_length=MOST, json_schema_extra=keyed())]


class SelectorRequirement(ApiModel):
    """One requirement on labels."""

    key: Annotated[str, Field(min_length=1, max_length=253)]
    """Label key."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    """How key and values relate."""
    values: Annotated[tuple[Name, ...], Field(max_length=MOST, json_schema_extra=ATOMIC)] = ()
    """Values for In and NotIn."""


class PodSelector(ApiModel):
    """Which pods, by their labels."""

    model_config = {
        "json_schema_extra": cel(
            (
                "size(self.matchLabels) + size(self.matchExpressions) > 0",
                "select the pods to cut by matchLabels or matchExpressions: an empty selector would cut them all",
            )
        )
    }
    match_labels: Annotated[dict[str, Annotated[str, Field(max_length=63)]], Field(max_length=MOST)] = {}
    """Labels that a pod must have."""
    match_expressions: Annotated[tuple[SelectorRequirement, ...], Field(max_length=MOST, json_schema_extra=ATOMIC)] = ()
    """Requirements that a pod must meet."""


class Bystander(ApiModel):
    """A bystander that the cut must spare: when it is hit, the cut is lifted at once."""

    model_config = {
        "json_schema_extra": cel(
            (
                "(has(self.service) ? 1 : 0) + (has(self.host) ? 1 : 0) + (self.apiServer ? 1 : 0) == 1",
                "give exactly one of service, host (with port) and apiServer: true",
            ),
            ("has(self.host) == has(self.port)", "host and port go together"),
        )
    }
    name: Identifier
    """Name in findings."""
    service: ServiceReference | None = None
    """A Service, with its port."""
    host: Annotated[str, Field(min_length=1, max_length=253)] | None = None
    """A host."""
    port: Port | None = None
    """The host's port."""
    api_server: bool = False
    """The Kubernetes API server."""


class NetworkPartition(ApiModel):
    """Cuts pods off from one dependency, and from nothing else."""

    RENAMED = renamed.PARTITION

    model_config = {"json_schema_extra": cel(("size(self.to) == 1", renamed.ONE_DEPENDENCY))}

    pod_selector: PodSelector
    """The pods to cut off: the targets."""
    to: Annotated[tuple[ObjectName, ...], Field(max_length=MOST, json_schema_extra=ATOMIC)]
    """Names of the dependencies that they are cut off from: exactly one."""
    open_connections: Literal["Close", "Keep"] = "Close"
    """What becomes of open connections: Close ends them at the dependency, with its credentials.

    Where that is no redis behind a Service they run on, and a missed outage expectation is Inconclusive.
    """
    via: Literal["Auto", "NetworkPolicy", "CiliumNetworkPolicy"] = "Auto"
    """The kind of policy; Auto takes CiliumNetworkPolicy where the cluster has it and the account may write it."""
    must_remain_reachable: Annotated[tuple[Bystander, ...], Field(max_length=8, json_schema_extra=keyed())] = ()
    """Bystanders to watch. DNS is always watched."""

    @field_validator("to", mode="before")
    @classmethod
    def _refuse_an_address(cls, to: Any) -> Any:
        if isinstance(to, dict):
            raise ValueError(renamed.TO)  # noqa: TRY004  pydantic makes a finding of it, and none of a TypeError
        return to


class Fault(ApiModel):
    """A reversible change that causes the failure."""

    name: ObjectName
    """Name of the fault."""
    network_partition: NetworkPartition
    """A cut of the network."""


class SteadyState(ApiModel):
    """Before anything is touched: a system that is not steady is not drilled. Takes the baseline."""

    RENAMED = renamed.STAGE

    model_config = {
        "json_schema_extra": cel(
            at_most("duration", "30m", "steadyState.duration"),
            ("self.expect.all(e, has(e.always))", "the steady state has always only: nothing has changed yet"),
            (
                "self.expect.all(e, !has(e.after) && !e.guardrail)",
                "after and guardrail belong to outage.expect: remove them here",
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
        )
    }
    duration: Duration
    """Length of the stage, from the first failed dial of the proof."""
    faults: Annotated[tuple[Fault, ...], Field(min_length=1, max_length=1, json_schema_extra=keyed())]
    """The faults; one, for now."""
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


class Scale(ApiModel):
    """Sets a Deployment's replicas. The exact number before comes back, whatever dies."""

    deployment: ObjectName
    """Name of the Deployment."""
    replicas: Annotated[int, Field(ge=0, le=1000)]
    """Replicas to set."""


class Restore(ApiModel):
    """Puts a Deployment that an earlier step scaled back to its number."""

    deployment: ObjectName
    """Name of the Deployment."""


class JobStep(ApiModel):
    """Runs a CronJob's template once."""

    from_cron_job: ObjectName
    """Name of the CronJob; it may be suspended."""


class Step(ApiModel):
    """One step of the rollback."""

    model_config = {
        "json_schema_extra": cel(
            (
                "(has(self.scale) ? 1 : 0) + (has(self.restore) ? 1 : 0) + (has(self.job) ? 1 : 0) == 1",
                "give exactly one of scale, restore and job",
            ),
            ("!has(self.job) || self.irreversible", "a job cannot be undone: say irreversible: true"),
        )
    }
    name: Name
    """Name of the step."""
    scale: Scale | None = None
    """Scale a Deployment."""
    restore: Restore | None = None
    """Scale it back."""
    job: JobStep | None = None
    """Run a Job."""
    irreversible: bool = False
    """Says that the step cannot be undone. It runs once, and is never repeated when its result is unknown."""


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
            (
                "self.outage.faults.all(f, !has(f.networkPartition)"
                " || f.networkPartition.to.all(n, self.dependencies.exists(d, d.name == n)))",
                "networkPartition.to has a name that no dependency has: use a name from spec.dependencies",
            ),
            (
                "self.probes.all(p, !has(p.redis) || !has(p.redis.dependency)"
                " || self.dependencies.exists(d, d.name == p.redis.dependency && has(d.redis)))",
                "a redis probe's dependency is no redis of spec.dependencies: use the name of one",
            ),
        )
    }
    description: Annotated[str, Field(max_length=1024)] = ""
    """What the drill is about, in words."""
    dependencies: Annotated[tuple[Dependency, ...], Field(max_length=MOST, json_schema_extra=keyed())] = ()
    """What the system needs, each said once with its address, TLS and credentials. Faults and probes name it."""
    probes: Annotated[tuple[Probe, ...], Field(min_length=1, max_length=MOST, json_schema_extra=keyed())]
    """What is measured, again and again, by pods of ours in this namespace."""
    steady_state: SteadyState = SteadyState()
    """The stage before anything is touched: its length, and what must hold. It takes the baseline."""
    outage: Outage
    """The stage under the fault: its length, what is cut, and what must hold by when."""
    recovery: Recovery
    """The stage after the fault: the recovery time objective, and what must hold again by then."""
    rollback: Rollback | None = None
    """What repairs the system when a named recovery expectation was definitely missed."""
    measurements: Annotated[tuple[Measurement, ...], Field(max_length=MOST, json_schema_extra=keyed())] = ()
    """Figures taken over a stage's samples, for the report."""
    schedule: Schedule | None = None
    """When drills start by themselves; without it, only when somebody creates a Drill."""
    history: History = History()
    """How many ended drills of the schedule are kept."""
