"""Cuts that could only fail in a drill are findings of the plan, each at its field with something to do about it."""

import pytest

from gameday.actions.network_partition.action import NetworkPartition
from gameday.api.checks import check
from gameday.model.plan import (
    Bystander,
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
    ServiceRef,
    SteadyState,
    Target,
)
from gameday.probes.http.kind import HttpProbe

NET = "spec.outage.faults[0].networkPartition"
HEALTH = Probe("health", HttpProbe("http://api/healthz"))
UP = Expectation("up", Mode.EVENTUALLY, "health.ok")
API = Selector({"app": "api"})
REDIS = ServiceRef("redis")


def found(to: Target = REDIS, selector: Selector = API, stays: tuple[Bystander, ...] = ()) -> list[str]:
    """The findings of a plan that cuts the pods of a selector off from ``to``."""
    cut = Dependency("it", to)
    fault = Fault("f", NetworkPartition(selector, cut, must_remain_reachable=stays))
    stages = SteadyState(5.0), Outage(9.0, (fault,)), Recovery(9.0, (UP,))
    return [str(finding) for finding in check(Plan("g", (HEALTH,), *stages, dependencies=(cut,)))]


def paths(findings: list[str]) -> list[str]:
    return [finding.partition(": ")[0].removeprefix(f"{NET}.") for finding in findings]


@pytest.mark.parametrize(
    ("selector", "path"),
    [
        (Selector({"a b!": "c"}), "podSelector.matchLabels"),
        (Selector({"app": "c d!"}), "podSelector.matchLabels"),
        (Selector({"app": "api", "pod-template-hash": "7f"}), "podSelector.matchLabels"),
        (Selector({"gameday.dev/role": "control"}), "podSelector.matchLabels"),
        (Selector(expressions=(("app", "In", ()),)), "podSelector.matchExpressions[0].values"),
        (Selector(expressions=(("app", "NotIn", ()),)), "podSelector.matchExpressions[0].values"),
        (Selector(expressions=(("app", "Exists", ("api",)),)), "podSelector.matchExpressions[0].values"),
        (Selector(expressions=(("app", "DoesNotExist", ("api",)),)), "podSelector.matchExpressions[0].values"),
        (Selector(expressions=(("app", "In", ("api", "-")),)), "podSelector.matchExpressions[0].values"),
        (Selector(expressions=(("/app", "Exists", ()),)), "podSelector.matchExpressions[0].key"),
        (Selector(expressions=(("job-name", "Exists", ()),)), "podSelector.matchExpressions[0].key"),
    ],
    ids=str,
)
def test_a_selector_that_no_policy_can_hold_or_no_witness_has_is_a_finding(selector: Selector, path: str) -> None:
    assert paths(found(selector=selector)) == [path]


@pytest.mark.parametrize(
    "selector",
    [
        Selector({"app.kubernetes.io/name": "api", "tier": ""}),
        Selector({"app": "Api_v1.2"}, (("zone", "In", ("a", "b")), ("spot", "DoesNotExist", ()))),
    ],
    ids=["labels", "expressions"],
)
def test_a_selector_as_kubernetes_has_them_is_none(selector: Selector) -> None:
    assert found(selector=selector) == []


@pytest.mark.parametrize(
    ("stay", "path", "told"),
    [
        (Bystander("x", ServiceRef("payments")), "mustRemainReachable[0].service.port", "give the Service's port"),
        (
            Bystander("x", ServiceRef("payments", port="http")),
            "mustRemainReachable[0].service.port",
            "witnesses need its number",
        ),
        (Bystander("x", ServiceRef("db", port=5432)), "mustRemainReachable[0].service.port", "PostgreSQL"),
        (Bystander("x", host="db.example.com", port=3306), "mustRemainReachable[0].port", "MySQL"),
        (Bystander("x", host="203.0.113.7", port=6379), "mustRemainReachable[0].host", "is cut by this fault"),
    ],
    ids=["no port", "a name", "a Service's database", "a host's database", "what is cut"],
)
def test_a_bystander_that_cannot_be_watched_is_a_finding(stay: Bystander, path: str, told: str) -> None:
    findings = found(CidrTarget(("203.0.113.7/32",), (6379,)), stays=(stay,))
    assert paths(findings) == [path]
    assert told in findings[0]


def test_bystanders_beside_what_is_cut_are_none() -> None:
    stays = (
        Bystander("a", host="203.0.113.7", port=443),
        Bystander("b", host="203.0.113.8", port=6379),
        Bystander("c", ServiceRef("payments", port=80)),
        Bystander("d", api_server=True),
    )
    assert found(CidrTarget(("203.0.113.7/32",), (6379,)), stays=stays) == []


@pytest.mark.parametrize("written", ["2001:db8::7", "2001:DB8:0::7"])
@pytest.mark.parametrize(
    "cut",
    [
        HostTarget("2001:db8::7", (6379,)),
        HostTarget("redis.example.com", (6379,), ("2001:db8::/64",)),
        CidrTarget(("203.0.113.7/32", "2001:db8::7/128"), (6379,)),
    ],
    ids=["host", "a host's range", "range"],
)
def test_a_bystander_that_is_cut_is_a_finding_however_its_address_is_written(cut: Target, written: str) -> None:
    findings = found(cut, stays=(Bystander("x", host=written, port=6379),))
    assert paths(findings) == ["mustRemainReachable[0].host"]
    assert f"[{written}]:6379 is cut by this fault" in findings[0]
    assert found(cut, stays=(Bystander("x", host="2001:db8:1::7", port=6379),)) == []


def test_two_bystanders_of_one_name_are_a_finding_with_both_paths() -> None:
    stays = (Bystander("pay", host="192.0.2.2", port=80), Bystander("pay", host="192.0.2.3", port=80))
    (told,) = found(stays=stays)
    assert paths([told]) == ["mustRemainReachable[1].name"]
    assert "the name 'pay' is already used at mustRemainReachable[0].name" in told


def test_a_bystander_may_not_take_the_name_of_the_one_that_is_always_watched() -> None:
    assert paths(found(stays=(Bystander("dns", host="192.0.2.2", port=53),))) == ["mustRemainReachable[0].name"]


def test_a_bystander_whose_host_is_none_is_a_finding() -> None:
    assert paths(found(stays=(Bystander("x", host="a..b", port=80),))) == ["mustRemainReachable[0].host"]
