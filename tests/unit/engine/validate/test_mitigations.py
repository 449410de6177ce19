"""What is wrong with a plan's mitigations before any drill begins."""

from dataclasses import replace

import pytest

from gameday.actions.job import RunJob
from gameday.actions.pod_delete import PodDelete
from gameday.actions.restart import Restart
from gameday.actions.scale.kind import Scale
from gameday.actions.scale.restore import Restore
from gameday.api.checks import check
from gameday.model.finding import Finding
from gameday.model.plan import Action, Fault, Mitigation, Plan, Probe, Rollback, Step
from gameday.probes.http.kind import HttpProbe, Parse
from unit.engine.simulation import a_plan
from workloads import deployment, stateful_set

WHEN = "!health.ok"


def steps(*actions: Action, name: str = "step") -> tuple[Step, ...]:
    return tuple(Step(f"{name} {index}", action, not action.REVERSIBLE) for index, action in enumerate(actions))


def plan(
    *actions: Action,
    repair: tuple[Action, ...] = (),
    other: tuple[Action, ...] = (),
    fault: Action | None = None,
    when: str = WHEN,
    holds: float = 0.0,
) -> Plan:
    every = [Mitigation("restart", when, steps(*actions), holds)]
    if other:
        every.append(Mitigation("another", WHEN, steps(*other, name="other")))
    rollback = Rollback(("healthy again",), 60, steps(*repair, name="repair")) if repair else None
    made = replace(a_plan(), mitigations=tuple(every), rollback=rollback)
    faults = (*made.outage.faults, *((Fault("f1", fault),) if fault is not None else ()))
    return replace(made, outage=replace(made.outage, faults=faults))


def found(made: Plan) -> tuple[Finding, ...]:
    return tuple(one for one in check(made) if one.path.startswith("spec.mitigations"))


WORKER, QUEUE = deployment("worker"), stateful_set("queue")
STOP, START, RENEW, CLEAR = Scale(WORKER, 0), Restore(WORKER), Restart(WORKER), RunJob("clear")


@pytest.mark.parametrize(
    "made",
    [
        plan(STOP, CLEAR, START),
        plan(RENEW),
        plan(RENEW, repair=(RENEW,)),
        plan(RENEW, repair=(STOP, CLEAR, START)),
        plan(RENEW, other=(RENEW,)),
        plan(STOP, START, other=(Scale(QUEUE, 0),), repair=(CLEAR,)),
        plan(CLEAR, repair=(STOP, CLEAR, START)),
        plan(RENEW, fault=Scale(QUEUE, 0)),
    ],
    ids=range(8),
)
def test_what_disturbs_nothing_is_admitted(made: Plan) -> None:
    assert found(made) == ()


@pytest.mark.parametrize(
    ("made", "path", "other"),
    [
        (plan(STOP, repair=(STOP, CLEAR, START)), "spec.mitigations[0].steps[0].scale", "spec.rollback.steps[0].scale"),
        (plan(STOP, START, repair=(RENEW,)), "spec.mitigations[0].steps[0].scale", "spec.rollback.steps[0].restart"),
        (plan(CLEAR, STOP, other=(STOP,)), "spec.mitigations[0].steps[1].scale", "spec.mitigations[1].steps[0].scale"),
        (plan(STOP, other=(RENEW,)), "spec.mitigations[1].steps[0].restart", "spec.mitigations[0].steps[0].scale"),
        (plan(STOP, fault=Scale(WORKER, 1)), "spec.mitigations[0].steps[0].scale", "spec.outage.faults[1].scale"),
        (plan(RENEW, fault=PodDelete(WORKER, 1)), "spec.mitigations[0].steps[0].restart", "faults[1].podDelete"),
    ],
    ids=range(6),
)
def test_one_workload_is_changed_in_one_place_of_a_plan(made: Plan, path: str, other: str) -> None:
    """The number that the other finds, and puts back, would be the mitigation's; or it would take the fault back."""
    told = {one.path: one.message for one in found(made)}
    assert other in told[path]
    assert "so it could not be put back" in told[path]


def test_a_condition_is_checked_as_an_expectation_is() -> None:
    (unknown,) = found(plan(CLEAR, when="helth.ok"))
    assert (unknown.path, "there is no probe 'helth'" in unknown.message) == ("spec.mitigations[0].when", True)
    (broken,) = found(plan(CLEAR, when="health.ok &&"))
    assert broken.path == "spec.mitigations[0].when"
    made = plan(CLEAR, when="""health['up{a!="b"}'] > 1""")
    series = replace(made, probes=(Probe("health", HttpProbe("http://api/metrics", parse=Parse.PROMETHEUS)),))
    (never,) = found(series)
    assert (never.path, "does not name a series" in never.message) == ("spec.mitigations[0].when", True)


def test_a_condition_that_can_never_last_long_enough_is_refused() -> None:
    (never,) = found(plan(CLEAR, holds=50.0))
    assert never.path == "spec.mitigations[0].for"
    assert found(plan(CLEAR, holds=49.0)) == ()


def test_the_steps_of_each_list_are_checked_by_their_kinds() -> None:
    (lacks,) = found(plan(START))
    assert lacks.path == "spec.mitigations[0].steps[0].restore.deployment"
    assert "nothing to restore" in lacks.message


def test_names_are_unique_over_faults_and_steps_of_all_lists() -> None:
    made = plan(CLEAR, repair=(CLEAR,))
    twice = replace(
        made, mitigations=(replace(made.mitigations[0], steps=made.rollback.steps if made.rollback else ()),)
    )
    told = [one for one in check(twice) if "already has" in one.message]
    assert [one.path for one in told] == ["spec.rollback.steps[0].name"]
    again = replace(made, mitigations=made.mitigations * 2)
    assert "spec.mitigations[1].name" in {one.path for one in check(again)}
