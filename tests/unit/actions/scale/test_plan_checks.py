"""What a plan says of scaling and restoring: each Deployment is scaled once, and restored after that."""

import pytest

from gameday.actions.scale.kind import Scale
from gameday.actions.scale.restore import Restore
from gameday.api.checks import check
from gameday.model.plan import Step
from unit.preflight.things import plan
from workloads import deployment

OUT = Step("out", Scale(deployment("worker"), 0))
MORE = Step("more", Scale(deployment("worker"), 5))
BACK = Step("back", Restore(deployment("worker")))
OTHER = Step("other", Restore(deployment("api")))


@pytest.mark.parametrize(
    ("steps", "path", "told"),
    [
        (
            (OUT, MORE),
            "spec.rollback.steps[1].scale.deployment",
            "worker is scaled twice: remove this one, or use restore in a step",
        ),
        ((BACK, OUT), "spec.rollback.steps[0].restore.deployment", "no earlier step scales worker"),
        ((OUT, OTHER), "spec.rollback.steps[1].restore.deployment", "no earlier step scales api"),
    ],
    ids=["twice", "before it", "another"],
)
def test_what_cannot_be_put_back_is_a_finding(steps: tuple[Step, ...], path: str, told: str) -> None:
    (found,) = [str(one) for one in check(plan(None, *steps)) if one.path.startswith("spec.rollback")]
    assert found.startswith(f"{path}: ")
    assert told in found


def test_a_scale_with_its_restore_is_none() -> None:
    assert not [one for one in check(plan(None, OUT, BACK)) if one.path.startswith("spec.rollback")]
