"""Names of a plan that would collide: in a list of the status, in the undo log, or in the cluster.

The API server refuses a status whose list has two entries of one key, and an object that exists is not created twice.
"""

from collections.abc import Iterator

from gameday.model.finding import Finding
from gameday.model.names import object_name
from gameday.model.plan import Plan, Stage

FIELD = {Stage.STEADY_STATE: "steadyState", Stage.OUTAGE: "outage", Stage.RECOVERY: "recovery"}
"""The field of the spec that holds a stage."""

Named = tuple[str, str]
"""The path of a field and the name that stands there."""


def check_names(plan: Plan) -> Iterator[Finding]:
    """Every pair of names that would collide in a drill."""
    yield from _twice(_figures(plan), "a figure is already called {0!r} at {1}: choose another name")
    yield from _twice(_dependencies(plan), "a dependency is already called {0!r} at {1}: choose another name")
    yield from _twice(_probes(plan), "a probe is already called {0!r} at {1}: choose another name")
    yield from _twice(_mitigations(plan), "a mitigation is already called {0!r} at {1}: choose another name")
    yield from _twice(_changes(plan), "the undo log already has {0!r} from {1}: choose another name")
    yield from _objects(plan)


def _twice(named: list[Named], message: str) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for path, name in named:
        if name in seen:
            yield Finding(path, message.format(name, seen[name]))
        seen.setdefault(name, path)


def _figures(plan: Plan) -> list[Named]:
    measured = [
        (f"spec.{FIELD[stage]}.expect[{index}].measures", expectation.measures)
        for stage in Stage
        for index, expectation in enumerate(plan.expectations(stage))
        if expectation.measures
    ]
    return measured + [(f"spec.measurements[{i}].name", one.name) for i, one in enumerate(plan.measurements)]


def _dependencies(plan: Plan) -> list[Named]:
    return [(f"spec.dependencies[{index}].name", one.name) for index, one in enumerate(plan.dependencies)]


def _probes(plan: Plan) -> list[Named]:
    return [(f"spec.probes[{index}].name", probe.name) for index, probe in enumerate(plan.probes)]


def _steps(plan: Plan) -> list[Named]:
    lists = [(f"spec.mitigations[{index}].steps", one.steps) for index, one in enumerate(plan.mitigations)]
    if plan.rollback is not None:
        lists.append(("spec.rollback.steps", plan.rollback.steps))
    return [(f"{path}[{index}].name", step.name) for path, steps in lists for index, step in enumerate(steps)]


def _mitigations(plan: Plan) -> list[Named]:
    return [(f"spec.mitigations[{index}].name", one.name) for index, one in enumerate(plan.mitigations)]


def _changes(plan: Plan) -> list[Named]:
    faults = [(f"spec.outage.faults[{index}].name", fault.name) for index, fault in enumerate(plan.outage.faults)]
    return faults + _steps(plan)


def _objects(plan: Plan) -> Iterator[Finding]:
    """Faults and steps whose Jobs would have the same name, as capitals and special characters are dropped."""
    seen: dict[str, Named] = {}
    for path, name in _changes(plan):
        shown = object_name("fuse", name)
        where, known = seen.setdefault(shown, (path, name))
        if known != name:
            yield Finding(
                path,
                f"{name!r} and {known!r} at {where} differ only in capitals or special characters, "
                "which object names do not keep: choose another name",
            )
