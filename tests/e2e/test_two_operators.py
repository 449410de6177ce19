"""Two operators of different namespaces see one Drill: one carries it out, both live, and a person may give it away."""

import pytest

from e2e.dialling import until
from e2e.namespaces import TeamNamespace, small, team_namespace
from gameday.cluster.resources import EVENTS

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


async def left_alone(ns: TeamNamespace) -> bool:
    """Whether one of them said that it leaves the Drill to the other."""
    events, _ = await ns.admin.list(EVENTS, ns.namespace)
    return any(event["reason"] == "ClaimedElsewhere" for event in events)


async def test_of_two_operators_one_carries_a_drill_out_and_both_live(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    async with team_namespace("another-operator") as other:
        operators = [await ns.operator(), await other.operator(also=[ns.namespace])]
        await ns.start(small())
        status = await ns.finishes()
        assert status["verdict"] == "Passed", status["message"]
        assert len(status["undo"]) == 1
        assert status["operator"] in {f"{one.namespace}/gameday-operator" for one in (ns, other)}

        async def said() -> bool:
            return await left_alone(ns)

        await until(said, "the other one says that it leaves the drill alone", 30)
        await ns.nothing_is_left()
        assert [operator.process.returncode for operator in operators] == [None, None]
        assert not any("Traceback" in operator.says() for operator in operators)


async def test_a_drill_of_an_operator_that_is_gone_for_good_is_given_to_another_one(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    first = await ns.operator()
    await ns.start(small(outage__duration="60s"))
    await ns.under_cut()
    await first.kill()
    async with team_namespace("another-operator") as other:
        await other.operator(also=[ns.namespace])

        async def said() -> bool:
            return await left_alone(ns)

        await until(said, "the other one says that it leaves the drill alone", 30)
        assert (await ns.status())["operator"] == f"{ns.namespace}/gameday-operator"
        ns.give_away()
        status = await ns.finishes()
        assert status["operator"] == f"{other.namespace}/gameday-operator"
        await ns.nothing_is_left()
