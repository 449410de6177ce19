"""The interface of a probe's runner: it runs the probe once, and never raises for what the system does."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gameday.model.agent import ProbeTask
from gameday.model.sample import Unknown
from gameday.probes.io.lookup import Lookup
from gameday.probes.io.secrets import Secrets


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What one request came to; ``values`` are those that expressions use, ``unknown`` what could not be reported."""

    ok: bool
    error: str | None = None
    values: Mapping[str, Any] | None = None
    unknown: tuple[Unknown, ...] = ()


def unknown_result(word: str, why: str) -> ProbeResult:
    """The result of a request that says nothing about the system, for a reason on the agent's side."""
    return ProbeResult(ok=False, error=word, unknown=(((), why),))


class ProbeRunner(ABC):
    """A probe's question; one kind may keep a connection from one time to the next."""

    def __init__(self, task: ProbeTask, secrets: Secrets) -> None:  # noqa: ARG002  each kind keeps what it needs
        """Raises KeyError or TypeError when the task's configuration is not one of this kind."""
        self.lookup = Lookup()

    @abstractmethod
    async def __call__(self) -> ProbeResult:
        """Ask once."""

    def timed_out(self) -> ProbeResult:
        """What a request came to that was given up at the probe's timeout."""
        if self.lookup.under_way:
            why = f"the lookup of {self.lookup.name} did not end before the timeout: check the namespace's DNS"
            return unknown_result("dns", why)
        return ProbeResult(ok=False, error="timeout")

    async def close(self) -> None:  # noqa: B027  most kinds keep nothing
        """Let go of what is kept."""
