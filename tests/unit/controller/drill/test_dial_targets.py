"""All agents together make at most 20 dials a second at one server, whichever of its addresses they dial."""

from collections.abc import Collection

import pytest

from gameday.controller.drill.dial_targets import A_SECOND, slowest_interval
from gameday.model.agent import Dial
from gameday.model.plan import Via
from gameday.model.setup import Cut, CutDestination, Pair, Setup

SERVICES = ("10.96.0.7", "fd00:96::7")
PAIRS = tuple(Pair(f"node-{number}", {"app": "api"}) for number in range(10))


def a_second(hosts: Collection[str], server: Collection[str]) -> float:
    """The dials of all agents at a server that has these addresses, beside those by the Service."""
    dials = tuple(Dial(f"target:{host}", host, 6379, "redis") for host in hosts)
    cut = Cut("partition", Via.CILIUM, CutDestination(services=SERVICES), PAIRS, dials=dials)
    every = slowest_interval(Setup((cut,)), cut)
    return 2 * len(PAIRS) * sum(host in SERVICES or host in server for host in hosts) / every


@pytest.mark.parametrize(
    ("hosts", "server"),
    [
        (("10.0.0.3",), ("10.0.0.3",)),
        (("10.0.0.3", "fd00:10::3", "10.0.0.4", "fd00:10::4"), ("10.0.0.3", "fd00:10::3")),
        (SERVICES, ()),
        ((*SERVICES, "10.0.0.3", "fd00:10::3"), ("10.0.0.3", "fd00:10::3")),
    ],
    ids=["one", "both families of two pods", "a Service of both families", "a Service and its pod"],
)
def test_a_server_gets_no_more_dials_however_many_addresses_it_has(hosts: tuple[str, ...], server: str) -> None:
    assert a_second(hosts, server) == pytest.approx(A_SECOND)
