"""The commands for people: their arguments and options. Each is implemented in its own module.

Modules that are slow to load are imported by the command that needs them: a shell asks for completions at each key.
"""

from pathlib import Path
from typing import Annotated

import typer

from gameday.cli.completion import gamedays
from gameday.cli.forms import Output, Report, Word
from gameday.cli.options import (
    AllNamespaces,
    Context,
    DrillName,
    Form,
    GameDayName,
    Kubeconfig,
    Namespace,
    OpenDrillName,
    OperatorNamespace,
)


def register(app: typer.Typer) -> None:
    """Add the commands, in the order in which people meet them."""
    app.command()(validate)
    app.command()(plan)
    app.command()(run)
    app.command()(watch)
    app.command()(explain)
    app.command()(history)
    app.command("next")(next_)
    app.command()(abort)
    app.command()(confirm)
    app.command()(report)
    app.command()(doctor)
    app.command()(version)


def validate(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="Files, folders, or - for standard input.", show_default=False)
    ],
    output: Form = None,
) -> None:
    """Check GameDays and Drills in files as the API server and the operator would. No cluster is asked.

    It exits with 0 where all of them would be taken, with 1 where one would be refused, with 2 where nothing could be
    checked. The limits of an administrator are not known here.
    """
    from gameday.cli import validate as validating
    from gameday.cli.asking import USAGE, NotDone, fail
    from gameday.cli.output import show

    if output is Output.NAME:
        fail("findings have no names: write -o json or -o yaml", USAGE)
    try:
        result = validating.validate(files)
    except NotDone as error:
        fail(str(error), USAGE)
    if output is not None:
        show([one.plain() for one in result.checked], output)
    else:
        for one in result.checked:
            typer.echo(validating.as_lines(one))
    raise typer.Exit(0 if result.valid else 1)


