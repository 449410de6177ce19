"""Since when something is true without a break until now: what a mitigation waits for. One character a second."""

import pytest

from gameday.engine.evidence.runs import run_until_now
from unit.engine.strips import strip

REQUESTED = 2.0


@pytest.mark.parametrize(
    ("text", "now", "since"),
    [
        pytest.param("fffTTT", 5.5, 3.0, id="true since the fourth sample"),
        pytest.param("TTTTTT", 5.5, 2.0, id="what was true before the request counts from it"),
        pytest.param("fffTTf", 5.5, None, id="not any more"),
        pytest.param("fffTfT", 5.5, 5.0, id="a false sample begins anew"),
        pytest.param("fffTTn", 5.5, None, id="the newest is unknown"),
        pytest.param("fffTnT", 5.5, 5.0, id="an unknown sample begins anew"),
        pytest.param("ffTT....TT", 9.5, 8.0, id="a silence begins anew"),
        pytest.param("ffTTTT", 8.5, None, id="the newest is too old"),
        pytest.param("ffTTTT", 8.0, 2.0, id="the newest is just new enough"),
        pytest.param("TT", 2.5, None, id="nothing since the request"),
        pytest.param("", 2.5, None, id="nothing at all"),
    ],
)
def test_since_when_it_is_true_until_now(text: str, now: float, since: float | None) -> None:
    first = run_until_now(strip(text), REQUESTED, now)
    assert (first.sent if first is not None else None) == since


def test_lines_that_are_missing_at_the_end_leave_it_unknown() -> None:
    series = strip("fffTTT")
    series.gap(5.0, float("inf"), "log lines of agent observer are missing")
    assert run_until_now(series, REQUESTED, 5.5) is None
