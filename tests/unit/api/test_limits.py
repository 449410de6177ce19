"""The administrator's limits as they are written: taken whole, or refused with the key and what to write instead."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameday.api.limits import LimitsInvalid, limits_of
from gameday.model.limits import NONE, Limits
from gameday.schema.when import hours_of


def document(text: str) -> dict[str, str]:
    return {"limits.yaml": text}


def test_all_limits_are_read() -> None:
    text = """
    maxOutage: 1h30m
    maxPods: 20
    maxWorkloadPercent: 50
    when: ["Mon-Fri 09:00-17:00 Europe/Berlin", "Sat,Sun 00:00-24:00 UTC"]
    maxConcurrentDrills: 2
    allowedFaults: [http, httpOnce]
    assumeNotIsolatedBy: [globalnetworkpolicies.crd.projectcalico.org]
    """
    hours = (hours_of("Mon-Fri 09:00-17:00 Europe/Berlin"), hours_of("Sat,Sun 00:00-24:00 UTC"))
    assert limits_of(document(text)) == Limits(
        5400,
        20,
        50,
        hours,
        2,
        frozenset({"http", "httpOnce"}),
        frozenset({"globalnetworkpolicies.crd.projectcalico.org"}),
    )


def test_a_kind_of_network_policies_that_nobody_knows_can_be_named() -> None:
    found = limits_of(document("assumeNotIsolatedBy: [zonenetworkpolicies.example.com]"))
    assert found.assume_not_isolated_by == {"zonenetworkpolicies.example.com"}


@pytest.mark.parametrize("text", ["", "{}", "# nothing is limited yet"])
def test_what_is_left_out_is_not_limited(text: str) -> None:
    assert limits_of(document(text)) == NONE


@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param({}, "limits.yaml is missing", id="no document"),
        pytest.param({"limits.yml": "{}"}, "limits.yml is not a known key", id="another key"),
        pytest.param(document("{}") | {"maxPods": "3"}, "maxPods is not a known key", id="a key beside it"),
        pytest.param(document("maxPods: [1"), "is not valid YAML", id="no YAML"),
        pytest.param(document("- maxPods: 1"), "limits: ", id="a list"),
        pytest.param(document("maxPods: 2026-13-45"), "is not valid YAML", id="a date of no calendar"),
        pytest.param(document("maxPods: " + 3000 * "["), "is not valid YAML", id="a nesting without end"),
        pytest.param(document("maxPods: " + 9000 * "9"), "is not valid YAML", id="a number without end"),
        pytest.param(document("mostpods: 1"), "limits.mostpods: Extra inputs", id="a misspelt limit"),
        pytest.param(document("maxOutage: 10"), "limits.maxOutage: ", id="a duration without unit"),
        pytest.param(document("maxOutage: 10d"), "limits.maxOutage: ", id="a duration in days"),
        pytest.param(document("maxPods: '3'"), "limits.maxPods: ", id="text for a number"),
        pytest.param(document("maxPods: true"), "limits.maxPods: ", id="a truth for a number"),
        pytest.param(document("maxPods: 0"), "limits.maxPods: ", id="no pod at all"),
        pytest.param(document("maxWorkloadPercent: 0.5"), "limits.maxWorkloadPercent: ", id="a fraction"),
        pytest.param(document("maxWorkloadPercent: 101"), "limits.maxWorkloadPercent: ", id="more than all"),
        pytest.param(document("maxWorkloadPercent: 50%"), "limits.maxWorkloadPercent: ", id="a sign of per cent"),
        pytest.param(document("maxWorkloadPercent: 0"), "limits.maxWorkloadPercent: ", id="nothing"),
        pytest.param(document("maxConcurrentDrills: -1"), "limits.maxConcurrentDrills: ", id="less than none"),
        pytest.param(document("allowedFaults: []"), "limits.allowedFaults: ", id="no kind of fault"),
        pytest.param(
            document("allowedFaults: [scale]"),
            "'scale' is not a kind that needs to be allowed: the kinds are http, httpOnce",
            id="a kind that needs no word",
        ),
        pytest.param(document("assumeNotIsolatedBy: []"), "limits.assumeNotIsolatedBy: ", id="no kind at all"),
        pytest.param(
            document("assumeNotIsolatedBy: [networkpolicies]"),
            "is not a kind of policy that limits can name: admin",
            id="no kind",
        ),
        pytest.param(
            document("assumeNotIsolatedBy: [networkpolicies.networking.k8s.io]"),
            "is not a kind of policy that limits can name: admin",
            id="Kubernetes' own kind",
        ),
        pytest.param(
            document("assumeNotIsolatedBy: [authorizationpolicies.security.istio.io]"),
            "any other whose name ends with networkpolicies",
            id="a kind that isolates nobody",
        ),
        pytest.param(document("when: []"), "limits.when: ", id="no hours at all"),
        pytest.param(document("when: 9"), "limits.when: ", id="a number for hours"),
        pytest.param(document("when: " + 4000 * "x"), "limits.when: 'xxx", id="hours without end"),
    ],
)
def test_is_refused(data: dict[str, str], says: str) -> None:
    with pytest.raises(LimitsInvalid) as refused:
        limits_of(data)
    assert says in str(refused.value)


def test_all_findings_come_at_once() -> None:
    with pytest.raises(LimitsInvalid) as refused:
        limits_of(document("maxPods: 0\nlongestoutage: 5m\nmaxWorkloadPercent: half"))
    assert all(name in str(refused.value) for name in ("maxPods", "longestoutage", "maxWorkloadPercent"))


EARLIER = [
    ("longestOutage: 10m", "limits: longestOutage is called maxOutage now: rename it"),
    ("mostPods: 3", "limits: mostPods is called maxPods now: rename it"),
    ("largestShare: 50%", "limits: largestShare is called maxWorkloadPercent now: write 50 instead of 50%"),
    ("allowedHours: [Mon 09:00-17:00 UTC]", "limits: allowedHours is called when now: rename it"),
    ("drillsAtOnce: 2", "limits: drillsAtOnce is called maxConcurrentDrills now: rename it"),
]


@pytest.mark.parametrize(("text", "says"), EARLIER)
def test_an_earlier_name_is_refused_with_the_new_one(text: str, says: str) -> None:
    with pytest.raises(LimitsInvalid) as refused:
        limits_of(document(text))
    assert str(refused.value) == says


def test_all_earlier_names_are_told_at_once() -> None:
    with pytest.raises(LimitsInvalid) as refused:
        limits_of(document("\n".join(text for text, _ in EARLIER)))
    assert all(says.removeprefix("limits: ") in str(refused.value) for _, says in EARLIER)


def test_hours_are_one_text_or_a_list() -> None:
    one, other = "Mon-Fri 09:00-17:00 Europe/Berlin", "Sat 00:00-24:00 UTC"
    assert limits_of(document(f"when: {one}")) == Limits(when=(hours_of(one),))
    assert limits_of(document(f"when: [{one!r}, {other!r}]")) == Limits(when=(hours_of(one), hours_of(other)))


@pytest.mark.parametrize(("given", "path"), [("Mon 9-17 UTC", "limits.when"), ("[Sun 9-17 UTC]", "limits.when[0]")])
def test_hours_that_are_wrong_are_told_with_their_path_and_what_to_write(given: str, path: str) -> None:
    with pytest.raises(LimitsInvalid) as refused:
        limits_of(document(f"when: {given}"))
    text = given.strip("[]")
    assert str(refused.value) == (
        f"{path}: {text!r}: '9-17' are not hours of a day: write hours from 00:00 to 24:00, such as 09:00-17:00"
    )


@settings(max_examples=300)
@given(
    st.one_of(
        st.text(max_size=80),
        st.dictionaries(
            st.sampled_from(["maxOutage", "maxPods", "maxWorkloadPercent", "when", "maxConcurrentDrills", "x"]),
            st.one_of(st.text(max_size=30), st.integers(), st.booleans(), st.none(), st.lists(st.text(max_size=30))),
        ).map(str),
    )
)
def test_whatever_is_written_it_is_taken_or_refused_in_words(text: str) -> None:
    with contextlib.suppress(LimitsInvalid):
        assert isinstance(limits_of(document(text)), Limits)
