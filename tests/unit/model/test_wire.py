"""Lines of agents' logs: nobody who writes one can do more than have it passed over."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameday.engine.evidence import Evidence
from gameday.model.plan import Expectation, HttpProbe, Mode, Outage, Plan, Probe, Recovery, Stage, SteadyState
from gameday.model.sample import LINE_BYTES, Sample
from gameday.model.wire import encode, parse_line

GOOD: dict[str, Any] = {"n": 1, "name": "health", "sent": 1.5, "received": 2.5, "ok": True, "values": {"status": 200}}
ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**300, max_value=10**400)
    | st.floats()
    | st.text(max_size=20)
    | st.just("x" * 5000),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


def test_a_line_that_an_agent_wrote_is_read() -> None:
    sample = Sample("observer", 7, "health", 1.5, 2.5, ok=False, error="timeout", values={"body": {"l": (1, "x")}})
    assert parse_line("observer", encode(sample)) == sample


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"Traceback (most recent call last):",
        b"null",
        b"[1, 2]",
        b"\xff\xfe",
        b"[" * 16_000,
        b'{"a":' * 3_000,
        b'{"n": 1e999}',
        b"9" * 10_000,
    ],
)
def test_what_is_no_line_is_refused_without_repeating_it(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"^(not JSON|not a JSON object|n is no number of a line)$"):
        parse_line("observer", line)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("n", math.inf),
        ("n", math.nan),
        ("n", 1e308),
        ("n", 0),
        ("n", -3),
        ("n", 10**400),
        ("n", True),
        ("n", "1"),
        ("n", None),
        ("name", ""),
        ("name", 5),
        ("name", "x" * 10_000),
        ("sent", math.nan),
        ("sent", math.inf),
        ("sent", -1.0),
        ("sent", 10**400),
        ("sent", "1.5"),
        ("received", 253_402_300_800),  # the year 10000
        ("received", 2.0**33),
        ("error", ["timeout"]),
        ("error", "x" * 257),
        ("values", [1]),
        ("values", None),
        ("values", {"a": [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}),
    ],
)
def test_a_field_that_no_agent_writes_is_refused(key: str, value: object) -> None:
    parse_line("observer", json.dumps(GOOD))
    with pytest.raises(ValueError) as error:
        parse_line("observer", json.dumps(GOOD | {key: value}))
    assert len(str(error.value)) < 40


@settings(max_examples=300)
@given(changes=st.dictionaries(st.sampled_from([*GOOD, "error", "more"]), ODD, max_size=4))
def test_whatever_stands_in_a_line_the_evidence_takes_it_or_it_is_refused(changes: dict[str, Any]) -> None:
    plan = Plan(
        "g",
        (Probe("health", HttpProbe("http://x")),),
        SteadyState(1.0, (Expectation("e", Mode.ALWAYS, "health.status == 200 || health.body.n > 1"),)),
        Outage(1.0, ()),
        Recovery(1.0),
    )
    try:
        sample = parse_line("observer", json.dumps(GOOD | changes))
    except ValueError:
        return
    evidence = Evidence(plan)
    evidence.take(sample)
    evidence.means(0.0, 1e10)
    evidence.track(plan.expectations(Stage.STEADY_STATE)[0])


def test_a_line_with_too_many_values_says_so_within_its_length() -> None:
    line = encode(Sample("", 1, "health", 1.5, 2.5, ok=True, values={"body": {"l": ("x" * 200,) * 200}}))
    assert len(line) <= LINE_BYTES
    assert parse_line("observer", line).values == {"truncated": True}
