"""The kinds of probes: one line each, in the order in which the CRD has them.

The name is the key in a GameDay's spec and on the wire to an agent. The package has a module ``kind`` with ``KIND``,
which the operator loads, and, unless the operator runs the kind itself, a module ``runner`` with ``RUNNER``, which
agents load.
"""

from collections.abc import Mapping
from typing import Final

Packages = Mapping[str, str]
"""Packages of kinds, by the kinds' names."""

PACKAGES: Final[Packages] = {
    "http": "gameday.probes.http",
    "tcp": "gameday.probes.tcp",
    "redis": "gameday.probes.redis",
    "kubernetes": "gameday.probes.kubernetes",
    "prometheus": "gameday.probes.prometheus",
    "alert": "gameday.probes.alert",
    "redisLogin": "gameday.probes.redis_login",
}
