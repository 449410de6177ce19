"""All messages that a person can meet, as a page: ``python -m programs.messages [--check]``.

They are read from the syntax trees of the package (see ``texts``) and from the CRDs and policies that the API server
checks. A message that no string stands behind ends the program (see ``sources``).
"""

import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import yaml

from gameday.api.generated import generate
from programs.sources import Package
from programs.texts import Text, modules, texts

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = ROOT / "operator" / "gameday"
PAGE: Final = ROOT / "docs" / "dev" / "messages.md"
REFUSING: Final = ("crds", "manifests/components/policy")
"""Folders of what the API server checks."""

LOG: Final = "Log"
API_SERVER: Final = "Refusal of the API server"
WHERE: Final = {
    "actions/kinds.py": "Registries",
    "probes/kinds.py": "Registries",
    "actions": "Preflight and status",
    "agents": "Agents",
    "api": "GameDay, limits and status",
    "cli": "Command line",
    "cluster": "API server, kubeconfig and leases",
    "controller": "Operator",
    "engine/cel": "Expressions",
    "engine/drill": "Status, timeline and verdict",
    "engine/evidence": "Status, timeline and verdict",
    "engine/schedule": "Schedules",
    "engine/validate": "Plans",
    "errors.py": "API server, kubeconfig and leases",
    "fuses": "Preflight and status",
    "handlers": "Operator",
    "model": "Agents",
    "model/halt.py": "GameDay, limits and status",
    "model/record.py": "Status, timeline and verdict",
    "notify": "Messages to a team",
    "preflight": "Preflight and status",
    "probes": "Agents",
    "report": "Report",
    "schema": "Plans",
}
"""Where a person meets the texts of a module or a folder; the longest name that fits counts. Log lines stand apart."""
SAID: Final = {
    "Agents": "In `message` of an expectation that is Unknown, in the log of an agent's pod, or, of a plan, in `Ready` "
    "of the GameDay.",
    "API server, kubeconfig and leases": "In conditions, in the log, and on the command line.",
    API_SERVER: "At `kubectl apply`; the CRDs and policies have them.",
    "Command line": "Printed by `gameday`.",
    "Expressions": "In `Ready` of the GameDay, after the path of the expression; at the end of the steady state in "
    "`message` of the Drill.",
    "GameDay, limits and status": "In `Ready` of the GameDay, in `message` and `StateUnreadable` of a Drill.",
    LOG: "Lines of the operator's log; each names its drill or GameDay in fields of its own.",
    "Messages to a team": "In what receivers of `spec.notifications` get, and in `status.notifications` of the Drill.",
    "Operator": "In conditions, Events and the log.",
    "Plans": "In `Ready` of the GameDay, after the path of the field.",
    "Preflight and status": "In `message` of a Drill that was refused (`PreflightFailed`), in its timeline, and in the "
    "Events of both.",
    "Registries": "For whoever adds a kind of action or probe: the operator does not start.",
    "Report": "In what `gameday report` writes.",
    "Schedules": "In `status.slots` and `Ready` of the GameDay, and in its Events.",
    "Status, timeline and verdict": "In `message`, `timeline` and `expectations` of the Drill, and in its Events.",
}
"""Each heading, and where its texts are seen."""
HEADER: Final = """\
<!-- Made by `make generate` from operator/gameday; do not edit. -->
# Messages

Every text that a person can meet, by where it is met and by the module that writes it; what is filled in stands in
braces. Some are parts of longer ones. What fields, options, metrics and conditions mean stands in
[fields.md](../fields.md), [cli.md](../cli.md), [metrics.md](../metrics.md) and [conditions.md](../conditions.md). How a
message is written, [style.md](style.md#words) says.
"""


def where(module: str) -> str:
    """The heading of a module's texts.

    Raises:
        LookupError: when no entry of ``WHERE`` fits.

    """
    fitting = [name for name in WHERE if module == name or module.startswith(f"{name}/")]
    if not fitting:
        raise LookupError(f"{module}: say in WHERE of tests/programs/messages.py where a person meets its texts")
    return WHERE[max(fitting, key=len)]


def refusals(root: Path) -> Iterator[Text]:
    """The messages of the rules of CRDs and of admission policies."""
    for folder in REFUSING:
        for path in sorted((root / folder).rglob("*.yaml")):
            for document in yaml.safe_load_all(path.read_text()):
                for message in dict.fromkeys(_messages(document)):
                    yield Text(str(path.relative_to(root)), 0, message)


def _messages(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for one in node:
            yield from _messages(one)
    if isinstance(node, dict):
        if "expression" in node or "rule" in node:
            yield from (str(node[key]).strip() for key in ("message", "messageExpression") if key in node)
        for one in node.values():
            yield from _messages(one)


def page(found: Iterable[tuple[str, Text]]) -> str:
    """The page of texts with their headings."""
    parts = [HEADER]
    ordered = sorted(found, key=lambda one: (one[0].casefold(), one[1].module))
    for heading, of_heading in groupby(ordered, key=lambda one: one[0]):
        parts.append(f"\n## {heading}\n\n{SAID[heading]}\n")
        for module, of_module in groupby((text for _, text in of_heading), key=lambda text: text.module):
            lines = dict.fromkeys(text.text.strip().replace("\n", "\\n") for text in of_module)
            parts.append(f"\n### {module}\n\n````text\n" + "".join(f"{line}\n" for line in lines) + "````\n")
    return "".join(parts)


def collected() -> list[tuple[str, Text]]:
    """All texts of the product, each with its heading."""
    written = [text for module in modules(PACKAGE) for text in texts(module)]
    of_package = [(LOG if text.logged else where(text.module), text) for text in written]
    return [*of_package, *((API_SERVER, text) for text in refusals(ROOT))]


def main(arguments: list[str]) -> int:
    """Write the page, or with ``--check`` say whether it is up to date; the exit code."""
    lost = list(Package(modules(PACKAGE)).unresolved())
    for line in lost:
        print(line, file=sys.stderr)
    return 1 if lost else generate({PAGE: page(collected())}, [PAGE], check="--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
