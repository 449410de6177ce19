"""The rehearsal at the end of the steady state: every expression runs on real samples before anything is touched."""

from collections.abc import Callable

from gameday.engine.tracks import Flaw, Track
from gameday.model.plan import Expectation, Mode, Plan, Stage


def rehearse(plan: Plan, track_of: Callable[[Expectation], Track]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tell what would fail in the drill, and what deserves a warning.

    A type error, or a key that no sample has, fails; for an ``eventually`` of the outage it is a warning, since the
    key may come with the failure.
    """
    wrong: list[str] = []
    doubtful: list[str] = []
    for stage in (Stage.OUTAGE, Stage.RECOVERY):
        for expectation in plan.expectations(stage):
            eventually = expectation.mode is Mode.EVENTUALLY
            track = track_of(expectation)
            flaw = _flaw(track)
            if flaw:
                may_come = stage is Stage.OUTAGE and eventually
                (doubtful if may_come else wrong).append(f"{expectation.name}: {flaw}")
            elif eventually and not expectation.holds and _true_now(track):
                doubtful.append(f"{expectation.name}: already true in the steady state; give it `holds`")
    return tuple(wrong), tuple(doubtful)


def _flaw(track: Track) -> str:
    """What is wrong with an expression on the samples of its track, or ""."""
    if not track.points:
        return track.why or "no sample"
    broken = next((point for point in track.points if point.flaw is Flaw.TYPE_ERROR), None)
    if broken is not None:
        return broken.why
    if all(point.flaw is not None for point in track.points):
        missing = [point for point in track.points if point.flaw is Flaw.MISSING]
        return f"{(missing or track.points)[-1].why} in every sample"
    return ""


def _true_now(track: Track) -> bool:
    return next((bool(point.value) for point in reversed(track.points) if point.value is not None), False)
