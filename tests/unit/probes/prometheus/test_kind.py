"""What the prometheus probe says of a plan."""

import pytest

from gameday.model.plan import ConfigMapKey, Destination, SecretKey
from gameday.probes.prometheus.kind import KIND, Prometheus, PrometheusProbe
from gameday.probes.web import Access
from gameday.schema.named import Dependencies


@pytest.mark.parametrize(
    "url", ["http://", "http://prometheus:0", "http://prometheus?x=1", "http://prometheus/#a", "http://u:p@prometheus"]
)
def test_a_url_that_cannot_be_used_is_a_finding(url: str) -> None:
    assert {finding.path for finding in KIND.check(PrometheusProbe(url, "up"))} == {"url"}


def test_a_ca_without_https_is_a_finding() -> None:
    access = Access(ca=ConfigMapKey("ca", "ca.crt"))
    assert [finding.path for finding in KIND.check(PrometheusProbe("http://prometheus:9090", "up", access))] == ["tls"]
    assert list(KIND.check(PrometheusProbe("https://prometheus:9090/prefix", "up", access))) == []


def test_an_agent_is_given_files_and_the_query() -> None:
    access = Access(bearer=SecretKey("thanos", "token"), ca=ConfigMapKey("ca", "ca.crt"))
    settings = PrometheusProbe("https://thanos:9091", "up", access)
    assert (settings.secrets, settings.config_maps) == (access.secrets, access.config_maps)
    assert settings.destination == Destination("prometheus.url", "http", 9091, host="thanos", tls=True)
    assert KIND.config(settings, "shop") == {
        "url": "https://thanos:9091",
        "query": "up",
        "access": {
            "bearer_file": "/run/gameday/secrets/thanos/token",
            "username": "",
            "password_file": "",
            "ca_file": "/run/gameday/configmaps/ca/ca.crt",
        },
    }


def test_what_stands_in_yaml_is_what_the_plan_has() -> None:
    auth = {"bearer": {"tokenFrom": {"secretKeyRef": {"name": "thanos", "key": "token"}}}}
    tls = {"caFrom": {"configMapKeyRef": {"name": "ca", "key": "ca.crt"}}}
    spec = Prometheus.model_validate({"url": "https://thanos", "query": "up", "auth": auth, "tls": tls})
    access = Access(bearer=SecretKey("thanos", "token"), ca=ConfigMapKey("ca", "ca.crt"))
    assert KIND.parse(spec, Dependencies(())) == PrometheusProbe("https://thanos", "up", access)
