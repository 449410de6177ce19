"""Lines of agents' logs: nobody who writes one can do more than have it passed over."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gameday.engine.evidence.evidence import Evidence
from gameday.model.plan import Expectation, Mode, Outage, Plan, Probe, Recovery, Stage, SteadyState
from gameday.model.sample import LINE_BYTES, LineType, Sample, Unknown, Value
from gameday.model.wire import bounded, encode, parse_line
from gameday.probes.http.kind import HttpProbe

GOOD: dict[str, Any] = {
    "n": 1,
    "type": "sample",
    "name": "health",
    "sent": 1.5,
    "received": 2.5,
    "ok": True,
    "values": {"status": 200},
}
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
    with pytest.raises(
        ValueError, match=r"^(it is not JSON|it is not a JSON object|field n is not a valid sequence number)$"
    ):
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
        ("type", None),
        ("type", "samples"),
        ("type", ["sample"]),
        ("unknown", {}),
        ("unknown", [[["body"]]]),
        ("unknown", [[["body", None], "why"]]),
        ("unknown", [[["body", -1], "why"]]),
        ("unknown", [[["body"], "x" * 129]]),
        ("unknown", [[[], "why"]] * 9),
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


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(changes=st.dictionaries(st.sampled_from([*GOOD, "error", "unknown", "more"]), ODD, max_size=4))
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
    evidence.series(plan.expectations(Stage.STEADY_STATE)[0])


def test_what_makes_a_line_too_long_is_left_out_and_unknown_and_the_rest_stays() -> None:
    values: dict[str, Value] = {"status": 200, "body": {"l": ("x" * 200,) * 200}}
    line = encode(Sample("", 1, "health", 1.5, 2.5, ok=True, values=values, unknown=((("text",), "why"),)))
    assert len(line) <= LINE_BYTES
    sample = parse_line("observer", line)
    assert (sample.ok, sample.values) == (True, {"status": 200})
    too_long = "the answer is too long for one line of the agent's log"
    assert sample.unknown == ((("text",), "why"), (("body",), too_long))


@pytest.mark.parametrize("kind", LineType)
def test_every_type_of_line_is_read_as_it_was_written(kind: LineType) -> None:
    unknown = ((("body", 3, "x"), "longer than 256 characters"), ((), "the name could not be looked up"))
    sample = Sample("a", 7, "hello", 1.5, 2.5, ok=False, error="dns", unknown=unknown, type=kind)
    assert parse_line("a", encode(sample)) == replace(sample, unknown=unknown[1:])


def test_many_unknown_paths_become_what_they_have_in_common() -> None:
    below = tuple((("body", "a", str(n)), "why") for n in range(9))
    ((path, why),) = bounded(below)
    assert (path, why) == (("body", "a"), "9 paths are unknown, the first: why")
    ((path, _),) = bounded((*below, (("text",), "other")))
    assert path == ()
    assert bounded(below[:8]) == below[:8]
    assert bounded((*below, (("body",), "all of it"))) == ((("body",), "all of it"),)


@settings(max_examples=200)
@given(
    unknown=st.lists(
        st.tuples(st.lists(st.text(max_size=900) | st.integers(0, 99), max_size=6).map(tuple), st.text(max_size=300)),
        max_size=12,
    )
)
def test_whatever_is_unknown_the_line_has_its_length_and_covers_every_path(unknown: list[Unknown]) -> None:
    line = encode(Sample("", 1, "health", 1.5, 2.5, ok=True, values={"status": 200}, unknown=tuple(unknown)))
    assert len(line) <= LINE_BYTES
    read = parse_line("observer", line).unknown
    assert all(any(path[: len(known)] == known for known, _ in read) for path, _ in unknown)
