"""Each recipe of the page of expressions compiles and can be met; each trap is one."""

from collections.abc import Mapping
from typing import Any, Final

import pytest
import yaml

from gameday.actions.network_partition.action import cuts_of
from gameday.api.checks import check
from gameday.api.parse import plan_of
from gameday.engine.cel.comparisons import kinds_at
from gameday.engine.cel.expressions import INCREASES, ExpressionError, OutcomeKind, compile_expression
from gameday.engine.cel.functions import FUNCTIONS as OWN
from gameday.engine.cel.reader import FUNCTIONS
from gameday.engine.cel.tokens import COMPREHENSIONS
from gameday.engine.evidence.type_mismatches import type_mismatches
from gameday.model.plan import Mode
from gameday.probes.kinds import KINDS
from pages import DOCS, blocks, section, tables

PAGE: Final = DOCS / "expressions.md"
PROBES, *RECIPES = (yaml.safe_load(block) for block in blocks(PAGE, "yaml"))
STAGE: Final = {"always": "outage", "becomes": "outage", "eventually": "recovery"}
DEPENDENCY: Final = {"name": "redis", "redis": {"service": {"name": "redis"}}}
PARTITION: Final = {"podSelector": {"matchLabels": {"app": "api"}}, "to": ["redis"]}
REFUSED, MISLEADING = tables(section(PAGE, "Traps"))

ALERT: Final = {"labels": {"alertname": "RedisDown"}, "name": "x", "severity": "page"}
WELL: Final[dict[str, Any]] = {
    "api": {"ok": True, "error": "", "latency": 0.1, "status": 200.0, "body": {"redis": "ok", "n": 3.0}, "text": "ok"},
    "alerts": {"ok": True, "error": "", "latency": 0.1, "status": 200.0, "body": [ALERT]},
    "metrics": {"ok": True, "error": "", "latency": 0.1},
    "jobs": {"ok": True, "error": "", "latency": 0.01, "role": "master", "depth": 3.0, "completed": 125.0},
    "workers": {"ok": True, "error": "", "latency": 0.0, "replicas": 3.0, "ready": 3.0, "updated": 3.0},
    "slow": {"ok": True, "error": "", "latency": 0.01, "value": 0.3, "labels": {}},
    "baseline": {"api": {"latency": 0.1}, "jobs": {"depth": 2.0}},
    INCREASES: {
        'metrics["http_requests_total{code=\\"500\\"}"]': 0.0,
        'metrics["http_requests_total{code=\\"200\\"}"]': 90.0,
        "jobs.completed": 25.0,
    },
}
ILL: Final = WELL | {
    "api": {"ok": False, "error": "http 503", "latency": 0.1, "status": 503.0, "body": {"error": "redis"}}
}


def spec(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """A plan around one expectation."""
    (verb,) = STAGE.keys() & recipe.keys()
    made: dict[str, Any] = {
        "dependencies": [DEPENDENCY],
        "probes": PROBES["probes"],
        "outage": {"duration": "5m", "faults": [{"name": "cut", "networkPartition": PARTITION}], "expect": []},
        "recovery": {"within": "10m", "expect": []},
    }
    made[STAGE[verb]]["expect"].append(recipe)
    return made


def code(cell: str) -> str:
    """The expression in a cell of a table."""
    return cell.removeprefix("`").partition("`")[0]


def test_each_recipe_is_one_expectation() -> None:
    assert len(RECIPES) >= 10
    assert all(len(recipe) == 1 for recipe in RECIPES)


@pytest.mark.parametrize("recipe", [recipe for (recipe,) in RECIPES], ids=lambda recipe: recipe["name"])
def test_nothing_is_wrong_with_a_recipe(recipe: dict[str, Any]) -> None:
    plan = plan_of("recipes", spec(recipe))
    assert check(plan) == ()
    assert len(cuts_of(plan)) == 1


@pytest.mark.parametrize("recipe", [recipe for (recipe,) in RECIPES], ids=lambda recipe: recipe["name"])
def test_a_recipe_is_true_where_it_should_be(recipe: dict[str, Any]) -> None:
    """Of a system that is well: always and eventually; under the fault: becomes, which is false before."""
    mode = next(mode for mode in Mode if mode.value in recipe)
    expression = compile_expression(recipe[mode.value])
    env = ILL if mode is Mode.BECOMES else WELL
    assert expression.evaluate(env).kind is OutcomeKind.TRUE
    if mode is Mode.BECOMES and "alerts" not in expression.probes:
        assert expression.evaluate(WELL).kind is OutcomeKind.FALSE


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: code(row[0]))
def test_a_trap_is_refused_or_compares_unlike_kinds(row: list[str]) -> None:
    try:
        expression = compile_expression(code(row[0]))
    except ExpressionError:
        return
    assert type_mismatches(expression, lambda path: frozenset(kinds_at(path, WELL)))


@pytest.mark.parametrize("row", MISLEADING, ids=lambda row: code(row[0]))
def test_what_may_mislead_compiles(row: list[str]) -> None:
    compile_expression(code(row[0]))


@pytest.mark.parametrize("row", [*REFUSED, *MISLEADING], ids=lambda row: code(row[2]))
def test_what_to_write_instead_compiles(row: list[str]) -> None:
    if row[2].startswith("`") and "..." not in code(row[2]):
        compile_expression(code(row[2]))


@pytest.mark.parametrize("text", ["api.body.n < 5", "has(api.body.a.b)", "!api.ok && api.body.n < 5"])
def test_what_is_not_there_is_missing_and_so_false(text: str) -> None:
    assert compile_expression(text).evaluate(ILL).kind is OutcomeKind.MISSING


def test_a_way_around_what_is_missing() -> None:
    assert compile_expression("!api.ok || api.body.n < 5").evaluate(ILL).kind is OutcomeKind.TRUE
    assert compile_expression("has(api.body.a) && has(api.body.a.b)").evaluate(ILL).kind is OutcomeKind.FALSE


def test_every_value_of_every_kind_of_probe_is_named() -> None:
    text = section(PAGE, "What it may read")
    for kind in KINDS:
        assert f"(probes/{kind.name}.md)" in text
        assert [name for name in kind.gives if name != "NAME" and f"`{name}`" not in text] == []


def test_every_function_is_named_and_no_other() -> None:
    (rows,) = tables(section(PAGE, "Functions"))
    named = {name.strip("` ").partition("(")[0] for row in rows for name in row[0].split("`, `")}
    assert named == FUNCTIONS | COMPREHENSIONS
    assert {"near", "atMost"} <= OWN.keys()
