"""What the http probe says of a plan: findings that no schema can make, where its requests go, what its agent gets."""

import pytest

from gameday.model.plan import Destination, SecretKey
from gameday.probes.http.kind import KIND, HttpProbe
from gameday.probes.request import Header


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        (HttpProbe("http://"), "url"),
        (HttpProbe("http:///path"), "url"),
        (HttpProbe("http://["), "url"),
        (HttpProbe("http://a:99999/"), "url"),
        (HttpProbe("http://a:b/"), "url"),
        (HttpProbe("http://a:0/"), "url"),
        (HttpProbe("http://user:word@a/"), "url"),
        (HttpProbe("http://ä/"), "url"),
        (HttpProbe("http://a/\u202e"), "url"),
        (HttpProbe("http://a..b/"), "url"),
        (HttpProbe(f"http://{'x' * 64}/"), "url"),
        (HttpProbe("http://a", headers=(Header("X", "a\r\nb: c"),)), "headers[0].value"),
        (HttpProbe("http://a", headers=(Header("X", "é"),)), "headers[0].value"),
        (HttpProbe("http://a", headers=(Header("Content-Length", "5"),)), "headers[0].name"),
    ],
)
def test_a_request_that_cannot_be_sent_is_a_finding(settings: HttpProbe, path: str) -> None:
    assert [finding.path for finding in KIND.check(settings)] == [path]


@pytest.mark.parametrize("url", ["http://api/healthz", "http://[::1]:8080/x?y=1"])
def test_a_request_that_can_be_sent_is_none(url: str) -> None:
    assert list(KIND.check(HttpProbe(url))) == []


@pytest.mark.parametrize(
    ("url", "destination"),
    [
        ("http://api/healthz", Destination("http.url", "http", 80, host="api")),
        ("https://api.shop.svc:8443/", Destination("http.url", "http", 8443, host="api.shop.svc", tls=True)),
        ("https://api/", Destination("http.url", "http", 443, host="api", tls=True)),
        ("http://a:b/", None),
    ],
)
def test_requests_go_to_the_host_and_port_of_the_url(url: str, destination: Destination | None) -> None:
    assert HttpProbe(url).destination == destination


def test_an_agent_is_given_files_and_no_secret() -> None:
    settings = HttpProbe("http://api/", headers=(Header("A", "b"), Header("X-Key", secret=SecretKey("api-key", "key"))))
    assert settings.secrets == (SecretKey("api-key", "key"),)
    assert KIND.config(settings, "shop")["headers"] == (
        {"name": "A", "value": "b", "file": ""},
        {"name": "X-Key", "value": "", "file": "/run/gameday/secrets/api-key/key"},
    )
