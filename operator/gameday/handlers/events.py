"""Kopf's handlers: they pass the newest state of each watched object to the store.

They are ``on.event`` handlers only, which are level-triggered, and with which Kopf adds neither a finalizer nor an
annotation of its own. The drill's runner sets the finalizer of a drill.
"""

from collections.abc import Iterable
from typing import Any, Final

import kopf

from gameday.controller.store import Store

GROUP: Final = "gameday.dev"
VERSION: Final = "v1alpha1"
AGAIN_AFTER: Final = (1.0,) * 120
"""Seconds between Kopf's tries while the API server does not answer; its own would end the process in that minute in
which it matters, or pause for 20 s at the end of an outage. After all of them the process ends, and says why."""


class NoDifference(kopf.DiffBaseStorage):
    """Spares Kopf the comparison of each object with what it was, for which we have no handler.

    It copies each object deeply: half of what an event costs, and a thousand schedules due at once are as many events.
    """

    def build(
        self,
        *,
        body: kopf.Body,  # noqa: ARG002
        extra_fields: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> kopf.BodyEssence:
        """Nothing of an object is ever compared."""
        return kopf.BodyEssence({})

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:  # noqa: ARG002
        """Nothing was noted."""
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        """Nothing is noted."""


def register(registry: kopf.OperatorRegistry, store: Store) -> None:
    """Register the handlers; Kopf also needs a way to log in."""

    @kopf.on.startup(registry=registry)
    async def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
        settings.posting.enabled = False
        settings.persistence.diffbase_storage = NoDifference()
        # Our CRDs are installed before us and stay: to look for others would need rights over the whole cluster.
        settings.scanning.disabled = True
        settings.networking.error_backoffs = AGAIN_AFTER
        settings.watching.server_timeout = 300
        settings.watching.client_timeout = 330

    @kopf.on.event(GROUP, VERSION, "gamedays", registry=registry)
    async def gameday_changed(event: kopf.RawEvent, **_: Any) -> None:
        store.gameday_seen(event["type"] == "DELETED", dict(event["object"]))

    @kopf.on.event(GROUP, VERSION, "drills", registry=registry)
    async def drill_changed(event: kopf.RawEvent, **_: Any) -> None:
        store.drill_seen(event["type"] == "DELETED", dict(event["object"]))
