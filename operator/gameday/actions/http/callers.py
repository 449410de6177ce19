"""The pods that make calls: what they are given."""

from typing import Final

from gameday.actions.http.call import TIMEOUT, Sendable
from gameday.actions.kind import AgentPod
from gameday.model.agent import CallerConfig
from gameday.model.labels import CALLER

MODULE: Final = "caller"
LOST: Final = "may have been sent"
"""What a caller may have done of which nothing is heard."""


def caller_pod(call: Sendable, config: CallerConfig) -> AgentPod:
    """The pod that sends a request."""
    return AgentPod(MODULE, CALLER, config, call.secrets, call.config_maps)


def caller_config(
    call: Sendable, ends_after: float, *, tries_for: float, waits: float = 0.0, until: float = 0.0
) -> CallerConfig:
    """The configuration of a caller."""
    return CallerConfig(
        request=call.request, statuses=call.statuses, timeout=TIMEOUT, waits=waits, until=until, tries_for=tries_for,
        ends_after=ends_after,
    )  # fmt: skip
