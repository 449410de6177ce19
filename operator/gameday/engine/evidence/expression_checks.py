"""Checks every expression on real samples at the end of the steady state, before anything is changed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gameday.engine.evidence.becomes import already_true
from gameday.engine.evidence.series import Issue, Series
from gameday.model.plan import Expectation, Mode, Plan, Stage


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
    track_of: Callable[[Expectation], Series],
    unlike: Callable[[Expectation], tuple[str, ...]],
    since: float,
) -> ExpressionFindings:
    """Evaluate every expression on the samples sent from ``since`` (Unix seconds) on.

    A type error, a comparison of different types and a key that no sample has are findings. A key that appears only
    with the failure is tested with ``has(...) &&``.
    """
    wrong: list[str] = []
    already: list[str] = []
    for stage in Stage:
        for expectation in plan.expectations(stage):
            series = track_of(expectation)
            flaws = unlike(expectation) or tuple(_issues(series, since))
            wrong += [f"{expectation.name}: {flaw}" for flaw in flaws]
            latest = min(since, series.evaluations[-1].sent) if series.evaluations else since
            if not flaws and expectation.mode is Mode.BECOMES and already_true(expectation, series, latest):
                already.append(f"{expectation.name}: {_remedy(expectation)}")
    return ExpressionFindings(tuple(dict.fromkeys(wrong)), tuple(already))


def _remedy(expectation: Expectation) -> str:
    held = f" for {expectation.holds:g} s" if expectation.holds else ""
    return (
        f"it was true{held} in the steady state, so it can be true without the fault; compare with a margin, give it "
        "`for`, or expect it with `always`"
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
