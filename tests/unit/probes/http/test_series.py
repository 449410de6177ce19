"""Series are chosen by the equality of their labels; any other choice is refused when the plan is read."""

import pytest

from gameday.actions.network_partition.action import NetworkPartition
from gameday.api.checks import check
from gameday.model.plan import (
    CidrTarget,
    Dependency,
    Expectation,
    Fault,
    Measurement,
    Mode,
    Outage,
    Plan,
    Probe,
    Recovery,
    Selector,
    Stage,
    SteadyState,
)
from gameday.probes.http.kind import HttpProbe, Parse
from gameday.probes.io.metrics import metrics

GOOD = ['http_requests_total{code="500"}', 'x_bucket{le="+Inf", path="/a,b{}"}', 'rpc{quantile="0.5",}', "a:b{}"]
BAD = ['up{a=~"b"}', 'up{a!="b"}', "up{a}", "up{", 'up{a="b}', '{a="b"}', 'up{a="b"} 1']


def found(key: str, parse: Parse) -> list[str]:
    """Where the check finds something in a plan that reads this key."""
    expression = f"metrics['{key}'] >= 0.0"
    probe = Probe("metrics", HttpProbe("http://api/metrics", parse=parse))
    fault = Fault(
        "cut", NetworkPartition(Selector({"app": "api"}), Dependency("it", CidrTarget(("192.0.2.1/32",), (6379,))))
    )
    plan = Plan(
        "g",
        (probe,),
        SteadyState(5.0, (Expectation("e", Mode.ALWAYS, expression),)),
        Outage(9.0, (fault,)),
        Recovery(9.0, (Expectation("again", Mode.EVENTUALLY, "metrics.up == 1"),)),
        measurements=(Measurement("m", Stage.OUTAGE, f"metrics['{key}']"),),
    )
    return [finding.path for finding in check(plan) if "does not name a series" in finding.message]


@pytest.mark.parametrize("key", GOOD)
def test_labels_choose_a_series(key: str) -> None:
    assert found(key, Parse.PROMETHEUS) == []


@pytest.mark.parametrize("key", BAD)
def test_what_chooses_no_series_is_refused_where_it_stands(key: str) -> None:
    assert found(key, Parse.PROMETHEUS) == ["spec.steadyState.expect[0].always", "spec.measurements[0].path"]
    assert found(key, Parse.JSON) == [], "a JSON key may have any text"


@pytest.mark.parametrize("key", GOOD)
async def test_what_the_check_lets_through_the_probe_can_read(key: str) -> None:
    exposition = f"{key} 7\n".encode()
    assert await metrics(exposition, [key]) == ({key: 7.0}, ())
