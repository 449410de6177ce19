"""The CustomResourceDefinitions, made from the models: ``python -m gameday.api.crds [--check] [DIRECTORY]``."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from gameday.api.crd_defaults import lean
from gameday.api.drill import DrillSpec
from gameday.api.gameday import GameDaySpec
from gameday.api.status import DRILL_STATUS, GAMEDAY_STATUS
from gameday.schema.structural import Schema, structural

GROUP: Final = "gameday.dev"
VERSION: Final = "v1alpha1"
HEADER: Final = "# Made by `make generate` from operator/gameday/api; do not edit.\n"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `kubectl get`; a wide one shows with ``-o wide`` only.

    A time of the past is of kind ``date``, which kubectl shows as an age; a time to come is a string.
    """

    name: str
    path: str
    kind: str = "string"
    wide: bool = False

    def printer(self) -> Schema:
        """The column as a CRD has it."""
        found: Schema = {"name": self.name, "type": self.kind, "jsonPath": self.path}
        return found | ({"priority": 1} if self.wide else {})


LONGEST_NAMES: Final = {
    "GameDay": (40, "its drills' names begin with it"),
    "Drill": (63, "it is a label of everything that the drill creates"),
}
"""How long the name of each kind may be, and why."""


def _condition(kind: str, field: str) -> str:
    return f'.status.conditions[?(@.type=="{kind}")].{field}'


AGE: Final = Column("Age", ".metadata.creationTimestamp", "date")
GAMEDAY_COLUMNS: Final = (
    Column("Ready", _condition("Ready", "status")),
    Column("Schedule", ".spec.schedule.cron"),
    Column("Next", ".status.nextRun"),
    Column("Last", ".status.lastFinishedAt", "date"),
    Column("Verdict", ".status.lastVerdict"),
    Column("Reason", ".status.lastReason"),
    Column("Detect", ".status.lastDetect"),
    Column("Recover", ".status.lastRecover"),
    AGE,
    Column("Drill", ".status.lastDrill", wide=True),
    Column("Message", _condition("Ready", "message"), wide=True),
)
DRILL_COLUMNS: Final = (
    Column("GameDay", ".spec.gameDay"),
    Column("Phase", ".status.phase"),
    Column("Verdict", ".status.verdict"),
    Column("Reason", ".status.reason"),
    Column("Started", ".status.startedAt", "date"),
    Column("Took", ".status.took"),
    AGE,
    Column("Cleared", _condition("FaultsCleared", "status"), wide=True),
    Column("Message", _condition("Complete", "message"), wide=True),
)


class _Dumper(yaml.SafeDumper):
    """Writes no YAML anchors: people who read a CRD, and some tools, do not know them."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  the same for all data
        """Never refer to what was written before."""
        return True


def definition(
    kind: str, names: dict[str, Any], description: str, spec: Schema, status: Schema, columns: tuple[Column, ...]
) -> dict[str, Any]:
    """One CustomResourceDefinition."""
    root: Schema = {
        "type": "object",
        "description": description,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": status,
        },
    }
    longest, why = LONGEST_NAMES[kind]
    root["x-kubernetes-validations"] = [
        {
            "rule": f"size(self.metadata.name) <= {longest}",
            "message": f"a {kind}'s name has at most {longest} characters, because {why}",
        }
    ]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names['plural']}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"kind": kind, **names},
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [column.printer() for column in columns],
                    "schema": {"openAPIV3Schema": root},
                }
            ],
        },
    }


def definitions() -> dict[str, dict[str, Any]]:
    """Both definitions by file name."""
    return {
        "gamedays.yaml": definition(
            "GameDay",
            {"plural": "gamedays", "singular": "gameday", "shortNames": ["gd"]},
            "A game day: the plan of a failure drill. Creating one never starts anything; a Drill does.",
            lean(structural(GameDaySpec)),
            GAMEDAY_STATUS,
            GAMEDAY_COLUMNS,
        ),
        "drills.yaml": definition(
            "Drill",
            {"plural": "drills", "singular": "drill"},
            "One execution of a GameDay. Creating one starts it, once; deleting it undoes what it holds.",
            lean(structural(DrillSpec)),
            DRILL_STATUS,
            DRILL_COLUMNS,
        ),
    }


def main(arguments: list[str]) -> int:
    """Write the files, or with ``--check`` say which differ and return 1."""
    check = "--check" in arguments
    places = [argument for argument in arguments if not argument.startswith("-")]
    directory = Path(places[0] if places else "crds")
    stale = []
    for name, body in definitions().items():
        content = HEADER + yaml.dump(body, Dumper=_Dumper, sort_keys=False, width=120)
        path = directory / name
        if check and (not path.exists() or path.read_text() != content):
            stale.append(str(path))
        elif not check:
            path.write_text(content)
    if stale:
        print(f"not up to date: {', '.join(stale)}; run `make generate` and commit", file=sys.stderr)  # noqa: T201
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
