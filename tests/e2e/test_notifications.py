"""A team gets messages about drills: what a receiver in the namespace really got, whatever is killed or broken."""

import asyncio
import time
from typing import Any

import pytest

from e2e.dialling import until, until_seen
from e2e.namespaces import TeamNamespace, kubectl, small
from e2e.receiving import received, receiver
from gameday.cluster.resources import DRILLS, Object

pytestmark = pytest.mark.e2e

TOKEN = "a-very-secret-token"
EVERYTHING = ["started", "cut", "undone", "verdict"]
"""What becomes of a drill that passes."""


def secret(key: str) -> Object:
    return {"secretKeyRef": {"name": "receivers", "key": key}}


def secrets() -> Object:
    data = {"slack": "http://receiver/ok/slack/T0/B0/very-secret-hook\n", "key": "routing-key-1", "token": TOKEN}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "receivers"}, "stringData": data}


NOTIFICATIONS: list[Object] = [
    {"name": "chat", "slack": {"urlFrom": secret("slack")}},
    {"name": "bus", "webhook": {"url": "http://receiver/limited/bus"}},
    {
        "name": "oncall",
        "onlyOnFailure": False,
        "events": EVERYTHING,
        "pagerDuty": {"routingKeyFrom": secret("key"), "url": "http://receiver/ok/pagerduty"},
    },
    {"name": "dashboards", "grafana": {"url": "http://receiver/ok/grafana", "tokenFrom": secret("token")}},
    {"name": "missing", "events": ["started"], "slack": {"urlFrom": secret("nothing")}},
    {"name": "silent", "events": ["started"], "slack": {"urlFrom": secret("silent")}},
]


def noted(status: Object) -> dict[str, Object]:
    return {one["name"]: one for one in status.get("notifications", ())}


def condition(status: Object) -> Object:
    return next((one for one in status["conditions"] if one["type"] == "Notified"), {})


def sent(status: Object, name: str) -> list[str]:
    return list(noted(status).get(name, {}).get("sent", ()))


def accepted(ns: TeamNamespace, path: str) -> list[dict[str, Any]]:
    return [one for one in received(ns, path) if one["accepted"]]


async def scheduled(ns: TeamNamespace) -> str:
    """The first Drill of the schedule, once it has begun: a change of its schedule before that would end it."""

    async def ask() -> str:
        drills, _ = await ns.admin.list(DRILLS, ns.namespace)
        return next((one["metadata"]["name"] for one in drills if one.get("status", {}).get("phase")), "")

    name: str = await until(ask, "the schedule starts a drill", 90)
    return name


async def test_a_scheduled_drill_tells_its_team_also_when_its_operator_is_killed(ns: TeamNamespace) -> None:
    hidden = secrets()
    hidden["stringData"]["silent"] = "http://receiver/silent/slack"
    ns.apply(hidden)
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.deploy(*receiver())
    plan = small(
        outage__duration="20s",
        schedule={"cron": "* * * * *", "timeZone": "Etc/UTC", "startingDeadline": "50s"},
        notifications=NOTIFICATIONS,
        contacts=[{"name": "Redis Team", "contact": "#redis-support"}],
        links=[{"name": "Runbook", "url": "https://wiki.example/redis"}],
    )
    # The operator records a slot half a minute ahead, and announces it then.
    await until_seen(lambda: time.time() % 60 < 15, "the next slot is far enough away to be announced", 60)
    ns.apply(plan)
    operator = await ns.operator()
    name = await scheduled(ns)
    plan["spec"]["schedule"]["suspend"] = True
    ns.apply(plan)
    # Killed while pods send: what they sent is not known to anybody yet.
    await until(lambda: asyncio.to_thread(of_drill, ns), "the first message of the drill arrives", 60)
    await operator.kill()
    await ns.operator(identity="another")
    status = await ns.finishes(name)
    assert status["verdict"] == "Passed", status["message"]

    def all_sent(status: Object) -> bool:
        return all(set(sent(status, one)) == set(EVERYTHING) for one in ("chat", "bus", "oncall"))

    await ns.reaches(all_sent, "every message is sent", 120, name)
    others = {"dashboards", "missing", "silent"}
    status = await ns.reaches(lambda s: others <= noted(s).keys(), "all is recorded", 60, name)
    await ns.nothing_is_left(60)
    slack = of_drill(ns)
    assert len(slack) == len(EVERYTHING), [one["text"] for one in slack]
    assert "has started" in slack[0]["text"]
    assert slack[-1]["text"] == status["summary"]
    assert "#redis-support" in str(slack[-1])
    assert "https://wiki.example/redis" in str(slack[-1])
    check_programs(ns, await ns.drill(name))
    check_troubles(ns, status)
    shown = kubectl("-n", ns.namespace, "get", "drill", name, "-o", "yaml").stdout
    for hidden_text in ("very-secret-hook", "routing-key-1", TOKEN):
        assert hidden_text not in shown


