"""Action items: days are days, links lead to the web, and no item makes another plan."""

from typing import Any

import pytest

from gameday.api.parse import canonical, plan_of
from gameday.errors import PlanInvalid
from unit.controller.process.test_operator import GAMEDAY


def spec(*items: dict[str, str]) -> dict[str, Any]:
    return {**GAMEDAY["spec"], "actionItems": list(items)}


def test_an_item_needs_its_text_alone_and_changes_no_plan() -> None:
    item = {"text": "Alert on the oldest job"}
    assert canonical(spec(item)) == canonical(GAMEDAY["spec"])
    assert plan_of("small", spec(item)) == plan_of("small", GAMEDAY["spec"])


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("due", "18.12.2026", "due"),
        ("due", "2026-02-30", "2026-02-30 is not a date that exists: write a day such as 2026-12-18"),
        ("closed", "yes", "closed"),
        ("link", "javascript:alert(1)", "link"),
        ("link", 'https://x/" onclick="y', "link"),
        ("text", "", "text"),
        ("who", "Maya", "who"),
    ],
)
def test_what_is_no_item_is_refused_by_its_path(field: str, value: str, said: str) -> None:
    with pytest.raises(PlanInvalid, match=said) as refused:
        plan_of("small", spec({"text": "x"} | {field: value}))
    assert "actionItems[0]" in refused.value.findings[0][0]
