"""Calico's selectors: what they select, and that nothing is guessed of what is not understood."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameday.preflight.policies.calico_selectors import matches

LABELS = {"app": "api", "team": "shop", "app.kubernetes.io/name": "shop-api"}


@pytest.mark.parametrize(
    "selector",
    [
        "",
        "all()",
        "  all( )  ",
        "app == 'api'",
        'app == "api"',
        "app != 'redis'",
        "tier != 'front'",
        "app in {'api', 'worker'}",
        "tier not in {'front'}",
        "app not in { }",
        "has(team)",
        "!has(tier)",
        "app.kubernetes.io/name contains 'api'",
        "app.kubernetes.io/name starts with 'shop'",
        "app.kubernetes.io/name ends with '-api'",
        "app == 'api' && team == 'shop'",
        "app == 'redis' || team == 'shop'",
        "app == 'redis' && team == 'shop' || has(app)",
        "app == 'api' && (team == 'x' || team == 'shop')",
        "!(app == 'redis')",
        "! ! has(app)",
    ],
)
def test_selects(selector: str) -> None:
    assert matches(selector, LABELS) is True


@pytest.mark.parametrize(
    "selector",
    [
        "global()",
        "app == 'redis'",
        "tier == ''",
        "app != 'api'",
        "app in {}",
        "app in {'worker'}",
        "team not in {'shop'}",
        "has(tier)",
        "tier contains ''",
        "app starts with 'pi'",
        "has(app) && has(tier) || has(tier)",
        "has(app) && (has(tier) || has(tier))",
        "!all()",
    ],
)
def test_does_not_select(selector: str) -> None:
    assert matches(selector, LABELS) is False


@pytest.mark.parametrize(
    "selector",
    [
        "app = 'api'",
        "app == api",
        "app == 'api",
        "app in ('api')",
        "app in {'api',}",
        "app in {'api' 'b'}",
        "any()",
        "has('app')",
        "has(app",
        "app",
        "app == 'api' &&",
        "&& has(app)",
        "has(app) has(team)",
        "app ~ 'a.*'",
        "starts with 'x'",
        "(" * 3000 + "all()" + ")" * 3000,
        "!" * 3000 + "all()",
    ],
)
def test_what_is_not_understood_is_not_decided(selector: str) -> None:
    assert matches(selector, LABELS) is None


@pytest.mark.parametrize(
    ("selector", "selects"),
    [
        ("pcsa.role == 'x'", None),
        ("!has(pcsa.role)", None),
        ("pcsa.role == 'x' || has(app)", True),
        ("pcsa.role == 'x' && has(tier)", False),
        ("pcsa.role == 'x' && has(app)", None),
    ],
)
def test_labels_that_are_not_known_decide_nothing(selector: str, selects: bool | None) -> None:
    assert matches(selector, LABELS, ("pcsa.",)) is selects


@given(st.text(alphabet="ab ()!&|={}',.hasnotinal", max_size=60))
def test_any_text_has_an_answer(selector: str) -> None:
    assert matches(selector, LABELS) in {True, False, None}
