"""Arguments and options that several commands share, named as kubectl names them."""

from pathlib import Path
from typing import Annotated, Final

import typer

from gameday.cli.completion import drills, gamedays, open_drills
from gameday.cli.forms import Output

CLUSTER: Final = "Cluster"
"""The part of a command's help that has the options of every kubectl command."""

Kubeconfig = Annotated[
    Path | None,
    typer.Option(help="Kubeconfig; default: the one that kubectl takes.", rich_help_panel=CLUSTER),
]
Context = Annotated[
    str | None,
    typer.Option(help="Context of the kubeconfig; default: its current one.", rich_help_panel=CLUSTER),
]
Namespace = Annotated[
    str | None,
    typer.Option("--namespace", "-n", help="Namespace; default: the context's.", rich_help_panel=CLUSTER),
]
OperatorNamespace = Annotated[
    str,
    typer.Option("--namespace", "-n", help="The operator's namespace.", envvar="GAMEDAY_NAMESPACE"),
]
AllNamespaces = Annotated[bool, typer.Option("--all-namespaces", "-A", help="In every namespace.")]
Form = Annotated[Output | None, typer.Option("--output", "-o", help="For programs: json, yaml or name.")]
GameDayName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the GameDay.", autocompletion=gamedays)]
DrillName = Annotated[str, typer.Argument(metavar="DRILL", help="Name of the Drill.", autocompletion=drills)]
OpenDrillName = Annotated[str, typer.Argument(metavar="DRILL", help="Name of the Drill.", autocompletion=open_drills)]
