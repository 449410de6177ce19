"""What every plan is held against and what each kind says of its own become one list of findings."""

from gameday.actions.network_partition.action import NetworkPartition
from gameday.api.checks import check
from gameday.model.plan import (
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
)
from gameday.probes.http.kind import HttpProbe
from gameday.probes.tcp.kind import TcpProbe


def found(*probes: Probe) -> list[str]:
    """The paths of all findings in a plan with these probes."""
    cut = NetworkPartition(Selector({"app": "api"}), Dependency("it", HostTarget("192.0.2.1", (1,))))
    up = Expectation("up again", Mode.EVENTUALLY, "a.ok")
    plan = Plan("g", probes, SteadyState(5.0), Outage(9.0, (Fault("f", cut),)), Recovery(9.0, (up,)))
    return [finding.path for finding in check(plan)]


def test_findings_of_a_kind_stand_below_its_key() -> None:
    good = Probe("a", HttpProbe("http://api/healthz"))
    assert found(good) == []
    assert found(good, Probe("b", TcpProbe("a..b", 3306), every=0.0)) == [
        "spec.probes[1].interval",
        "spec.probes[1].tcp.host",
        "spec.probes[1].tcp.port",
    ]
