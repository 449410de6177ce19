"""A port of a test's server is one that neither a listener nor an outgoing connection can have taken."""

import socket
from pathlib import Path

import pytest

from unit import ports
from unit.ports import CLUSTER_BUS, EACH, LOWEST, WORKERS, free_port
from unit.redis_server import RedisServer


def test_no_port_is_one_that_the_kernel_gives_to_outgoing_connections() -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert first > LOWEST + WORKERS * EACH - 1 + CLUSTER_BUS


@pytest.mark.parametrize("above", [0, CLUSTER_BUS])
def test_a_port_whose_own_or_bus_port_is_taken_is_passed_over(monkeypatch: pytest.MonkeyPatch, above: int) -> None:
    taken = free_port()
    monkeypatch.setattr(ports, "_next", iter([taken, taken + 1]))
    with socket.socket() as one:
        one.bind(("127.0.0.2", taken + above))
        one.listen()
        assert free_port() != taken


async def test_a_server_that_cannot_start_says_why_at_once() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", port := free_port()))
        one.listen()
        with pytest.raises(pytest.fail.Exception, match="Address already in use"):
            await RedisServer(port).start()
