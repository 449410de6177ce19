"""What each kind of receiver is sent: sentences that a person reads, ids that stay, and nothing taken for markup."""

import json
from dataclasses import replace
from typing import Any

import pytest

from gameday.api.notifications import EVENTS, check_notifications, notifications_of
from gameday.api.parse import canonical
from gameday.errors import PlanInvalid
from gameday.model.agent import Delivery
from gameday.model.change import ChangeState
from gameday.model.notice import Event
from gameday.model.record import DrillRecord
from gameday.notify.happened import happened
from gameday.notify.kind import EVERYTHING
from gameday.notify.message import About, Message, message
from unit.notify.courses import (
    FAILED,
    FAULTS,
    OUTAGE,
    PASSED,
    RECOVERY,
    REFUSED,
    STEADY_STATE,
    STUCK,
    VIOLATED,
    WAITING,
    notified_gameday,
)
from unit.report.drills import BACK, END, ZERO, gameday

SECRET = {"secretKeyRef": {"name": "team", "key": "value"}}
FILE = "/run/gameday/secrets/team/value"
SLACK = {"name": "chat", "slack": {"urlFrom": SECRET}}
PAGER_DUTY = {"name": "oncall", "pagerDuty": {"routingKeyFrom": SECRET}}
GRAFANA = {"name": "dashboards", "grafana": {"url": "https://grafana.example/", "tokenFrom": SECRET, "tags": ["shop"]}}
WEBHOOK = {"name": "bus", "webhook": {"url": "http://bus/events"}}
ABOUT = About(
    "shop", "redis-failover", "redis-failover-1", "uid-1", "GameDay redis-failover in shop failed", "Redis fails over",
    30.0, 300.0, 600.0, (("partition", "networkPartition"),), (("Redis Team", "#redis-support"),),
    (("Runbook", "https://wiki.example/redis?a=1&b=2"),),
)  # fmt: skip


def about(record: DrillRecord, event: Event, told: About = ABOUT) -> Message:
    (one,) = (one for one in happened(record, FAULTS) if one.event is event)
    return message(told, record, one)


def sent(wanted: dict[str, Any], message: Message) -> tuple[Delivery, dict[str, Any]]:
    """The request and its body."""
    (one,) = notifications_of({"notifications": [wanted]})
    delivery = one.kind.delivery(one.spec, one.path, message)
    assert delivery is not None
    return delivery, json.loads(delivery.body)


def events(record: DrillRecord) -> dict[str, float]:
    return {one.event.value: one.at for one in happened(record, FAULTS)}


def test_what_has_happened_follows_from_the_record() -> None:
    assert events(WAITING) == {}
    assert set(events(STEADY_STATE)) == {"started"}
    assert set(events(OUTAGE)) == {"started", "cut"}
    assert events(RECOVERY)["undone"] == BACK
    assert set(events(VIOLATED)) == {"started", "cut", "guardrail", "undone"}
    assert set(events(STUCK)) == {"started", "cut", "leftover"}
    assert events(PASSED)["verdict"] == END
    assert set(events(REFUSED)) == {"verdict", "cleared"}


def test_every_message_says_what_why_when_and_what_to_do() -> None:
    started = about(STEADY_STATE, Event.STARTED)
    assert (
        started.summary
        == "GameDay redis-failover in shop has started: drill redis-failover-1 measures the steady state"
    )
    assert "it makes partition (networkPartition), for 5m0s, if the system is steady. Redis fails over" in started.why
    assert "`gameday abort redis-failover-1 -n shop`" in started.todo
    cut = about(OUTAGE, Event.CUT)
    assert "has a fault in effect since 2026-11-30 10:00:40 UTC: partition (networkPartition)" in cut.summary
    assert "It is reverted at about 2026-11-30 10:05:40 UTC" in cut.why
    guardrail = about(VIOLATED, Event.GUARDRAIL)
    assert "Guardrail “payments stay up” was violated" in guardrail.summary
    assert guardrail.why == "payments answered 503 for 6 s"
    assert guardrail.severity.value == "error"
    undone = about(RECOVERY, Event.UNDONE)
    assert "The system has until 2026-11-30 10:15:40 UTC to recover" in undone.why
    leftover = about(STUCK, Event.LEFTOVER)
    assert "could not revert what it changed: CiliumNetworkPolicy redis-failover-x7k2p-partition" in leftover.summary
    assert (leftover.why, leftover.severity.value) == ("delete networkpolicies: forbidden", "critical")
    assert "kubectl -n shop describe drill redis-failover-1" in leftover.todo
    failed = about(FAILED, Event.VERDICT)
    assert failed.summary == ABOUT.summary
    assert failed.why == "“healthy again” was missed: never true. Nothing of it is left in the cluster."
    assert "`gameday report redis-failover-1 -n shop`" in failed.todo
    assert failed.outage == (ZERO, BACK)
    refused = about(REFUSED, Event.VERDICT)
    assert (refused.why, refused.outage) == ("Nothing in the cluster was changed.", None)


