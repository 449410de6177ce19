"""The faults of a drill, in words for people who do not know the plan."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from gameday.api import versions
from gameday.model.destination import ServiceRef
from gameday.model.plan import CidrTarget, Dependency, HostTarget, Selector
from gameday.report.frozen import Frozen


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of the plan; ``what`` says in words who lost what, "" where its kind does not take a dependency away."""

    name: str
    kind: str
    what: str = ""

    def __str__(self) -> str:
        """As people read it."""
        return f"{self.name} ({self.kind}){f', which {self.what}' if self.what else ''}"


def faults_of(known: Frozen, status: Mapping[str, Any]) -> Iterator[Fault]:
    """The faults of a drill's plan, or none where it is not known; ``status`` is the Drill's."""
    if known.plan is None or known.spec is None:
        return
    planned = known.plan.outage.faults
    # Where several faults have targets, the status does not say whose they are.
    workloads = _workloads(status) if len(planned) == 1 else []
    for fault, spec in zip(planned, known.spec["outage"]["faults"], strict=True):
        lost, selector = fault.action.takes_away, fault.action.cuts_off
        what = ""
        if lost is not None and selector is not None:
            what = f"cuts {_pods(workloads, selector)} off from {place_of(lost)}"
        yield Fault(fault.name, next((key for key in spec if key != "name"), ""), what)


def _workloads(status: Mapping[str, Any]) -> list[str]:
    """The workloads of all targets, or none where the status does not name all of them."""
    found = versions.read(status)
    whole = len(found) == len(status.get("targets", ())) < versions.MOST
    return [version.workload for version in found] if whole else []


def _pods(workloads: list[str], selector: Selector) -> str:
    """The targets by their workloads, else by labels."""
    if workloads:
        return f"the pods of {', '.join(workloads)}"
    labels = [f"{key}={value}" for key, value in selector.match_labels.items()]
    labels += [_expression(*one) for one in selector.expressions]
    return f"the pods with {','.join(labels)}" if labels else "all pods"


def _expression(key: str, word: str, values: tuple[str, ...]) -> str:
    """A part of a selector as kubectl writes it."""
    alone = {"Exists": key, "DoesNotExist": f"!{key}"}
    return alone.get(word) or f"{key} {word.lower()} ({','.join(values)})"


def place_of(lost: Dependency) -> str:
    """Where a dependency is, as its plan says."""
    match lost.target:
        case ServiceRef(name=name, namespace=namespace):
            return f"Service {name}{f' in namespace {namespace}' if namespace else ''}"
        case HostTarget(host=host):
            return host
        case CidrTarget(cidrs=cidrs):
            return ", ".join(cidrs)
        case never:
            assert_never(never)
