"""The owner's limits as they are written: taken whole, or refused with the key and what to write instead."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameday.api.limits import LimitsInvalid, hours_of, limits_of
from gameday.model.limits import NONE, Limits


def document(text: str) -> dict[str, str]:
    return {"limits.yaml": text}


def test_all_limits_are_read() -> None:
    text = """
    longestOutage: 1h30m
    mostPods: 20
    largestShare: 50%
    allowedHours: ["Mon-Fri 09:00-17:00 Europe/Berlin", "Sat,Sun 00:00-24:00 UTC"]
    drillsAtOnce: 2
    assumeNotIsolatedBy: [globalnetworkpolicies.crd.projectcalico.org]
    """
    hours = (hours_of("Mon-Fri 09:00-17:00 Europe/Berlin"), hours_of("Sat,Sun 00:00-24:00 UTC"))
    assert limits_of(document(text)) == Limits(
        5400, 20, 50, hours, 2, frozenset({"globalnetworkpolicies.crd.projectcalico.org"})
    )


@pytest.mark.parametrize("text", ["", "{}", "# nothing is limited yet"])
def test_what_is_left_out_is_not_limited(text: str) -> None:
    assert limits_of(document(text)) == NONE


@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param({}, "limits.yaml is missing", id="no document"),
        pytest.param({"limits.yml": "{}"}, "limits.yml: no such key", id="another key"),
        pytest.param(document("{}") | {"mostPods": "3"}, "mostPods: no such key", id="a key beside it"),
        pytest.param(document("mostPods: [1"), "no YAML", id="no YAML"),
        pytest.param(document("- mostPods: 1"), "limits: ", id="a list"),
        pytest.param(document("mostPods: 2026-13-45"), "no YAML", id="a date of no calendar"),
        pytest.param(document("mostPods: " + 3000 * "["), "no YAML", id="a nesting without end"),
        pytest.param(document("mostPods: " + 9000 * "9"), "no YAML", id="a number without end"),
        pytest.param(document("mostpods: 1"), "limits.mostpods: Extra inputs", id="a misspelt limit"),
        pytest.param(document("longestOutage: 10"), "limits.longestOutage: ", id="a duration without unit"),
        pytest.param(document("longestOutage: 10d"), "limits.longestOutage: ", id="a duration in days"),
        pytest.param(document("mostPods: '3'"), "limits.mostPods: ", id="text for a number"),
        pytest.param(document("mostPods: true"), "limits.mostPods: ", id="a truth for a number"),
        pytest.param(document("mostPods: 0"), "limits.mostPods: ", id="no pod at all"),
        pytest.param(document("largestShare: 0.5"), "limits.largestShare: ", id="a fraction"),
        pytest.param(document("largestShare: 101%"), "limits.largestShare: ", id="more than all"),
        pytest.param(document("largestShare: 0%"), "limits.largestShare: ", id="nothing"),
        pytest.param(document("drillsAtOnce: -1"), "limits.drillsAtOnce: ", id="less than none"),
        pytest.param(document("assumeNotIsolatedBy: []"), "limits.assumeNotIsolatedBy: ", id="no kind at all"),
        pytest.param(document("assumeNotIsolatedBy: [networkpolicies]"), "no such kind of policy: admin", id="no kind"),
        pytest.param(document("allowedHours: []"), "limits.allowedHours: ", id="no hours at all"),
        pytest.param(document("allowedHours: Mon-Fri 09:00-17:00 UTC"), "limits.allowedHours: ", id="no list"),
        pytest.param(document("allowedHours: [Mon-Fri 9-17 UTC]"), "Mon-Fri 09:00-17:00 Europe/Berlin", id="short"),
    ],
)
def test_is_refused(data: dict[str, str], says: str) -> None:
    with pytest.raises(LimitsInvalid) as refused:
        limits_of(data)
    assert says in str(refused.value)


def test_all_findings_come_at_once() -> None:
    with pytest.raises(LimitsInvalid) as refused:
        limits_of(document("mostPods: 0\nlongestoutage: 5m\nlargestShare: half"))
    assert all(name in str(refused.value) for name in ("mostPods", "longestoutage", "largestShare"))


@pytest.mark.parametrize(
    ("days", "numbers"),
    [
        ("Mon", {0}),
        ("Mon-Fri", {0, 1, 2, 3, 4}),
        ("Sat,Sun", {5, 6}),
        ("Fri-Mon", {4, 5, 6, 0}),
        ("Mon,Wed-Fri", {0, 2, 3, 4}),
        ("Tue-Tue", {1}),
    ],
)
def test_days(days: str, numbers: set[int]) -> None:
    assert hours_of(f"{days} 09:00-17:00 UTC").days == numbers


@pytest.mark.parametrize(
    "text",
    [
        "Mon-Fri 09:00-17:00",
        "Mon-Fri 09:00-17:00 Europe/Atlantis",
        "Mon-Fri 09:00-17:00 ../../etc/passwd",
        "Mon-Fri 09:00-17:00 Europe",
        "Mo-Fr 09:00-17:00 UTC",
        "Mon- 09:00-17:00 UTC",
        "Mon,, 09:00-17:00 UTC",
        "Mon-Fri 09:60-17:00 UTC",
        "Mon-Fri 24:00-17:00 UTC",
        "Mon-Fri 09:00-24:01 UTC",
        "Mon-Fri 09:00-09:00 UTC",
        "09:00-17:00 UTC",
        "",
    ],
)
def test_hours_that_name_no_time_are_refused_with_their_text(text: str) -> None:
    with pytest.raises(LimitsInvalid) as refused:
        hours_of(text)
    assert f"limits.allowedHours: {text!r}: " in str(refused.value)


@settings(max_examples=300)
@given(
    st.one_of(
        st.text(max_size=80),
        st.dictionaries(
            st.sampled_from(["longestOutage", "mostPods", "largestShare", "allowedHours", "drillsAtOnce", "x"]),
            st.one_of(st.text(max_size=30), st.integers(), st.booleans(), st.none(), st.lists(st.text(max_size=30))),
        ).map(str),
    )
)
def test_whatever_is_written_it_is_taken_or_refused_in_words(text: str) -> None:
    with contextlib.suppress(LimitsInvalid):
        assert isinstance(limits_of(document(text)), Limits)