def test_slack_reads_a_sentence_and_takes_nothing_of_a_plan_for_a_mention() -> None:
    hostile = About(
        "shop", "g", "d", "u", "<!channel> & *x*", contacts=(("<@U1>", "#a"),), links=(("a|b", "https://x"),)
    )
    delivery, body = sent(SLACK, about(FAILED, Event.VERDICT, hostile))
    assert (delivery.url_file, delivery.url, delivery.repeatable) == (FILE, "", False)
    assert body["text"] == "&lt;!channel&gt; &amp; *x*"
    shown = json.dumps(body, ensure_ascii=False)
    assert "<!channel>" not in shown
    assert "<@U1>" not in shown
    _, good = sent(SLACK, about(PASSED, Event.VERDICT))
    first, *rest = good["blocks"]
    assert first["text"]["text"] == ":white_check_mark: *GameDay redis-failover in shop failed*"
    texts = [element["text"] for block in rest if block["type"] == "context" for element in block["elements"]]
    assert "*Redis Team* #redis-support" in texts
    assert "<https://wiki.example/redis?a=1&amp;b=2|Runbook>" in texts
    assert "fault in effect 2026-11-30 10:00:40 UTC" in texts


def test_slack_takes_the_longest_texts() -> None:
    long = About("n" * 63, "g" * 40, "d" * 63, "u", "&" * 600, "&" * 1024, contacts=(("&" * 63, "&" * 128),) * 8,
                 links=(("&" * 63, "https://" + "&" * 504),) * 8)  # fmt: skip
    for record, event in ((FAILED, Event.VERDICT), (STEADY_STATE, Event.STARTED), (STUCK, Event.LEFTOVER)):
        _, body = sent(SLACK, about(record, event, long))
        for block in body["blocks"]:
            assert len(block.get("elements", ())) <= 10
            texts = [block["text"]] if "text" in block else block["elements"]
            assert all(0 < len(text["text"]) <= 3000 for text in texts)


def test_a_webhook_gets_a_cloud_event_with_an_id_that_stays() -> None:
    delivery, event = sent(WEBHOOK, about(FAILED, Event.VERDICT))
    assert delivery.headers == {"Content-Type": "application/cloudevents+json; charset=utf-8"}
    assert delivery.repeatable
    assert {key: value for key, value in event.items() if key != "data"} == {
        "specversion": "1.0",
        "id": "uid-1/verdict",
        "source": "/apis/gameday.dev/v1alpha1/namespaces/shop/gamedays/redis-failover",
        "type": "dev.gameday.drill.verdict",
        "subject": "redis-failover-1",
        "time": "2026-11-30T10:06:12.000Z",
        "datacontenttype": "application/json",
    }
    assert event["data"]["outage"] == {"from": "2026-11-30T10:00:40.200Z", "until": "2026-11-30T10:05:40.900Z"}
    assert (event["data"]["verdict"], event["data"]["reason"]) == ("Failed", "ExpectationMissed")


def test_pager_duty_gets_one_incident_an_event_and_a_leftover_is_resolved_once_it_is_gone() -> None:
    delivery, body = sent(PAGER_DUTY, about(STUCK, Event.LEFTOVER))
    assert (delivery.body_field, delivery.body_file) == ("routing_key", FILE)
    assert delivery.url == "https://events.pagerduty.com/v2/enqueue"
    assert "routing_key" not in body
    assert (body["event_action"], body["dedup_key"]) == ("trigger", "uid-1/leftover")
    assert body["payload"]["severity"] == "critical"
    assert body["links"] == [{"href": "https://wiki.example/redis?a=1&b=2", "text": "Runbook"}]
    _, cleared = sent(PAGER_DUTY, about(PASSED, Event.CLEARED))
    assert cleared == {"event_action": "resolve", "dedup_key": "uid-1/leftover"}


def test_pager_duty_is_told_of_failures_alone_unless_it_wants_more() -> None:
    (usual,) = notifications_of({"notifications": [PAGER_DUTY]})
    assert {one.event for one in happened(PASSED, FAULTS) if usual.receiver.wants(one)} == {Event.CLEARED}
    assert {one.event for one in happened(VIOLATED, FAULTS) if usual.receiver.wants(one)} == {Event.GUARDRAIL}
    (more,) = notifications_of({"notifications": [PAGER_DUTY | {"onlyOnFailure": False}]})
    assert Event.VERDICT in {one.event for one in happened(PASSED, FAULTS) if more.receiver.wants(one)}


