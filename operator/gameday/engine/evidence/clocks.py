"""By how much clocks differ: those of the agents, which stamp samples, and the operator's, which stamps its deeds."""

from collections.abc import Collection
from typing import Final

LINE_TAKES: Final = 0.5
"""Seconds that the fastest line of an agent may take to arrive though all clocks agree."""


def skew_of(lags: Collection[float]) -> float:
    """Seconds by which clocks differ; ``lags`` has the seconds that each agent's fastest line took by both clocks.

    A line cannot arrive before it was written, and some arrive soon: what seems otherwise comes of the clocks.
    """
    if not lags:
        return 0.0
    fastest, slowest = min(lags), max(lags)
    return max(slowest - fastest, -fastest, slowest - LINE_TAKES)
