"""What the alert probe says of a plan."""

import json
from typing import Any

import pytest

from gameday.errors import PlanInvalid
from gameday.model.plan import ConfigMapKey, Destination, SecretKey
from gameday.probes.alert.config import GRAFANA, PAGER_DUTY, AlertConfig, Incidents
from gameday.probes.alert.kind import KIND, Alert, AlertProbe
from gameday.probes.web import Access
from gameday.schema.named import Dependencies

URL = "http://alertmanager:9093"


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        (AlertProbe("http://", {"a": "b"}), "alertmanager.url"),
        (AlertProbe(f"{URL}/?a=b", {"a": "b"}), "alertmanager.url"),
        (AlertProbe(URL, {"a": "b"}, access=Access(ca=SecretKey("ca", "ca.crt"))), "alertmanager.tls"),
        (AlertProbe(URL, {"alert-name": "b"}), "labels"),
        (AlertProbe(URL, {'a="b",c': "b"}), "labels"),
    ],
)
def test_what_cannot_be_asked_is_a_finding(settings: AlertProbe, path: str) -> None:
    assert [finding.path for finding in KIND.check(settings)] == [path]


def test_what_can_be_asked_is_none() -> None:
    assert list(KIND.check(AlertProbe(f"{URL}/prefix", {"alertname": 'Redis "down"', "_x": ""}))) == []


def test_an_agent_is_given_files_and_what_to_look_for() -> None:
    settings = AlertProbe(URL, {"alertname": "RedisDown"}, "team", Access(bearer=SecretKey("am", "token")))
    assert settings.secrets == (SecretKey("am", "token"),)
    assert settings.destination == Destination("alert.alertmanager.url", "http", 9093, host="alertmanager")
    assert KIND.config(settings, "shop") == {
        "url": URL,
        "labels": {"alertname": "RedisDown"},
        "receiver": "team",
        "access": {
            "bearer_file": "/run/gameday/secrets/am/token",
            "username": "",
            "password_file": "",
            "ca_file": "",
        },
        "source": "Alertmanager",
        "incidents": None,
    }


def test_what_stands_in_yaml_is_what_the_plan_has() -> None:
    auth = {"basic": {"username": "jane", "passwordFrom": {"secretKeyRef": {"name": "am", "key": "password"}}}}
    asked = {"url": URL, "receiver": "team", "auth": auth}
    spec = Alert.model_validate({"alertmanager": asked, "labels": {"alertname": "RedisDown"}})
    access = Access(username="jane", password=SecretKey("am", "password"))
    assert KIND.parse(spec, Dependencies(())) == AlertProbe(URL, {"alertname": "RedisDown"}, "team", access)
    anybody = Alert.model_validate({"alertmanager": {"url": URL}, "labels": {"a": "b"}})
    assert KIND.parse(anybody, Dependencies(())) == AlertProbe(URL, {"a": "b"})


TOKEN = {"secretKeyRef": {"name": "alerts", "key": "token"}}
CA = {"caFrom": {"configMapKeyRef": {"name": "ca", "key": "ca.crt"}}}
LABELS = {"alertname": "RedisDown"}
INCIDENTS = {"tokenFrom": TOKEN, "services": ["PSHOP01"], "titleContains": "RedisDown"}


def parsed(**spec: Any) -> AlertProbe:
    return KIND.parse(Alert.model_validate(spec), Dependencies((), "spec.probes[0].alert"))


def test_grafana_is_asked_with_the_token_of_a_service_account() -> None:
    grafana = {"url": "https://grafana", "tokenFrom": TOKEN, "receiver": "team", "tls": CA}
    probe = parsed(grafana=grafana, labels=LABELS)
    access = Access(bearer=SecretKey("alerts", "token"), ca=ConfigMapKey("ca", "ca.crt"))
    assert probe == AlertProbe("https://grafana", LABELS, "team", access, GRAFANA)
    assert probe.destination == Destination("alert.grafana.url", "http", 443, host="grafana", tls=True)
    assert (probe.secrets, probe.config_maps) == ((SecretKey("alerts", "token"),), (ConfigMapKey("ca", "ca.crt"),))


def test_pager_duty_is_asked_for_incidents_and_its_agent_gets_them_by_json() -> None:
    probe = parsed(pagerDuty=INCIDENTS)
    assert probe.url == "https://api.pagerduty.com"
    assert probe.destination == Destination("alert.pagerDuty.url", "http", 443, host="api.pagerduty.com", tls=True)
    config = AlertConfig.read(json.loads(json.dumps(KIND.config(probe, "shop"))))
    assert (config.source, config.incidents) == (PAGER_DUTY, Incidents(("PSHOP01",), "RedisDown"))
    assert config.access.bearer_file == "/run/gameday/secrets/alerts/token"
    wrong = parsed(pagerDuty=INCIDENTS | {"url": "http://pd/?x=1", "tls": CA})
    assert [finding.path for finding in KIND.check(wrong)] == ["pagerDuty.url", "pagerDuty.tls"]


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"labels": LABELS}, "spec.probes[0].alert"),
        (
            {"alertmanager": {"url": URL}, "grafana": {"url": URL, "tokenFrom": TOKEN}, "labels": LABELS},
            "spec.probes[0].alert",
        ),
        ({"alertmanager": {"url": URL}}, "spec.probes[0].alert.labels"),
        ({"grafana": {"url": URL, "tokenFrom": TOKEN}}, "spec.probes[0].alert.labels"),
        ({"pagerDuty": INCIDENTS, "labels": LABELS}, "spec.probes[0].alert.labels"),
    ],
)
def test_one_source_and_labels_where_there_are_any(spec: dict[str, Any], path: str) -> None:
    with pytest.raises(PlanInvalid) as error:
        parsed(**spec)
    assert [one[0] for one in error.value.findings] == [path]
