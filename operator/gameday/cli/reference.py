"""The pages of conditions, metrics and commands: ``python -m gameday.cli.reference [--check] [FOLDER]``.

Each page is made from what the operator runs: the table of conditions, the registry of metrics, the options of the
command. ``gameday.api.reference`` makes the page of fields.
"""

import sys
from collections.abc import Iterator, Mapping
from inspect import cleandoc
from pathlib import Path
from typing import Any, Final

from prometheus_client.metrics import MetricWrapperBase
from typer.main import get_command

from gameday.api.conditions import ABSENT_UNLESS_TRUE, OF_A_DRILL, OF_A_GAMEDAY, ONCE_ENDED, ONCE_NOTIFIED
from gameday.api.reference import write
from gameday.cli.main import app
from gameday.controller.telemetry import Metrics

MADE: Final = "<!-- Made by `make generate` from operator/gameday; do not edit. -->\n"
CONDITIONS: Final = """\
# Conditions

`Ready`, `Reconciling` and `Stalled` are those of
[kstatus](https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md), of the generation in
`status.observedGeneration`. [gitops.md](how-to/gitops.md#health) says what Flux and Argo CD make of them,
[reasons.md](reasons.md) what each reason means.
"""
METRICS: Final = """\
# Metrics

Each replica serves these at `/metrics`. [install.md](install.md#metrics) says how to scrape them.
A counter `NAME_total` has a series `NAME_created` beside each of its series: the Unix time since which it counts.

A process that dies after it has saved a verdict and before it has counted it leaves that drill out of
`gameday_drills_total`: the next process takes it for counted. `kubectl get gamedays` is right.

| metric | type | labels | what it says |
| --- | --- | --- | --- |
"""
COMMANDS: Final = """\
# Commands

`gameday`, also installed as `kubectl gameday`. An option in bold must be given, by itself or by its variable.
[how-to/commands.md](how-to/commands.md) says how people use them.
"""
HELPERS: Final = frozenset({"--help"})


def pages(folder: Path) -> dict[Path, str]:
    """Every page with its text."""
    made = {"conditions.md": conditions(), "metrics.md": metrics(), "cli.md": commands()}
    return {folder / name: MADE + text for name, text in made.items()}


def conditions() -> str:
    """The conditions of both kinds."""
    return CONDITIONS + _conditions("Drill", OF_A_DRILL) + _conditions("GameDay", OF_A_GAMEDAY)


def _conditions(kind: str, meanings: Mapping[str, str]) -> str:
    rows = (f"| `{name}` | {meaning} | {_there(name)} |\n" for name, meaning in meanings.items())
    return f"\n## Of a {kind}\n\n| condition | True says | is there |\n| --- | --- | --- |\n{''.join(rows)}"


def _there(condition: str) -> str:
    if condition in ONCE_ENDED:
        return "once the drill has ended, if samples are missing"
    if condition in ONCE_NOTIFIED:
        return "from the first message on"
    return "while it is True" if condition in ABSENT_UNLESS_TRUE else "always"


def metrics() -> str:
    """The operator's metrics, under the names that they are scraped by."""
    return METRICS + "".join(sorted(_rows(Metrics({("list", "drills"): 1}))))


def _rows(known: Metrics) -> Iterator[str]:
    labels = {
        family.name: one._labelnames  # noqa: SLF001  the library tells labels of series only, and there are none yet
        for one in vars(known).values()
        if isinstance(one, MetricWrapperBase)
        for family in one.describe()
    }
    for family in known.registry.collect():
        named = labels.get(family.name) or sorted({label for one in family.samples for label in one.labels} - {"le"})
        name = f"{family.name}_total" if family.type == "counter" else family.name
        shown = ", ".join(f"`{label}`" for label in named)
        yield f"| `{name}` | {family.type} | {shown} | {family.documentation} |\n"


def commands() -> str:
    """Each command with its options."""
    group: Any = get_command(app)
    return COMMANDS + "".join(_command(name, one) for name, one in group.commands.items())


def _command(name: str, command: Any) -> str:
    rows = "".join(_option(one) for one in command.params if not HELPERS & set(one.opts))
    table = f"| option | variable | default | what it says |\n| --- | --- | --- | --- |\n{rows}"
    words = " ".join(_argument(one) for one in command.params if one.param_type_name == "argument")
    return f"\n## `gameday {f'{name} {words}'.rstrip()}`\n\n{cleandoc(command.help)}\n\n{table}"


def _argument(one: Any) -> str:
    """An argument as a command line has it: ``[NAME]`` where it may be left out."""
    shown = f"{one.metavar}{'...' if one.nargs == -1 else ''}"
    return shown if one.required else f"[{shown}]"


def _option(option: Any) -> str:
    if option.param_type_name == "argument":
        return f"| {f'**`{option.metavar}`**' if option.required else f'`{option.metavar}`'} |  |  | {option.help} |\n"
    shown = ", ".join(f"`{one}`" for one in option.opts)
    variable = f"`{option.envvar}`" if option.envvar else ""
    default = f"`{option.default}`" if option.default and not option.is_flag else ""
    return f"| {f'**{shown}**' if option.required else shown} | {variable} | {default} | {option.help} |\n"


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` return 1 where one is not up to date."""
    places = [argument for argument in arguments if not argument.startswith("-")]
    return write(pages(Path(places[0] if places else "docs")), arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
