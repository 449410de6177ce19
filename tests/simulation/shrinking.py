"""A scenario that broke a promise, made as small as it can be while it still breaks the same one."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from simulation.invariants import Rule
from simulation.outcome import Outcome
from simulation.scenario import Connections, Defect, Pairs, Scenario, Trial

Run = Callable[[Scenario], Outcome]


def shrink(scenario: Scenario, rule: Rule, run: Run, tries: int = 200) -> Scenario:
    """The smallest scenario found in so many tries that still breaks ``rule``."""
    smaller = True
    while smaller:
        smaller = False
        for candidate in _smaller(scenario):
            tries -= 1
            if tries < 0:
                return scenario
            if any(broken.rule is rule for broken in run(candidate).broken):
                scenario, smaller = candidate, True
                break
    return scenario


def _smaller(scenario: Scenario) -> Iterator[Scenario]:
    """Simpler worlds: without one of the troubles or drills, with one process, with rounder numbers."""
    for index in range(len(scenario.failures)):
        yield replace(scenario, failures=scenario.failures[:index] + scenario.failures[index + 1 :])
    if len(scenario.trials) > 1:
        used = {failure.drill for failure in scenario.failures}
        for index in range(len(scenario.trials)):
            if index == len(scenario.trials) - 1 and index not in used:
                yield replace(scenario, trials=scenario.trials[:index])
    if scenario.replicas > 1:
        yield replace(scenario, replicas=1)
    for index, trial in enumerate(scenario.trials):
        for simpler in _simpler(trial):
            trials = (*scenario.trials[:index], simpler, *scenario.trials[index + 1 :])
            yield replace(scenario, trials=trials)
    for index, failure in enumerate(scenario.failures):
        if failure.at != round(failure.at):
            rounder = replace(failure, at=float(round(failure.at)))
            yield replace(scenario, failures=(*scenario.failures[:index], rounder, *scenario.failures[index + 1 :]))


def _simpler(trial: Trial) -> Iterator[Trial]:
    for simpler in (
        replace(trial, defect=Defect.NONE, rollback=False),
        replace(trial, rollback=False),
        replace(trial, close_connections=False, unprobed=False, connections=Connections.SEEN),
        replace(trial, connections=Connections.SEEN),
        replace(trial, unprobed=False),
        replace(trial, pairs=Pairs.SPARED),
        replace(trial, starts=0.0),
    ):
        if simpler != trial:
            yield simpler
