"""What of an answer leaves the observer: the paths that expressions use, whole, or unknown with a reason."""

from typing import Any

import pytest

from gameday.probes.io.secrets import Secrets
from gameday.probes.io.select import Path, select_paths

MANY = "expressions use more than 256 values of one answer"
LONG = "longer than 256 characters"


def kept(values: dict[str, Any], *paths: Path) -> tuple[dict[str, Any], tuple[Any, ...]]:
    return select_paths(values, paths, Secrets())


@pytest.mark.parametrize("body", [[], [{"x": "a"}], 5, "text", None, True, 1.5])
def test_any_json_value_is_kept_as_body(body: Any) -> None:
    assert kept({"status": 200, "body": body}, ("body",)) == ({"body": body}, ())


def test_an_index_keeps_a_list_as_far_as_it_reaches_and_only_what_is_wanted() -> None:
    body = [{"x": n, "y": "z" * 1000} for n in range(1000)]
    assert kept({"body": body}, ("body", 0, "x")) == ({"body": [{"x": 0}]}, ())
    assert kept({"body": body}, ("body", 2, "x"), ("body", 0, "x")) == ({"body": [{"x": 0}, None, {"x": 2}]}, ())
    assert kept({"body": body[:1]}, ("body", 2, "x")) == ({"body": [None]}, ())


def test_a_path_into_a_value_of_another_kind_shows_that_kind() -> None:
    assert kept({"body": [1]}, ("body", "x")) == ({"body": []}, ())
    assert kept({"body": {"0": 1}}, ("body", 0)) == ({"body": {}}, ())
    assert kept({"body": "ok"}, ("body", "x")) == ({"body": "ok"}, ())
    assert kept({"body": 7}, ("body", "x")) == ({"body": 7}, ())


def test_what_is_cut_is_left_out_and_unknown_and_its_neighbours_stay() -> None:
    body = {"note": "x" * 257, "n": 1, "list": ["x" * 257, "y"]}
    assert kept({"body": body}, ("body",)) == (
        {"body": {"n": 1, "list": [None, "y"]}},
        ((("body", "note"), LONG), (("body", "list", 0), LONG)),
    )
    assert kept({"body": body}, ("body", "n"), ("body", "note")) == ({"body": {"n": 1}}, ((("body", "note"), LONG),))


def test_a_path_with_too_many_values_is_unknown_and_other_paths_stay() -> None:
    values = {"status": 200, "body": {"many": list(range(300)), "few": [1, 2]}}
    paths: tuple[Path, ...] = (("status",), ("body", "many"), ("body", "few"))
    assert kept(values, *paths) == ({"status": 200, "body": {"few": [1, 2]}}, ((("body", "many"), MANY),))
    assert kept({"body": list(range(300))}, ("body", 299)) == ({}, ((("body",), MANY),))


def test_deep_values_are_unknown_where_they_are_cut() -> None:
    deep: Any = 1
    for _ in range(30):
        deep = {"d": deep}
    values, unknown = kept({"body": deep}, ("body",))
    assert unknown == ((("body", *["d"] * 8), "nested deeper than 8 levels"),)
    assert values["body"]["d"]["d"]["d"]["d"]["d"]["d"]["d"] == {}
    _, unknown = kept({"body": deep}, ("body", *["d"] * 30))
    assert unknown == ((("body", *["d"] * 14), "nested deeper than 16 levels"),)


@pytest.mark.parametrize("value", [2**53 + 1, -(2**53) - 1, 10**400, float("inf"), float("nan")])
def test_a_number_that_no_double_holds_is_unknown(value: float) -> None:
    assert kept({"body": value}, ("body",)) == ({}, ((("body",), "a number that a double cannot hold exactly"),))


@pytest.mark.parametrize("value", [2**53, -(2**53), 1e300, 0.1, 0])
def test_other_numbers_are_kept(value: float) -> None:
    assert kept({"body": value}, ("body",)) == ({"body": value}, ())


def test_a_path_that_wants_the_whole_takes_the_place_of_those_below_it() -> None:
    assert kept({"body": {"x": 1, "y": 2}}, ("body", "x"), ("body",)) == ({"body": {"x": 1, "y": 2}}, ())
