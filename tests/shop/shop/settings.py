"""What a part of the shop is told: all from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

DEFECTS = ("LIE_HEALTHY", "NEVER_RECONNECT", "STUCK_WORKER", "NO_BREAKER", "LOSE_BUFFER", "SILENT_ALERTS")
"""Each switches one virtue off."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings; ``on_outage`` is ``reject`` or ``buffer``, ``pod`` tells replicas apart."""

    redis_host: str = "redis"
    redis_port: int = 6379
    redis_password: str | None = None
    api_key: str = ""
    alert_url: str = "http://alerts/"
    on_outage: str = "reject"
    pod: str = "pod"
    port: int = 8080
    defects: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Self:
        """Read them.

        Raises:
            ValueError: when ``ON_OUTAGE`` is neither ``reject`` nor ``buffer``.

        """
        on_outage = environ.get("ON_OUTAGE", "reject")
        if on_outage not in {"reject", "buffer"}:
            raise ValueError(f"ON_OUTAGE is {on_outage!r}: set it to reject or buffer")
        return cls(
            redis_host=environ.get("REDIS_HOST", "redis"),
            # Not REDIS_PORT: Kubernetes sets that to an URL where there is a Service named redis.
            redis_port=int(environ.get("REDIS_TCP_PORT", "6379")),
            redis_password=environ.get("REDIS_PASSWORD") or None,
            api_key=environ.get("API_KEY", ""),
            alert_url=environ.get("ALERT_URL", "http://alerts/"),
            on_outage=on_outage,
            pod=environ.get("HOSTNAME", "pod"),
            port=int(environ.get("LISTEN_PORT", "8080")),
            defects=frozenset(name for name in DEFECTS if environ.get(name) == "1"),
        )
