"""Faults of a plan beside each other: what no schema of one fault can see."""

from dataclasses import replace

from gameday.actions.scale.kind import Scale
from gameday.api.checks import check
from gameday.model.plan import Fault, Plan
from unit.engine.simulation import NO_WORKERS, PARTITION, a_plan
from workloads import deployment


def messages(plan: Plan) -> list[tuple[str, str]]:
    return [(finding.path, finding.message) for finding in check(plan) if "faults" in finding.path]


def test_a_cut_and_other_faults_are_fine() -> None:
    assert messages(a_plan(faults=(PARTITION, NO_WORKERS))) == []
    assert messages(a_plan(faults=(NO_WORKERS, PARTITION))) == []


def test_a_plan_may_have_no_cut_or_a_few() -> None:
    assert messages(a_plan(faults=(NO_WORKERS,))) == []
    cuts = tuple(replace(PARTITION, name=f"cut {number}") for number in range(5))
    assert messages(a_plan(faults=cuts[:4])) == []
    text = "at most 4 faults may cut the network: give the others a GameDay of their own"
    assert messages(a_plan(faults=cuts)) == [("spec.outage.faults", text)]


def test_a_deployment_is_scaled_by_one_fault() -> None:
    again = Fault("again", Scale(deployment("worker"), 1))
    ((path, text),) = messages(a_plan(faults=(PARTITION, NO_WORKERS, again)))
    assert path == "spec.outage.faults[2].scale.deployment"
    assert "worker is scaled twice" in text


def test_a_fault_and_a_step_share_no_fuse() -> None:
    plan = a_plan(rollback=True, faults=(PARTITION, replace(NO_WORKERS, name="stop-workers")))
    assert plan.rollback is not None
    found = [finding.message for finding in check(plan) if finding.path == "spec.rollback.steps[0].name"]
    assert len(found) == 1
    assert "'stop workers' and 'stop-workers' at spec.outage.faults[1].name differ only in" in found[0]
