"""The pods that send messages: small, without a token, and seen for what they are."""

import json
from typing import Any

import pytest

from gameday.api.notifications import notifications_of
from gameday.cluster.resources import Object
from gameday.controller.drill.agent_pods import PodContext
from gameday.controller.drill.notifier_pods import MOST_BYTES, fitting, notifier_pod, seen, shut_out, tried
from gameday.model.agent import Delivery, NotifierConfig, read_config
from gameday.model.notice import Delivered, Event, Outcome
from gameday.preflight.findings import Finding, Severity
from unit.notify.courses import PASSED, at, notified_gameday
from unit.preflight.things import a_snapshot, isolating_policy, pod, service
from unit.report.drills import gameday

PLACE = PodContext("shop", "first", "drill-uid", "gameday:test", "IfNotPresent")
SECRET = {"secretKeyRef": {"name": "slack", "key": "url"}}
(SLACK,) = notifications_of({"notifications": [{"name": "chat", "slack": {"urlFrom": SECRET}}]})


def made(**status: Any) -> Object:
    pod = notifier_pod(PLACE, SLACK, (Event.CUT, Event.VERDICT), (Delivery("cut"),), gameday())
    return pod | {"status": status}


def running(**state: Any) -> Object:
    return made(
        containerStatuses=[{"name": "istio-proxy", "state": {"running": {}}}, {"name": "agent", "state": state}]
    )


def test_it_mounts_the_one_secret_of_its_receiver_and_starts_without_it() -> None:
    pod = made()
    (volume,) = pod["spec"]["volumes"]
    items = [{"key": "url", "path": "url"}]
    assert volume["secret"] == {"secretName": "slack", "items": items, "optional": True}
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert pod["metadata"]["name"] == "first-notify-chat-cut"
    assert pod["metadata"]["labels"]["gameday.dev/role"] == "notifier"
    assert pod["spec"]["activeDeadlineSeconds"] > 300
    assert pod["spec"]["containers"][0]["command"][-1] == "gameday.agents.notifier"
    assert read_config(pod["spec"]["containers"][0]["env"][0]["value"], NotifierConfig).tries_for == 300.0


def test_it_is_seen_for_what_it_is() -> None:
    waiting = seen(running(waiting={"reason": "ImagePullBackOff", "message": "Back-off"}))
    assert waiting is not None
    assert (waiting.receiver, waiting.events) == ("chat", (Event.CUT, Event.VERDICT))
    assert (waiting.started_at, waiting.ended, waiting.trouble) == (None, False, "ImagePullBackOff: Back-off")
    runs = seen(running(running={"startedAt": "2026-11-30T10:00:00Z"}))
    assert runs is not None
    assert (runs.started_at, runs.ended) == (1_796_032_800.0, False)
    words = json.dumps({"cut": ["Sent", ""], "verdict": ["Failed", "404"]})
    ended = seen(running(terminated={"startedAt": "2026-11-30T10:00:00Z", "message": words}))
    assert ended is not None
    assert ended.ended
    assert ended.results == {Event.CUT: Delivered(Outcome.SENT), Event.VERDICT: Delivered(Outcome.FAILED, "404")}


@pytest.mark.parametrize(
    "words", ["", "{", "[]", '{"cut": "Sent"}', '{"cut": ["Gone", ""]}', '{"lunch": ["Sent", ""]}']
)
def test_words_that_cannot_be_read_are_none(words: str) -> None:
    ended = seen(running(terminated={"message": words}))
    assert ended is not None
    assert (ended.ended, ended.results) == (True, None)


def test_one_that_was_evicted_before_its_container_began_has_sent_nothing() -> None:
    evicted = seen(made(phase="Failed", reason="Evicted"))
    assert evicted is not None
    assert evicted.results is not None
    assert {one.outcome for one in evicted.results.values()} == {Outcome.UNSENT}
    lost = seen(made(phase="Failed", containerStatuses=[{"name": "agent", "state": {"running": {}}}]))
    assert lost is not None
    assert (lost.ended, lost.results) == (True, None)


def test_a_pod_that_no_node_takes_says_why() -> None:
    said = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}
    pending = seen(made(phase="Pending", conditions=[said]))
    assert pending is not None
    assert pending.trouble == "0/3 nodes are available"


