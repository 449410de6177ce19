"""What changed, handed on: Kopf watches, and these tell the supervisor the newest state of each object.

Only ``on.event`` handlers stand here: they are level-triggered, and with them Kopf adds neither a finalizer nor an
annotation of its own. The finalizer of a drill is the runner's.
"""

from typing import Any, Final

import kopf

from gameday.runner.supervisor import ACCOUNT, Supervisor

GROUP: Final = "gameday.dev"
VERSION: Final = "v1alpha1"


def register(registry: kopf.OperatorRegistry, supervisor: Supervisor) -> None:
    """Hang the handlers into a registry."""

    @kopf.on.startup(registry=registry)
    async def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
        settings.posting.enabled = False
        settings.watching.server_timeout = 300
        settings.watching.client_timeout = 330
        settings.peering.standalone = True

    @kopf.on.login(registry=registry)
    async def login(**kwargs: Any) -> kopf.ConnectionInfo | None:
        return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)

    @kopf.on.event(GROUP, VERSION, "gamedays", registry=registry)
    async def gameday_changed(event: kopf.RawEvent, **_: Any) -> None:
        supervisor.gameday_seen(event["type"] == "DELETED", dict(event["object"]))

    @kopf.on.event(GROUP, VERSION, "drills", registry=registry)
    async def drill_changed(event: kopf.RawEvent, **_: Any) -> None:
        supervisor.drill_seen(event["type"] == "DELETED", dict(event["object"]))

    # By name, not by label: Kopf filters labels itself and would not tell of an account that lost its label.
    @kopf.on.event("", "v1", "serviceaccounts", when=_is_account, registry=registry)
    async def account_changed(event: kopf.RawEvent, **_: Any) -> None:
        supervisor.account_seen(event["type"] == "DELETED", dict(event["object"]))


def _is_account(name: str | None, **_: Any) -> bool:
    return name == ACCOUNT
