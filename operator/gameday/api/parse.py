"""The door: a GameDay's spec as YAML has it becomes the plan that the engine and the agents work with.

``canonical`` is the one form of a spec that is frozen into a drill: defaults filled in, keys sorted; its digest names
the plan.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from gameday.api import gameday as api
from gameday.api.actions import fault_of, step_of
from gameday.api.dependencies import dependency_of
from gameday.api.probes import Probe
from gameday.errors import GameDayError, PlanInvalid
from gameday.model import plan as model
from gameday.probes.kinds import KINDS, Kinds
from gameday.schema.bounds import PLAN_BYTES
from gameday.schema.durations import seconds
from gameday.schema.findings import findings_of
from gameday.schema.named import Dependencies
from gameday.schema.one_of import listed

NOT_OF_THE_PLAN: Final = {"schedule", "history", "notifications", "contacts", "links", "action_items"}
"""Fields about when a plan runs, which drills are kept, who hears of them and what follows; not frozen into a drill."""


class PlanTooBig(GameDayError):
    """A plan that does not fit into a drill's status."""

    reason = "PlanTooBig"
    retry = False


def canonical(spec: Mapping[str, Any]) -> tuple[str, str]:
    """The canonical JSON of a spec, and its SHA-256.

    Raises:
        PlanInvalid: when the spec is not one.
        PlanTooBig: when the text is longer than 24 KiB.

    """
    parsed = _validated(spec)
    text = json.dumps(
        parsed.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=NOT_OF_THE_PLAN),
        sort_keys=True,
        separators=(",", ":"),
    )
    if len(text.encode()) > PLAN_BYTES:
        raise PlanTooBig(
            f"the plan has {len(text.encode())} bytes, and at most {PLAN_BYTES} fit: split the GameDay or shorten it"
        )
    return text, f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def plan_of(name: str, spec: Mapping[str, Any]) -> model.Plan:
    """The plan of a GameDay's spec.

    Raises:
        PlanInvalid: when the spec is not one.

    """
    parsed = _validated(spec)
    known = Dependencies(dependency_of(index, one) for index, one in enumerate(parsed.dependencies))
    return model.Plan(
        gameday=name,
        description=parsed.description,
        dependencies=known.all,
        probes=tuple(
            probe_of(known.below(f"spec.probes[{index}]"), probe) for index, probe in enumerate(parsed.probes)
        ),
        steady_state=model.SteadyState(
            seconds(parsed.steady_state.duration), _expectations("steadyState", parsed.steady_state.expect)
        ),
        outage=model.Outage(
            seconds(parsed.outage.duration),
            tuple(
                fault_of(known.below(f"spec.outage.faults[{index}]"), fault)
                for index, fault in enumerate(parsed.outage.faults)
            ),
            _expectations("outage", parsed.outage.expect),
        ),
        recovery=model.Recovery(seconds(parsed.recovery.within), _expectations("recovery", parsed.recovery.expect)),
        rollback=_rollback(known, parsed.rollback) if parsed.rollback is not None else None,
        measurements=tuple(_measurement(measurement) for measurement in parsed.measurements),
        mitigations=tuple(_mitigation(known, index, one) for index, one in enumerate(parsed.mitigations)),
    )


def _validated(spec: Mapping[str, Any]) -> api.GameDaySpec:
    try:
        return api.GameDaySpec.model_validate(spec)
    except ValidationError as error:
        raise PlanInvalid(tuple(findings_of(error, "spec"))) from error


def probe_of(known: Dependencies, probe: Probe, kinds: Kinds = KINDS) -> model.Probe:
    """A probe of the plan; ``known`` are its dependencies, with the probe's own path.

    Raises:
        PlanInvalid: when it is not of exactly one kind, or asks a dependency that is not there.

    """
    given = probe.given(kinds)
    if len(given) != 1:
        raise PlanInvalid(((known.path, f"give exactly one of {listed(kinds.names)}"),))
    kind, spec = given[0]
    settings = kind.parse(spec, known.below(f"{known.path}.{kind.name}"))
    return model.Probe(probe.name, settings, seconds(probe.interval), seconds(probe.timeout))


def _optional(duration: str | None) -> float | None:
    return seconds(duration) if duration is not None else None


def _expectations(stage: str, expectations: tuple[api.Expectation, ...]) -> tuple[model.Expectation, ...]:
    return tuple(_expectation(f"spec.{stage}.expect[{index}]", one) for index, one in enumerate(expectations))


def _expectation(path: str, one: api.Expectation) -> model.Expectation:
    given = [(mode, text) for mode in model.Mode if (text := getattr(one, mode.value)) is not None]
    if len(given) != 1:
        raise PlanInvalid(((path, "give exactly one of always, becomes and eventually"),))
    return model.Expectation(
        name=one.name,
        mode=given[0][0],
        expression=given[0][1],
        within=_optional(one.within),
        holds=_optional(one.for_) or 0.0,
        tolerates=_optional(one.tolerates),
        guardrail=one.guardrail,
        measures=one.measures,
        after=_optional(one.after) or 0.0,
        unaided=one.unaided,
    )


def _rollback(known: Dependencies, rollback: api.Rollback) -> model.Rollback:
    steps = tuple(
        step_of(known.below(f"spec.rollback.steps[{index}]"), step) for index, step in enumerate(rollback.steps)
    )
    return model.Rollback(rollback.if_missed, seconds(rollback.within), steps)


def _mitigation(known: Dependencies, index: int, one: api.Mitigation) -> model.Mitigation:
    where = f"spec.mitigations[{index}].steps"
    steps = tuple(step_of(known.below(f"{where}[{number}]"), step) for number, step in enumerate(one.steps))
    return model.Mitigation(one.name, one.when, steps, _optional(one.for_) or 0.0, seconds(one.within))


def _measurement(one: api.Measurement) -> model.Measurement:
    return model.Measurement(one.name, model.Stage(one.stage), one.path, model.Aggregate(one.aggregate), one.unit)