def test_another_pod_of_the_drill_is_none_of_these() -> None:
    assert seen({"metadata": {"name": "x", "annotations": {"gameday.dev/events": "cut"}}}) is None
    assert seen({"metadata": {"name": "x", "annotations": {"gameday.dev/receiver": "chat"}}}) is None


def test_a_pod_holds_no_more_than_linux_takes() -> None:
    many = [Delivery(str(n), body="x" * 40_000) for n in range(5)]
    held = fitting(many)
    assert [one.name for one in held] == ["0", "1"]
    assert len(NotifierConfig(deliveries=held).to_json()) <= MOST_BYTES
    assert len(fitting([Delivery("0", body="x" * 200_000)])) == 1


def test_the_preflight_tries_a_pod_of_each_receiver() -> None:
    grafana = {"url": "https://g.example", "tokenFrom": SECRET}
    wanted = notified_gameday({"name": "chat", "slack": {"urlFrom": SECRET}}, {"name": "g", "grafana": grafana})
    tries = {part.path: part.body for part in tried(PLACE, at(PASSED), wanted)}
    assert set(tries) == {"spec.notifications[chat].slack", "spec.notifications[g].grafana"}
    assert all(pod["kind"] == "Pod" for pod in tries.values())
    assert list(tried(PLACE, at(PASSED), gameday())) == []


DENY = isolating_policy("default-deny", {}, policyTypes=["Ingress", "Egress"])


def kept_from(*policies: Object, **receiver: Object) -> list[Finding]:
    """What is said of one receiver in a namespace with these policies."""
    pods = (pod("relay", {"app": "relay"}),)
    services = (service("relay", [{"port": 80}], "10.96.0.9", selector={"app": "relay"}),)
    snapshot = a_snapshot(networkpolicies=policies, pods=pods, services=services)
    return list(shut_out(snapshot, at(PASSED), notified_gameday({"name": "chat", **receiver})))


def admits(*rules: Object) -> Object:
    return isolating_policy("notifier", {"gameday.dev/role": "notifier"}, policyTypes=["Egress"], egress=list(rules))


ADDRESSES: Object = {"ipBlock": {"cidr": "0.0.0.0/0"}}
DNS: Object = {"to": [{"namespaceSelector": {}}], "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53}]}
GRAFANA: Object = {"url": "https://g.team.example", "tokenFrom": SECRET}


@pytest.mark.parametrize(
    ("receiver", "path", "where", "what"),
    [
        ({"grafana": GRAFANA}, "grafana.url", "g.team.example:443", "port 443 outside the namespace"),
        ({"webhook": {"url": "http://hook.team.svc"}}, "webhook.url", "hook.team.svc:80", "outside the namespace"),
        ({"slack": {"urlFrom": SECRET}}, "slack.urlFrom", "chat", "ports other than that of DNS"),
    ],
)
def test_a_receiver_that_policies_keep_messages_from_is_warned_of(
    receiver: Object, path: str, where: str, what: str
) -> None:
    """No drill waits for a message, so none is refused for it."""
    for policies in ((DENY,), (DENY, admits(DNS))):
        one = kept_from(*policies, **receiver)[0]
        assert (one.path, one.severity) == (f"spec.notifications[chat].{path}", Severity.WARN)
        assert f"the notifier can probably not reach {where}, because NetworkPolicy/default-deny" in one.message
        assert what in one.message
        assert "its messages would not be sent" in one.message
        assert "the label gameday.dev/role=notifier there" in one.remedy
    assert kept_from(DENY, admits(DNS, {"to": [ADDRESSES]}), **receiver) == []
    assert kept_from(**receiver) == []


def test_a_notifier_that_policies_keep_from_dns_is_warned_of() -> None:
    web = admits({"to": [ADDRESSES], "ports": [{"port": 443}]})
    (one,) = kept_from(DENY, web, grafana=GRAFANA)
    assert "the notifier can probably not reach DNS" in one.message
    assert kept_from(DENY, web, grafana=GRAFANA | {"url": "https://1.1.1.1"}) == []


def test_a_receiver_in_the_namespace_must_admit_the_notifier() -> None:
    closed = isolating_policy("relay", {"app": "relay"}, policyTypes=["Ingress"])
    (one,) = kept_from(closed, webhook={"url": "http://relay/hook"})
    assert one.severity is Severity.WARN
    assert "the notifier cannot reach Service relay, port 80, because NetworkPolicy/relay isolates" in one.message
    assert kept_from(webhook={"url": "http://relay/hook"}) == []
