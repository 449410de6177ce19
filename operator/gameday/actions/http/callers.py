"""The pods that make calls: what they are given."""

from collections.abc import Iterator
from typing import Final

from gameday.actions.http.call import TIMEOUT, Call, Sendable
from gameday.actions.kind import AgentPod, Asks
from gameday.model.agent import CallerConfig
from gameday.model.labels import CALLER, Role
from gameday.probes.web import destination_of

MODULE: Final = "caller"
LOST: Final = "may have been sent"
"""What a caller may have done of which nothing is heard."""
NOT_CALLED: Final = "its call would not arrive"
NOT_TAKEN_BACK: Final = "nothing would take the call back if no operator were left"
"""What follows where policies keep our pods from what they call."""


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


def asks(role: Role, call: Call, field: str, why: str) -> Iterator[Asks]:
    """What a pod of this role must reach to send a call; ``field`` is that of the URL."""
    if (to := destination_of(field, call.request.url)) is not None:
        yield Asks(role, to, field, why)
