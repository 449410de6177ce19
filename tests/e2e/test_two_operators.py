"""Two operators of different namespaces see one Drill: one carries it out, both live, and a person may give it away."""

import pytest

from e2e.dialling import until
from e2e.stage import Stage, small, stage
from gameday.cluster.kinds import EVENTS

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


async def left_alone(town: Stage) -> bool:
    """Whether one of them said that it leaves the Drill to the other."""
    events, _ = await town.admin.list(EVENTS, town.namespace)
    return any(event["reason"] == "ClaimedElsewhere" for event in events)


async def test_of_two_operators_one_carries_a_drill_out_and_both_live(town: Stage) -> None:
    await town.shop(parts=("api", "redis"), replicas=1)
    async with stage("another-operator") as other:
        operators = [await town.operator(), await other.operator(also=[town.namespace])]
        await town.start(small())
        status = await town.finishes()
        assert status["verdict"] == "Passed", status["message"]
        assert len(status["undo"]) == 1
        assert status["operator"] in {f"{one.namespace}/gameday-operator" for one in (town, other)}

        async def said() -> bool:
            return await left_alone(town)

        await until(said, "the other one says that it leaves the drill alone", 30)
        await town.nothing_is_left()
        assert [operator.process.returncode for operator in operators] == [None, None]
        assert not any("Traceback" in operator.says() for operator in operators)


async def test_a_drill_of_an_operator_that_is_gone_for_good_is_given_to_another_one(town: Stage) -> None:
    await town.shop(parts=("api", "redis"), replicas=1)
    first = await town.operator()
    await town.start(small(outage__duration="60s"))
    await town.under_cut()
    await first.kill()
    async with stage("another-operator") as other:
        await other.operator(also=[town.namespace])

        async def said() -> bool:
            return await left_alone(town)

        await until(said, "the other one says that it leaves the drill alone", 30)
        assert (await town.status())["operator"] == f"{town.namespace}/gameday-operator"
        town.give_away()
        status = await town.finishes()
        assert status["operator"] == f"{other.namespace}/gameday-operator"
        await town.nothing_is_left()
