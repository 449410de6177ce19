"""Each thing that a status lists is one line, and is read back from it as it was."""

import string
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from gameday.api.lines import (
    events_of,
    expectation_line,
    expectations_of,
    figures_of,
    measured,
    mitigation_line,
    mitigations_of,
    shortened,
    step_line,
    steps_of,
    timeline_line,
    timeline_of,
)
from gameday.model.plan import Stage
from gameday.model.record import MitigationEntry, Result, ResultState, StepEntry, StepState, TimelineEntry
from gameday.schema.bounds import LINE, LISTED, NAME
from gameday.schema.times import timestamp

AT = 1_800_000_000.125
AT_TEXT = "2027-01-15T08:00:00.125Z"
ODD = ('say "no"', "a: Met at noon", "back\\slash", "über 停", "after 3 s at", "tab\tline\nend", "(why)")
"""Names that look like something else."""


@pytest.mark.parametrize(
    ("result", "line"),
    [
        (
            Result(Stage.OUTAGE, "redis reported down", ResultState.MET, AT, 4.2184, 1.0),
            f'Outage "redis reported down": Met after 4.218 s ± 1 s at {AT_TEXT}',
        ),
        (Result(Stage.STEADY_STATE, "healthy", ResultState.MET, AT), f'SteadyState "healthy": Met at {AT_TEXT}'),
        (
            Result(Stage.RECOVERY, "jobs flow", ResultState.MISSED, AT, why="never true", again=True, late=12.5),
            f'Rollback "jobs flow": Missed 12.5 s late at {AT_TEXT}: never true',
        ),
        (
            Result(Stage.OUTAGE, "at once", ResultState.MET, AT, -2.4e-7, 0.0125),
            f'Outage "at once": Met after 0 s ± 0.013 s at {AT_TEXT}',
        ),
        (
            Result(Stage.RECOVERY, "x", ResultState.UNKNOWN, AT, why="its stage never began", reason="NotReached"),
            f'Recovery "x": Unknown at {AT_TEXT} (NotReached): its stage never began',
        ),
        (
            Result(Stage.RECOVERY, "jobs flow", ResultState.MET, AT, 4.2184, 1.0, by='restart "w"'),
            f'Recovery "jobs flow": Met after 4.218 s ± 1 s at {AT_TEXT} by mitigation "restart \\"w\\""',
        ),
    ],
    ids=["met", "met without a time", "missed again", "met at once", "unknown", "met by a mitigation"],
)
def test_an_expectation_is_one_line_that_people_can_read(result: Result, line: str) -> None:
    assert expectation_line(result) == line


