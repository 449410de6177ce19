"""The ``gameday`` command."""

import asyncio
import os
import socket
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Game days for Kubernetes."
)


@app.callback()
def gameday() -> None:
    """Game days for Kubernetes."""


@app.command()
def operator(
    namespace: Annotated[str, typer.Option(help="Namespace of the operator's Lease.", envvar="GAMEDAY_NAMESPACE")],
    image: Annotated[str, typer.Option(help="Image of the agents: the operator's own.", envvar="GAMEDAY_IMAGE")],
    watch: Annotated[list[str] | None, typer.Option(help="Namespace to watch; repeatable; default: all.")] = None,
    identity: Annotated[str, typer.Option(help="Name of this process in Leases.", envvar="GAMEDAY_IDENTITY")] = "",
    lease: Annotated[str, typer.Option(help="Name of the Lease.")] = "gameday-operator",
    port: Annotated[int, typer.Option(help="Port of /healthz and /metrics.")] = 8080,
    kubeconfig: Annotated[Path | None, typer.Option(help="Kubeconfig, outside a cluster.")] = None,
    pull_policy: Annotated[str, typer.Option(help="Pull policy of the agents' image.")] = "IfNotPresent",
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Run the operator."""
    from gameday.cli.logs import set_up
    from gameday.cli.operate import operate
    from gameday.runner.settings import Settings

    set_up(log_level)
    settings = Settings(
        namespace=namespace,
        identity=identity or f"{socket.gethostname()}-{os.getpid()}",
        image=image,
        watch_namespaces=tuple(watch or ()),
        lease=lease,
        port=port,
        kubeconfig=kubeconfig,
        image_pull_policy=pull_policy,
    )
    raise typer.Exit(asyncio.run(operate(settings)))


if __name__ == "__main__":
    app()
