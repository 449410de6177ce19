"""Quotas: what all objects of a drill need together, each as admission would have it."""

from fractions import Fraction

import pytest

from gameday.cluster.resources import JOBS, NETWORK_POLICIES, PODS, Object, Resource
from gameday.preflight.findings import Severity
from gameday.preflight.quota import check, of_pod

AGENT: Object = {
    "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "500m", "memory": "96Mi"}}
}


def agents(count: int, **spec: object) -> list[tuple[Resource, Object]]:
    return [(PODS, {"spec": {"containers": [AGENT], "activeDeadlineSeconds": 300, **spec}})] * count


def quota(hard: Object, used: Object | None = None, **spec: object) -> Object:
    return {"metadata": {"name": "team"}, "spec": {"hard": hard, **spec}, "status": {"hard": hard, "used": used or {}}}


def said(one: Object, created: list[tuple[Resource, Object]]) -> list[str]:
    return [str(finding) for finding in check([one], created)]


def test_seven_agents_that_fit_one_by_one_are_refused_together() -> None:
    (text,) = said(quota({"limits.cpu": "4"}, {"limits.cpu": "3500m"}), agents(7))
    assert text == (
        "ResourceQuota/team has 500m of limits.cpu left (of 4), but the drill needs 3500m: raise it by "
        "3, or free this much"
    )
    assert not said(quota({"limits.cpu": "7"}, {"limits.cpu": "3500m"}), agents(7)), "exactly enough is enough"


def test_a_step_whose_pod_would_wait_for_room_is_warned_of() -> None:
    """All pods of the drill are there while it runs; what the drill does before it may free some room."""
    steps = [("spec.rollback.steps[clear].job", {"metadata": {"name": "clear"}, "spec": {"containers": [AGENT]}})]

    def waits(hard: Object) -> list[str]:
        return [str(one) for one in check([quota(hard)], agents(3), steps=steps) if one.severity is Severity.WARN]

    (text,) = waits({"pods": "3"})
    assert text == (
        "spec.rollback.steps[clear].job: ResourceQuota/team has 3 of pods left (of 3), and the drill needs 3: "
        "Job clear would wait for room for its pod: raise it by 1, or free this much before the step begins"
    )
    assert len(waits({"cpu": "39m"})) == 1
    assert waits({"pods": "4", "cpu": "40m"}) == []
    assert waits({"pods": "2"}) == [], "what the drill itself needs is refused, and once is enough"
    ending = quota({"pods": "3"}, scopes=["Terminating"])
    assert not list(check([ending], agents(3), steps=steps)), "no pod of a step ends by its own deadline"


def target(memory: str, **spec: object) -> Object:
    return {"spec": {"containers": [{"resources": {"requests": {"memory": memory}}}], **spec}}


def test_a_drill_that_leaves_no_room_for_another_target_is_warned_of() -> None:
    """Its pods are there while targets crash, move and are scaled."""
    tight = quota({"memory": "1Gi", "pods": "20"}, {"memory": "500Mi", "pods": "2"})
    (finding,) = check([tight], agents(3), [target("256Mi"), target("500Mi")])
    assert (finding.code, finding.severity) == ("QuotaTight", Severity.WARN)
    assert str(finding) == (
        "ResourceQuota/team has 524Mi of memory left (of 1024Mi), and the drill needs 96Mi: while it runs, another "
        "target would not start, which needs 500Mi: raise it by 72Mi, so that targets can be replaced and scaled"
    )


@pytest.mark.parametrize(
    ("left", "told"),
    [("200Mi", False), ("255Mi", False), ("256Mi", True), ("351Mi", True), ("352Mi", False)],
    ids=["too little without the drill", "just so", "enough without it", "not with it", "enough for both"],
)
def test_a_drill_is_not_blamed_for_what_a_quota_lacks_without_it(left: str, told: bool) -> None:
    room = quota({"memory": left})
    assert [finding.code for finding in check([room], agents(3), [target("256Mi")])] == ["QuotaTight"] * told


def test_a_quota_that_counts_no_target_is_not_tight() -> None:
    terminating = quota({"memory": "100Mi"}, scopes=["Terminating"])
    assert not said(terminating, agents(3))
    assert not list(check([terminating], agents(3), [target("60Mi")]))
    assert list(check([terminating], agents(3), [target("60Mi", activeDeadlineSeconds=9)]))


@pytest.mark.parametrize(
    ("hard", "exceeded"),
    [
        ({"pods": "6"}, True),
        ({"pods": "7"}, False),
        ({"count/pods": "6"}, True),
        ({"cpu": "69m"}, True),
        ({"cpu": "70m"}, False),
        ({"requests.cpu": "69m"}, True),
        ({"memory": "200Mi"}, True),
        ({"limits.memory": "672Mi"}, False),
        ({"limits.memory": "671Mi"}, True),
        ({"count/jobs.batch": "1"}, True),
        ({"count/jobs.batch": "2"}, False),
        ({"count/networkpolicies.networking.k8s.io": "0"}, True),
        ({"services": "0", "requests.nvidia.com/gpu": "0", "persistentvolumeclaims": "0"}, False),
    ],
)
def test_each_resource_is_summed(hard: Object, exceeded: bool) -> None:
    job: Object = {"spec": {}}
    created = [*agents(7), (JOBS, job), (JOBS, job), (NETWORK_POLICIES, job)]
    assert bool(said(quota(hard), created)) is exceeded


def scoped(name: str, operator: str = "Exists", *values: str) -> Object:
    return {"scopeSelector": {"matchExpressions": [{"scopeName": name, "operator": operator, "values": list(values)}]}}


@pytest.mark.parametrize(
    ("spec", "counts"),
    [
        ({"scopes": ["Terminating"]}, True),
        ({"scopes": ["NotTerminating"]}, False),
        ({"scopes": ["BestEffort"]}, False),
        ({"scopes": ["NotBestEffort"]}, True),
        ({"scopes": ["NotBestEffort", "NotTerminating"]}, False),
        (scoped("PriorityClass", "In", "high"), False),
        (scoped("PriorityClass", "In", "low", "lower"), True),
        (scoped("PriorityClass", "NotIn", "low"), False),
        (scoped("PriorityClass", "Exists"), True),
        (scoped("PriorityClass", "DoesNotExist"), False),
        (scoped("CrossNamespacePodAffinity"), False),
    ],
)
def test_a_quota_with_scopes_counts_what_meets_them(spec: Object, counts: bool) -> None:
    created = agents(2, priorityClassName="low")
    assert bool(said(quota({"pods": "1"}, **spec), created)) is counts
    assert not said(quota({"count/jobs.batch": "0"}, **spec), [(JOBS, {"spec": {}})])


def test_what_is_injected_and_what_starts_first_counts_as_for_the_scheduler() -> None:
    def takes(cpu: str, **more: object) -> Object:
        return {"resources": {"requests": {"cpu": cpu}}, **more}

    spec: Object = {
        "initContainers": [takes("100m", restartPolicy="Always"), takes("300m")],
        "containers": [takes("10m"), takes("50m")],
        "overhead": {"cpu": "5m"},
    }
    assert of_pod(spec) == {"requests.cpu": Fraction(405, 1000)}
    spec["initContainers"].pop()
    assert of_pod(spec) == {"requests.cpu": Fraction(165, 1000)}
    assert of_pod(spec | {"resources": {"requests": {"cpu": "1"}}}) == {"requests.cpu": Fraction(1005, 1000)}
