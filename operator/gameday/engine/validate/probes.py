"""Checks of probes' times that no schema can express; each kind checks its own fields."""

from collections.abc import Iterator
from typing import Final

from gameday.model.finding import Finding
from gameday.model.plan import Plan

SHORTEST: Final = 1.0
"""Shortest time between two requests of a probe, in seconds; they are whole seconds anyway."""
LONGEST: Final = 3600.0
"""Longest time between two requests, in seconds."""
PATIENCE: Final = 300.0
"""Longest that a request may take, in seconds."""


def check_probes(plan: Plan) -> Iterator[Finding]:
    """Everything that is wrong with the times of a plan's probes."""
    for index, probe in enumerate(plan.probes):
        path = f"spec.probes[{index}]"
        if not SHORTEST <= probe.every <= LONGEST:
            yield Finding(f"{path}.interval", "write a time from 1s to 1h")
        if not SHORTEST <= probe.timeout <= PATIENCE:
            yield Finding(f"{path}.timeout", "write a time from 1s to 5m")
