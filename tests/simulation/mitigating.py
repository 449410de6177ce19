"""Mitigations of simulated teams: what plans have of them, and what must hold when they act."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from gameday.cluster.resources import Object
from simulation.scenario import Defect, Mitigates, Trial

HOLD, CLEAR, MORE, FREE, EVICT = "hold workers", "clear stuck", "clear again", "free workers", "renew workers"
"""The names of their steps."""
STEPS = frozenset({HOLD, CLEAR, MORE, FREE, EVICT})
ANEW = f"""
- {{name: {HOLD}, scale: {{deployment: worker, replicas: 0}}}}
- {{name: {CLEAR}, job: {{fromCronJob: clear-stalled}}, irreversible: true}}
- {{name: {MORE}, job: {{fromCronJob: clear-stalled}}, irreversible: true}}
- {{name: {FREE}, restore: {{deployment: worker}}}}
"""
LISTS = {
    Mitigates.EARLY: ("2s", ANEW),
    Mitigates.LATE: ("8s", ANEW),
    Mitigates.HOLDS: ("2s", f"- {{name: {HOLD}, scale: {{deployment: worker, replicas: 0}}}}"),
    Mitigates.JOBS: ("2s", f"- {{name: {CLEAR}, job: {{fromCronJob: clear-stalled}}, irreversible: true}}"),
    Mitigates.EVICTS: ("2s", f"- {{name: {EVICT}, restart: {{deployment: worker}}, irreversible: true}}"),
}
"""For how long the report must last, and the steps."""
NAME = "workers are stuck"
HELD = {"healthy again": 2.0}
"""Seconds for which an expectation must hold: so long after its first good sample a mitigation may still help it."""
EDGE = 0.01
"""Seconds: less than any two samples are apart."""


def with_mitigation(spec: Object, trial: Trial, *, evicts: bool = True) -> Object:
    """The plan with the trial's mitigation; without ``evicts`` pods are not restarted one after another."""
    kind = trial.mitigates
    if kind is Mitigates.NOTHING:
        return spec
    lasts, steps = LISTS[Mitigates.EARLY if kind is Mitigates.EVICTS and not evicts else kind]
    one = {"name": NAME, "when": "health.body.redis != 'ok'", "for": lasts, "steps": yaml.safe_load(steps)}
    recovery = spec["recovery"]
    if kind is Mitigates.LATE:
        # Its four steps take longer than the recovery has in other trials: workers end, and each Job is started.
        recovery = recovery | {"within": "12s"}
    if trial.unaided:
        recovery = recovery | {"expect": [recovery["expect"][0] | {"unaided": True}, *recovery["expect"][1:]]}
    return spec | {"mitigations": [one | {"within": "30s"}], "recovery": recovery}


def acted(memory: Mapping[str, Any]) -> float | None:
    """When the mitigation acted, by the operator's clock; None where it did not."""
    return next((one.get("acted_at") for one in memory.get("mitigations", ())), None)


def cured(trial: Trial, memory: Mapping[str, Any]) -> bool:
    """Whether the mitigation may have repaired a system that does not recover by itself."""
    return trial.defect is Defect.STUCK and acted(memory) is not None and not trial.unaided


def ahead(memory: Mapping[str, Any]) -> str:
    """What is wrong where a step of a mitigation is carried out now, or ""."""
    if acted(memory) is None:
        return "the status does not say that a mitigation acts"
    return "" if memory.get("outage_started_at") is not None else "the fault is not proven"


def uncredited(trial: Trial, memory: Mapping[str, Any]) -> Iterator[str]:
    """What was met after the mitigation had acted and does not say so, or counts although it was to be unaided."""
    at = acted(memory)
    for result in memory.get("results", ()):
        if result["stage"] == "SteadyState" or result["state"] != "Met" or result.get("again"):
            continue
        held, met = HELD.get(result["name"]), float(result["at"])
        if held is not None:
            met = max(met, memory.get("recovery_started_at") or met) + held
        by, after = result.get("by"), at is not None and met > at + EDGE
        if after and by != NAME:
            late = met - (at or 0.0)
            yield f"{result['name']} is met {late:.2f} s after the mitigation acted, without a word"
        if by and (at is None or met < at - EDGE):
            yield f"{result['name']} is met before any mitigation acted, and says by {by}"
        if after and trial.unaided and result["stage"] == "Recovery":
            yield f"{result['name']} was to be met unaided"