def test_grafana_gets_the_region_of_the_outage_and_nothing_where_there_was_none() -> None:
    delivery, body = sent(GRAFANA, about(FAILED, Event.VERDICT, About("shop", "g", "d", "u", "<b>x</b>")))
    assert delivery.url == "https://grafana.example/api/annotations"
    assert delivery.access.bearer_file == FILE
    assert (body["time"], body["timeEnd"]) == (round(ZERO * 1000), round(BACK * 1000))
    assert body["tags"] == ["gameday", "g", "Failed", "shop"]
    assert "<b>" not in body["text"]
    (one,) = notifications_of({"notifications": [GRAFANA]})
    assert one.kind.delivery(one.spec, one.path, about(REFUSED, Event.VERDICT)) is None


def test_every_event_can_be_asked_for_and_told() -> None:
    assert set(EVENTS) == {event.value for event in EVERYTHING}
    of_drills = {one.event for record in (VIOLATED, STUCK, PASSED) for one in happened(record, FAULTS)}
    assert of_drills == set(Event) - {Event.COUNTDOWN, Event.CANCELLED}, "which are of a slot"


def test_receivers_are_no_part_of_the_plan() -> None:
    assert canonical(notified_gameday(SLACK, WEBHOOK)["spec"]) == canonical(gameday()["spec"])


def test_only_what_is_late_is_a_leftover_and_a_person_is_told_what_to_undo() -> None:
    (cut,) = STUCK.changes
    held = replace(cut, name="hold", kind="scale", object_kind="Deployment", object_name="producer")
    held = replace(held, state=ChangeState.ACTIVE, undo_requested_at=None)
    assert "producer" not in about(replace(STUCK, changes=(cut, held)), Event.LEFTOVER).summary
    assert "leftover" not in events(replace(STUCK, changes=(held,)))
    act = replace(
        cut, name="failover", kind="manual", object_kind="Drill", fuse_name="", wanted={"undo": "switch it on again"}
    )
    asked = about(replace(STUCK, stalled_by="", changes=(act, held)), Event.LEFTOVER)
    assert asked.summary == "Drill redis-failover-1 in shop waits for a person who undoes failover"
    assert "failover: switch it on again" in asked.todo
    assert "goes on trying" not in asked.todo
    call = replace(act, name="suspend", kind="http", wanted={"called": True, "call": "POST http://api/suspend"})
    asked = about(replace(STUCK, stalled_by="", changes=(call, held)), Event.LEFTOVER)
    assert asked.summary.endswith("waits for a person who undoes suspend")
    assert "suspend: end what this fault began" in asked.todo
    taken_back = replace(call, fuse_name=cut.fuse_name, wanted={"undo": {"method": "POST"}})
    assert "could not revert" in about(replace(STUCK, changes=(taken_back,)), Event.LEFTOVER).summary


@pytest.mark.parametrize(
    ("wanted", "path", "said"),
    [
        ({"name": "x"}, "notifications[0]", "exactly one of"),
        (SLACK | {"webhook": {"url": "http://x/"}}, "notifications[0]", "exactly one of"),
        (SLACK | {"events": ["lunch"]}, "notifications[0].events[0]", "started"),
        (SLACK | {"events": ["cleared"]}, "notifications[0].events[0]", "started"),
        (SLACK | {"name": "Team Chat"}, "notifications[0].name", "pattern"),
        ({"name": "x", "slack": {"url": "https://hooks.slack.com/x"}}, "notifications[0].slack", ""),
    ],
)
def test_what_is_no_receiver_is_refused_by_its_path(wanted: dict[str, Any], path: str, said: str) -> None:
    with pytest.raises(PlanInvalid) as refused:
        notifications_of({"notifications": [wanted]})
    assert any(where.startswith(f"spec.{path}") and said in text for where, text in refused.value.findings)


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ({"name": "x", "webhook": {"url": "http://user:password@x/"}}, "notifications[0].webhook.url"),
        ({"name": "x", "webhook": {"url": "http://x:0/"}}, "notifications[0].webhook.url"),
        (PAGER_DUTY | {"pagerDuty": {"routingKeyFrom": SECRET, "url": "http:///x"}}, "notifications[0].pagerDuty.url"),
        ({"name": "x", "grafana": GRAFANA["grafana"] | {"panelId": 2}}, "notifications[0].grafana.panelId"),  # type: ignore[operator]  # a mapping
        ({"name": "x", "grafana": GRAFANA["grafana"] | {"url": "https://g/?x"}}, "notifications[0].grafana.url"),  # type: ignore[operator]  # a mapping
    ],
)
def test_what_no_schema_can_say_is_found(wanted: dict[str, Any], path: str) -> None:
    assert [finding.path for finding in check_notifications({"notifications": [wanted]})] == [f"spec.{path}"]
