"""What a GameDay's conditions say of its plan, by the rules of kstatus."""

import copy

import pytest

from gameday.cluster.resources import Object
from gameday.controller.gameday.gamedays import readiness
from gameday.model.limits import UNLIMITED, Limits, LimitsState, LimitsValidity
from unit.api.test_conditions import kstatus
from unit.controller.process.test_operator import GAMEDAY


def refused() -> Object:
    """A GameDay whose plan names a probe that is not there."""
    gameday: Object = copy.deepcopy(GAMEDAY)
    gameday["spec"]["steadyState"]["expect"] = [{"name": "healthy", "always": "nobody.ok"}]
    return gameday


def test_a_plan_that_can_run_is_ready() -> None:
    found = readiness(GAMEDAY, UNLIMITED)
    assert [one[:3] for one in found] == [("Ready", "True", "PlanValid")]
    assert kstatus(found) == "Current"


@pytest.mark.parametrize(
    ("gameday", "limits_state", "state", "reason", "computed"),
    [
        (refused(), UNLIMITED, "Stalled", "GameDayInvalid", "Failed"),
        (GAMEDAY, LimitsState(Limits(max_outage=0.1)), "Stalled", "LimitExceeded", "Failed"),
        (GAMEDAY, LimitsState(state=LimitsValidity.INVALID, why="no"), "Reconciling", "LimitsInvalid", "InProgress"),
    ],
    ids=["a plan that is refused", "a plan beyond the limits", "limits that the administrator must mend"],
)
def test_a_plan_that_cannot_run_says_who_must_act(
    gameday: Object, limits_state: LimitsState, state: str, reason: str, computed: str
) -> None:
    found = readiness(gameday, limits_state)
    assert [one[:3] for one in found] == [("Ready", "False", reason), (state, "True", reason)]
    assert found[0][3] == found[1][3] != ""
    assert kstatus(found) == computed
