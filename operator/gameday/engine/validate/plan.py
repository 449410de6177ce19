"""Checks of a plan that no schema can express: all findings at once, each with its path and a remedy."""

from collections.abc import Iterator
from dataclasses import replace

from gameday.engine.cel.cost import SHARE
from gameday.engine.cel.expressions import ExpressionError, compile_expression, parse_path
from gameday.engine.cel.paths import Path, paths_by_probe
from gameday.engine.evidence.evidence import Evidence
from gameday.engine.validate.contradictions import check_contradictions
from gameday.engine.validate.dependencies import check_dependencies
from gameday.engine.validate.mitigations import check_mitigations
from gameday.engine.validate.names import check_names
from gameday.engine.validate.probes import SHORTEST, check_probes
from gameday.model.finding import Finding
from gameday.model.plan import Expectation, Mode, Plan, Stage
from gameday.model.setup import MOST_CUTS

LOG_BYTES = 8 * 1024 * 1024
"""Largest log of an agent over a whole drill, in bytes: the kubelet keeps 10 MiB before it rotates."""

LINE_ESTIMATE = 512
"""Bytes of a usual sample; the worst is 4096, which no probe reaches at every sample."""

_VERBS = {
    Stage.STEADY_STATE: (Mode.ALWAYS,),
    Stage.OUTAGE: (Mode.ALWAYS, Mode.BECOMES),
    Stage.RECOVERY: (Mode.ALWAYS, Mode.EVENTUALLY),
}
_FIELD = {Stage.STEADY_STATE: "steadyState", Stage.OUTAGE: "outage", Stage.RECOVERY: "recovery"}


def check(plan: Plan) -> tuple[Finding, ...]:
    """Everything that is wrong with a plan."""
    return tuple(_check(plan))


def complete(plan: Plan) -> Plan:
    """The plan with each probe's paths: those that expressions and measurements read."""
    wanted = paths_by_probe(Evidence(plan).paths())
    return replace(plan, probes=tuple(replace(p, paths=wanted.get(p.name, ())) for p in plan.probes))


def _check(plan: Plan) -> Iterator[Finding]:
    probes = {probe.name for probe in plan.probes}
    if not any(stage is not Stage.STEADY_STATE for stage, _ in plan.all_expectations()):
        yield Finding(
            "spec",
            "outage.expect and recovery.expect are both empty, so a drill would prove nothing: add an expectation",
        )
    if sum(fault.action.WITNESSED for fault in plan.outage.faults) > MOST_CUTS:
        text = f"at most {MOST_CUTS} faults may cut the network: give the others a GameDay of their own"
        yield Finding("spec.outage.faults", text)
    for stage in Stage:
        seen: set[str] = set()
        for index, expectation in enumerate(plan.expectations(stage)):
            path = f"spec.{_FIELD[stage]}.expect[{index}]"
            if expectation.name in seen:
                yield Finding(path, f"the name {expectation.name!r} is used twice in this stage: choose another")
            seen.add(expectation.name)
            if expectation.mode not in _VERBS[stage]:
                verbs = " and ".join(mode.value for mode in _VERBS[stage])
                yield Finding(
                    f"{path}.{expectation.mode.value}", f"{_FIELD[stage]}.expect takes only {verbs}: use one of these"
                )
            yield from _expression(f"{path}.{expectation.mode.value}", expectation.expression, probes)
            yield from _timing(path, stage, expectation, plan)
    for index, fault in enumerate(plan.outage.faults):
        for sign, text in fault.action.signs.items():
            yield from _sign(f"spec.outage.faults[{index}].{fault.action.path_of(sign)}", text, probes)
    for path, step in plan.steps():
        if step.action.BY_HAND:
            field, remedy = step.action.NO_STEP
            text = f"a step must be taken back if the drill ends: {remedy}"
            yield Finding(f"{path}[{step.name}].{step.action.KIND}.{field}", text)
        for sign, text in step.action.signs.items():
            yield from _sign(f"{path}[{step.name}].{step.action.path_of(sign)}", text, probes)
    for index, mitigation in enumerate(plan.mitigations):
        yield from _expression(f"spec.mitigations[{index}].when", mitigation.when, probes)
    for index, measurement in enumerate(plan.measurements):
        path = f"spec.measurements[{index}].path"
        try:
            yield from _roots(path, [parse_path(measurement.path)], probes)
        except ExpressionError as error:
            yield Finding(path, str(error))
    yield from _cost(plan)
    yield from _log(plan)
    yield from check_probes(plan)
    yield from check_dependencies(plan)
    yield from check_mitigations(plan)
    yield from check_names(plan)
    yield from check_contradictions(plan)


def _expression(path: str, text: str, probes: set[str]) -> Iterator[Finding]:
    try:
        expression = compile_expression(text)
    except ExpressionError as error:
        yield Finding(path, str(error))
        return
    yield from _roots(path, [*expression.paths, *expression.baseline_paths], probes)


def _sign(path: str, text: str, probes: set[str]) -> Iterator[Finding]:
    """An expression by which a fault or step is seen; it belongs to no stage."""
    yield from _expression(path, text, probes)
    try:
        expression = compile_expression(text)
    except ExpressionError:
        return
    if expression.increases or expression.baseline_paths:
        yield Finding(path, "increase and baseline belong to expectations: compare with a value here")


def _roots(path: str, paths: list[Path], probes: set[str]) -> Iterator[Finding]:
    for name in sorted({str(p[0]) for p in paths} - probes):
        yield Finding(path, f"there is no probe {name!r}; the probes are {', '.join(sorted(probes))}")


def _timing(path: str, stage: Stage, expectation: Expectation, plan: Plan) -> Iterator[Finding]:
    if stage is Stage.STEADY_STATE:
        return
    if stage is Stage.RECOVERY:
        if max(expectation.within or 0.0, expectation.holds) > plan.recovery.within:
            within = f"{plan.recovery.within:.0f} s"
            yield Finding(path, f"within and for must each fit into recovery.within, {within}: lengthen the recovery")
        return
    if expectation.after >= plan.outage.duration:
        yield Finding(
            f"{path}.after",
            f"the outage lasts only {plan.outage.duration:.0f} s, so nothing would be judged: shorten after",
        )
    needed = (expectation.within or 0.0) + expectation.holds
    if needed > plan.outage.duration:
        yield Finding(
            path,
            f"within and for need {needed:.0f} s, but outage.duration is {plan.outage.duration:.0f} s: "
            "lengthen the outage",
        )


def _cost(plan: Plan) -> Iterator[Finding]:
    """What all expressions may take together: each is evaluated at every sample of every probe that it uses."""
    a_second = {probe.name: 1 / max(probe.every, SHORTEST) for probe in plan.probes}
    micros = 0.0
    for text in plan.texts():
        try:
            expression = compile_expression(text)
        except ExpressionError:
            continue
        micros += expression.micros * sum(a_second.get(name, 0.0) for name in expression.probes)
    if micros > SHARE:
        yield Finding(
            "spec",
            f"the expressions may take {micros / 1000:.0f} ms of each second, and at most "
            f"{SHARE / 1000:.0f} ms are allowed: probe less often, or use comprehensions and matches in "
            "fewer expectations",
        )


def _log(plan: Plan) -> Iterator[Finding]:
    size = sum(plan.length / max(probe.every, SHORTEST) * LINE_ESTIMATE for probe in plan.probes)
    if size > LOG_BYTES:
        yield Finding(
            "spec.probes",
            f"the samples need about {size / 2**20:.0f} MiB of log, and at most 8 MiB fit: probe less "
            "often or shorten the stages",
        )
