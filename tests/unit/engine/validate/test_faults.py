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


def test_there_is_exactly_one_cut_for_now() -> None:
    text = "there must be exactly one networkPartition for now: give one"
    assert messages(a_plan(faults=(NO_WORKERS,))) == [("spec.outage.faults", text)]
    assert messages(a_plan(faults=(PARTITION, replace(PARTITION, name="other")))) == [("spec.outage.faults", text)]


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