def parts(result: Result) -> dict[str, Any]:
    """What a program must read of a result."""
    found: dict[str, Any] = {
        "stage": "Rollback" if result.again else result.stage.value,
        "name": result.name,
        "state": result.state.value,
        "at": timestamp(result.at),
        "seconds": result.seconds,
        "resolution": result.resolution,
        "late": result.late,
        "by": result.by or None,
        "reason": result.reason or None,
        "message": result.why or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def test_every_expectation_is_read_back_whatever_its_name_and_its_message_look_like() -> None:
    dice = Random(1)
    for _ in range(500):
        result = Result(
            dice.choice(list(Stage)),
            dice.choice(ODD) + dice.choice(string.ascii_letters),
            dice.choice(list(ResultState)),
            AT + dice.randrange(1000),
            dice.choice((None, 0.0, 4.218, 1234.5)),
            dice.choice((None, 1.0, 0.125)),
            dice.choice(("", *ODD)),
            dice.choice((False, True)),
            dice.choice(("", "NotReached")),
            dice.choice((None, 2.5)),
            dice.choice(("", *ODD)),
        )
        assert expectations_of({"expectations": [expectation_line(result)]}) == [parts(result)]


@pytest.mark.parametrize("name", ODD)
def test_a_step_is_read_back(name: str) -> None:
    done, failed = StepEntry(name, StepState.DONE, AT), StepEntry("x", StepState.FAILED, AT, name)
    found = steps_of({"steps": [step_line(done), step_line(failed)]})
    assert found == [
        {"name": name, "state": "Done", "at": AT_TEXT},
        {"name": "x", "state": "Failed", "at": AT_TEXT, "message": name},
    ]


@pytest.mark.parametrize("name", ODD)
def test_a_mitigation_is_read_back(name: str) -> None:
    begun = MitigationEntry(name, AT)
    states = {"Begun": begun, "Acting": replace(begun, at=0.0, acted_at=AT)}
    states["Done"] = MitigationEntry(name, 0.0, 1.0, ended_at=AT)
    for state, entry in states.items():
        found = mitigations_of({"mitigations": [mitigation_line(entry)]})
        assert found == [{"name": name, "state": state, "at": AT_TEXT}]


def test_the_timeline_is_read_back_and_tells_warnings() -> None:
    lines = (
        TimelineEntry(AT, "Outage", "the steady state is met; arming the fuse"),
        TimelineEntry(AT + 1, "Leak", "it got\nthrough", warning=True),
    )
    status = {"timeline": [timeline_line(line) for line in lines]}
    assert status["timeline"][0] == f"{AT_TEXT} Outage: the steady state is met; arming the fuse"
    assert timeline_of(status) == lines
    assert [line.get("warning", False) for line in events_of(status)] == [False, True]
    assert timeline_of({"timeline": [timeline_line(TimelineEntry(AT, "Warning", ""))]}) == (
        TimelineEntry(AT, "Warning", ""),
    )


def test_what_an_operator_of_version_1_listed_is_read_as_well() -> None:
    old = {"at": AT_TEXT, "reason": "Leak", "message": "through", "warning": True}
    assert timeline_of({"timeline": [old, {}]}) == (TimelineEntry(AT, "Leak", "through", warning=True),)
    figure = {"name": "timeToDetect", "value": 1.5, "unit": "seconds"}
    assert figures_of({"measurements": [figure, {}]}) == (figure,)


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        ({"name": "a", "value": 4.218, "unit": "seconds", "resolution": 1.0}, "4.218 seconds ± 1"),
        ({"name": "a", "value": 41943040.0, "unit": "bytes"}, "41943040 bytes"),
        ({"name": "a", "value": -2.0, "unit": ""}, "-2"),
        ({"name": "a", "value": 3.0, "unit": "", "resolution": 0.5}, "3 ± 0.5"),
        ({"name": "a", "value": 0.5, "unit": "jobs per second", "resolution": 0.25}, "0.5 jobs per second ± 0.25"),
        ({"name": "a", "value": 1e300, "unit": "x"}, "1e+300 x"),
        ({"name": "a", "value": 0.0004, "unit": ""}, "0.0004"),
        ({"name": "a", "value": 0.00042, "unit": "seconds", "resolution": 0.0012}, "0.00042 seconds ± 0.0012"),
        ({"name": "a", "value": -4.25e-07, "unit": "x"}, "-4.25e-07 x"),
        ({"name": "a", "value": 0.0125, "unit": "x"}, "0.0125 x"),
        ({"name": "a", "value": 0.0, "unit": "x"}, "0 x"),
    ],
)  # fmt: skip
def test_a_figure_is_read_back_with_its_unit_and_resolution(figure: dict[str, str | float], text: str) -> None:
    assert measured((figure,)) == {"a": text}
    assert figures_of({"measurements": {"a": text, "b": "somebody wrote this"}}) == (figure,)


def test_no_line_is_longer_than_the_status_takes() -> None:
    name, why = "\x01" * 200, "\N{BROKEN HEART}" * 2000
    result = Result(Stage.STEADY_STATE, name, ResultState.ALWAYS_TRUE, AT, 1e14, 1e14, why, reason="x" * 64, late=1e14)
    for line in (expectation_line(result), step_line(StepEntry(name, StepState.INTENDED, AT, why))):
        assert LINE + 6 * NAME < len(line) <= LISTED


def test_only_the_message_of_a_line_is_shortened() -> None:
    line = expectation_line(Result(Stage.OUTAGE, "a: b", ResultState.UNKNOWN, AT, why="it was never decided"))
    assert shortened("expectations", line, 7) == f'Outage "a: b": Unknown at {AT_TEXT}: it was…'
    assert shortened("expectations", line, 0) == f'Outage "a: b": Unknown at {AT_TEXT}: '
    assert shortened("steps", f'"stop": Done at {AT_TEXT}', 3) == f'"stop": Done at {AT_TEXT}'
    assert shortened("steps", "somebody wrote this", 3) == "somebody wrote this"
