"""The means that expressions compare with."""

from gameday.engine.cel.paths import Path
from gameday.engine.evidence.baseline import as_seen, means, numbers_at
from gameday.model.sample import Value


def test_a_path_that_never_held_a_number_is_left_out() -> None:
    paths: list[Path] = [("a", "n"), ("a", "flag"), ("a", "nope"), ("b", "n")]
    views: list[dict[str, Value]] = [{"n": 1.0, "flag": True}, {"n": "many"}, {"n": 4.0}]
    assert means(paths, {"a": views}) == {"a.n": 2.5}


def test_true_is_not_a_number_and_null_is_not_zero() -> None:
    assert list(numbers_at(("n",), [{"n": True}, {"n": None}, {"n": 0.0}, {}, {"n": float("nan")}])) == [0.0]


def test_what_is_recorded_is_what_expressions_see() -> None:
    recorded = {"a.body.n": 1.0, 'a.body["x y"]': 2.0, "b.latency": 3.0}
    assert as_seen(recorded) == {"a": {"body": {"n": 1.0, "x y": 2.0}}, "b": {"latency": 3.0}}
