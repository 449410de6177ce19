"""The machine state in a Drill's status: one text, ``status.state``, that begins with its version.

It holds the frozen plan, what the engine knows and what the preflight decided. Fields with their default are left out,
so a default that changes its meaning needs a new version, as does a field that goes or is renamed: raise ``VERSION`` in
``migration.py`` and say there how the old form becomes the new one. A text that is not exactly this is unreadable, and
then what the undo log names is undone (``controller/drill/restore.py``): a guess could leave a fault behind.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from gameday.api.migration import MIGRATIONS, VERSION, State, gathered
from gameday.api.packing import packed, unpacked
from gameday.errors import StateUnreadable
from gameday.model.dry_run import DryRun
from gameday.model.record import Doubt, DrillRecord
from gameday.model.setup import Setup
from gameday.schema.bounds import LINE, MACHINE_BYTES, PLAN_BYTES, STATE_BYTES, cut

TEXTS: Final = (LINE, 256, 64, 0)
"""Characters of each message in the state: as many as fit."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What an earlier process left, but for the timeline. ``plan`` is the frozen one as canonical JSON, or ""."""

    record: DrillRecord
    setup: Setup | None = None
    plan: str = ""


class _State(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    version: Literal[2] = 2
    plan: Annotated[str, Field(max_length=PLAN_BYTES)] = ""
    engine: DrillRecord
    setup: Setup | None = None


_SETUP: Final = TypeAdapter(Setup)


def state_text(record: DrillRecord, setup: Setup | None, plan: str = "", texts: tuple[int, ...] = TEXTS) -> str:
    """The state as text; where it would be too large, its messages are shortened. The timeline stands elsewhere."""
    text = ""
    for most in texts:
        decided = _decided(record, setup, most)
        text = packed(f'{{"plan":{json.dumps(plan)},{decided[1:]}' if plan else decided, VERSION)
        if len(decided.encode()) <= STATE_BYTES and len(text) <= MACHINE_BYTES:
            break
    return text


def decided_bytes(record: DrillRecord, setup: Setup | None, texts: tuple[int, ...] = TEXTS) -> int:
    """Size of what the engine and the preflight decided, with messages of the shortest of these lengths."""
    return len(_decided(record, setup, min(texts)).encode())


def setup_bytes(setup: Setup) -> int:
    """Size of a setup within the state."""
    return len(_SETUP.dump_json(setup, exclude_none=True, exclude_defaults=True))


def read_state(status: Mapping[str, Any], namespace: str = "") -> Saved:
    """What an earlier process left in a status; ``namespace`` is its Drill's, which only who dials needs.

    Raises:
        StateUnreadable: when it is damaged, was edited, or is of a newer operator.

    """
    state = _validated(_migrated(gathered(unpacked(status["state"]), status, namespace)))
    return Saved(state.engine, state.setup, state.plan)


def is_older(status: Mapping[str, Any]) -> bool:
    """Whether a status holds a state of an earlier version, which was read and is to be saved as today's."""
    text = status.get("state") or ""
    return text != "" and not text.startswith(f'{{"version":{VERSION},')


def plan_text_of(status: Mapping[str, Any]) -> str:
    """The frozen plan of a status whose other state may be unreadable, or "" if it cannot be read."""
    try:
        state = unpacked(status.get("state") or "")
    except StateUnreadable:
        state = {}
    plan = state.get("plan") or status.get("plan")
    return plan if isinstance(plan, str) and len(plan.encode(errors="replace")) <= PLAN_BYTES else ""


def _decided(record: DrillRecord, setup: Setup | None, most: int) -> str:
    state = _State(engine=_shortened(record, most), setup=setup)
    return state.model_dump_json(exclude_none=True, exclude_defaults=True)


def _migrated(data: State) -> State:
    while (version := data["version"]) != VERSION:
        migrate = MIGRATIONS.get(version)
        if migrate is None:
            text = f"status.state is of version {version}, and this operator reads up to version {VERSION}"
            raise StateUnreadable(f"{text}: run the operator that wrote it")
        try:
            data = migrate(data) | {"version": version + 1}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StateUnreadable(f"status.state of version {version} is damaged: {error!r}") from error
    return data


def _validated(data: State) -> _State:
    try:
        return _State.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"])
        raise StateUnreadable(
            f"status.state was edited or damaged: {cut(path, 128)}: {cut(first['msg'], 128)}"
        ) from error


def _shortened(record: DrillRecord, most: int) -> DrillRecord:
    """The record with each message cut; whatever else it holds stays as it is."""
    waiting = record.waiting
    return replace(
        record,
        stalled_by=cut(record.stalled_by, most),
        waiting=replace(waiting, message=cut(waiting.message, most)) if waiting is not None else None,
        closings=tuple(replace(one, doubt=_cut(one.doubt, most)) if one.doubt else one for one in record.closings),
        aborted_why=cut(record.aborted_why, most),
        message=cut(record.message, most),
        keeping=replace(record.keeping, why=cut(record.keeping.why, most)) if record.keeping else None,
        doubts=tuple(_cut(doubt, most) for doubt in record.doubts),
        results=tuple(r if _fits(r.why, most) else replace(r, why=cut(r.why, most)) for r in record.results),
        steps=tuple(s if _fits(s.message, most) else replace(s, message=cut(s.message, most)) for s in record.steps),
        targets=(),
        dry_run=DryRun() if record.dry_run is not None else None,
        warnings=(),
        timeline=(),
    )


def _cut(doubt: Doubt, most: int) -> Doubt:
    return doubt if _fits(doubt.message, most) else replace(doubt, message=cut(doubt.message, most))


def _fits(text: str, most: int) -> bool:
    return len(text) <= most and text.isascii()
