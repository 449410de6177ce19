"""Destinations and times that no schema can check are findings with a path, and never crash the check."""

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
def test_a_destination_that_is_none_is_a_finding(to: Target, path: str) -> None:
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
    slow = plan(replace(GOOD, every=300.0))
    assert found(replace(slow, recovery=replace(slow.recovery, within=300.0))) == []
    assert found(plan(GOOD, replace(rare, every=3600.0))) == []
    (finding,) = found(plan(rare, replace(GOOD, every=301.0)))
    assert finding == (
        "spec.probes[1].interval: expectation 'up again' reads this probe, and its stage waits for a sample that was "
        "sent after its end: write at most 5m"
    )


@pytest.mark.parametrize(
    ("stage", "expectation", "length"),
    [
        ("steadyState", Expectation("e", Mode.ALWAYS, "b.ok"), 5),
        ("outage", Expectation("e", Mode.ALWAYS, "b.ok"), 9),
        ("outage", Expectation("e", Mode.ALWAYS, "b.ok", after=3.0), 6),
        ("outage", Expectation("e", Mode.BECOMES, "!b.ok", within=4.0), 4),
        ("recovery", Expectation("e", Mode.EVENTUALLY, "b.ok"), 9),
        ("recovery", Expectation("e", Mode.EVENTUALLY, "b.ok", within=2.0), 2),
    ],
)
def test_an_expectation_whose_time_is_shorter_than_its_probes_interval_is_a_finding(
    stage: str, expectation: Expectation, length: int
) -> None:
    """Whether a sample falls into its time would be chance, and the outage would have been made for nothing."""

    def of(every: float, expected: Expectation = expectation) -> list[str]:
        it = plan(GOOD, replace(GOOD, name="b", every=every))
        held = {"steadyState": "steady_state"}.get(stage, stage)
        return found(replace(it, **{held: replace(getattr(it, held), expect=(expected,))}))

    assert of(float(length)) == []
    assert of(length + 1.0) == [
        f"spec.{stage}.expect[0].{expectation.mode.value}: it is judged on {length} s, and probe 'b' asks every "
        f"{length + 1} s, so there may be no sample to judge: give the probe a shorter interval, or the expectation "
        "more time"
    ]
    both = replace(expectation, expression=f"{expectation.expression} && a.ok")
    assert of(length + 1.0, both) == []


def test_an_always_of_the_recovery_may_be_read_from_a_slow_probe() -> None:
    it = plan(GOOD, replace(GOOD, name="b", every=20.0))
    slow = Expectation("e", Mode.ALWAYS, "b.ok")
    assert found(replace(it, recovery=replace(it.recovery, expect=(UP, slow)))) == []


@pytest.mark.parametrize("change", [{"within": 1e12}, {"holds": 1e12}])
def test_a_recovery_that_would_never_end_is_a_finding(change: dict[str, float]) -> None:
    expect = Expectation("up", Mode.EVENTUALLY, "a.ok", **change)  # type: ignore[arg-type]  # both are floats
    (finding,) = found(replace(plan(), recovery=Recovery(9.0, (expect,))))
    assert finding.startswith("spec.recovery.expect[0]: ")
