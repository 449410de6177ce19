"""Generates the derived files of the Helm charts: ``python -m gameday.api.charts [--check] [MANIFESTS]``.

A chart may read its own files only, so ``helm/gameday`` holds copies of the CRDs and of those manifests that no value
changes; its templates add labels and the namespace. ``helm/gameday-namespace`` has a value for each kind of action and
probe that needs a right of its own, made from the registries like ``manifests/namespace``.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from gameday.actions.kinds import Kinds as Actions
from gameday.actions.registry import KINDS as ACTIONS
from gameday.api.generated import generate
from gameday.api.roles import Rule, of_action, of_probe, rules
from gameday.preflight.rights import EVERY_DRILL, EVERY_PREFLIGHT, KEEPING
from gameday.probes.kinds import KINDS as PROBES
from gameday.probes.kinds import Kinds as Probes

MADE: Final = "# Made by `make generate`"
HEADER: Final = f"{MADE} from {{}}; do not edit.\n"
REGISTRIES: Final = "the registries of actions and probes"
OPERATOR: Final = "helm/gameday"
NAMESPACE: Final = "helm/gameday-namespace"
COPIED: Final = (
    *(f"operator/{name}.yaml" for name in ("account", "rbac", "dns", "service", "disruption")),
    "components/people/roles.yaml",
    "components/policy/status/policy.yaml",
    *(f"components/policy/author/{name}.yaml" for name in ("role", "drills", "schedules")),
    "components/cni/cilium/policy.yaml",
    "components/cni/networkpolicy/policy.yaml",
    "components/monitoring/prometheus/podmonitor.yaml",
    "components/monitoring/prometheus/rules.yaml",
    "components/monitoring/grafana/gameday.json",
)
"""Below ``manifests``."""
VALUES: Final = """\
# What the plans of this namespace may use. false leaves out the rights that only this kind needs, and a drill that uses
# the kind is refused (MissingRights). `restore` needs what `scale` needs; probes that do not stand here need no more
# than every drill.
"""
SAMPLES: Final = """\
# Whether the samples of drills that have ended are kept, in ConfigMaps, for reports with curves. false leaves out the
# right to create, get and delete ConfigMaps; a drill then says that its samples were not kept, and its verdict stays.
"""
SECRETS: Final = """\
# Pull secrets of the operator's image, which the pods of a drill run: they must exist in this namespace.
imagePullSecrets: []
"""


def files(manifests: Path, actions: Actions = ACTIONS, probes: Probes = PROBES) -> Mapping[Path, str]:
    """The content of every generated file, by its path; copied files are read from ``manifests`` and its parent."""
    return {manifests / name: text for name, text in (*_copies(manifests), *_namespace(actions, probes))}


def _copies(manifests: Path) -> Iterator[tuple[str, str]]:
    crds = sorted((manifests.parent / "crds").glob("*.yaml"))
    sources = {f"crds/{path.name}": path for path in crds if path.name != "kustomization.yaml"}
    sources |= {name: manifests / name for name in COPIED}
    for name, path in sources.items():
        made = "" if path.suffix == ".json" else HEADER.format(path.relative_to(manifests.parent))
        text = path.read_text()
        yield f"{OPERATOR}/files/{name}", text if text.startswith(MADE) else made + text


def _namespace(actions: Actions, probes: Probes) -> Iterator[tuple[str, str]]:
    kinds = {
        "actions": {kind.name: of_action(kind) for kind in actions},
        "probes": {kind.name: of_probe(kind) for kind in probes},
    }
    needed = {what: {name: found for name, found in of.items() if found} for what, of in kinds.items()}
    values = {what: dict.fromkeys(of, True) for what, of in needed.items()}
    own = {
        "base": _plain(rules((*EVERY_DRILL, *EVERY_PREFLIGHT))),
        **{what: {name: _plain(found) for name, found in of.items()} for what, of in needed.items()},
        "samples": _plain(rules(KEEPING)),
    }
    header = HEADER.format(REGISTRIES)
    kept = f"{SAMPLES}samples: true\n"
    yield f"{NAMESPACE}/values.yaml", f"{header}{VALUES}{yaml.safe_dump(values, sort_keys=False)}{kept}{SECRETS}"
    yield f"{NAMESPACE}/values.schema.json", f"{json.dumps(_schema(values), indent=2)}\n"
    yield f"{NAMESPACE}/files/rules.yaml", header + yaml.safe_dump(own, sort_keys=False)


def _plain(of_kind: tuple[Rule, ...]) -> list[dict[str, list[str]]]:
    return [
        {"apiGroups": [rule.group], "resources": list(rule.resources), "verbs": list(rule.verbs)} for rule in of_kind
    ]


def _schema(values: Mapping[str, Mapping[str, bool]]) -> dict[str, Any]:
    name = {"type": "object", "additionalProperties": False, "required": ["name"]}
    secret = name | {"properties": {"name": {"type": "string", "minLength": 1}}}
    switches = {
        what: {
            "type": "object",
            "additionalProperties": False,
            "properties": {kind: {"type": "boolean"} for kind in of},
        }
        for what, of in values.items()
    }
    properties = {"global": {"type": "object"}, **switches, "samples": {"type": "boolean"}}
    properties |= {"imagePullSecrets": {"type": "array", "items": secret}}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$comment": f"Made by `make generate` from {REGISTRIES}; do not edit.",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


def main(arguments: list[str]) -> int:
    """Write the files and remove those that are gone, or with ``--check`` say which differ and return 1."""
    places = [argument for argument in arguments if not argument.startswith("-")]
    manifests = Path(places[0] if places else "manifests")
    there = {path for chart in (OPERATOR, NAMESPACE) for path in (manifests / chart / "files").rglob("*.*")}
    return generate(files(manifests), there, check="--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
