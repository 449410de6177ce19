"""A fault that a person makes: the example's Redis is taken away when the drill asks, and brought back when it asks."""

import pytest
import yaml

from e2e.namespaces import TeamNamespace, example, kubectl
from e2e.people import person
from e2e.test_commands import gameday
from gameday.api.lines import events_of, expectations_of, figures_of
from gameday.api.undo_entries import undo_of
from gameday.cluster.resources import Object

pytestmark = pytest.mark.e2e

FAULT = "pause"
ADMITTED: Object = yaml.safe_load("""
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: drills-to-redis}
spec:
  podSelector: {matchLabels: {app: redis}}
  policyTypes: [Ingress]
  ingress:
  - from: [{podSelector: {matchLabels: {gameday.dev/role: control}}}]
""")
"""The shop's Redis admits its users alone, and a fault without targets has nobody's labels."""


def by_hand(*, seen: bool = True) -> Object:
    """The example, in short, for the part of the shop that is api and redis."""
    plan = example("redis-by-hand", steady="6s", outage="12s", recovery="40s")
    spec = plan["spec"]
    spec["dependencies"][0]["redis"] = {
        "service": {"name": "redis"},
        "auth": spec["dependencies"][0]["redis"]["auth"],
    }
    for probe in spec["probes"]:
        probe["interval"] = "1s"
        if "http" in probe:
            probe["http"]["url"] = probe["http"]["url"].replace("https://api.example.com", "http://api")
    for expectation in spec["outage"]["expect"]:
        expectation["within"] = "10s"
    for expectation in spec["recovery"]["expect"]:
        expectation["for"] = "4s"
    manual = spec["outage"]["faults"][0]["manual"]
    manual["within"] = "60s"
    if not seen:
        del manual["seen"]
    return plan


def said(status: Object, reason: str) -> list[str]:
    return [line["message"] for line in events_of(status) if line["reason"] == reason]


def cleared(status: Object) -> str:
    found: str = next(one["status"] for one in status["conditions"] if one["type"] == "FaultsCleared")
    return found


async def asked(ns: TeamNamespace, reason: str) -> Object:
    """The status once the drill asks a person for something."""
    status = await ns.reaches(lambda s: said(s, reason) or s.get("phase") == "Finished", f"the drill says {reason}")
    assert said(status, reason), status["message"]
    return status


@pytest.fixture
async def shop(ns: TeamNamespace) -> TeamNamespace:
    await ns.shop(parts=("api", "redis"), replicas=1)
    ns.apply(ADMITTED)
    return ns


async def test_a_redis_that_admits_its_users_alone_is_told_before_it_looks_paused(ns: TeamNamespace) -> None:
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.operator()
    await ns.start(by_hand())
    status = await ns.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "PreflightFailed"), status["message"]
    assert "cannot reach Service redis, port 6379" in status["message"]
    assert "gameday.dev/role=control" in status["message"]
    assert not status["changed"]


async def test_what_a_person_breaks_and_mends_is_judged_although_the_operator_dies(shop: TeamNamespace) -> None:
    operator = await shop.operator()
    await shop.start(by_hand())
    status = await asked(shop, "ActByHand")
    assert "pause the database" in said(status, "ActByHand")[0]
    shop.scale("redis", 0)
    status = await shop.reaches(lambda s: s.get("phase") == "Outage" and said(s, "CutProven"), "the fault is proven")
    (entry,) = undo_of(status)
    assert "fusedBy" not in entry
    assert cleared(status) == "False"
    await operator.kill()
    await shop.operator()

    status = await asked(shop, "UndoByHand")
    assert "resume the database" in said(status, "UndoByHand")[0]
    assert cleared(status) == "False"
    assert "finishedAt" not in status, "a drill does not end while the fault stands"
    shop.scale("redis", 1)
    status = await shop.finishes()
    assert (status["verdict"], status["reason"]) == ("Passed", "AllExpectationsMet"), status["message"]
    assert cleared(status) == "True"
    assert {"timeToDetect", "timeToRecover"} <= {one["name"] for one in figures_of(status)}
    await shop.nothing_is_left()


@pytest.mark.slow
async def test_what_a_person_only_says_proves_nothing_and_has_its_times(shop: TeamNamespace) -> None:
    await shop.operator()
    sre, developer = person(shop, "sre").config, person(shop, "developer").config
    confirm = ("confirm", "first", FAULT, "done", "-n", shop.namespace)
    await shop.start(by_hand(seen=False))
    early = gameday(sre, *confirm)
    assert (early.returncode, "has asked for nothing so far" in early.stderr) == (1, True), early.stderr
    await asked(shop, "ActByHand")
    shop.scale("redis", 0)
    refused = gameday(developer, *confirm)
    assert (refused.returncode, "may not patch drills.gameday.dev" in refused.stderr) == (1, True), refused.stderr
    told = gameday(sre, *confirm)
    assert told.returncode == 0, told.stderr
    assert "by your word alone the verdict is Inconclusive (NotProven) at best" in told.stdout
    await asked(shop, "UndoByHand")
    shop.scale("redis", 1)
    kubectl("-n", shop.namespace, "annotate", "--overwrite", "drill", "first", f"confirm.gameday.dev/{FAULT}=undone")
    status = await shop.finishes()
    assert (status["verdict"], status["reason"]) == ("Inconclusive", "NotProven"), status["message"]
    assert {one["state"] for one in expectations_of(status) if one["stage"] == "Recovery"} == {"Met"}
    assert "timeToRecover" in {one["name"] for one in figures_of(status)}
    await shop.nothing_is_left()


async def test_an_abort_asks_for_the_undo_and_ends_when_it_is_done(shop: TeamNamespace) -> None:
    await shop.operator()
    await shop.start(by_hand())
    await asked(shop, "ActByHand")
    shop.scale("redis", 0)
    await shop.reaches(lambda s: said(s, "CutProven"), "the fault is proven")
    kubectl("-n", shop.namespace, "patch", "drill", "first", "--type=merge", "-p", '{"spec":{"abort":true}}')
    status = await asked(shop, "UndoByHand")
    assert cleared(status) == "False"
    assert "finishedAt" not in status
    shop.scale("redis", 1)
    status = await shop.finishes()
    assert status["verdict"] == "Aborted"
    assert cleared(status) == "True"
    await shop.nothing_is_left()
