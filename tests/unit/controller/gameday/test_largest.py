"""The largest status that the model allows is saved: whatever a plan lets through must be able to end."""

from dataclasses import replace
from random import Random

import pytest

from gameday.api.parse import PlanTooBig
from gameday.api.record import saved_of
from gameday.api.state import decided_bytes, state_text
from gameday.cluster.resources import DRILLS, Object
from gameday.controller.drill.persisted_drill import PersistedDrill
from gameday.controller.gameday.gamedays import read_spec
from gameday.controller.gameday.largest import figures
from gameday.schema.bounds import MACHINE_BYTES, PLAN_BYTES, SHOWN_BYTES, STATE_BYTES, STATUS_BYTES, json_bytes
from largest import LETTERS, largest_plan, largest_record, largest_setup, spec_of
from simulation.store import Store
from simulation.world import World


def largest_status(letter: str) -> Object:
    """What the memory of a drill of the largest plan writes when everything has happened."""
    plan, text, digest = largest_plan(letter)
    drill: Object = {"metadata": {"name": "d", "namespace": "shop", "uid": "u"}, "spec": {"gameDay": "large"}}
    persisted = PersistedDrill(None, drill, lambda _: None, lambda _, __: None, lambda: 0.0)  # type: ignore[arg-type]
    persisted.freeze(plan, text, digest)
    persisted.setup, persisted.measurements = largest_setup(), tuple(figures(plan))
    return persisted._status(largest_record(plan, letter), bare_now=False)


@pytest.mark.parametrize("letter", LETTERS)
def test_the_largest_status_is_admitted_and_nothing_of_the_undo_log_is_lost(letter: str) -> None:
    status = largest_status(letter)
    store = Store(World(1))
    made = store.create("person", DRILLS, "shop", {"metadata": {"name": "d"}, "spec": {"gameDay": "large"}})
    store.replace_status("operator", DRILLS, "shop", "d", made | {"status": status})
    assert len(status["state"]) <= MACHINE_BYTES
    people = {name: value for name, value in status.items() if name != "state"}
    assert SHOWN_BYTES * 0.6 < json_bytes(people) <= SHOWN_BYTES
    assert json_bytes(status) <= STATUS_BYTES
    wanted = largest_record(largest_plan(letter)[0], letter)
    assert [entry["name"] for entry in status["undo"]] == [change.name for change in wanted.changes]
    read = saved_of(status)
    assert read is not None
    assert len(read.plan.encode()) <= PLAN_BYTES
    assert decided_bytes(read.record, read.setup) <= STATE_BYTES
    assert read.record.changes == wanted.changes
    assert [replace(result, why="") for result in read.record.results] == [replace(r, why="") for r in wanted.results]
    assert read.setup == largest_setup()


def test_a_plan_whose_drills_could_not_be_saved_is_refused_with_sizes() -> None:
    with pytest.raises(
        PlanTooBig, match=r"of 72 expectations and 32 steps .* bytes in a Drill's status, and at most \d+"
    ):
        read_spec("large", spec_of(24, "x"))


def test_the_largest_state_beside_a_plan_that_hardly_compresses_fits() -> None:
    letters = Random(1).choices([chr(n) for n in range(32, 127) if chr(n) not in '"\\'], k=PLAN_BYTES)
    plan = largest_plan("x")[0]
    text = state_text(largest_record(plan, "ü"), largest_setup(), "".join(letters))
    assert len(text) <= MACHINE_BYTES
    saved = saved_of({"state": text})
    assert saved is not None
    assert (saved.plan, saved.setup) == ("".join(letters), largest_setup())
