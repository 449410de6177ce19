"""What the alert probe says of a plan."""

import pytest

from gameday.model.plan import Destination, SecretKey
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
    }


def test_what_stands_in_yaml_is_what_the_plan_has() -> None:
    auth = {"basic": {"username": "jane", "passwordFrom": {"secretKeyRef": {"name": "am", "key": "password"}}}}
    asked = {"url": URL, "receiver": "team", "auth": auth}
    spec = Alert.model_validate({"alertmanager": asked, "labels": {"alertname": "RedisDown"}})
    access = Access(username="jane", password=SecretKey("am", "password"))
    assert KIND.parse(spec, Dependencies(())) == AlertProbe(URL, {"alertname": "RedisDown"}, "team", access)
    anybody = Alert.model_validate({"alertmanager": {"url": URL}, "labels": {"a": "b"}})
    assert KIND.parse(anybody, Dependencies(())) == AlertProbe(URL, {"a": "b"})
