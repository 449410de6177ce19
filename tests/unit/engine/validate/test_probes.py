"""Far ends and times that no schema can check are findings with a path, and never crash the check."""

from dataclasses import replace

import pytest

from gameday.actions.network_partition.action import NetworkPartition
from gameday.engine.validate.plan import check
from gameday.model.places import redis_at
from gameday.model.plan import (
    CidrTarget,
    Dependency,
    Expectation,
    Fault,
    HostTarget,
    Mode,
    Outage,
    Plan,
    Probe,
    Recovery,
    Selector,
    SteadyState,
    Target,
)
from gameday.probes.http.kind import HttpProbe

GOOD = Probe("a", HttpProbe("http://api/healthz"))


UP = Expectation("up again", Mode.EVENTUALLY, "a.ok")


def plan(*probes: Probe, to: Target | None = None) -> Plan:
    cut = Dependency("it", to or HostTarget("192.0.2.1", (1,)))
    fault = Fault("f", NetworkPartition(Selector({"app": "api"}), cut))
    stages = SteadyState(5.0), Outage(9.0, (fault,)), Recovery(9.0, (UP,))
    return Plan("g", probes or (GOOD,), *stages, dependencies=(cut,))


def found(of: Plan) -> list[str]:
    return [str(finding) for finding in check(of)]


@pytest.mark.parametrize(
    ("to", "path"),
    [
        (CidrTarget(("10.0.0.0/32", "10.0.0.0/99"), (1,)), "tcp.cidrs[1]"),
        (CidrTarget(("10.0.0.1/8",), (1,)), "tcp.cidrs[0]"),
        (CidrTarget(("999.0.0.0/8",), (1,)), "tcp.cidrs[0]"),
        (HostTarget("not a host", (1,)), "tcp.host"),
    ],
)
def test_a_far_end_that_is_none_is_a_finding(to: Target, path: str) -> None:
    assert [f.partition(": ")[0] for f in found(plan(to=to))] == [f"spec.dependencies[0].{path}"]


def test_the_host_of_a_redis_that_is_none_is_a_finding_although_nothing_cuts_it() -> None:
    other = Dependency("other", HostTarget("a\0b", (6379,)), redis_at(host="a\0b"))
    of = plan()
    assert [f.partition(": ")[0] for f in found(replace(of, dependencies=(*of.dependencies, other)))] == [
        "spec.dependencies[1].redis.host"
    ]


@pytest.mark.parametrize(
    ("every", "timeout", "path"),
    [(0.0, 1.0, "interval"), (3601.0, 1.0, "interval"), (1.0, 0.0, "timeout"), (1.0, 999999 * 3600.0, "timeout")],
)
def test_times_that_no_probe_can_keep_are_findings(every: float, timeout: float, path: str) -> None:
    assert [f.partition(": ")[0] for f in found(plan(replace(GOOD, every=every, timeout=timeout)))] == [
        f"spec.probes[0].{path}"
    ]


def test_a_probe_that_an_expectation_reads_asks_every_5_minutes_at_least() -> None:
    """Else an outage would go on for up to an hour, until a sample shows that it is over."""
    rare = replace(GOOD, name="b", every=300.0)
    assert found(plan(replace(GOOD, every=300.0))) == []
    assert found(plan(GOOD, replace(rare, every=3600.0))) == []
    (finding,) = found(plan(rare, replace(GOOD, every=301.0)))
    assert finding == (
        "spec.probes[1].interval: expectation 'up again' reads this probe, and its stage waits for a sample that was "
        "sent after its end: write at most 5m"
    )


@pytest.mark.parametrize("change", [{"within": 1e12}, {"holds": 1e12}])
def test_a_recovery_that_would_never_end_is_a_finding(change: dict[str, float]) -> None:
    expect = Expectation("up", Mode.EVENTUALLY, "a.ok", **change)  # type: ignore[arg-type]  # both are floats
    (finding,) = found(replace(plan(), recovery=Recovery(9.0, (expect,))))
    assert finding.startswith("spec.recovery.expect[0]: ")
