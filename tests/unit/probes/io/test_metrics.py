"""Series of an exposition: the one that is meant, or why it is unknown."""

from typing import Any

import pytest

from gameday.engine.cel.expressions import compile_expression
from gameday.probes.io.metrics import metrics

EXPOSITION = b"""# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{method="get",code="200"} 10
http_requests_total{method="get",code="500"} 2
http_requests_total{code="500",method="post"} 3 1764000000000
up 1
up_since 1.7e9
depth{queue="a b,c=\\"d\\""} 7
broken{a="\\} 1
broken 2
sick NaN
high +Inf
mixed{x="1"} NaN
mixed{x="2"} 5
latency_bucket{le="0.1"} 8
latency_bucket{le="+Inf"} 9
latency_sum 1.5
latency_count 9
rpc{quantile="0.5"} 0.2
rpc{quantile="0.9"} 0.4
{"quoted.name",a="b"} 4
{"spoilt.name",a=b} 4
"""
NAME = "series have this name: select one by its labels, ['NAME{label=\"value\"}']"
LABELS = "series have these labels: add labels until only one matches"
BROKEN = "a series of this name cannot be read"


@pytest.mark.parametrize(
    ("key", "outcome"),
    [
        ("up", 1.0),
        ("up_", None),
        ("no_such_metric", None),
        ("http_requests_total", f"3 {NAME}"),
        ('http_requests_total{code="500"}', f"2 {LABELS}"),
        ('http_requests_total{code="500",method="post"}', 3.0),
        ('http_requests_total{method="post", code="500"}', 3.0),
        ('http_requests_total{code="200"}', 10.0),
        ('http_requests_total{code="404"}', None),
        ('http_requests{code="200"}', None),
        ('depth{queue="a b,c=\\"d\\""}', 7.0),
        ("broken", BROKEN),
        ('broken{b="1"}', BROKEN),
        ("sick", "its value is nan"),
        ("high", "its value is inf"),
        ('mixed{x="2"}', 5.0),
        ('mixed{x="1"}', "its value is nan"),
        ('latency_bucket{le="0.1"}', 8.0),
        ('latency_bucket{le="+Inf"}', 9.0),
        ("latency_bucket", f"2 {NAME}"),
        ("latency", None),
        ("latency_count", 9.0),
        ('rpc{quantile="0.9"}', 0.4),
        ("quoted.name", 4.0),
        ("spoilt.name", BROKEN),
        ("up{", 'not the name of a metric with labels: write NAME{label="value"}'),
        ('up{a=~"b"}', 'not the name of a metric with labels: write NAME{label="value"}'),
    ],
)
async def test_a_key_gives_one_number_or_why_it_is_unknown(key: str, outcome: Any) -> None:
    numbers, unknown = await metrics(EXPOSITION, [key, "up"])
    assert numbers.get("up") == 1.0, "others are read all the same"
    assert numbers.get(key) == (outcome if isinstance(outcome, float) else None)
    assert unknown == ((((key,), outcome),) if isinstance(outcome, str) else ())


def test_expressions_choose_a_series_by_its_labels() -> None:
    expression = compile_expression("""metrics['http_requests_total{code="500"}'] < 5 && metrics.up == 1""")
    assert expression.paths == (("metrics", 'http_requests_total{code="500"}'), ("metrics", "up"))
