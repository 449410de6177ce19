"""What the tcp probe says of a plan: hosts that are none, and ports that a bare connect would harm."""

import pytest

from gameday.probes.tcp.kind import KIND, TcpProbe


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        (TcpProbe("a..b", 80), "host"),
        (TcpProbe("db", 5432), "port"),
        (TcpProbe("db", 3306), "port"),
        (TcpProbe("a b", 80), "host"),
        (TcpProbe("x" * 64, 80), "host"),
    ],
)
def test_a_place_that_cannot_be_connected_to_is_a_finding(settings: TcpProbe, path: str) -> None:
    assert [finding.path for finding in KIND.check(settings)] == [path]


@pytest.mark.parametrize("settings", [TcpProbe("::1", 80), TcpProbe("api.shop.svc.", 80)])
def test_a_place_that_can_be_connected_to_is_none(settings: TcpProbe) -> None:
    assert list(KIND.check(settings)) == []
