"""Ports on this machine that a test's server can have.

The kernel's own way, a socket bound to port 0, gives a port of the range from which it also serves every outgoing
connection (``net.ipv4.ip_local_port_range``, 32768 and up): between the question and the server's start, any process
can be given it. The same holds for the second port of a Redis Cluster, 10000 above the first.
"""

import itertools
import os
import socket

LOWEST, EACH, WORKERS = 12000, 1000, 10
CLUSTER_BUS = 10000

# Workers of one run have ranges of their own, and two runs at a time seldom begin at one place.
_range = LOWEST + EACH * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw") or 0) % WORKERS)
_next = itertools.count(os.getpid())


def free_port() -> int:
    """A port that nothing has on any address, nor the one 10000 above it; another one at each call.

    Raises OSError where none is left.
    """
    for _ in range(EACH):
        port = _range + next(_next) % EACH
        if _is_free(port) and _is_free(port + CLUSTER_BUS):
            return port
    raise OSError(f"no port from {_range} to {_range + EACH - 1} is free")


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("", port))
        except OSError:
            return False
    return True
