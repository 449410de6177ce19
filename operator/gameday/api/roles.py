"""What a namespace's account may do, made from the registries: ``python -m gameday.api.roles [--check] [DIRECTORY]``.

The Role of ``base`` holds what every drill needs. Each kind of action or probe that needs more has a component
that adds it, so that a team can grant what its plans use and no more.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gameday.actions.kinds import AnyKind as ActionKind
from gameday.actions.kinds import Kinds as Actions
from gameday.actions.registry import KINDS as ACTIONS
from gameday.api.generated import generate
from gameday.cluster.resources import Resource
from gameday.preflight.rights import EVERY_DRILL, EVERY_PREFLIGHT, KEEPING, LIST, Right
from gameday.probes.kinds import KINDS as PROBES
from gameday.probes.kinds import AnyKind as ProbeKind
from gameday.probes.kinds import Kinds as Probes

HEADER: Final = "# Made by `make generate` from the registries of actions and probes; do not edit.\n"
ROLE: Final = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: gameday
rules:
"""
COMPONENT: Final = """\
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches:
- target: {kind: Role, name: gameday}
  patch: |
"""
ALL: Final = """\
# What a team applies to let game days act in its namespace, with all that any plan may use:
#   kubectl apply -n NAMESPACE -k manifests/namespace
# Deleting the account, or taking its label away, withdraws that at once: a running drill puts everything back.
# docs/install.md says how to grant less.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
- base
components:
"""
PREFLIGHT: Final = "What is looked at before a drill begins."


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a Role, and its comment."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    why: str = ""

    def __str__(self) -> str:
        group = self.group or '""'
        return f"{{apiGroups: [{group}], resources: [{', '.join(self.resources)}], verbs: [{', '.join(self.verbs)}]}}"

    def lines(self, before: str) -> Iterator[str]:
        """The rule as an item of a list of YAML, below its comment; ``before`` is what stands before the rule."""
        indent = before[: len(before) - len(before.lstrip())]
        if self.why:
            yield f"{indent}# {self.why}\n"
        yield f"{before}{self}\n"


def of_action(kind: ActionKind) -> tuple[Rule, ...]:
    """What actions of a kind may need beyond what every drill needs."""
    listed = {right.resource for right in kind.grants if "list" in right.verbs and not right.subresource}
    reads = [Right(read, LIST, why="" if at else PREFLIGHT) for at, read in enumerate(_rest(kind.reads, listed))]
    return rules((*kind.grants, *reads))


def of_probe(kind: ProbeKind) -> tuple[Rule, ...]:
    """What probes of a kind may need beyond what every drill needs."""
    return tuple(Rule(rule.group, (rule.resource,), rule.verbs) for rule in kind.grants)


def rules(rights: Iterable[Right]) -> tuple[Rule, ...]:
    """Rights as rules: one that follows another of its group and verbs, without a comment of its own, joins it."""
    made: list[Rule] = []
    for right in rights:
        last = made[-1] if made else None
        if last is not None and not right.why and (last.group, last.verbs) == (right.resource.group, right.verbs):
            made[-1] = Rule(last.group, (*last.resources, right.rbac_name), last.verbs, last.why)
        else:
            made.append(Rule(right.resource.group, (right.rbac_name,), right.verbs, right.why))
    return tuple(made)


def files(actions: Actions = ACTIONS, probes: Probes = PROBES) -> Mapping[str, str]:
    """The content of every file that is made, by its path below ``manifests/namespace``."""
    base = "".join(line for rule in rules((*EVERY_DRILL, *EVERY_PREFLIGHT)) for line in rule.lines("- "))
    components = {
        **{f"actions/{kind.name}": (f"action {kind.name}", of_action(kind)) for kind in actions},
        **{f"probes/{kind.name}": (f"probe {kind.name}", of_probe(kind)) for kind in probes},
        "samples": ("keeping of samples", rules(KEEPING)),
    }
    needed = {name: one for name, one in components.items() if one[1]}
    listed = "".join(f"- components/{name}\n" for name in needed)
    return {
        "kustomization.yaml": f"{HEADER}{ALL}{listed}",
        "base/role.yaml": f"{HEADER}# What every drill needs.\n{ROLE}{base}",
        **{f"components/{name}/kustomization.yaml": _component(*one) for name, one in needed.items()},
    }


def _component(whose: str, of_kind: tuple[Rule, ...]) -> str:
    patch = "".join(line for rule in of_kind for line in rule.lines("    - {op: add, path: /rules/-, value: "))
    closed = "".join(f"{line}}}\n" if "value: " in line else f"{line}\n" for line in patch.splitlines())
    return f"{HEADER}# What the {whose} needs beyond what every drill needs.\n{COMPONENT}{closed}"


def _rest(reads: Iterable[Resource], listed: set[Resource]) -> list[Resource]:
    return [resource for resource in reads if resource not in listed]


def main(arguments: list[str]) -> int:
    """Write the files and remove those of kinds that are gone, or with ``--check`` say which differ and return 1."""
    places = [argument for argument in arguments if not argument.startswith("-")]
    directory = Path(places[0] if places else "manifests/namespace")
    wanted = {directory / name: content for name, content in files().items()}
    return generate(wanted, set(directory.glob("components/**/kustomization.yaml")), check="--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
