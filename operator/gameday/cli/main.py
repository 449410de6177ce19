"""The ``gameday`` command."""

import asyncio
import os
import socket
from collections.abc import Awaitable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gameday.cli.options import Context, Kubeconfig, OperatorNamespace
from gameday.cli.people import register

if TYPE_CHECKING:
    from gameday.cluster.client import Cluster

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="Game days for Kubernetes.")


@app.callback()
def gameday() -> None:
    """Game days for Kubernetes."""


@app.command(help="Run the operator.", rich_help_panel="In the cluster")
def operator(
    invocation: typer.Context,
    namespace: Annotated[str, typer.Option(help="Namespace of the operator's Lease.", envvar="GAMEDAY_NAMESPACE")],
    image: Annotated[
        str, typer.Option(help="Image of the agents; default: the one of the operator's pod.", envvar="GAMEDAY_IMAGE")
    ] = "",
    pod_name: Annotated[str, typer.Option(help="Name of the operator's pod.", envvar="POD_NAME")] = "",
    pod_namespace: Annotated[str, typer.Option(help="Namespace of the operator's pod.", envvar="POD_NAMESPACE")] = "",
    watch: Annotated[list[str] | None, typer.Option(help="Namespace to watch; repeatable; default: all.")] = None,
    identity: Annotated[str, typer.Option(help="Name of this process in Leases.", envvar="GAMEDAY_IDENTITY")] = "",
    lease: Annotated[str, typer.Option(help="Name of the Lease.")] = "gameday-operator",
    port: Annotated[int, typer.Option(help="Port of /healthz and /metrics.")] = 8080,
    kubeconfig: Annotated[Path | None, typer.Option(help="Kubeconfig, outside a cluster.")] = None,
    context: Annotated[
        str | None, typer.Option(help="Context of the kubeconfig; default: its current one as of the start.")
    ] = None,
    pull_policy: Annotated[str, typer.Option(help="Pull policy of the agents' image.")] = "IfNotPresent",
    agent_resources: Annotated[
        str, typer.Option(help="Requests and limits of each agent, as JSON.", envvar="GAMEDAY_AGENT_RESOURCES")
    ] = "",
    agent_user: Annotated[
        str | None,
        typer.Option(help="User and group of agents; empty: the cluster's choice.", envvar="GAMEDAY_AGENT_USER"),
    ] = None,
    agent_priority_class: Annotated[
        str,
        typer.Option(help="Priority class of agents; default: none.", envvar="GAMEDAY_AGENT_PRIORITY_CLASS"),
    ] = "",
    agent_tolerations: Annotated[
        str,
        typer.Option(
            help="More tolerations of agents, as JSON: a list, as in a pod's spec.", envvar="GAMEDAY_AGENT_TOLERATIONS"
        ),
    ] = "",
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
    log_format: Annotated[
        Literal["text", "json"], typer.Option(help="One line an entry: key=value, or JSON.")
    ] = "text",
) -> None:
    """Run the operator, by the clocks in the invocation's object where it has one."""
    try:
        from gameday.cli.logs import LogFormat, set_up
        from gameday.cli.operate import operate
    except ModuleNotFoundError as error:
        typer.echo(f"gameday: there is no module {error.name}: install the package as 'gameday[operator]'", err=True)
        raise typer.Exit(2) from error
    from gameday.controller.agent_settings import USER, agent_settings
    from gameday.controller.clock import Clock
    from gameday.controller.own_image import unknown
    from gameday.controller.settings import Settings

    # An empty variable counts as none for the command line; here it is the cluster's choice.
    user = os.environ.get("GAMEDAY_AGENT_USER", str(USER)) if agent_user is None else agent_user
    try:
        agents = agent_settings(agent_resources, user, agent_priority_class, agent_tolerations)
    except ValueError as error:
        typer.echo(f"gameday: {error}", err=True)
        raise typer.Exit(2) from error
    clock = invocation.ensure_object(Clock)
    set_up(log_level, LogFormat(log_format), clock.wall)
    settings = Settings(
        namespace=namespace,
        identity=identity or f"{socket.gethostname()}-{os.getpid()}",
        image=image,
        pod=pod_name,
        pod_namespace=pod_namespace,
        watch_namespaces=tuple(watch or ()),
        lease=lease,
        port=port,
        kubeconfig=kubeconfig,
        context=context,
        image_pull_policy=pull_policy,
        agents=agents,
    )
    if wrong := unknown(settings):
        typer.echo(f"gameday: {wrong}", err=True)
        raise typer.Exit(2)
    raise typer.Exit(asyncio.run(operate(settings, clock)))


@app.command()
def halt(
    reason: Annotated[str, typer.Option(help="Why, for everybody whose drill it ends.")] = "",
    status: Annotated[bool, typer.Option("--status", help="Only tell whether drills are halted.")] = False,
    namespace: OperatorNamespace = "gameday-system",
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Begin to undo every drill within 2 s, and let none start."""
    from gameday.cli import halt as halting
    from gameday.cli.asking import Where, ask

    def do(cluster: "Cluster", _: str) -> Awaitable[str]:
        return halting.status(cluster, namespace) if status else halting.halt(cluster, namespace, reason)

    typer.echo(ask(Where(kubeconfig, context), do))


@app.command()
def resume(
    namespace: OperatorNamespace = "gameday-system", kubeconfig: Kubeconfig = None, context: Context = None
) -> None:
    """Let drills start again after a halt."""
    from gameday.cli import halt as halting
    from gameday.cli.asking import Where, ask

    typer.echo(ask(Where(kubeconfig, context), lambda cluster, _: halting.resume(cluster, namespace)))


register(app)


if __name__ == "__main__":
    app()
