"""Samples outlive a drill: they are read back from its ConfigMap. Where they cannot be kept, all else is the same."""

import base64
import gzip

import pytest

from e2e.dialling import until
from e2e.namespaces import TeamNamespace, kubectl, small
from gameday.api import samples
from gameday.api.lines import events_of
from gameday.cluster.resources import CONFIG_MAPS, Object, Resource
from gameday.engine.evidence.curves import Truth
from gameday.model.names import SAMPLES
from granted import components, role

pytestmark = [pytest.mark.e2e]

SECRETS = Resource("", "v1", "secrets", "Secret")


async def kept(ns: TeamNamespace) -> dict[str, Object]:
    """The ConfigMaps with samples, by their Drill."""
    found, _ = await ns.admin.list(CONFIG_MAPS, ns.namespace, f"gameday.dev/role={SAMPLES}")
    return {one["metadata"]["labels"]["gameday.dev/drill"]: one for one in found}


def said(status: Object) -> tuple[str, str, str]:
    """What a drill says of its samples, as status, reason and message: a condition where some are missing."""
    if "samples" in status and not any(one["type"] == "SamplesKept" for one in status["conditions"]):
        return "True", "Kept", ""
    (condition,) = [one for one in status["conditions"] if one["type"] == "SamplesKept"]
    return condition["status"], condition["reason"], condition["message"]


async def over(ns: TeamNamespace, name: str = "first") -> Object:
    """The status of a drill once nothing is left to do for it."""
    await ns.finishes(name)
    return await ns.reaches(lambda s: not s.get("unreported"), "it is over", 40, name)


def whole(truth: Truth) -> list[bool]:
    return [value for _, value in truth.changes if value is not None]


@pytest.mark.slow
async def test_samples_of_the_newest_drills_are_kept(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.operator()
    gameday = small(history={"samples": 1})
    await ns.start(gameday)
    status = await over(ns)
    assert status["verdict"] == "Passed", status["message"]
    assert said(status)[:2] == ("True", "Kept")
    await ns.nothing_is_left()

    config_map = (await kept(ns))["first"]
    drill = await ns.drill()
    assert config_map["immutable"] is True
    assert [one["uid"] for one in config_map["metadata"]["ownerReferences"]] == [drill["metadata"]["uid"]]
    found = samples.read(config_map)
    curves = {curve.path: (strip, curve) for strip in found.strips for curve in strip.curves}
    strip, redis = curves["health.body.redis"]
    assert strip.samples == len(strip.at) > 12, "every second of the drill"
    texts = [redis.texts[int(value)] for value in redis.last if value is not None]
    assert texts[0] == texts[-1] == "ok"
    assert {"ok"} < set(texts), "the outage shows"
    (noticed,) = [truth for truth in found.truths if truth.name == "noticed"]
    assert whole(noticed) == [False, True, False]
    _, latency = curves["redis.latency"]
    assert all(value >= 0 for value in latency.last if value is not None)

    text = gzip.decompress(base64.b64decode(config_map["binaryData"][samples.FILE])).decode()
    secrets, _ = await ns.admin.list(SECRETS, ns.namespace)
    values = [base64.b64decode(value).decode() for one in secrets for value in (one.get("data") or {}).values()]
    assert values
    assert not [value for value in values if value in text]

    await ns.start(gameday, "second")
    status = await over(ns, "second")
    assert said(status)[:2] == ("True", "Kept"), status
    assert set(await kept(ns)) == {"second"}, "spec.history.samples is 1"
    kubectl("-n", ns.namespace, "delete", "drill", "second")

    async def gone() -> bool:
        return not await kept(ns)

    await until(gone, "the samples go with their Drill", 20)


@pytest.mark.slow
async def test_a_quota_that_is_used_up_is_told_and_the_verdict_stays(ns: TeamNamespace) -> None:
    ns.revokes("the quota admits no ConfigMap")
    await ns.shop(parts=("api", "redis"), replicas=1)
    there, _ = await ns.admin.list(CONFIG_MAPS, ns.namespace)
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "full"}}
    ns.apply(quota | {"spec": {"hard": {"configmaps": str(len(there))}}})
    await ns.operator()
    await ns.start(small())
    status = await over(ns)
    assert status["verdict"] == "Passed", status["message"]
    state, reason, message = said(status)
    assert (state, reason) == ("False", "SamplesNotKept")
    assert "exceeded quota" in message
    assert "SamplesNotKept" in {line["reason"] for line in events_of(status)}
    assert await kept(ns) == {}
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_a_right_that_was_not_granted_is_told_and_the_verdict_stays(ns: TeamNamespace) -> None:
    ns.revokes("the team does not let samples be kept")
    ns.apply(role(*(one for one in components() if one != "samples")))
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.operator()
    await ns.start(small())
    status = await over(ns)
    assert status["verdict"] == "Passed", status["message"]
    state, _, message = said(status)
    assert state == "False"
    assert "kubectl apply" in message
    await ns.nothing_is_left()


@pytest.mark.slow
async def test_an_operator_that_is_killed_right_after_the_verdict_loses_neither_it_nor_the_samples(
    ns: TeamNamespace,
) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    first = await ns.operator()
    await ns.start(small())
    await ns.finishes()
    await first.kill()
    before = await ns.status()
    await ns.operator(identity="next")
    status = await over(ns)
    assert status["verdict"] == before["verdict"] == "Passed"
    assert said(status)[:2] == ("True", "Kept")
    found = samples.read((await kept(ns))["first"])
    (noticed,) = [truth for truth in found.truths if truth.name == "noticed"]
    assert whole(noticed) == [False, True, False]
    await ns.nothing_is_left()
