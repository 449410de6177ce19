"""What a plan says of places and times that no schema can check: addresses that are none, requests that cannot be sent.

What is refused here would otherwise be a sample that never is ``ok``, and held against the system.
"""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from gameday.engine.finding import Finding
from gameday.engine.validate.hosts import check_host
from gameday.model.places import harmed
from gameday.model.plan import HttpProbe, Plan, Probe, RedisProbe, TcpProbe

SHORTEST: Final = 1.0
"""Shortest time between two requests of a probe, in seconds; they are whole seconds anyway."""
LONGEST: Final = 3600.0
"""Longest time between two requests, in seconds."""
PATIENCE: Final = 300.0
"""Longest that a request may take, in seconds."""

_UNSENDABLE = re.compile(r"[^\x20-\x7e\t]")
_OURS: Final = {"content-length", "transfer-encoding", "connection", "accept-encoding"}
"""Headers that say how a request is sent: they are not the plan's."""


def check_probes(plan: Plan) -> Iterator[Finding]:
    """Everything that is wrong with the places and times of a plan."""
    for index, probe in enumerate(plan.probes):
        path = f"spec.probes[{index}]"
        yield from _times(path, probe)
        match probe.kind:
            case HttpProbe() as http:
                yield from _http(f"{path}.http", http)
            case TcpProbe(host, port):
                yield from check_host(f"{path}.tcp.host", host)
                if why := harmed(port):
                    yield Finding(f"{path}.tcp.port", f"{why}: ask what uses it by an http probe instead")
            case RedisProbe(host=str() as host):
                yield from check_host(f"{path}.redis.host", host)
            case _:
                continue


def _times(path: str, probe: Probe) -> Iterator[Finding]:
    if not SHORTEST <= probe.every <= LONGEST:
        yield Finding(f"{path}.interval", "write a time from 1s to 1h")
    if not SHORTEST <= probe.timeout <= PATIENCE:
        yield Finding(f"{path}.timeout", "write a time from 1s to 5m")


def _http(path: str, http: HttpProbe) -> Iterator[Finding]:
    try:
        url = urlsplit(http.url)
        host, port = url.hostname or "", url.port
    except ValueError as error:
        yield Finding(f"{path}.url", f"{error}: write http://HOST:PORT/PATH")
        return
    if port == 0:
        yield Finding(f"{path}.url", "port 0 is none: write http://HOST:PORT/PATH")
    if not http.url.isascii() or _UNSENDABLE.search(http.url):
        yield Finding(f"{path}.url", "write it in ASCII: percent-encode the path, and write the host as DNS has it")
    elif url.username is not None:
        yield Finding(f"{path}.url", "everybody may read a URL: give credentials in a header, from a Secret")
    else:
        yield from check_host(f"{path}.url", host)
    for index, header in enumerate(http.headers):
        where = f"{path}.headers[{index}]"
        if header.name.lower() in _OURS:
            yield Finding(f"{where}.name", f"{header.name} is the probe's own to say: remove it")
        if header.value is not None and _UNSENDABLE.search(header.value):
            yield Finding(f"{where}.value", "a header holds printable ASCII on one line, and nothing else")
