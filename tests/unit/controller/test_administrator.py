"""The administrator's halt as it is heard: at once, from kubectl's ConfigMap too, and never taken for granted."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from gameday.cluster.client import Cluster
from gameday.cluster.resources import Object
from gameday.controller import administrator as module
from gameday.controller.administrator import Administrator
from gameday.errors import ClusterUnreachable
from gameday.model.halt import HaltState
from gameday.model.limits import UNLIMITED, Limits, LimitsState, LimitsValidity
from unit.api_server import ApiServer

HALT: Object = {"metadata": {"name": "gameday-halt"}, "data": {"reason": "a customer's\nlaunch"}}
LIMITS: Object = {"metadata": {"name": "gameday-limits"}, "data": {"limits.yaml": "maxPods: 3"}}
NAMESPACE = "gameday-system"


async def becomes(look: Callable[[], bool], within: float = 20.0) -> None:
    """Wait until it is so; on a busy machine that may take longer than the 2 s that a halt has."""
    async with asyncio.timeout(within):
        while not look():  # noqa: ASYNC110  what is looked at has no event
            await asyncio.sleep(0.01)


@pytest.fixture
async def administrator(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> AsyncIterator[Administrator]:
    """One that runs; it looks again by itself only where a test gives the seconds between."""
    monkeypatch.setattr(module, "LOOK_EVERY", getattr(request, "param", 600.0))
    one = Administrator(cluster, NAMESPACE, lambda: None)
    task = asyncio.create_task(one.run())
    yield one
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_nothing_is_known_before_the_owner_was_asked(cluster: Cluster) -> None:
    one = Administrator(cluster, NAMESPACE, lambda: None)
    assert not one.known
    assert one.halt.state is HaltState.UNREADABLE


async def test_a_halt_and_its_end_are_heard_by_whoever_listens(
    api_server: ApiServer, administrator: Administrator
) -> None:
    heard: list[HaltState] = []
    await administrator.read()
    assert administrator.halt.state is HaltState.CLEAR
    administrator.listeners[lambda: heard.append(administrator.halt.state)] = None
    api_server.put("configmaps", NAMESPACE, HALT)
    await becomes(lambda: administrator.halt.halted)
    assert str(administrator.halt) == "the administrator halted all drills: a customer's launch"
    api_server.drop("configmaps", NAMESPACE, "gameday-halt")
    await becomes(lambda: not administrator.halt.halted)
    assert heard == [HaltState.HALTED, HaltState.CLEAR]


async def test_a_configmap_of_another_name_or_namespace_halts_nothing(
    api_server: ApiServer, administrator: Administrator
) -> None:
    await administrator.read()
    api_server.put("configmaps", "shop", HALT)
    api_server.put("configmaps", NAMESPACE, {"metadata": {"name": "other"}})
    api_server.put("configmaps", NAMESPACE, {"metadata": {"name": "gameday-halt"}})
    await becomes(lambda: administrator.halt.halted)
    assert administrator.halt.why == ""


async def test_a_halt_from_before_is_known_from_the_first_answer(
    api_server: ApiServer, administrator: Administrator
) -> None:
    api_server.put("configmaps", NAMESPACE, HALT)
    await administrator.read()
    assert administrator.halt.halted


async def test_without_rights_it_cannot_be_told_and_the_message_says_what_grants_them(
    api_server: ApiServer, administrator: Administrator
) -> None:
    api_server.forbidden.add("list")
    await administrator.read()
    assert administrator.halt.state is HaltState.UNREADABLE
    assert "kubectl apply -k manifests/operator" in administrator.halt.why
    api_server.forbidden.clear()
    await becomes(lambda: administrator.halt.state is HaltState.CLEAR)


async def test_limits_are_read_watched_and_gone_with_their_configmap(
    api_server: ApiServer, administrator: Administrator
) -> None:
    api_server.put("configmaps", NAMESPACE, LIMITS)
    await administrator.read()
    assert administrator.limits_state == LimitsState(Limits(max_pods=3))
    api_server.put("configmaps", NAMESPACE, LIMITS | {"data": {"limits.yaml": "maxPods: none"}})
    await becomes(lambda: administrator.limits_state.state is LimitsValidity.INVALID)
    assert administrator.limits_state.limits == Limits(max_pods=3)
    assert "limits.maxPods" in administrator.limits_state.why
    api_server.drop("configmaps", NAMESPACE, "gameday-limits")
    await becomes(lambda: administrator.limits_state == UNLIMITED)


async def test_limits_that_cannot_be_read_are_not_taken_for_none(
    api_server: ApiServer, administrator: Administrator
) -> None:
    api_server.forbidden.add("list")
    api_server.put("configmaps", NAMESPACE, LIMITS)
    await administrator.read()
    assert administrator.limits_state.state is LimitsValidity.UNREADABLE
    api_server.forbidden.clear()
    await becomes(lambda: administrator.limits_state == LimitsState(Limits(max_pods=3)))


async def test_a_look_sees_what_a_dead_watch_does_not_tell(api_server: ApiServer, administrator: Administrator) -> None:
    await administrator.read()
    api_server.mute = True
    api_server.put("configmaps", NAMESPACE, HALT)
    await administrator.look()
    assert administrator.halt.halted
    api_server.drop("configmaps", NAMESPACE, "gameday-halt")
    await administrator.look()
    assert administrator.halt.state is HaltState.CLEAR


@pytest.mark.parametrize("administrator", [0.05], indirect=True)
async def test_while_drills_run_a_dead_watch_is_found_out(api_server: ApiServer, administrator: Administrator) -> None:
    administrator.listeners[lambda: None] = None
    await administrator.read()
    api_server.mute = True
    api_server.put("configmaps", NAMESPACE, HALT)
    await becomes(lambda: administrator.halt.halted)


async def test_a_look_that_gets_no_answer_says_so(api_server: ApiServer, administrator: Administrator) -> None:
    await administrator.read()
    api_server.down = True
    with pytest.raises(ClusterUnreachable):
        await administrator.look()
