"""The largest status that the model allows, in letters of one to four bytes: a real API server takes it."""

import pytest

from e2e.namespaces import TeamNamespace, kubectl
from gameday.api.lines import expectations_of
from gameday.api.record import saved_of
from gameday.cluster.resources import DRILLS, Object
from gameday.controller.drill.persisted_drill import PersistedDrill
from gameday.controller.gameday.largest import figures
from largest import LETTERS, largest_plan, largest_record, largest_setup

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("letter", LETTERS, ids=["one byte", "two bytes", "three bytes", "four bytes", "quotes"])
async def test_the_largest_status_is_saved_and_comes_back_as_it_was(letter: str, ns: TeamNamespace) -> None:
    plan, text, digest = largest_plan(letter)
    body: Object = {"apiVersion": DRILLS.api_version, "kind": "Drill", "metadata": {"name": "large"}}
    ns.apply(body | {"spec": {"gameDay": "nobody"}})
    drill = await ns.admin.get(DRILLS, ns.namespace, "large")
    assert drill is not None
    said = list[str]()
    persisted = PersistedDrill(
        ns.admin, dict(drill), lambda line: said.append(line.reason), lambda _, __: None, lambda: 0.0
    )
    persisted.freeze(plan, text, digest)
    persisted.setup, persisted.measurements = largest_setup(), tuple(figures(plan))
    record = largest_record(plan, letter)
    await persisted.save(record)
    assert "StatusRefused" not in said
    saved = await ns.admin.get(DRILLS, ns.namespace, "large")
    assert saved is not None
    read = saved_of(saved["status"])
    assert read is not None
    assert read.record.changes == record.changes
    assert (read.setup, read.plan) == (largest_setup(), text)
    assert len(expectations_of(saved["status"])) == len(record.results)
    kubectl("-n", ns.namespace, "delete", "drill", "large", "--wait=false")
