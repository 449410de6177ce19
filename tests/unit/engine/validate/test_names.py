"""Names that a drill could not tell apart are findings with both paths: a status with two of them is never saved."""

from dataclasses import replace

import pytest

from gameday.actions.job import RunJob
from gameday.actions.network_partition.action import NetworkPartition
from gameday.actions.scale.kind import Scale
from gameday.actions.scale.restore import Restore
from gameday.engine.validate.plan import check
from gameday.model.plan import (
    Dependency,
    Expectation,
    Fault,
    HostTarget,
    Measurement,
    Mode,
    Outage,
    Plan,
    Probe,
    Recovery,
    Rollback,
    Selector,
    Stage,
    SteadyState,
    Step,
)
from gameday.probes.http.kind import HttpProbe
from workloads import deployment as workload

CUT = NetworkPartition(Selector({"app": "api"}), Dependency("it", HostTarget("192.0.2.1", (1,))))
STEADY = SteadyState(5.0, (Expectation("steady", Mode.ALWAYS, "a.ok"),))
UP = Expectation("up again", Mode.EVENTUALLY, "a.ok")
GOOD = Plan(
    "g", (Probe("a", HttpProbe("http://api/")),), STEADY, Outage(9.0, (Fault("cut", CUT),)), Recovery(9.0, (UP,))
)


def measuring(name: str, figure: str) -> Expectation:
    return Expectation(name, Mode.EVENTUALLY, "a.ok", 2.0, measures=figure)


def becoming(name: str, figure: str) -> Expectation:
    return replace(measuring(name, figure), mode=Mode.BECOMES)


def steps(*named: Step) -> Plan:
    return replace(GOOD, rollback=Rollback(("x",), 9.0, named))


def scaling(name: str, deployment: str) -> Step:
    return Step(name, Scale(workload(deployment), 0))


TWICE = replace(GOOD.outage, expect=(measuring("one", "timeToDetect"), measuring("two", "timeToDetect")))
ACROSS = replace(
    GOOD,
    outage=replace(GOOD.outage, expect=(measuring("one", "t"),)),
    recovery=Recovery(9.0, (measuring("two", "t"),)),
)
CASES = {
    "two expectations of a stage": (
        replace(GOOD, outage=TWICE),
        "spec.outage.expect[1].measures",
        "spec.outage.expect[0].measures",
    ),
    "expectations of two stages": (ACROSS, "spec.recovery.expect[0].measures", "spec.outage.expect[0].measures"),
    "an expectation and a measurement": (
        replace(
            GOOD,
            outage=replace(GOOD.outage, expect=(measuring("one", "t"),)),
            measurements=(Measurement("t", Stage.OUTAGE, "a.latency"),),
        ),
        "spec.measurements[0].name",
        "spec.outage.expect[0].measures",
    ),
    "two measurements": (
        replace(GOOD, measurements=(Measurement("t", Stage.OUTAGE, "a.latency"),) * 2),
        "spec.measurements[1].name",
        "spec.measurements[0].name",
    ),
    "two dependencies": (
        replace(GOOD, dependencies=(CUT.dependency,) * 2),
        "spec.dependencies[1].name",
        "spec.dependencies[0].name",
    ),
    "two probes": (replace(GOOD, probes=GOOD.probes * 2), "spec.probes[1].name", "spec.probes[0].name"),
    "a step and a fault": (
        steps(scaling("cut", "w")),
        "spec.rollback.steps[0].name",
        "spec.outage.faults[0].name",
    ),
    "two steps": (
        steps(scaling("s", "w"), Step("s", Restore(workload("w")))),
        "spec.rollback.steps[1].name",
        "spec.rollback.steps[0].name",
    ),
    "two Jobs whose names differ in capitals": (
        steps(Step("Clear state", RunJob("c")), Step("clear-state", RunJob("d"))),
        "spec.rollback.steps[1].name",
        "spec.rollback.steps[0].name",
    ),
    "two scales in letters that no object's name has": (
        steps(scaling("停止", "w"), scaling("开始", "v")),
        "spec.rollback.steps[1].name",
        "spec.rollback.steps[0].name",
    ),
}


@pytest.mark.parametrize(("plan", "path", "other"), CASES.values(), ids=CASES)
def test_two_of_one_name_are_a_finding_with_both_paths(plan: Plan, path: str, other: str) -> None:
    found = [finding for finding in check(plan) if finding.path == path]
    assert len(found) == 1, found
    assert other in found[0].message


def test_names_that_do_not_meet_are_no_finding() -> None:
    plan = replace(
        steps(scaling("stop", "w"), Step("clear", RunJob("c")), Step("start", Restore(workload("w")))),
        outage=replace(GOOD.outage, expect=(becoming("back", "one"),)),
        recovery=Recovery(9.0, (measuring("back", "two"),)),
        measurements=(Measurement("three", Stage.OUTAGE, "a.latency"),),
    )
    assert [str(finding) for finding in check(plan)] == []
