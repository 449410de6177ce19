"""All checks of a plan: the general ones, and those of each kind of probe and action."""

from collections.abc import Iterator

from gameday.actions.kinds import Kinds as Actions
from gameday.actions.registry import KINDS as ACTIONS
from gameday.engine.validate import plan as every_plan
from gameday.engine.validate.paths import paths_read
from gameday.model.finding import Finding
from gameday.model.plan import Action, Plan
from gameday.probes.kinds import KINDS as PROBES
from gameday.probes.kinds import Kinds as Probes


def check(plan: Plan, probes: Probes = PROBES, actions: Actions = ACTIONS) -> tuple[Finding, ...]:
    """Every finding at once, each with its path and what to do."""
    faults = [fault.action for fault in plan.outage.faults]
    lists = [("spec.outage.faults", faults)]
    for index, mitigation in enumerate(plan.mitigations):
        lists.append((f"spec.mitigations[{index}].steps", [step.action for step in mitigation.steps]))
    if plan.rollback is not None:
        lists.append(("spec.rollback.steps", [step.action for step in plan.rollback.steps]))
    return (
        *every_plan.check(plan),
        *(found for path, every in lists for found in _actions(path, every, actions)),
        *_probes(plan, probes),
        *_paths(plan, probes),
    )


def _actions(path: str, every: list[Action], kinds: Actions) -> Iterator[Finding]:
    for index, action in enumerate(every):
        kind = kinds.of(action)
        for finding in kind.check(action, every[:index]):
            yield Finding(f"{path}[{index}].{kind.name}.{finding.path}", finding.message)


def _probes(plan: Plan, kinds: Probes) -> Iterator[Finding]:
    for index, probe in enumerate(plan.probes):
        kind = kinds.of(probe.settings)
        for finding in kind.check(probe.settings):
            yield Finding(f"spec.probes[{index}].{kind.name}.{finding.path}", finding.message)


def _paths(plan: Plan, kinds: Probes) -> Iterator[Finding]:
    """What expressions read of probes and no sample can have."""
    probes = {probe.name: probe.settings for probe in plan.probes}
    for where, path in paths_read(plan):
        settings = probes.get(str(path[0]))
        if settings is not None and (why := kinds.of(settings).check_path(settings, path[1:])):
            yield Finding(where, why)