def of_drill(ns: TeamNamespace) -> list[dict[str, Any]]:
    """The messages in Slack but for those that announce a slot or say that it does not run."""
    of_slots = ("is due at", "as it was announced")
    came = [one["body"] for one in received(ns, "/ok/slack")]
    return [body for body in came if not any(words in body["text"] for words in of_slots)]


def check_programs(ns: TeamNamespace, drill: Object) -> None:
    """CloudEvents, incidents and the region that came: each once, by its id."""
    uid = drill["metadata"]["uid"]
    came = [one["body"] for one in accepted(ns, "/limited/bus")]
    assert len({event["id"] for event in came}) == len(came)
    assert len(received(ns, "/limited/bus")) == len(came) + 2, "it asked twice to come again"
    # A slot that passed while the first operator began may have been announced before the one that ran.
    announced = [event["subject"] for event in came if event["type"] == "dev.gameday.drill.countdown"]
    assert drill["metadata"]["name"] in announced
    events = [event for event in came if event["type"] != "dev.gameday.drill.countdown"]
    assert [event["id"] for event in events] == [f"{uid}/{event}" for event in EVERYTHING]
    assert events[-1]["data"]["outage"]["until"] > events[-1]["data"]["outage"]["from"]
    incidents = [one["body"] for one in received(ns, "/ok/pagerduty")]
    assert {one["routing_key"] for one in incidents} == {"routing-key-1"}
    assert len({one["dedup_key"] for one in incidents}) == len(incidents) == len(EVERYTHING)
    (region,) = received(ns, "/ok/grafana")
    assert region["path"] == "/ok/grafana/api/annotations"
    assert region["authorization"] == f"Bearer {TOKEN}"
    assert 15_000 < region["body"]["timeEnd"] - region["body"]["time"] < 90_000


def check_troubles(ns: TeamNamespace, status: Object) -> None:
    """What could not be sent shows, with what to do."""
    assert noted(status)["missing"]["failed"] == ["started"]
    assert noted(status)["missing"]["message"] == (
        "Secret receivers has no key nothing: create it, as spec.notifications[missing].slack asks"
    )
    assert noted(status)["silent"]["unknown"] == ["started"]
    assert len(received(ns, "/silent")) == 1, "it may have arrived, so it was not sent again"
    assert (condition(status)["status"], condition(status)["reason"]) == ("False", "NotificationFailed")


@pytest.mark.slow
async def test_receivers_that_are_broken_delay_neither_the_drill_nor_its_end(ns: TeamNamespace) -> None:
    """One that refuses and one that is not there: the drill takes as long as without them, and is cleared."""
    await ns.shop(parts=("api", "redis"), replicas=1)
    await ns.deploy(*receiver())
    await ns.operator()
    await ns.start(small())
    alone = await ns.finishes()
    await ns.nothing_is_left()
    kubectl("-n", ns.namespace, "delete", "drill", "first")
    broken = [
        {"name": "broken", "webhook": {"url": "http://receiver/broken"}},
        {"name": "absent", "webhook": {"url": "http://nobody.invalid/"}},
        {"name": "silent", "webhook": {"url": "http://receiver/silent"}},
        {"name": "chat", "webhook": {"url": "http://receiver/ok"}},
    ]
    await ns.start(small(notifications=broken))
    status = await ns.finishes()
    assert (status["verdict"], alone["verdict"]) == ("Passed", "Passed"), status["message"]
    assert abs(_seconds(status) - _seconds(alone)) < 10
    assert next(one for one in status["conditions"] if one["type"] == "FaultsCleared")["status"] == "True"
    status = await ns.reaches(lambda s: sent(s, "chat") == EVERYTHING, "the one that works got all", 60)
    status = await ns.reaches(lambda s: "broken" in noted(s), "the refusal shows", 60)
    assert noted(status)["broken"]["message"] == "the receiver answered 404 (no_service)"
    # They try for minutes, and hold up nothing: the namespace takes the next drill at once.
    await ns.start(small(), name="second")
    assert (await ns.finishes("second"))["verdict"] == "Passed"


def _seconds(status: Object) -> float:
    minutes, _, rest = status["took"].rpartition("m")
    return 60 * float(minutes or 0) + float(rest.removesuffix("s"))
