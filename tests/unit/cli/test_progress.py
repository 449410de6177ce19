"""The lines that ``gameday run --wait`` and ``gameday watch`` print: each once, in the order of time."""

from gameday.cli.progress import Progress
from gameday.cluster.resources import Object

DAY = "2026-11-24T12"
BEGAN = f"{DAY}:00:00.000Z Preflight: looking"
PROVEN = f"{DAY}:01:22.900Z CutProven: witnesses cut off"


def lines(progress: Progress, timeline: list[str], *expectations: str) -> list[str]:
    """What is new, as it is printed, with single spaces."""
    drill: Object = {"status": {"timeline": timeline, "expectations": list(expectations)}}
    return [" ".join(str(one).split()) for one in progress.news(drill)]


def missed(samples: int, late: str = "") -> str:
    return f'Outage "noticed": Missed {late}at {DAY}:01:30.000Z: not true within 30 s: never true in {samples} samples'


def test_a_miss_is_printed_once_although_more_samples_are_counted() -> None:
    progress = Progress()
    assert lines(progress, [BEGAN], missed(29)) == [
        "0.0 s Preflight looking",
        "90.0 s Missed noticed: not true within 30 s: never true in 29 samples",
    ]
    assert lines(progress, [BEGAN], missed(59)) == []
    assert lines(progress, [BEGAN], missed(59, "12 s late ")) == []


def test_another_state_is_another_decision_and_so_is_another_stage() -> None:
    progress = Progress()
    assert len(lines(progress, [BEGAN], missed(29))) == 2
    unknown = f'Outage "noticed": Unknown at {DAY}:01:40.000Z (Leak): in doubt'
    assert lines(progress, [BEGAN], unknown) == ["100.0 s Unknown noticed: in doubt"]
    again = f'Rollback "noticed": Missed at {DAY}:02:00.000Z: never true'
    assert lines(progress, [BEGAN], unknown, again) == ["120.0 s Missed noticed: never true"]


def test_a_result_that_is_decided_later_stands_behind_the_lines_before_it() -> None:
    """What was true 0.1 s before the cut was proven is only known after it."""
    progress = Progress()
    met = f'Outage "noticed": Met after 1.6 s at {DAY}:01:22.800Z'
    lines(progress, [BEGAN])
    assert lines(progress, [BEGAN, PROVEN]) == ["82.9 s CutProven witnesses cut off"]
    assert lines(progress, [BEGAN, PROVEN], met) == ["82.9 s Met noticed after 1.6 s"]


def test_what_is_seen_at_once_is_in_the_order_of_time() -> None:
    met = f'Outage "noticed": Met after 1.6 s at {DAY}:01:22.800Z'
    assert lines(Progress(), [BEGAN, PROVEN], met) == [
        "0.0 s Preflight looking",
        "82.8 s Met noticed after 1.6 s",
        "82.9 s CutProven witnesses cut off",
    ]
