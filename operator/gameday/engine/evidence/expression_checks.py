"""Checks every expression on real samples at the end of the steady state, before anything is changed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gameday.engine.evidence.becomes import already_true
from gameday.engine.evidence.series import Issue, Series
from gameday.model.plan import Mode, Plan


@dataclass(frozen=True, slots=True)
class ExpressionFindings:
    """What the steady state's samples say of a plan's expressions; each entry begins with the expectation's name.

    ``wrong`` could never be judged in the drill, ``already`` was true without the fault. Both end the drill before
    anything is touched. ``doubtful`` deserves a warning.
    """

    wrong: tuple[str, ...] = ()
    already: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()


def check_expressions(
    plan: Plan,
    track_of: Callable[[str], Series],
    unlike: Callable[[str], tuple[str, ...]],
    since: float,
) -> ExpressionFindings:
    """Evaluate every expression on the samples sent from ``since`` (Unix seconds) on.

    A type error, a comparison of different types and a key that no sample has are findings. A key that appears only
    with the failure is tested with ``has(...) &&``.
    """
    wrong: list[str] = []
    already: list[str] = []
    for _, expectation in plan.all_expectations():
        series = track_of(expectation.expression)
        flaws = unlike(expectation.expression) or tuple(_issues(series, since))
        wrong += [f"{expectation.name}: {flaw}" for flaw in flaws]
        becomes = expectation.mode is Mode.BECOMES
        if not flaws and becomes and already_true(expectation.holds, series, _latest(series, since)):
            already.append(f"{expectation.name}: {_already(expectation.holds, 'expect it with `always`')}")
    for mitigation in plan.mitigations:
        series, where = track_of(mitigation.when), f"mitigation {mitigation.name}"
        flaws = unlike(mitigation.when) or tuple(_issues(series, since))
        wrong += [f"{where}: {flaw}" for flaw in flaws]
        if not flaws and already_true(mitigation.holds, series, _latest(series, since)):
            already.append(f"{where}: {_already(mitigation.holds, 'take the mitigation out')}")
    return ExpressionFindings(tuple(dict.fromkeys(wrong)), tuple(already))


def _latest(series: Series, since: float) -> float:
    """The steady state's start, or the only sample of a probe that asks seldom."""
    return min(since, series.evaluations[-1].sent) if series.evaluations else since


def _already(holds: float, instead: str) -> str:
    held = f" for {holds:g} s" if holds else ""
    return (
        f"it was true{held} in the steady state, so it can be true without the fault; compare with a margin, give it "
        f"`for`, or {instead}"
    )


def _issues(series: Series, since: float) -> Iterator[str]:
    """What is wrong with an expression on the samples of its series."""
    # A probe that asks seldom may have given its only sample before.
    evaluations = [evaluation for evaluation in series.evaluations if evaluation.sent >= since] or series.evaluations[
        -1:
    ]
    if not evaluations:
        yield series.why or "no sample"
        return
    broken = next((evaluation for evaluation in evaluations if evaluation.issue is Issue.TYPE_ERROR), None)
    if broken is not None:
        yield broken.why
    elif all(evaluation.issue is not None for evaluation in evaluations):
        missing = [evaluation for evaluation in evaluations if evaluation.issue is Issue.MISSING]
        yield f"{(missing or evaluations)[-1].why} in every sample"
