"""Two cuts of one drill: what keeps one from being made, or from being proven, beside the other."""

from dataclasses import replace

import pytest

from gameday.actions.kind import PreflightContext
from gameday.actions.network_partition.action import NetworkPartition, cuts_of
from gameday.actions.network_partition.overlaps import check
from gameday.actions.network_partition.partition import Partition
from gameday.actions.network_partition.policy import build
from gameday.cluster.resources import Object
from gameday.model.labels import ownership_labels
from gameday.model.plan import Bystander, Fault, Plan, Selector, ServiceRef, Via
from gameday.preflight.findings import Finding
from gameday.preflight.policies.selectors import selects
from gameday.preflight.snapshot import NamespaceSnapshot
from unit.preflight.things import a_snapshot, partition, plan, pod, service

WORKER = Selector({"app": "worker"})
PAYMENTS = service("payments", [{"port": 80}], "10.96.0.10", selector={"app": "payments"})


def both(first: NetworkPartition, second: NetworkPartition) -> Plan:
    one = plan(first)
    faults = (Fault("partition", first), Fault("other", second))
    return replace(one, outage=replace(one.outage, faults=faults))


def seen(*pods: Object, cilium: bool) -> NamespaceSnapshot:
    """A namespace as it is read for two faults: each has a stand-in of its own, and the second one's Service."""
    there = a_snapshot(cilium=cilium, pods=pods or (pod("api-1"), pod("worker-1", {"app": "worker"})))
    there.faults = {
        "partition": replace(there),
        "other": replace(there, service=PAYMENTS, endpoints=(), stand_in="gameday-agent-1"),
    }
    return there


def findings(there: NamespaceSnapshot, wanted: Plan) -> list[Finding]:
    told: list[Finding] = []
    for name, cut in cuts_of(wanted):
        told += check(PreflightContext(there, wanted, name, f"spec.outage.faults[{name}].networkPartition"), cut)
    return told


@pytest.mark.parametrize(
    ("second", "cilium", "found"),
    [
        pytest.param(partition(ServiceRef("payments", port=80)), False, True, id="the same pods by NetworkPolicy"),
        pytest.param(partition(ServiceRef("payments", port=80)), True, False, id="the same pods by Cilium's"),
        pytest.param(partition(ServiceRef("payments", port=80), WORKER), False, False, id="other pods"),
        pytest.param(
            partition(ServiceRef("payments", port=80), via=Via.CILIUM), False, False, id="one each: Cilium's denies"
        ),
    ],
)
def test_two_network_policies_for_one_pod_open_what_the_other_closes(
    second: NetworkPartition, cilium: bool, found: bool
) -> None:
    told = findings(seen(cilium=cilium), both(partition(), second))
    assert [one.code for one in told] == (["CutsOverlap"] if found else [])
    if found:
        assert told[0].path == "spec.outage.faults[other].networkPartition.podSelector"
        assert "fault partition selects api-1 as well" in told[0].message


def test_what_another_fault_cuts_cannot_stay_reachable() -> None:
    stays = replace(partition(), must_remain_reachable=(Bystander("pay", ServiceRef("payments", "shop", 80)),))
    told = findings(seen(cilium=True), both(stays, partition(ServiceRef("payments", port=80), WORKER)))
    assert [one.code for one in told] == ["MustStayIsCut"]
    assert "payments is cut by fault other" in told[0].message


@pytest.mark.parametrize("cilium", [False, True])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("selector", "found"),
    [
        pytest.param((("app", "NotIn", ("worker", "redis")),), True, id="other values"),
        pytest.param((("batch", "DoesNotExist", ()), ("app", "NotIn", ("redis",))), True, id="without a label"),
        pytest.param((("app", "In", ("api",)),), False, id="these values"),
    ],
)
def test_a_network_policy_that_selects_the_witnesses_of_another_cut_opens_what_that_one_closes(
    selector: tuple[tuple[str, str, tuple[str, ...]], ...], found: bool, turned: bool, cilium: bool
) -> None:
    there = seen(pod("api-1"), pod("worker-1", {"app": "worker", "batch": "yes"}), cilium=cilium)
    cuts = [partition(selector=Selector({}, selector)), partition(ServiceRef("payments", port=80), WORKER)]
    if turned:
        cuts.reverse()
        there.faults = {
            "partition": replace(there.faults["other"], stand_in="gameday-agent"),
            "other": replace(there.faults["partition"], stand_in="gameday-agent-1"),
        }
    told = findings(there, both(*cuts))
    assert [one.code for one in told] == (["CutsOverlap"] if found and not cilium else [])
    if told:
        by, of = ("other", "partition") if turned else ("partition", "other")
        assert told[0].path == "spec.outage.faults[other].networkPartition.podSelector"
        assert f"the policy of fault {by} selects the witnesses of fault {of} as well" in told[0].message
        assert "by matchLabels or In" in told[0].remedy


def test_no_cut_takes_the_witnesses_of_another_for_its_own() -> None:
    there = seen(cilium=False)
    wanted = both(partition(), partition(ServiceRef("payments", port=80), WORKER))
    cuts = [Partition().prepare(cut, PreflightContext(there, wanted, name, "")) for name, cut in cuts_of(wanted)]
    agent_labels = [cut.pairs[0].labels for cut in cuts]
    assert agent_labels == [{"app": "gameday-agent"}, {"app": "gameday-agent-1"}]
    for own, (name, action) in enumerate(cuts_of(wanted)):
        spec = build("first", name, action, cuts[own], "fuse", "uid")["spec"]
        hits = [
            selects(spec["podSelector"], {**labels, **ownership_labels("first", "witness")}) for labels in agent_labels
        ]
        assert hits == [place == own for place in (0, 1)]