def plan(
    invocation: typer.Context,
    target: Annotated[
        str,
        typer.Argument(
            metavar="FILE|NAME",
            help="A file with a GameDay (- for standard input), or the name of one in the cluster.",
            autocompletion=gamedays,
        ),
    ],
    output: Form = None,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Make a dry run: what a drill would act on now, what would refuse it, and what its probes and expectations say.

    Nothing is changed. What has a path or ends with .yaml, .yml or .json is a FILE; its GameDay is created under a name
    of its own and deleted afterwards, also after Ctrl-C. It exits with 0 where nothing refuses a drill, 1 where
    something does, 2 where no dry run was made, 4 where somebody ended it.
    """
    from gameday.cli import plan as planning
    from gameday.cli.asking import USAGE, NotDone, Where, ask, fail
    from gameday.cli.output import show
    from gameday.controller.clock import Clock

    if output is Output.NAME:
        fail("what was planned has no name: write -o json or -o yaml", USAGE)
    now = invocation.ensure_object(Clock).wall()
    try:
        file = planning.gameday_of(target) if planning.is_file(target) else None
    except NotDone as error:
        fail(str(error), USAGE)
    where, given = Where(kubeconfig, context, namespace), namespace is not None
    try:
        found = ask(where, lambda cluster, own: planning.plan(cluster, own, target, file, now, given=given), code=USAGE)
    except planning.Interrupted as signalled:
        raise typer.Exit(signalled.code) from None
    if output is not None:
        show(found.plain(), output)
    else:
        planning.tell(found, now)
    raise typer.Exit(found.code)


def run(
    name: GameDayName,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the drill, and exit with its verdict.")] = False,
    junit: Annotated[Path | None, typer.Option(help="Write what it found as JUnit XML; includes --wait.")] = None,
    output: Form = None,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Start a drill of a GameDay.

    With --wait it exits with 0 where the drill Passed, 1 Failed, 3 Inconclusive after something was changed, 4 Aborted,
    5 Inconclusive with nothing changed. It exits with 2 where no drill was created. Ctrl-C asks whether to abort the
    drill or to leave it running; without a terminal it goes on.
    """
    from gameday.cli import run as running
    from gameday.cli.asking import Where

    shown = running.Shown(wait or junit is not None, junit, output)
    raise typer.Exit(running.run(Where(kubeconfig, context, namespace), name, shown))


def watch(
    invocation: typer.Context,
    drill: OpenDrillName = "",
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Show a drill as it goes: its phase and clock, expectations and their deadlines, probes as small curves.

    Without DRILL the newest one that is under way. The probes come from the logs of the drill's pods, which you must be
    allowed to read; else the status alone is shown. Without a terminal it prints a line for each thing that happens.
    Ctrl-C ends the watching, not the drill.
    """
    from gameday.cli.asking import Where, ask
    from gameday.cli.watching.watch import watch as watching
    from gameday.controller.clock import Clock

    wall = invocation.ensure_object(Clock).wall
    ask(Where(kubeconfig, context, namespace), lambda cluster, own: watching(cluster, own, drill, wall))


def explain(
    drill: DrillName,
    output: Form = None,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Say why a drill has its verdict, with the evidence that its status holds, and what to do."""
    from gameday.cli import explain as explaining
    from gameday.cli.asking import USAGE, Where, ask, fail
    from gameday.cli.output import show

    if output is Output.NAME:
        fail("an explanation has no name: write -o json or -o yaml", USAGE)
    where = Where(kubeconfig, context, namespace)
    told = explaining.explain(*ask(where, lambda cluster, own: explaining.evidence(cluster, own, drill)))
    if output is not None:
        show(told.plain(), output)
    else:
        explaining.tell(told)


def history(
    name: GameDayName,
    last: Annotated[int, typer.Option(min=1, max=1000, help="Most drills, the newest.")] = 20,
    output: Form = None,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Show a GameDay's drills over time: verdicts, and the times to detect, to alert and to recover.

    Where one failed after another had passed, it says what differs between both: the plan, and what Deployments rolled
    out.
    """
    from gameday.cli import history as past
    from gameday.cli.asking import Where, ask
    from gameday.cli.output import name_of, show, table
    from gameday.cluster.resources import DRILLS

    where = Where(kubeconfig, context, namespace)
    found, turn = ask(where, lambda cluster, own: past.history(cluster, own, name, last))
    if output is Output.NAME:
        typer.echo("\n".join(name_of(DRILLS, one.drill) for one in found))
    elif output is not None:
        told = turn.plain() if turn is not None else None
        show({"gameDay": name, "drills": [one.plain() for one in found], "turn": told}, output)
    else:
        table(past.HEADERS, (one.row() for one in found))
        if turn is not None:
            typer.echo("\n" + "\n".join(turn.lines()))


def next_(
    invocation: typer.Context,
    name: GameDayName = "",
    count: Annotated[int, typer.Option(min=1, max=100, help="Most runs of each GameDay.")] = 3,
    everywhere: AllNamespaces = False,
    output: Form = None,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Show when GameDays run by their schedules, each in its own time zone.

    Blackouts and suspended schedules count. With NAME only that GameDay is shown.
    """
    from gameday.cli.asking import USAGE, Where, ask, fail
    from gameday.cli.output import show, table
    from gameday.cli.runs import runs
    from gameday.controller.clock import Clock

    if name and everywhere:
        fail("NAME and --all-namespaces exclude each other: remove one", USAGE)
    now = invocation.ensure_object(Clock).wall()
    where = Where(kubeconfig, context, namespace)
    found = ask(where, lambda cluster, own: runs(cluster, None if everywhere else own, name, count, now))
    if output is Output.NAME:
        typer.echo(
            "".join(f"{one}\n" for one in dict.fromkeys(f"gameday.gameday.dev/{r.name}" for r in found)), nl=False
        )
    elif output is not None:
        show([run.plain() for run in found], output)
    elif not found:
        typer.echo("no GameDay there has a schedule", err=True)
    else:
        first = ("namespace",) if everywhere else ()
        rows = ((*((r.namespace,) if everywhere else ()), r.name, r.local, r.away(now), r.note) for r in found)
        table((*first, "name", "next", "in", "note"), rows)


def abort(
    drill: OpenDrillName,
    output: Form = None,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """End a drill. What it holds is undone first, and its verdict is Aborted.

    One that has ended stays as it is. `gameday halt` ends every drill at once.
    """
    from gameday.cli import abort as aborting
    from gameday.cli.asking import Where, ask
    from gameday.cli.output import name_of, show
    from gameday.cluster.resources import DRILLS

    where = Where(kubeconfig, context, namespace)
    thing, open_ = ask(where, lambda cluster, own: aborting.abort(cluster, own, drill))
    if output is Output.NAME:
        typer.echo(name_of(DRILLS, thing))
    elif output is not None:
        show(thing, output)
    elif open_:
        typer.echo(f"Drill {drill} will end: the operator undoes what it changed")
    else:
        typer.echo(f"Drill {drill} has ended already, {thing['status'].get('verdict', '')}; nothing was changed")


def confirm(
    drill: OpenDrillName,
    fault: Annotated[str, typer.Argument(metavar="FAULT", help="Name of the fault.")],
    word: Annotated[Word, typer.Argument(metavar="done|undone", help="What you have done.")],
    output: Form = None,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Say that you have done, or undone, what a fault of a drill asks a person for.

    A drill proves a fault by its probes. A person's word counts where the plan has no `seen`, and where no probe can
    tell whether the fault is undone.
    """
    from gameday.cli import confirm as confirming
    from gameday.cli.asking import Where, ask
    from gameday.cli.output import name_of, show
    from gameday.cluster.resources import DRILLS

    where = Where(kubeconfig, context, namespace)
    thing, follows = ask(where, lambda cluster, own: confirming.confirm(cluster, own, drill, fault, word))
    if output is Output.NAME:
        typer.echo(name_of(DRILLS, thing))
    elif output is not None:
        show(thing, output)
    else:
        typer.echo(follows)


def report(
    invocation: typer.Context,
    drill: DrillName,
    output: Annotated[Report, typer.Option("--output", "-o", help="A page, a message, or for programs.")] = Report.HTML,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-f", help="Where to write it; - is standard output. Default: DRILL.html for a page."),
    ] = None,
    namespace: Namespace = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Report what a drill found, for people who were not there.

    A page (html) is one file that needs nothing else. A message (md) is the lessons learned of a runbook, filled in.
    The exit code says whether it was written, and nothing of the verdict.
    """
    from datetime import UTC, datetime

    from gameday.cli import report as reporting
    from gameday.cli.asking import Where, ask, fail, say
    from gameday.controller.clock import Clock

    today = datetime.fromtimestamp(invocation.ensure_object(Clock).wall(), UTC).date()
    where = Where(kubeconfig, context, namespace)
    text = reporting.written(ask(where, lambda cluster, own: reporting.read(cluster, own, drill)), output, today)
    if file is None and output is Report.HTML:
        file = Path(f"{drill}.html")
    if file is None or str(file) == "-":
        typer.echo(text, nl=False)
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"the report was not written to {file}: {error.strerror}")
    say(f"{file}: the report of drill {drill}")


def doctor(
    invocation: typer.Context,
    output: Form = None,
    namespace: Namespace = None,
    operator_namespace: Annotated[
        str, typer.Option(help="The operator's namespace.", envvar="GAMEDAY_NAMESPACE")
    ] = "gameday-system",
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Look for what would keep drills of a namespace from running: operator, halt, limits, opt-in, rights, network.

    It exits with 1 where something would. What you may not look at is shown as unknown, with the right that is missing.
    """
    from gameday.cli.asking import USAGE, Where, ask, fail
    from gameday.cli.doctor import FAILED, looked
    from gameday.cli.output import show
    from gameday.controller.clock import Clock

    if output is Output.NAME:
        fail("checks have no names: write -o json or -o yaml", USAGE)
    wall = invocation.ensure_object(Clock).wall
    where = Where(kubeconfig, context, namespace)
    found = ask(where, lambda cluster, own: looked(cluster, own, operator_namespace, wall, quiet=output is not None))
    if output is not None:
        show([one.plain() for one in found], output)
    raise typer.Exit(1 if any(one.state == FAILED for one in found) else 0)


def version(
    client: Annotated[bool, typer.Option("--client", help="Of this program alone: ask no cluster.")] = False,
    output: Form = None,
    namespace: OperatorNamespace = "gameday-system",
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Show the version of this program, of the resources in the cluster, and of the operator."""
    from gameday.cli.asking import USAGE, Where, ask, fail
    from gameday.cli.output import show
    from gameday.cli.version import VERSION, installed

    if output is Output.NAME:
        fail("a version has no name: write -o json or -o yaml", USAGE)
    found = {"client": VERSION}
    if output is None:
        typer.echo(f"client:    {VERSION}")
    if not client:
        there = ask(Where(kubeconfig, context), lambda cluster, _: installed(cluster, namespace))
        found |= {"resources": there.resources, "operator": there.operator, "image": there.image}
    if output is not None:
        show(found, output)
    elif not client:
        typer.echo(f"resources: {there.resources}")
        typer.echo(f"operator:  {there.operator}{f', image {there.image}' if there.image else ''}")
