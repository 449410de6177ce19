"""By how much clocks differ: those of the agents, which stamp samples, and the operator's, which stamps its acts."""

from collections.abc import Collection
from typing import Final

LINE_TAKES: Final = 0.5
"""Seconds that the fastest line of an agent may take to arrive though all clocks agree."""


def skew_of(lags: Collection[float]) -> float:
    """Seconds by which the clocks of agents differ.

    ``lags`` has the seconds that each agent's fastest line took, from its clock to the operator's.
    """
    return max(lags) - min(lags) if lags else 0.0


def offset_of(lags: Collection[float]) -> float:
    """Seconds by which the operator's clock and those of agents differ; see ``skew_of``.

    A line cannot arrive before it was written, and some arrive soon: what seems otherwise comes of the clocks.
    """
    return max(0.0, -min(lags), max(lags) - LINE_TAKES) if lags else 0.0
