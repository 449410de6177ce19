"""The kinds of actions that there are, one line each."""

from typing import Final

from gameday.actions.job import RunJobKind
from gameday.actions.kind import ActionKind, RunKind
from gameday.actions.network_partition.partition import Partition
from gameday.actions.scale import ScaleKind

KINDS: Final[dict[str, ActionKind]] = {kind.name: kind for kind in (Partition(), ScaleKind())}
"""Those that can be taken back, by name."""

RUNS: Final[dict[str, RunKind]] = {kind.name: kind for kind in (RunJobKind(),)}
"""Those that run once."""
